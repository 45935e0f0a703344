//! The shipped spec of Hecto, compared with the tables of its document.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pabal_clock::{DayRule, TimeOfDay, UtcOffset};
use pabal_spec::{
    Answered, Confirm, Effect, FillRule, Loaded, Numbered, Operand, Protocol, SettleRule, Source, Test, Unknown,
    Verdict, load,
};
use pabal_telegram::{Class, Equal, Fill, Kind, Side, Slice, Stamp};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../specs/hecto")
}

fn loaded() -> Loaded {
    let sources = ["codes.csv", "firmbanking.spec"].map(|name| Source {
        name: name.into(),
        text: std::fs::read_to_string(folder().join(name)).expect("a shipped file"),
    });
    load(&sources).unwrap_or_else(|found| panic!("{found:#?}"))
}

fn firmbanking() -> Arc<Protocol> {
    Arc::clone(loaded().institution.protocol("firmbanking").expect("the protocol"))
}

const fn at(offset: u32, len: u32) -> Slice {
    Slice { offset, len }
}

#[test]
fn it_has_no_mistake_and_no_warning() {
    let loaded = loaded();
    assert_eq!(loaded.warnings, []);
    assert_eq!((&*loaded.institution.name, &*loaded.institution.label), ("hecto", "헥토파이낸셜"));
}

/// Cells of a table's line; quotes stand around a whole cell only.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            other => cells.last_mut().expect("a cell").push(other),
        }
    }
    cells
}

/// Label, offset and length of each row of a table.
fn table(name: &str) -> Vec<(String, Slice)> {
    let text = std::fs::read_to_string(folder().join("layouts").join(name)).expect("a table");
    let rows = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    rows.map(|line| {
        let cells = cells(line);
        let offset = cells[5].strip_prefix("off=").and_then(|rest| rest.split(';').next()).expect("an offset");
        (cells[1].clone(), at(offset.parse().expect("an offset"), cells[4].parse().expect("a length")))
    })
    .collect()
}

#[test]
fn every_field_is_where_its_table_says() {
    let header = table("hecto_fb_common_header.csv");
    let poll = table("hecto_fb_polling.csv");
    let with = |name: &str| [header.clone(), table(name)].concat();
    let protocol = firmbanking();
    let expected = [
        ("poll_request", 20, poll.clone()),
        ("poll_answer", 20, poll),
        ("open", 300, with("hecto_fb_1000_100_open.csv")),
        ("transfer", 300, with("hecto_fb_2000_100_transfer.csv")),
        ("reserve_transfer", 400, with("hecto_fb_2000_105_reserve_transfer.csv")),
        ("trust", 300, with("hecto_fb_2000_106_trust.csv")),
        ("mistaken_transfer_return", 400, with("hecto_fb_2000_161_mistaken_transfer_return.csv")),
        ("collection", 300, with("hecto_fb_2000_200_collection.csv")),
        ("debit_account_register", 300, with("hecto_fb_2000_550_debit_account_register.csv")),
        ("transfer_fail", 300, with("hecto_fb_3000_100_transfer_fail_notice.csv")),
        ("deposit", 300, with("hecto_fb_4000_100_deposit_notice.csv")),
        ("deposit_long", 400, with("hecto_fb_4000_100_deposit_notice_400.csv")),
        ("deposit_gap", 300, with("hecto_fb_4000_200_deposit_gap_request.csv")),
        ("fx_deposit", 300, with("hecto_fb_4000_300_fx_deposit_notice.csv")),
        ("bill", 300, with("hecto_fb_4000_500_bill_notice.csv")),
        ("holder_name", 300, with("hecto_fb_6000_100_holder_name.csv")),
        ("fx_rate", 300, with("hecto_fb_6000_500_fx_rate.csv")),
        ("transfer_result", 300, with("hecto_fb_7000_100_transfer_result_inquiry.csv")),
        ("balance", 300, with("hecto_fb_7000_200_balance.csv")),
        ("totals", 300, with("hecto_fb_7000_300_transfer_totals.csv")),
    ];
    assert_eq!(protocol.catalog.layouts.len(), expected.len());
    for (name, len, rows) in expected {
        let (_, layout) = protocol.catalog.find(name).expect("a telegram");
        let fields: Vec<_> = layout.fields().iter().map(|field| (field.label.to_string(), field.at)).collect();
        assert_eq!((layout.len(), fields), (len, rows), "{name}");
    }
}

/// What each telegram's table says beside its rows: (place, what the company fills, what the bank fills, sensitive).
fn marks(name: &str) -> Vec<(Slice, char, char, bool)> {
    let text = std::fs::read_to_string(folder().join("layouts").join(name)).expect("a table");
    let rows = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    rows.zip(table(name))
        .map(|(line, (_, at))| {
            let mark = |party: &str| line.split(party).nth(1).and_then(|rest| rest.chars().next()).expect("a mark");
            (at, mark("company="), mark("bank="), line.contains("sensitive"))
        })
        .collect()
}

const BODIES: [(&str, &str, bool); 17] = [
    ("transfer", "hecto_fb_2000_100_transfer.csv", true),
    ("reserve_transfer", "hecto_fb_2000_105_reserve_transfer.csv", true),
    ("trust", "hecto_fb_2000_106_trust.csv", true),
    ("mistaken_transfer_return", "hecto_fb_2000_161_mistaken_transfer_return.csv", true),
    ("collection", "hecto_fb_2000_200_collection.csv", true),
    ("debit_account_register", "hecto_fb_2000_550_debit_account_register.csv", true),
    ("transfer_fail", "hecto_fb_3000_100_transfer_fail_notice.csv", false),
    ("deposit", "hecto_fb_4000_100_deposit_notice.csv", false),
    ("deposit_long", "hecto_fb_4000_100_deposit_notice_400.csv", false),
    ("deposit_gap", "hecto_fb_4000_200_deposit_gap_request.csv", true),
    ("fx_deposit", "hecto_fb_4000_300_fx_deposit_notice.csv", false),
    ("bill", "hecto_fb_4000_500_bill_notice.csv", false),
    ("holder_name", "hecto_fb_6000_100_holder_name.csv", true),
    ("fx_rate", "hecto_fb_6000_500_fx_rate.csv", true),
    ("transfer_result", "hecto_fb_7000_100_transfer_result_inquiry.csv", true),
    ("balance", "hecto_fb_7000_200_balance.csv", true),
    ("totals", "hecto_fb_7000_300_transfer_totals.csv", true),
];

/// Whether the company asks stands behind each: the tables say what company and bank fill, a spec what asker and answerer fill.
#[test]
fn each_side_fills_what_its_table_marks() {
    let protocol = firmbanking();
    for (telegram, name, by_company) in BODIES {
        let (_, layout) = protocol.catalog.find(telegram).expect("a telegram");
        for (at, company, bank, _) in marks(name) {
            let field = layout.fields().iter().find(|field| field.at == at).expect("a field");
            // The one kind of inquiry whose values are not published may be left out.
            if matches!(field.kind, Kind::Filler) || *field.path == *"inquiry_type" {
                continue;
            }
            let [asker, answerer] = if by_company { [company, bank] } else { [bank, company] };
            for (mark, side) in [(asker, Side::Asker), (answerer, Side::Answerer)] {
                assert_eq!(field.may_be_given_by(side), mark != '-', "{telegram} {}: {side:?} {mark}", field.path);
            }
        }
    }
}

#[test]
fn what_the_document_calls_sensitive_is_not_public() {
    let protocol = firmbanking();
    let mut sensitive = 0;
    for (telegram, name, _) in BODIES {
        let (_, layout) = protocol.catalog.find(telegram).expect("a telegram");
        for (at, ..) in marks(name).into_iter().filter(|(.., sensitive)| *sensitive) {
            let field = layout.fields().iter().find(|field| field.at == at).expect("a field");
            assert_ne!(field.class, Class::Public, "{telegram} {}", field.path);
            sensitive += 1;
        }
    }
    assert!(sensitive >= 45, "{sensitive}");
}

/// The marks are incomplete: what these words of a label mean is never public.
#[test]
fn what_stands_for_a_person_or_an_account_is_not_public() {
    let protocol = firmbanking();
    let classes = [
        ("계좌번호", Class::Account),
        ("비밀번호", Class::Secret),
        ("복기부호", Class::Secret),
        ("예금주명", Class::Name),
        ("성명", Class::Name),
        ("의뢰인명", Class::Name),
        ("수취인명", Class::Name),
        ("송금인실명", Class::Name),
        ("발행인", Class::Name),
        ("배서인", Class::Name),
        ("적요", Class::Name),
        ("사유", Class::Name),
        ("주민번호", Class::Identity),
        ("실명번호", Class::Identity),
        ("사업자번호", Class::Identity),
        ("납부자번호", Class::Identity),
        ("전화번호", Class::Phone),
        ("연락처", Class::Phone),
    ];
    // They hold a word, and mean a kind or a check of it.
    let kinds = ["실명번호체크여부", "실명번호체크구분", "반환사유코드"];
    let mut found = 0;
    for layout in &protocol.catalog.layouts {
        for field in layout.fields().iter().filter(|field| !kinds.contains(&&*field.label)) {
            let meant = classes.iter().rfind(|(word, _)| field.label.contains(word));
            let accounts = ["지급계좌", "입금계좌", "반환계좌"];
            let meant = meant.map(|(_, class)| *class);
            let meant = meant.or(accounts.contains(&&*field.label).then_some(Class::Account));
            if let Some(class) = meant {
                assert_eq!(field.class, class, "{} {} {}", layout.name(), field.path, field.label);
                found += 1;
            }
        }
    }
    assert!(found >= 60, "{found}");
    let (_, transfer) = protocol.catalog.find("transfer").expect("a telegram");
    assert_eq!(transfer.secrets(), [at(115, 8), at(123, 6)]);
}

#[test]
fn the_header_is_read_where_it_stands() {
    let protocol = firmbanking();
    let rules = &protocol.rules;
    assert_eq!(protocol.day, DayRule { zone: UtcOffset::from_hours(9), changes: TimeOfDay::MIDNIGHT });
    assert_eq!(protocol.framing.to_string(), "length ascii(4) exclusive max 4096");
    // send_date bank_code company_no telegram_no
    assert_eq!(rules.key, [at(38, 8), at(21, 3), at(9, 12), at(32, 6)]);
    assert_eq!(rules.trace, [at(38, 8), at(46, 6), at(21, 3), at(9, 12), at(32, 6)]);
    assert_eq!(rules.party, [("id_code".into(), at(0, 9)), ("company_no".into(), at(9, 12))]);
    assert_eq!(rules.participant, Some(("bank_code".into(), at(21, 3))));
    assert_eq!(rules.compartment, rules.participant);
    assert_eq!(rules.response_code, at(52, 4));
    assert_eq!((rules.number.at, rules.number.range.clone(), rules.number.warn), (at(32, 6), 1..=950_000, 900_000));
    assert_eq!(rules.number.scope, [at(38, 8), at(21, 3), at(9, 12)]);
    let stamps: Vec<_> = rules.stamps.iter().map(|stamp| (stamp.at, &*stamp.pattern.pattern)).collect();
    assert_eq!(stamps, [(at(38, 8), "YYYYMMDD"), (at(46, 6), "hhmmss")]);
    let stamped: Vec<_> =
        protocol.catalog.layouts[2].fields().iter().filter(|field| field.fill == Fill::Stamped).collect();
    let stamped: Vec<&str> = stamped.iter().map(|field| &*field.path).collect();
    let expected = ["id_code", "company_no", "message_type", "service_code", "telegram_no", "send_date", "send_time"];
    assert_eq!(stamped, expected);
}

#[test]
fn the_poll_is_made_of_its_constants() {
    let protocol = firmbanking();
    let poll = protocol.rules.poll.as_ref().expect("a poll");
    assert_eq!((poll.after, poll.timeout), (Duration::from_secs(300), Duration::from_secs(10)));
    assert_eq!(&*poll.request, b"HDRREQPOLL0000000000");
    assert_eq!(&*poll.answer, b"HDRRESPOLL0000000000");
    assert_eq!(poll.echo, [at(10, 10)]);
    let [stamp] = poll.stamps.as_slice() else { panic!("{:?}", poll.stamps) };
    assert_eq!((stamp.at, &stamp.pattern), (at(10, 10), &Stamp::new("MMDDhhmmss").unwrap()));
    assert_eq!(protocol.catalog.select(&poll.request), Ok(poll.request_telegram));
    assert_eq!(protocol.catalog.select(&poll.answer), Ok(poll.answer_telegram));
    assert!(matches!(protocol.catalog.layout(poll.answer_telegram).fields()[2].kind, Kind::Stamp(_)));
}

#[test]
fn frames_are_told_apart_by_length_type_and_service() {
    let catalog = &firmbanking().catalog;
    let frame = |len: usize, kind: &str| {
        let mut frame = vec![b' '; len];
        frame[24..31].copy_from_slice(kind.as_bytes());
        frame
    };
    for (kind, name) in [("2000100", "transfer"), ("2100100", "transfer"), ("4000100", "deposit"), ("1100100", "open")]
    {
        assert_eq!(catalog.select(&frame(300, kind)), Ok(catalog.find(name).expect("a telegram").0), "{kind}");
    }
    for (kind, name) in
        [("4000100", "deposit_long"), ("2000105", "reserve_transfer"), ("2100161", "mistaken_transfer_return")]
    {
        assert_eq!(catalog.select(&frame(400, kind)), Ok(catalog.find(name).expect("a telegram").0), "{kind}");
    }
    assert!(catalog.select(&frame(300, "2000105")).is_err(), "it has 400 bytes");
    let unknown = catalog.select(&frame(300, "2000107")).expect_err("an unknown service");
    assert_eq!((unknown.length, unknown.by), (300, vec![b"2000".as_slice().into(), b"107".as_slice().into()]));
    let short = catalog.select(&[b'2'; 26]).expect_err("a short frame");
    assert_eq!((short.length, short.by), (26, vec![b"22".as_slice().into(), b"".as_slice().into()]));
}

#[test]
fn a_transfer_of_which_nothing_is_known_is_asked_about() {
    let protocol = firmbanking();
    let rules = &protocol.rules;
    let (transfer_id, transfer) = rules.exchange("transfer").expect("an exchange");
    assert_eq!((transfer.effect, transfer.timeout), (Effect::Money, Duration::from_secs(30)));
    assert_eq!(transfer.request.bytes, [(at(24, 4), b"2000".as_slice().into()), (at(28, 3), b"100".as_slice().into())]);
    assert_eq!(transfer.answer.bytes, [(at(24, 4), b"2100".as_slice().into()), (at(28, 3), b"100".as_slice().into())]);
    let (inquiry_id, inquiry) = rules.exchange("transfer_result").expect("an exchange");
    let Unknown::Inquire(schedule) = &transfer.unknown else { panic!("{:?}", transfer.unknown) };
    let five_minutes = Duration::from_secs(300);
    assert_eq!((schedule.by, schedule.after, schedule.every), (inquiry_id, five_minutes, five_minutes));
    assert_eq!(Some(schedule.until), TimeOfDay::new(23, 25, 0));

    assert_eq!((inquiry.effect, &inquiry.unknown), (Effect::None, &Unknown::Leave));
    let SettleRule { original, fill, confirm, success, failure } = inquiry.settles.as_ref().expect("what it settles");
    assert_eq!(*original, transfer_id);
    assert_eq!(*fill, [FillRule { from: at(32, 6), to: at(100, 6) }]);
    let account = Equal { space_right: true, ..Equal::default() };
    assert_eq!(
        *confirm,
        [
            Confirm { answer: at(106, 15), original: at(100, 15), equal: account },
            Confirm { answer: at(121, 3), original: at(156, 3), equal: Equal::default() },
            Confirm { answer: at(124, 15), original: at(159, 15), equal: account },
            Confirm { answer: at(139, 13), original: at(129, 13), equal: Equal::default() },
        ]
    );
    let same = |left, right| Test::Same { left: Operand::Answer(left), right, equal: Equal::default() };
    let done = same(at(52, 4), Operand::Literal(b"0000".as_slice().into()));
    assert_eq!(
        success.all,
        [
            done.clone(),
            same(at(193, 4), Operand::Literal(b"0000".as_slice().into())),
            same(at(152, 13), Operand::Answer(at(139, 13))),
        ]
    );
    assert_eq!(
        failure.all,
        [
            done,
            Test::Class { code: at(193, 4), exchange: "transfer".into(), verdict: Verdict::Refused },
            same(at(152, 13), Operand::Literal(b"0000000000000".as_slice().into())),
        ]
    );

    let opening = rules.opening.as_ref().expect("an opening");
    assert_eq!(Some(opening.exchange), rules.exchange("open").map(|(id, _)| id));
    assert_eq!((opening.per.as_slice(), opening.lost), ([at(9, 12), at(21, 3)].as_slice(), Verdict::NotOpen));
}

#[test]
fn a_deposit_is_answered_with_what_it_brought() {
    let protocol = firmbanking();
    let (_, deposit) = protocol.rules.notice("deposit").expect("a notice");
    assert_eq!(deposit.answered, Answered::ByGateway { response_code: b"0000".as_slice().into() });
    let scope = vec![at(38, 8), at(21, 3), at(9, 12)];
    assert_eq!(deposit.numbered, Some(Numbered { at: at(32, 6), scope, first: None }));
    let echo: Vec<_> = deposit.echo.iter().map(|rule| (rule.from, rule.to)).collect();
    // Identity and key, and the relay's own areas.
    let same = [at(0, 9), at(9, 12), at(21, 3), at(32, 6), at(38, 8), at(46, 6), at(56, 15), at(71, 11), at(82, 18)];
    assert_eq!(echo, same.map(|at| (at, at)));
}
