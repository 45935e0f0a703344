use std::string::ToString;
use std::vec;
use std::vec::Vec;

use pabal_clock::{Civil, Date, TimeOfDay, UtcOffset};
use pabal_spec::Source;
use pabal_telegram::Value;

use super::*;

const DAY: DayRule = DayRule { zone: UtcOffset::from_hours(9), changes: TimeOfDay::MIDNIGHT };

fn institution() -> Institution {
    with_amount("9(13)")
}

/// The amount of a collection is another number of as many bytes; its sign may be in `mark`.
fn with_amount(amount: &str) -> Institution {
    let (kind, sign) = amount.split_at(amount.find("signed").unwrap_or(amount.len()));
    edited(&[
        (
            "debit_amt                   9(13)      by asker      public",
            std::format!("debit_amt {kind} by asker public {sign}"),
        ),
        ("reserved                    filler(1)         ", "mark  X(1)  by asker?".to_string()),
    ])
}

fn edited(edits: &[(&str, String)]) -> Institution {
    let source = |name: &str, text: &str| Source { name: name.into(), text: text.into() };
    let spec =
        edits.iter().fold(include_str!("../../../../specs/hecto/firmbanking.spec").to_string(), |spec, (old, new)| {
            assert!(spec.contains(old), "{old}");
            spec.replacen(old, new, 1)
        });
    let codes = include_str!("../../../../specs/hecto/codes.csv");
    pabal_spec::load(&[source("firmbanking.spec", &spec), source("codes.csv", codes)]).unwrap().institution
}

fn moment(text: &str) -> Wall {
    let (date, time) = text.split_once(' ').unwrap();
    Civil { date: Date::parse(date).unwrap(), time: TimeOfDay::parse(time).unwrap() }.wall(DAY.zone)
}

fn names(names: &[&str]) -> Vec<Box<str>> {
    names.iter().map(|name| (*name).into()).collect()
}

fn scope(exchanges: &[&str], participants: &[&str], fields: &[(&str, &str)]) -> Scope {
    let fields = fields.iter().map(|(field, holds)| FieldScope::parse(field, holds));
    Scope { exchanges: names(exchanges), participants: names(participants), fields: fields.collect() }
}

fn standing(id: &str, scope: Scope, window: Window) -> Standing {
    let control = Control { id: ControlId::parse(id).unwrap(), scope, window, message: "잠시 후에".into() };
    Standing { control, by: By { actor: "kim".into(), reason: "drill".into() }, since: None, read_in: Vec::new() }
}

/// A transfer of this account and amount, with this bank as the receiver's.
fn transfer(layout: &Layout, account: &str, amount: &str, bank: &str) -> Vec<u8> {
    let given = [("debit_account", account), ("debit_amt", amount), ("credit_bank_code", bank)];
    let mut telegram = vec![b' '; layout.len() as usize];
    for (name, value) in given {
        field(layout, name).unwrap().write(&Value::Text(value.to_string()), &mut telegram).unwrap();
    }
    telegram
}

/// Exchanges, participants, fields, and whether it is meant.
type Row = (&'static [&'static str], &'static [&'static str], &'static [(&'static str, &'static str)], bool);

#[test]
fn a_scope_means_what_all_of_its_parts_mean() {
    let institution = institution();
    let (_, rule) = institution.protocols[0].rules.exchange("transfer").unwrap();
    let layout = &rule.request_layout;
    let telegram = transfer(layout, "11012345678", "150000", "004");
    let holds = |scope: &Scope, exchange: &str, participant: &str, is_own: bool| {
        scope.holds(None, Asked { exchange, participant, layout, newest: None, telegram: &telegram, is_own })
    };
    // (exchanges, participants, fields, whether a transfer of 150000 by 088 from account 11012345678 to bank 004 is meant)
    let table: &[Row] = &[
        (&[], &[], &[], true),
        (&["transfer"], &[], &[], true),
        (&["balance", "transfer"], &[], &[], true),
        (&["balance"], &[], &[], false),
        (&[], &["088"], &[], true),
        (&[], &["004", "088"], &[], true),
        (&[], &["004"], &[], false),
        (&["transfer"], &["004"], &[], false),
        (&[], &[], &[("credit_bank_code", "004")], true),
        (&[], &[], &[("credit_bank_code", "011 | 004")], true),
        (&[], &[], &[("credit_bank_code", "011")], false),
        // A number is what it is, however many zeros are in front.
        (&[], &[], &[("debit_amt", "150000")], true),
        (&[], &[], &[("debit_amt", "000150000")], true),
        (&[], &[], &[("debit_amt", "15000")], false),
        // Accounts that begin so.
        (&[], &[], &[("debit_account", "110 to 110")], true),
        (&[], &[], &[("debit_account", "109 to 111")], true),
        (&[], &[], &[("debit_account", "11012345678 to 11012345678")], true),
        (&[], &[], &[("debit_account", "1101 to 1109")], true),
        (&[], &[], &[("debit_account", "111 to 120")], false),
        (&[], &[], &[("debit_account", "1100 to 1100")], false),
        // All of it, and no part of a value.
        (&[], &[], &[("debit_account", "1101234567")], false),
        (&[], &[], &[("debit_account", "11012345678")], true),
        (&[], &[], &[("debit_account", "11012345678"), ("credit_bank_code", "011")], false),
        // A request that has not the field is not meant.
        (&[], &[], &[("proc_result", "0000")], false),
    ];
    for (exchanges, participants, fields, expected) in table {
        let scope = scope(exchanges, participants, fields);
        assert_eq!(holds(&scope, "transfer", "088", false), *expected, "{exchanges:?} {participants:?} {fields:?}");
    }
    // What the gateway asks for itself is meant only by its name.
    assert!(!holds(&scope(&[], &[], &[]), "transfer_result", "088", true));
    assert!(!holds(&scope(&["transfer"], &[], &[]), "transfer_result", "088", true));
    assert!(!holds(&scope(&[], &["088"], &[]), "transfer_result", "088", true));
    assert!(holds(&scope(&["transfer_result"], &[], &[]), "transfer_result", "088", true));
}

/// What an operator means are amounts, however their bytes lie.
#[test]
fn a_range_of_a_number_field_is_one_of_numbers() {
    // How the amount lies, what is said of it, and the bytes of the field with whether they are meant.
    type Row = (&'static str, &'static str, &'static [(&'static [u8], bool)]);
    let table: &[Row] = &[
        (
            "9(13)",
            "100 to 999",
            &[
                (b"0000000000099", false),
                (b"0000000000100", true),
                (b"0000000000500", true),
                (b"0000000000999", true),
                (b"0000000001000", false),
                (b"1000000000000", false),
                // Nobody can say what they take it for.
                (b"          500", true),
                (b"5OO          ", true),
            ],
        ),
        ("9(13)", "0 to 0", &[(b"0000000000000", true), (b"0000000000001", false)]),
        ("9(13)", "99 to 100000000000000000000", &[(b"0000000000098", false), (b"9999999999999", true)]),
        (
            "9(11)V9(2)",
            "100 to 999.99",
            &[(b"0000000009999", false), (b"0000000010000", true), (b"0000000099999", true)],
        ),
        (
            "S9(12) sign leading",
            "-5 to 5",
            &[(b"-000000000006", false), (b"-000000000005", true), (b"+000000000006", false)],
        ),
        ("9(13) signed by mark", "-500 to -100", &[(b"0000000000500", false)]),
        (
            "9(24) packed",
            "100 to 999",
            &[(b"\0\0\0\0\0\0\0\0\0\0\0\x50\x0F", true), (b"\0\0\0\0\0\0\0\0\0\0\x01\0\x0F", false)],
        ),
        ("9(13)", "500", &[(b"0000000000500", true), (b"0000000000501", false), (b"          500", true)]),
        ("9(13)", "100 | 000500", &[(b"0000000000500", true), (b"0000000000100", true), (b"0000000005000", false)]),
        ("9(11)V9(2)", "500", &[(b"0000000050000", true), (b"0000000000500", false)]),
        ("9(13) lenient spaces_left", "500", &[(b"          500", true), (b"          501", false)]),
    ];
    for (kind, said, amounts) in table {
        let institution = with_amount(kind);
        let (_, rule) = institution.protocols[0].rules.exchange("collection").unwrap();
        let layout = &rule.request_layout;
        let scope = scope(&["collection"], &[], &[("debit_amt", said)]).by_spec(&institution).unwrap();
        for (bytes, is_meant) in *amounts {
            let mut telegram = transfer(layout, "11012345678", "0", "004");
            telegram[field(layout, "debit_amt").unwrap().at.range()].copy_from_slice(bytes);
            let asked = Asked {
                exchange: "collection",
                participant: "088",
                layout,
                newest: None,
                telegram: &telegram,
                is_own: false,
            };
            let shown = String::from_utf8_lossy(bytes);
            assert_eq!(scope.holds(None, asked), *is_meant, "{kind}: {said}: {shown:?}");
            // What is journaled means the same.
            let json = serde_json::to_string(&scope).unwrap();
            assert_eq!(serde_json::from_str::<Scope>(&json).unwrap(), scope, "{json}");
        }
    }
    // The sign of a field beside it is the number's.
    let institution = with_amount("9(13) signed by mark");
    let (_, rule) = institution.protocols[0].rules.exchange("collection").unwrap();
    let layout = &rule.request_layout;
    let mut telegram = transfer(layout, "11012345678", "500", "004");
    for (mark, said, is_meant) in
        [(b'-', "-500", true), (b' ', "-500", false), (b'-', "500", false), (b' ', "500 to 501", true)]
    {
        telegram[field(layout, "mark").unwrap().at.range()].copy_from_slice(&[mark]);
        let scope = scope(&["collection"], &[], &[("debit_amt", said)]).by_spec(&institution).unwrap();
        let asked = Asked {
            exchange: "collection",
            participant: "088",
            layout,
            newest: None,
            telegram: &telegram,
            is_own: false,
        };
        assert_eq!(scope.holds(None, asked), is_meant, "{} {said}", char::from(mark));
    }
}

#[test]
fn bytes_that_are_no_text_are_held_by_a_range_of_beginnings() {
    let institution = institution();
    let (_, rule) = institution.protocols[0].rules.exchange("transfer").unwrap();
    let layout = &rule.request_layout;
    let mut telegram = transfer(layout, "11012345678", "0", "004");
    let account = field(layout, "debit_account").unwrap().at.range();
    telegram[account.end - 1] = 0xFF;
    let scope = scope(&[], &[], &[("debit_account", "110 to 112")]);
    let asked =
        Asked { exchange: "transfer", participant: "088", layout, newest: None, telegram: &telegram, is_own: false };
    assert!(scope.holds(None, asked));
}

#[test]
fn a_window_holds_from_its_first_moment_to_before_its_last() {
    let window = |hours: &[&str], from: Option<&str>, until: Option<&str>| Window {
        hours: hours.iter().map(|text| Hours::parse(text).unwrap()).collect(),
        from: from.map(moment),
        until: until.map(moment),
    };
    let holidays: Holidays = [Date::parse("2026-12-25").unwrap()].into_iter().collect();
    let night = ["every day 23:00 to 01:00"];
    let table: Vec<(Window, &str, Option<Option<&str>>)> = vec![
        (window(&[], None, None), "2026-12-01 10:00", Some(None)),
        (window(&[], Some("2026-12-01 09:00"), None), "2026-12-01 08:59:59", None),
        (window(&[], Some("2026-12-01 09:00"), None), "2026-12-01 09:00", Some(None)),
        (window(&[], None, Some("2026-12-01 09:00")), "2026-12-01 08:59:59", Some(Some("2026-12-01 09:00"))),
        (window(&[], None, Some("2026-12-01 09:00")), "2026-12-01 09:00", None),
        (window(&night, None, None), "2026-12-01 22:59:59", None),
        (window(&night, None, None), "2026-12-01 23:00", Some(Some("2026-12-02 01:00"))),
        (window(&night, None, None), "2026-12-02 00:59", Some(Some("2026-12-02 01:00"))),
        (window(&night, None, None), "2026-12-02 01:00", None),
        (window(&night, None, Some("2026-12-02 00:30")), "2026-12-02 00:10", Some(Some("2026-12-02 00:30"))),
        // One window behind another is one.
        (
            window(&["every day 23:00 to 01:00", "every day 01:00 to 02:00"], None, None),
            "2026-12-01 23:10",
            Some(Some("2026-12-02 02:00")),
        ),
        (window(&["third monday"], None, None), "2026-12-21 12:00", Some(Some("2026-12-22 00:00"))),
        (window(&["third monday"], None, None), "2026-12-14 12:00", None),
        // The 25th is a holiday: the day is moved to Monday.
        (window(&["day 25 or next business day"], None, None), "2026-12-25 12:00", None),
        (window(&["day 25 or next business day"], None, None), "2026-12-28 12:00", Some(Some("2026-12-29 00:00"))),
    ];
    for (window, at, expected) in table {
        let expected = expected.map(|until| until.map(moment));
        assert_eq!(window.holds(&DAY, &holidays, moment(at)), expected, "{window:?} at {at}");
    }
}

#[test]
fn of_several_controls_the_one_that_holds_longest_is_told() {
    let institution = institution();
    let (_, rule) = institution.protocols[0].rules.exchange("transfer").unwrap();
    let layout = &rule.request_layout;
    let telegram = transfer(layout, "1", "1", "004");
    let until = |text: &str| Window { until: Some(moment(text)), ..Window::default() };
    let (short, long) = (until("2026-12-01 10:00"), until("2026-12-01 12:00"));
    let mut controls = vec![
        standing("a", Scope::default(), short),
        standing("b", Scope::default(), long),
        standing("other", scope(&["balance"], &[], &[]), Window::default()),
    ];
    let told = |controls: &[Standing], at: &str| {
        let asked = Asked {
            exchange: "transfer",
            participant: "088",
            layout,
            newest: None,
            telegram: &telegram,
            is_own: false,
        };
        let (one, until) =
            holding(controls.iter().map(|one| (one, None)), asked, &DAY, &Holidays::default(), moment(at))?;
        Some((one.control.id.to_string(), until))
    };
    assert_eq!(told(&controls, "2026-12-01 09:00"), Some(("b".to_string(), Some(moment("2026-12-01 12:00")))));
    assert_eq!(told(&controls, "2026-12-01 12:00"), None);
    controls.insert(0, standing("ever", Scope::default(), Window::default()));
    assert_eq!(told(&controls, "2026-12-01 09:00"), Some(("ever".to_string(), None)));
}

#[test]
fn a_scope_that_can_mean_nothing_is_told_with_what_is_near() {
    let institution = institution();
    let check = |exchanges: &[&str], participants: &[&str], fields: &[(&str, &str)]| {
        scope(exchanges, participants, fields).by_spec(&institution).unwrap_err()
    };
    let right = scope(&["transfer"], &["088"], &[("debit_account", "110 to 112"), ("debit_amt", "1")]);
    assert_eq!(right.clone().by_spec(&institution), Ok(right));
    assert_eq!(Scope::default().by_spec(&institution), Ok(Scope::default()));
    let table = [
        (check(&["transfr"], &[], &[]), "did you mean `transfer`?"),
        (check(&[], &["0088"], &[]), "\"0088\" does not fit `bank_code`"),
        (check(&[], &["88"], &[]), "\"88\" does not fit `bank_code`"),
        (check(&[], &[], &[("debit_acount", "1")]), "did you mean `debit_account`?"),
        (check(&[], &[], &[("passbook_pin", "1")]), "secret"),
        (check(&[], &[], &[("debit_account", "112 to 110")]), "`debit_account` goes from one beginning"),
        (check(&[], &[], &[("debit_account", "11 to 110")]), "same length"),
        (check(&[], &[], &[("credit_bank_code", "0004")]), "credit_bank_code"),
        (
            check(&[], &[], &[("memo", "가 to 나")]),
            "`memo` goes from one beginning to another, and they are written in ASCII",
        ),
        // It is text in one telegram.
        (
            check(&[], &[], &[("debit_amt", "100 to 999")]),
            "a number in requests of `transfer`, `collection` and text in those of `trust`",
        ),
        (
            check(&["transfer"], &[], &[("debit_amt", "999 to 100")]),
            "`debit_amt` goes from a number to one that is no less",
        ),
        (check(&["transfer"], &[], &[("debit_amt", "1,000 to 9,999")]), "\"1,000\" is none that can be read"),
        (check(&["transfer"], &[], &[("debit_amt", "0.5 to 1")]), "a number with 0 decimals"),
    ];
    for (why, part) in table {
        assert!(why.contains(part), "{why}");
    }
}

#[test]
fn a_control_is_shown_without_what_is_confidential() {
    let institution = institution();
    let shown = |scope: Scope| scope.told(&institution, false);
    assert_eq!(shown(Scope::default()), "everything");
    let told = shown(scope(&["transfer"], &["088"], &[("debit_account", "11012345678"), ("debit_amt", "100")]));
    assert_eq!(told, "exchange transfer; participant 088; debit_account *******5678; debit_amt 100");
    let ranges =
        scope(&["transfer"], &[], &[("debit_account", "11012345678 to 11012345679"), ("debit_amt", "100 to 0999")]);
    let ranges = ranges.by_spec(&institution).unwrap();
    let unmasked = "debit_account beginning with 11012345678 to 11012345679; debit_amt from 100 to 999";
    assert_eq!(ranges.told(&institution, true), std::format!("exchange transfer; {unmasked}"));
    // What the spec has not any more may be anything, and what is secret shows nowhere.
    for field in ["gone", "passbook_pin"] {
        assert_eq!(scope(&[], &[], &[(field, "1234")]).told(&institution, true), std::format!("{field} ****"));
    }
    let told = shown(ranges);
    let account = "debit_account beginning with *******5678 to *******5679";
    assert_eq!(told, std::format!("exchange transfer; {account}; debit_amt from 100 to 999"));
    let control = standing("x", scope(&[], &[], &[("debit_account", "11012345678")]), Window::default());
    assert!(!std::format!("{control:?}").contains("1101234"), "{control:?}");
}

#[test]
fn controls_come_back_as_they_were_written() {
    let window = Window {
        hours: vec![Hours::parse("second sunday 00:00 to 08:00").unwrap()],
        from: Some(moment("2026-12-01 09:00")),
        until: None,
    };
    let mut controls = Controls::default();
    let wall = moment("2026-12-01 09:00");
    controls.block(standing("a", scope(&["transfer"], &[], &[("debit_account", "110 to 112")]), window), wall);
    controls.block(standing("b", Scope::default(), Window::default()), wall);
    let json = serde_json::to_string(&controls).unwrap();
    assert!(json.contains("second sunday 00:00 to 08:00"), "{json}");
    assert_eq!(serde_json::from_str::<Controls>(&json).unwrap(), controls);
    // One that is over goes when another one comes; one of the same name is in its place.
    let over = Window { until: Some(moment("2026-12-01 08:00")), ..Window::default() };
    controls.block(standing("b", Scope::default(), over), wall);
    controls.block(standing("c", Scope::default(), Window::default()), wall);
    let ids: Vec<&str> = controls.iter().map(|one| one.control.id.as_str()).collect();
    assert_eq!(ids, ["a", "c"]);
    assert!(controls.unblock(&ControlId::parse("a").unwrap()) && !controls.unblock(&ControlId::parse("a").unwrap()));
}

#[test]
fn names_of_controls_are_short_and_plain() {
    assert_eq!(ControlId::parse("lunch-1.b_C").unwrap().as_str(), "lunch-1.b_C");
    for text in ["", "점심", "two words", &"x".repeat(65)] {
        assert!(ControlId::parse(text).unwrap_err().contains("letters, digits"), "{text}");
    }
}

/// The institution may call these the same, and whoever blocks an account means all of them.
#[test]
fn an_account_is_the_same_however_its_field_is_filled_up() {
    let institution = institution();
    let (_, rule) = institution.protocols[0].rules.exchange("transfer").unwrap();
    let layout = &*rule.request_layout;
    let holds = |layout: &Layout, said: &str, bytes: &[u8]| {
        let at = field(layout, "debit_account").unwrap().at;
        let mut telegram = transfer(layout, "1", "5", "004");
        telegram[at.range()].fill(b' ');
        telegram[at.offset as usize..at.offset as usize + bytes.len()].copy_from_slice(bytes);
        scope(&[], &[], &[("debit_account", said)]).holds(
            None,
            Asked {
                exchange: "transfer",
                participant: "088",
                layout,
                newest: None,
                telegram: &telegram,
                is_own: false,
            },
        )
    };
    for said in ["123", "122 to 124"] {
        for written in [&b"123"[..], b"   123", b"123\0\0\0", b"\0 123"] {
            assert!(holds(layout, said, written), "{said} {}", readable(written));
        }
        assert!(!holds(layout, said, b"00123"), "{said}: the spec does not say that zeros do not matter");
    }
    // Behind 123 another account goes on, and a beginning does.
    assert!(!holds(layout, "123", b"1234"));
    assert!(holds(layout, "122 to 124", b"1234"));
    // Where the spec says that zeros do not matter, they do not here either.
    let said = "debit_account                X(15)       by asker     account   equal ignoring ";
    let institution = edited(&[(said, std::format!("{said}zero-left "))]);
    let (_, rule) = institution.protocols[0].rules.exchange("transfer").unwrap();
    let layout = &*rule.request_layout;
    for said in ["123", "00123", "122 to 124"] {
        for written in [&b"123"[..], b"00123", b"000000000000123", b" 00123"] {
            assert!(holds(layout, said, written), "{said} {}", readable(written));
        }
        assert!(!holds(layout, said, b"100123"));
    }
}

#[test]
fn what_no_request_can_hold_is_not_blocked() {
    let institution = institution();
    let refused =
        |exchanges: &[&str], of: (&str, &str)| scope(exchanges, &[], &[of]).by_spec(&institution).unwrap_err();
    // The answerer's and the gateway's own fields: what a caller's request holds there says nothing.
    let nothing = "no such request has a field `balance_after` at a fixed place that its caller fills";
    assert_eq!(refused(&["transfer"], ("balance_after", "0")), nothing);
    assert!(refused(&[], ("response_code", "0000")).starts_with("no such request has a field `response_code`"));
    assert!(refused(&["transfer"], ("send_date", "20261121")).starts_with("no such request has a field `send_date`"));
    // In `trust` it is a text, where it may be so; in a transfer it is a number.
    let half = refused(&[], ("debit_amt", "15x"));
    assert!(half.contains("it cannot be told of requests of `transfer`: "), "{half}");
    assert!(half.contains("; name the exchanges that are meant, such as `"), "{half}");
    scope(&["transfer"], &[], &[("debit_amt", "15")]).by_spec(&institution).unwrap();
}

#[test]
fn hours_that_are_over_are_never() {
    let never = |hours: &str, from: Option<&str>, until: Option<&str>| {
        let window =
            Window { hours: vec![Hours::parse(hours).unwrap()], from: from.map(moment), until: until.map(moment) };
        window.is_never(&DAY, &Holidays::default(), moment("2026-11-22 03:00:00"))
    };
    assert!(never("2026-11-22 00:00 to 01:00", None, None), "it was this morning");
    assert!(never("2025-12-31", None, None));
    assert!(!never("2026-11-22 00:00 to 04:00", None, None));
    assert!(!never("2026-12-31", None, None));
    assert!(!never("sunday 00:00 to 01:00", None, None), "it comes again");
    // What it is asked for between.
    assert!(never("2026-12-31", None, Some("2026-12-31 00:00:00")));
    assert!(!never("2026-12-31", None, Some("2026-12-31 00:00:01")));
    assert!(never("2026-11-22 00:00 to 04:00", Some("2026-11-22 04:00:00"), None));
}
