//! What the clauses of the fixture become, at the places that its fields have.

use pabal_clock::TimeOfDay;
use pabal_spec::{
    AlsoVerdict, FillRule, GapRule, Institution, Numbered, Rules, Source, Test, Unselected, Verdict, Wins, load,
};
use pabal_telegram::{Rule, Side, Slice, Telegram, Value, encode};

const WHOLE: &str = include_str!("fixtures/whole.spec");
const TABLE: &str = include_str!("fixtures/codes.csv");

fn institution_of(spec: &str) -> Institution {
    let sources = [("whole.spec", spec), ("codes.csv", TABLE)]
        .map(|(name, text)| Source { name: name.into(), text: text.into() });
    load(&sources).unwrap_or_else(|found| panic!("{found:#?}")).institution
}

fn institution() -> Institution {
    institution_of(WHOLE)
}

fn with_rules(check: impl FnOnce(&Rules)) {
    check(&institution().protocols[0].rules);
}

const fn at(offset: u32, len: u32) -> Slice {
    Slice { offset, len }
}

// The header: company_no 12, bank_code 3, message_type 4, service_code 3, send_count 1, telegram_no 6, send_date 8, send_time 6,
// response_code 4, van_area 13.
const BANK: Slice = at(12, 3);
const NUMBER: Slice = at(23, 6);
const DATE: Slice = at(29, 8);

fn time(hour: u8, minute: u8) -> TimeOfDay {
    TimeOfDay::new(hour, minute, 0).expect("a time of day")
}

#[test]
fn an_opening_is_not_tried_before_its_time() {
    with_rules(|rules| assert_eq!(rules.opening.as_ref().map(|opening| opening.from), Some(time(0, 45))));
    // Where nothing is said, from when the date changes.
    let institution = institution_of(&WHOLE.replace(" from 00:45", ""));
    let opening = institution.protocols[0].rules.opening.as_ref().expect("an opening");
    assert_eq!(opening.from, time(0, 30));
}

#[test]
fn what_is_given_is_filled_by_the_caller_in_this_exchange_alone() {
    let institution = institution();
    let protocol = &institution.protocols[0];
    let (_, gap) = protocol.rules.exchange("gap").expect("an exchange");
    assert_eq!(gap.given, [NUMBER, DATE]);
    let values = [("bank_code", "004"), ("telegram_no", "000017"), ("send_date", "20261121")]
        .map(|(name, value)| (name.into(), Value::from(value)));
    let telegram = encode(&gap.request_layout, Side::Asker, &values).expect("right values");
    assert_eq!((NUMBER.of(&telegram), DATE.of(&telegram)), (Some(&b"000017"[..]), Some(&b"20261121"[..])));
    // They must be given, and the time is still the gateway's.
    let missing = encode(&gap.request_layout, Side::Asker, &values[..1]).unwrap_err();
    assert_eq!(missing.iter().map(|fault| &fault.rule).collect::<Vec<_>>(), [&Rule::Missing, &Rule::Missing]);
    let stamped = encode(
        &gap.request_layout,
        Side::Asker,
        &[values.as_slice(), &[("send_time".into(), "113000".into())]].concat(),
    );
    assert!(matches!(stamped.unwrap_err()[0].rule, Rule::NotYours { .. }));
    // The layout of the catalog is as it was.
    let refused = encode(protocol.catalog.layout(gap.request.telegram), Side::Asker, &values).unwrap_err();
    assert!(refused.iter().all(|fault| matches!(fault.rule, Rule::NotYours { .. })));
    let (_, open) = protocol.rules.exchange("open").expect("an exchange");
    assert_eq!(
        (open.given.as_slice(), &open.request_layout),
        (&[][..], protocol.catalog.layout(open.request.telegram))
    );
}

#[test]
fn banks_that_ask_in_one_second_with_one_number_share_no_trace() {
    with_rules(|rules| {
        let key = |bank: &str, message_type: &str, code: &str| {
            let frame = format!("{:12}{bank}{message_type}1001000001{}003000{code}{:13}", "PABAL01", "20261122", "");
            assert_eq!(frame.len(), 60);
            rules.trace_key(frame.as_bytes()).expect("a whole header")
        };
        assert_ne!(key("004", "1000", "    "), key("088", "1000", "    "));
        assert_eq!(key("004", "1000", "    "), key("004", "1100", "0000"), "the answer has the key of its request");
        assert_eq!(rules.trace_key(b"PABAL01"), None);
    });
}

#[test]
fn a_second_code_stands_in_the_body_of_the_answer() {
    with_rules(|rules| {
        let also = |name: &str| rules.exchange(name).expect("an exchange").1.also;
        // Behind the header, one byte of sign and thirteen digits.
        assert_eq!(also("transfer"), Some(AlsoVerdict { at: at(60 + 1 + 13, 4), wins: Wins::Neither }));
        assert_eq!(also("result"), None);
    });
}

#[test]
fn notices_are_counted_and_their_gaps_filled() {
    with_rules(|rules| {
        let notice = |name: &str| rules.notice(name).expect("a notice").1;
        let exchange = |name: &str| rules.exchange(name).expect("an exchange").0;
        let deposit = notice("deposit");
        let scope = vec![DATE, BANK, at(0, 12)];
        assert_eq!(deposit.numbered, Some(Numbered { at: NUMBER, scope, first: Some(1) }));
        let after = std::time::Duration::from_secs(30);
        assert_eq!(deposit.gap, Some(GapRule { exchange: exchange("gap"), after, fill: vec![] }));
        let long = notice("deposit_long");
        assert_eq!(long.numbered, Some(Numbered { at: NUMBER, scope: vec![DATE, BANK], first: None }));
        let fill = vec![FillRule { from: at(60, 15), to: at(60, 15) }];
        let after = std::time::Duration::from_secs(60);
        assert_eq!(long.gap, Some(GapRule { exchange: exchange("missing_long"), after, fill }));
        assert_eq!((&notice("fail").numbered, &notice("fail").gap), (&None, &None));
    });
}

#[test]
fn codes_are_those_of_an_exchange_before_those_of_all() {
    with_rules(|rules| {
        let says = |exchange: &str| rules.verdicts.verdict(b"004", exchange, b"0133");
        assert_eq!((says("transfer"), says("result")), (Verdict::Refused, Verdict::Success));
        // The body of an inquiry's answer holds codes of what it asks about.
        let (_, result) = rules.exchange("result").expect("an exchange");
        let failure = &result.settles.as_ref().expect("an inquiry").failure;
        assert!(
            failure.all.iter().any(|test| matches!(test, Test::Class { exchange, .. } if &**exchange == "transfer"))
        );
    });
    // That of the header is the inquiry's own.
    let institution =
        institution_of(&WHOLE.replace("and proc_result class refused", "and response_code class refused"));
    let (_, result) = institution.protocols[0].rules.exchange("result").expect("an exchange");
    let failure = &result.settles.as_ref().expect("an inquiry").failure;
    assert!(failure.all.iter().any(|test| matches!(test, Test::Class { exchange, .. } if &**exchange == "result")));
}

#[test]
fn layouts_are_found_by_name_and_select_nothing() {
    let institution = institution();
    let files = institution.layouts("files").expect("layouts of conversion alone");
    assert_eq!((&*files.institution, &*files.label, files.digest), ("relay", "일괄", institution.protocols[0].digest));
    let (_, data) = files.catalog.find("data").expect("a telegram");
    let values =
        [("no", "7"), ("bank_code", "004"), ("account", "110-1")].map(|(name, text)| (name.into(), text.into()));
    let bytes = encode(data, Side::Asker, &values).expect("right values");
    assert_eq!(bytes, b"D000000007004110-1                      ");
    assert!(Telegram::new(data, &bytes, Side::Asker).faults().is_empty());
    assert_eq!(files.catalog.select(&bytes), Err(Unselected { length: 40, by: vec![] }));
    assert_eq!(institution.catalogs().map(|(name, _)| name).collect::<Vec<_>>(), ["lines", "files"]);
    assert!(institution.layouts("lines").is_none() && institution.protocol("files").is_none());
}

#[test]
fn an_institution_may_be_layouts_alone() {
    let text = "institution club \"모임\"\nlayouts files {\n  charset encode ascii decode ascii  unset 9 zero X space\n}\n\
                telegram mark 1 {\n  mark X(1) by asker public\n}\n";
    let loaded = load(&[Source { name: "club.spec".into(), text: text.into() }]).expect("no mistake");
    assert!(loaded.institution.protocols.is_empty());
    assert!(loaded.institution.layouts("files").is_some_and(|files| files.catalog.find("mark").is_some()));
    // A file of its own belongs to the only block there is.
    let (block, telegram) = text.split_at(text.find("telegram").expect("the telegram"));
    let sources =
        [("a.spec", telegram), ("b.spec", block)].map(|(name, text)| Source { name: name.into(), text: text.into() });
    let loaded = load(&sources).expect("no mistake");
    assert!(loaded.institution.layouts("files").is_some_and(|files| files.catalog.find("mark").is_some()));
}
