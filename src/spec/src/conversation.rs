//! Whether a newer version of a spec speaks the same over a connection that is up.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

use pabal_telegram::{Class, Field, Layout, Slice};

use crate::catalog::{Catalog, SelectRow, TelegramId};
use crate::institution::{Institution, Protocol};
use crate::rules::{ExchangeRule, OpeningRule, PollRule, Rules, SignRule, SignTelegram, TypeCode};

impl Institution {
    /// Whether a newer version may take this one's place while sessions are up: each protocol of this one is in the newer one, and has
    /// the same conversation ([`Protocol::same_conversation`]). Layouts of conversion alone may change, come and go.
    ///
    /// # Errors
    /// The first thing that needs a reconnect, as a sentence without a full stop.
    pub fn same_conversation(&self, newer: &Self) -> Result<(), Box<str>> {
        if self.name != newer.name {
            return Err(format!("`institution` has changed: it was {}, and is {}", self.name, newer.name).into());
        }
        for protocol in &self.protocols {
            let Some(same) = newer.protocol(&protocol.name) else {
                return Err(format!("protocol {} is gone", protocol.name).into());
            };
            protocol.same_conversation(same)?;
        }
        if let Some(new) = newer.protocols.iter().find(|new| self.protocol(&new.name).is_none()) {
            return Err(format!("protocol {} is new, and has no line", new.name).into());
        }
        Ok(())
    }
}

impl Protocol {
    /// Whether a newer version may take this one's place while sessions are up: frames are cut, numbered, stamped, found and told apart
    /// as before, their header is of the same charset, and the poll and the opening are the same. Bodies of telegrams (also their
    /// lengths), code tables, exchanges and notices may change, and there may be new ones; no frame that this version knows is another
    /// telegram in the newer one, though it may be none: then it is read by this version if it answers what this version has asked.
    ///
    /// # Errors
    /// The first thing that needs a reconnect, as a sentence without a full stop: it begins with the clause of the spec that has changed.
    pub fn same_conversation(&self, newer: &Self) -> Result<(), Box<str>> {
        let changed = |clause: &str, how: &str| {
            let how = if how.is_empty() { Box::from("") } else { format!(": {how}").into_boxed_str() };
            Err(format!("`{clause}` of protocol {} has changed{how}", self.name).into())
        };
        let (old, new) = (&self.rules, &newer.rules);
        if self.framing != newer.framing {
            return changed("frame", "streams are cut in another way");
        }
        if self.day != newer.day {
            return changed("day", "the business date changes at another time, or in another zone");
        }
        let charset = |protocol: &Self| header(protocol).next().map(|field| field.charset);
        if charset(self) != charset(newer) {
            return changed("charset", "the header is written or read in another one");
        }
        if let Err(field) = same_header(self, newer) {
            return changed("header", &format!("field {field}"));
        }
        if let Some(clause) = first_changed(old, new) {
            return changed(clause, "");
        }
        if !same_poll(self, newer) {
            return changed("poll", "its times or its telegrams");
        }
        if !same_signs(self, newer) {
            return changed("sign", "its times or its telegrams");
        }
        if !same_opening(self, newer) {
            return changed("opening", "");
        }
        if self.catalog.select.by != newer.catalog.select.by {
            return changed("select", "the fields behind `by`");
        }
        for row in &self.catalog.select.rows {
            let name = self.catalog.layout(row.telegram).name();
            if !knows(&newer.catalog, &self.catalog, row) {
                return changed("select", &format!("the row of {name} is gone or says something else"));
            }
            let other = |new: &&SelectRow| newer.catalog.layout(new.telegram).name() != name && overlap(row, new);
            if let Some(other) = newer.catalog.select.rows.iter().find(other) {
                let other = newer.catalog.layout(other.telegram).name();
                return changed("select", &format!("what was {name} can now be {other}"));
            }
        }
        Ok(())
    }
}

impl Protocol {
    /// Whether a request that was made by an older version may not leave any more: this version has begun by a date since, and the request is
    /// of another type or lies in another way in it.
    #[must_use]
    pub fn overtakes(&self, older: &Self, exchange: &ExchangeRule) -> bool {
        let is_same = |newer: &ExchangeRule| {
            newer.name == exchange.name
                && newer.request.bytes == exchange.request.bytes
                && newer.request_layout.root() == exchange.request_layout.root()
                && same_layout(&newer.request_layout, &exchange.request_layout)
        };
        self.from > older.from && !self.rules.exchanges.iter().any(is_same)
    }
}

/// The first clause that names other header fields, or counts in another way. At which number a person is warned may change.
fn first_changed(old: &Rules, new: &Rules) -> Option<&'static str> {
    let number = (old.number.at, &old.number.scope, &old.number.range);
    let clauses = [
        ("party", old.party == new.party),
        ("participant", old.participant == new.participant),
        ("compartment", old.compartment == new.compartment),
        ("stamp", old.stamps == new.stamps),
        ("number", number == (new.number.at, &new.number.scope, &new.number.range)),
        ("key", old.key == new.key),
        ("trace", old.trace == new.trace),
        ("verdict", old.response_code == new.response_code),
    ];
    clauses.into_iter().find(|(_, same)| !same).map(|(clause, _)| clause)
}

/// The fields of the header; none if nothing is asked or told, for then nothing has it.
fn header(protocol: &Protocol) -> impl Iterator<Item = &Field> {
    let rules = &protocol.rules;
    let asked = rules.exchanges.iter().map(|exchange| exchange.request.telegram);
    let told = rules.notices.iter().map(|notice| notice.request.telegram);
    let layout = asked.chain(told).next().map(|id| protocol.catalog.layout(id));
    let fields = layout.into_iter().flat_map(|layout| layout.fields());
    fields.take_while(|field| field.at.offset < rules.header)
}

/// Whether both headers are the same, but for labels and classes; else the first field that is not.
fn same_header<'p>(old: &'p Protocol, new: &'p Protocol) -> Result<(), &'p str> {
    let (mut old, mut new) = (header(old), header(new));
    loop {
        match (old.next(), new.next()) {
            (None, None) => return Ok(()),
            (Some(old), Some(new)) if same_field(old, new) => {}
            (Some(field), _) | (None, Some(field)) => return Err(&field.path),
        }
    }
}

fn same_field(old: &Field, new: &Field) -> bool {
    let bare = |field: &Field| Field { label: Box::from(""), class: Class::Public, ..field.clone() };
    bare(old) == bare(new)
}

fn same_layout(old: &Layout, new: &Layout) -> bool {
    let (a, b) = (old.fields(), new.fields());
    old.name() == new.name() && a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_field(a, b))
}

fn same_poll(old: &Protocol, new: &Protocol) -> bool {
    let (old_poll, new_poll) = match (&old.rules.poll, &new.rules.poll) {
        (None, None) => return true,
        (Some(old), Some(new)) => (old, new),
        _ => return false,
    };
    let said = |poll: &PollRule| {
        let PollRule { after, timeout, request, stamps, answer, echo, .. } = poll.clone();
        (after, timeout, request, stamps, answer, echo)
    };
    let layouts =
        [(old_poll.request_telegram, new_poll.request_telegram), (old_poll.answer_telegram, new_poll.answer_telegram)];
    said(old_poll) == said(new_poll)
        && layouts.iter().all(|(a, b)| same_layout(old.catalog.layout(*a), new.catalog.layout(*b)))
}

fn same_signs(old: &Protocol, new: &Protocol) -> bool {
    let said = |protocol: &Protocol| {
        let bare = |telegram: &SignTelegram| SignTelegram {
            kind: TypeCode { telegram: TelegramId(0), bytes: telegram.kind.bytes.clone() },
            ..telegram.clone()
        };
        let bare = |sign: &SignRule| SignRule {
            request: bare(&sign.request),
            answer: sign.answer.as_ref().map(bare),
            ..sign.clone()
        };
        (protocol.rules.sign_on.as_ref().map(bare), protocol.rules.sign_off.as_ref().map(bare))
    };
    let layouts = |protocol: &Protocol| -> Vec<TelegramId> {
        let signs = protocol.rules.signs();
        signs
            .flat_map(|sign| core::iter::once(&sign.request).chain(&sign.answer))
            .map(|one| one.kind.telegram)
            .collect()
    };
    let pairs = layouts(old).into_iter().zip(layouts(new));
    said(old) == said(new) && pairs.into_iter().all(|(a, b)| same_layout(old.catalog.layout(a), new.catalog.layout(b)))
}

fn same_opening(old: &Protocol, new: &Protocol) -> bool {
    let said = |protocol: &Protocol| {
        let OpeningRule { per, exchange, from, retry, lost } = protocol.rules.opening.clone()?;
        let exchange = protocol.rules.exchanges.get(usize::from(exchange.0))?;
        let types = (exchange.request.bytes.clone(), exchange.answer.bytes.clone());
        Some((per, exchange.name.clone(), types, from, retry, lost))
    };
    said(old) == said(new)
}

/// Whether a catalog has a row of another one, alternatives in any order. Its telegram may have become shorter or longer.
fn knows(newer: &Catalog, older: &Catalog, row: &SelectRow) -> bool {
    let name = older.layout(row.telegram).name();
    let conditions = sorted(row);
    newer.select.rows.iter().any(|other| newer.layout(other.telegram).name() == name && sorted(other) == conditions)
}

/// Whether a frame may match both rows: no bytes that both name tell them apart.
fn overlap(one: &SelectRow, other: &SelectRow) -> bool {
    let lengths = one.length.start() <= other.length.end() && other.length.start() <= one.length.end();
    let mut pairs = one.bytes.iter().flat_map(|mine| other.bytes.iter().map(move |theirs| (mine, theirs)));
    lengths && !pairs.any(|(mine, theirs)| are_apart(mine, theirs))
}

/// Whether no bytes satisfy both conditions.
fn are_apart((at, mine): &Condition, (place, theirs): &Condition) -> bool {
    let from = at.offset.max(place.offset);
    let to = (at.offset + at.len).min(place.offset + place.len);
    if from >= to {
        return false;
    }
    let part = |bytes: &[u8], slice: &Slice| -> Vec<u8> {
        (from..to).filter_map(|at| bytes.get(usize::try_from(at - slice.offset).ok()?).copied()).collect()
    };
    !mine.iter().any(|mine| theirs.iter().any(|theirs| part(mine, at) == part(theirs, place)))
}

/// Bytes of a place that must be one of these.
type Condition = (Slice, Vec<Box<[u8]>>);

/// The conditions of a row, in an order that does not depend on how they are written.
fn sorted(row: &SelectRow) -> Vec<(Slice, Vec<&[u8]>)> {
    let mut all: Vec<(Slice, Vec<&[u8]>)> = Vec::new();
    for (at, any_of) in &row.bytes {
        let mut any_of: Vec<&[u8]> = any_of.iter().map(|bytes| &**bytes).collect();
        any_of.sort_unstable();
        all.push((*at, any_of));
    }
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use std::string::{String, ToString};
    use std::vec;

    use super::*;
    use crate::{Source, load};

    const SPEC: &str = include_str!("../tests/fixtures/whole.spec");
    const TABLE: &str = include_str!("../tests/fixtures/codes.csv");

    fn institution(spec: &str, table: &str) -> Institution {
        let sources = [("whole.spec", spec), ("codes.csv", table)]
            .map(|(name, text)| Source { name: name.into(), text: text.into() });
        load(&sources).unwrap_or_else(|found| panic!("{found:#?}")).institution
    }

    /// Each of these texts stands once in the fixture, and becomes the other one.
    fn changed(changes: &[(&str, &str)]) -> String {
        changes.iter().fold(SPEC.to_string(), |text, (from, to)| {
            assert_eq!(text.matches(from).count(), 1, "{from}");
            text.replace(from, to)
        })
    }

    fn compared(changes: &[(&str, &str)]) -> Result<(), Box<str>> {
        institution(SPEC, TABLE).same_conversation(&institution(&changed(changes), TABLE))
    }

    #[test]
    fn conversion_and_codes_change_while_sessions_are_up() {
        let whole = institution(SPEC, TABLE);
        assert_eq!(whole.same_conversation(&institution(SPEC, &TABLE.replace("refused", "unknown"))), Ok(()));
        for changes in [
            // A body, a label and a class of the header, a new telegram with its exchange, another timeout, another warning.
            vec![
                ("phone           X(12)", "phone           X(11)"),
                ("filler(9)  public       unset", "filler(10) public unset"),
            ],
            vec![("by answerer  public  \"응답코드\"", "by answerer  account  \"답\"")],
            vec![
                ("    open           \"1000\"", "    balance \"6000\"|\"6100\" \"100\"\n    open           \"1000\""),
                ("telegram open ", "telegram balance 60 : common {\n}\n\ntelegram open "),
                (
                    "exchange open \"개시\"",
                    "exchange balance { request \"6000\" \"100\" answer \"6100\" \"100\" effect none timeout 3s }\n\nexchange open \"개시\"",
                ),
            ],
            vec![("effect money  timeout 30s", "effect money  timeout 40s")],
            vec![("warn 900000", "warn 800000")],
            vec![("\"2000\" \"100\"  length 160", "\"2000\" \"100\"")],
            vec![("\"3000\"|\"3100\"", "\"3100\"|\"3000\"")],
            vec![("telegram trailer \"끝\" 10", "telegram end \"끝\" 10")],
            // A telegram that becomes longer.
            vec![
                RESULT_IS_LONGER,
                (
                    "reserved        filler(6) public  \"예비\"\n}\n\ntelegram fail",
                    "reserved        filler(16) public\n}\n\ntelegram fail",
                ),
            ],
        ] {
            assert_eq!(compared(&changes), Ok(()), "{changes:?}");
        }
    }

    const RESULT_IS_LONGER: (&str, &str) =
        ("telegram result \"결과조회\" 120 : common {", "telegram result \"결과조회\" 130 : common {");

    #[test]
    fn a_frame_that_was_one_telegram_is_never_another() {
        // What was a result by its length is now an extra.
        let extra = [
            (
                "    result         \"7000\"|\"7100\" \"100\"",
                "    extra \"7000\" \"100\"\n    result         \"7000\"|\"7100\" \"100\"",
            ),
            RESULT_IS_LONGER,
            ("request \"7000\" \"100\"", "request result \"7000\" \"100\""),
            (
                "reserved        filler(6) public  \"예비\"\n}\n\ntelegram fail",
                "reserved        filler(16) public\n}\n\ntelegram extra 120 : common {\n  a filler(60) public\n}\n\ntelegram fail",
            ),
        ];
        assert_eq!(
            compared(&extra).unwrap_err().as_ref(),
            "`select` of protocol lines has changed: what was result can now be extra"
        );
        let apart = |mine: (u32, &[&str]), theirs: (u32, &[&str])| {
            let condition = |(offset, any_of): (u32, &[&str])| {
                let at = Slice { offset, len: u32::try_from(any_of[0].len()).unwrap() };
                (at, any_of.iter().map(|text| text.as_bytes().into()).collect())
            };
            are_apart(&condition(mine), &condition(theirs))
        };
        assert!(apart((0, &["ABCD"]), (2, &["XY", "CE"])));
        assert!(!apart((0, &["ABCD"]), (2, &["XY", "CD"])));
        assert!(!apart((0, &["AB"]), (2, &["XY"])), "they name no byte together");
    }

    #[test]
    fn what_is_said_over_a_connection_does_not() {
        let check = |changes: &[(&str, &str)], expected: &str| {
            assert_eq!(compared(changes).unwrap_err().as_ref(), expected, "{changes:?}");
        };
        check(&[("max 999", "max 998")], "`frame` of protocol lines has changed: streams are cut in another way");
        let day = "`day` of protocol lines has changed: the business date changes at another time, or in another zone";
        check(&[("changes 00:30", "changes 00:00")], day);
        check(&[("+09:00", "+08:00")], day);
        check(
            &[("send_count     9(1)            = 1", "send_count     9(1)            = 2")],
            "`header` of protocol lines has changed: field send_count",
        );
        check(
            &[("X(3)            public  \"업무구분코드\"", "X(3)  unset zero public  \"업무구분코드\"")],
            "`header` of protocol lines has changed: field service_code",
        );
        let charset = "`charset` of protocol lines has changed: the header is written or read in another one";
        check(&[("encode euc-kr decode cp949", "encode euc-kr decode euc-kr")], charset);
        check(&[("encode euc-kr decode cp949", "encode cp949 decode cp949")], charset);
        check(&[("company_no 1..950000", "company_no 1..940000")], "`number` of protocol lines has changed");
        check(
            &[("key          send_date bank_code", "key          bank_code send_date")],
            "`key` of protocol lines has changed",
        );
        check(
            &[("trace        send_date bank_code", "trace        bank_code send_date")],
            "`trace` of protocol lines has changed",
        );
        check(
            &[("   compartment bank_code", "   compartment company_no")],
            "`compartment` of protocol lines has changed",
        );
        let poll = "`poll` of protocol lines has changed: its times or its telegrams";
        check(&[("poll         after 5m", "poll         after 6m")], poll);
        check(&[("timeout  10s", "timeout  9s")], poll);
        check(&[("from 00:45", "from 00:46")], "`opening` of protocol lines has changed");
        check(&[("retry 1m", "retry 2m")], "`opening` of protocol lines has changed");
        check(
            &[("fail           \"3000\"|\"3100\" \"100\"", "fail  \"3000\"|\"3100\"|\"3200\" \"100\"")],
            "`select` of protocol lines has changed: the row of fail is gone or says something else",
        );
        // A frame of this telegram would be unknown.
        check(
            &[("fail           \"3000\"|\"3100\" \"100\"", "fail \"3000\"|\"3100\" \"100\" bank_code \"004\"")],
            "`select` of protocol lines has changed: the row of fail is gone or says something else",
        );
        check(&[("protocol lines", "protocol wires")], "protocol lines is gone");
        check(&[("institution relay", "institution other")], "`institution` has changed: it was relay, and is other");
    }
}
