use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use pabal_spec::{ExchangeRule, ExchangeRuleId, NoticeRuleId, Protocol, TelegramId, Unselected};
use pabal_telegram::{Fill, Layout, Side, Slice, recompute, recompute_from};

use crate::byte_table::ByteTable;
use crate::bytes::Bytes;
use crate::parts::AwaitedKey;
use crate::settings::{Party, Settings};
use crate::sign::Signing;
use crate::sorter::Sorter;

/// What a frame of the institution is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Answer(ExchangeRuleId),
    Notice(NoticeRuleId),
    PollRequest,
    PollAnswer,
    Sign(Signing),
    /// The spec knows the telegram, but the institution has no reason to send it.
    Nothing,
}

/// A row of the routes: the bytes that mark a telegram, and what it is to us.
pub(crate) type Row = (Vec<(Slice, Box<[u8]>)>, Route);

/// Fields and their bytes.
pub(crate) type Fields = Vec<(Slice, Box<[u8]>)>;

/// The bytes that name us as one party.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) name: Arc<str>,
    /// The participants that it lists.
    pub(crate) participants: ByteTable<()>,
    fields: Fields,
    /// What is not so for a participant.
    at: BTreeMap<Box<[u8]>, Fields>,
}

impl Named {
    /// What names us to a participant; the later ones hold.
    pub(crate) fn to(&self, participant: &[u8]) -> impl Iterator<Item = &(Slice, Box<[u8]>)> {
        self.fields.iter().chain(self.at.get(participant).into_iter().flatten())
    }
}

/// Everything about one protocol that is worked out once, so that no telegram waits for it.
#[derive(Clone, Debug)]
pub(crate) struct Book {
    pub(crate) protocol: Arc<Protocol>,
    /// By telegram; of each, the first that holds.
    routes: Vec<Vec<Row>>,
    sorter: Sorter,
    /// Who we are, for each party of the settings.
    pub(crate) parties: Vec<Named>,
    /// The header fields that may be shown of a telegram that no row of `select` knows.
    header: Vec<Slice>,
    /// The correlation key has a date, so that keys do not come again.
    pub(crate) key_is_dated: bool,
    /// Numbers restart with the date.
    pub(crate) numbers_are_dated: bool,
    /// Some line speaks it.
    pub(crate) has_lines: bool,
    /// Some party lists its participants.
    pub(crate) lists_participants: bool,
    /// Under which keys answers are awaited, by exchange.
    pub(crate) awaited: Vec<AwaitedKey>,
    /// The same of requests whose number is one of theirs.
    theirs: Vec<AwaitedKey>,
    /// How many compartments may come, if they have a window to share: `None` if there is but one.
    pub(crate) compartments: Option<u32>,
}

impl Book {
    pub(crate) fn new(protocol: &Arc<Protocol>, settings: &Settings) -> Self {
        let rules = &protocol.rules;
        let mut routes: Vec<Vec<Row>> = Vec::new();
        routes.resize_with(protocol.catalog.layouts.len(), Vec::new);
        let mut add = |telegram: TelegramId, bytes, route| routes[usize::from(telegram.0)].push((bytes, route));
        if let Some(poll) = &rules.poll {
            add(poll.request_telegram, vec![], Route::PollRequest);
            add(poll.answer_telegram, vec![], Route::PollAnswer);
        }
        let signs = [
            (&rules.sign_on, Signing::OnRequest, Signing::OnAnswer),
            (&rules.sign_off, Signing::OffRequest, Signing::OffAnswer),
        ];
        for (rule, request, answer) in signs {
            let Some(rule) = rule else { continue };
            add(rule.request.kind.telegram, rule.request.kind.bytes.clone(), Route::Sign(request));
            if let Some(told) = &rule.answer {
                add(told.kind.telegram, told.kind.bytes.clone(), Route::Sign(answer));
            }
        }
        for (at, rule) in (0..).zip(&rules.exchanges) {
            add(rule.answer.telegram, rule.answer.bytes.clone(), Route::Answer(ExchangeRuleId(at)));
        }
        for (at, rule) in (0..).zip(&rules.notices) {
            add(rule.request.telegram, rule.request.bytes.clone(), Route::Notice(NoticeRuleId(at)));
        }
        let fields = |fields: &[(Box<str>, Box<[u8]>)]| -> Fields {
            let bytes_of =
                |name: &str| fields.iter().find(|(field, _)| **field == *name).map(|(_, bytes)| bytes.clone());
            rules.party.iter().filter_map(|(name, at)| Some((*at, bytes_of(name)?))).collect()
        };
        let party = |party: &Party| {
            let own = party.participants.iter().filter(|one| !one.fields.is_empty());
            let at = own.map(|one| (one.value.clone(), fields(&one.fields))).collect();
            Named {
                name: Arc::from(&*party.name),
                participants: party.participants.iter().map(|one| (Bytes::from(&*one.value), ())).collect(),
                fields: fields(&party.fields),
                at,
            }
        };
        let mut header: Vec<Slice> = protocol.catalog.select.by.clone();
        header.extend(&rules.key);
        header.extend(&rules.trace);
        header.extend(rules.stamps.iter().map(|stamp| stamp.at));
        header.extend(rules.party.iter().map(|(_, at)| *at));
        header.extend(rules.participant.iter().map(|(_, at)| *at));
        header.push(rules.response_code);
        let is_date = |place: &Slice| rules.stamps.iter().any(|stamp| stamp.is_dated(*place));
        let theirs = rules.exchanges.iter().filter(|rule| rule.given.contains(&rules.number.at));
        let awaited = |rule: &ExchangeRule| AwaitedKey::new(rule, &rules.key);
        Self {
            sorter: Sorter::new(&protocol.catalog.select, &routes),
            routes,
            parties: settings.parties.iter().map(party).collect(),
            header,
            key_is_dated: rules.key.iter().any(is_date),
            numbers_are_dated: rules.number.scope.iter().any(is_date),
            has_lines: settings.lines.iter().any(|line| line.protocol == protocol.name),
            lists_participants: settings.parties.iter().any(|party| !party.participants.is_empty()),
            awaited: rules.exchanges.iter().map(awaited).collect(),
            theirs: theirs.map(awaited).collect(),
            compartments: compartments(protocol, settings),
            protocol: Arc::clone(protocol),
        }
    }

    /// The keys of answers to requests that name something of theirs by its number, of which the rest is that of the correlation key.
    /// Each is written to `key`, whether one `is` so is asked one by one.
    pub(crate) fn any_of_theirs(
        &self,
        protocol: u16,
        rest: &[u8],
        key: &mut Vec<u8>,
        is: impl Fn(&[u8]) -> bool,
    ) -> bool {
        self.theirs.iter().any(|awaited| {
            awaited.write_behind(protocol, rest, key);
            is(key)
        })
    }

    /// What a frame is: its layout, and what it is to us.
    pub(crate) fn route(&self, frame: &[u8]) -> Result<(TelegramId, Route), Unselected> {
        if let Some(told) = self.sorter.tell(&self.protocol.catalog.select, frame) {
            return Ok(told);
        }
        let telegram = self.protocol.catalog.select(frame)?;
        let rows = self.routes.get(usize::from(telegram.0)).map(Vec::as_slice).unwrap_or_default();
        let is = |row: &&Row| row.0.iter().all(|(at, bytes)| at.of(frame) == Some(bytes));
        Ok((telegram, rows.iter().find(is).map_or(Route::Nothing, |row| row.1)))
    }

    /// What a frame that no row knows holds in the fields of `select by`, for logs: only values that some row names, since in a frame
    /// that is shifted by a few bytes an account or a password may stand there.
    pub(crate) fn types_shown(&self, unselected: &Unselected) -> String {
        let select = &self.protocol.catalog.select;
        let is_named = |at: &Slice, bytes: &[u8]| {
            let conditions = select.rows.iter().flat_map(|row| &row.bytes);
            conditions.filter(|(place, _)| place == at).any(|(_, any_of)| any_of.iter().any(|named| **named == *bytes))
        };
        let shown = select.by.iter().zip(&unselected.by).map(|(at, bytes)| {
            let text = if is_named(at, bytes) { crate::bytes::readable(bytes) } else { "*".repeat(bytes.len()) };
            format!("`{text}`")
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    /// Bytes that are not stored of a frame whose layout is not known: all that are not in a known header field, since each
    /// may be secret.
    pub(crate) fn unknown_secrets(&self, frame: &[u8]) -> Vec<Slice> {
        let mut secrets = Vec::new();
        let mut header = self.header.clone();
        header.sort_unstable();
        let end = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        let mut at = 0;
        for field in header {
            if field.offset > at {
                secrets.push(Slice { offset: at, len: field.offset.min(end).saturating_sub(at) });
            }
            at = at.max(field.offset + field.len);
        }
        secrets.push(Slice { offset: at, len: end.saturating_sub(at) });
        secrets.retain(|secret| secret.len > 0 && secret.offset < end);
        secrets
    }
}

/// How many compartments may come. Those that are participants are in the settings; of others nobody knows.
fn compartments(protocol: &Protocol, settings: &Settings) -> Option<u32> {
    let rules = &protocol.rules;
    let (_, at) = rules.compartment.as_ref()?;
    let known: BTreeSet<&[u8]> =
        settings.parties.iter().flat_map(|party| &party.participants).map(|one| &*one.value).collect();
    let is_participant = rules.participant.as_ref().is_some_and(|(_, participant)| participant == at);
    match known.len() {
        1 if is_participant => None,
        count if is_participant && count > 0 => u32::try_from(count).ok(),
        _ => Some(u32::MAX),
    }
}

/// Whether a telegram is as long as one of its layout may be; of one that moves there are many lengths.
pub(crate) fn may_have(layout: &Layout, telegram: &[u8]) -> bool {
    u32::try_from(telegram.len()).is_ok_and(|found| (layout.len()..=layout.len_max()).contains(&found))
}

/// How long a telegram may be: `57`, or `45 to 82`.
pub(crate) fn lengths(layout: &Layout) -> String {
    match (layout.len(), layout.len_max()) {
        (least, most) if least == most => format!("{least}"),
        (least, most) => format!("{least} to {most}"),
    }
}

/// A telegram in which nothing is given: constants and defaults of the fields that `side` fills, else what `unset` says.
pub(crate) fn blank(layout: &Layout, side: Side) -> Vec<u8> {
    let mut bytes = vec![b' '; usize::try_from(layout.len()).unwrap_or(0)];
    for field in layout.head() {
        let Some(at) = bytes.get_mut(field.at.range()) else { continue };
        match &field.fill {
            Fill::Default(value) | Fill::Const(value) if value.len() == at.len() && field.by.fills(side) => {
                at.copy_from_slice(value);
            }
            Fill::Const(value) if value.len() == at.len() => at.copy_from_slice(value),
            _ => at.fill(field.unset_byte()),
        }
    }
    compute(layout, side, &mut bytes);
    bytes
}

/// Lengths, checksums and the like of a telegram that is all ours. What cannot be written is seen by whoever reads it, and the check has
/// seen to it that nothing is.
pub(crate) fn compute(layout: &Layout, side: Side, telegram: &mut [u8]) {
    let _ = recompute(layout, side, telegram);
}

/// What looks at bytes that were written into a telegram of somebody else, whose own mistakes stay what they are.
///
/// # Errors
/// The field that cannot be computed, and why.
pub(crate) fn compute_from(layout: &Layout, side: Side, telegram: &mut [u8], written: &[Slice]) -> Result<(), String> {
    recompute_from(layout, side, telegram, written).map_err(|faults| {
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        told.join("; ")
    })
}

/// Writes a field. A field that does not fit is left as it is: the spec and the settings were checked against that.
pub(crate) fn put(telegram: &mut [u8], at: Slice, bytes: &[u8]) {
    if let Some(field) = telegram.get_mut(at.range())
        && field.len() == bytes.len()
    {
        field.copy_from_slice(bytes);
    }
}

/// The names of header fields, as any layout of the protocol has them.
pub(crate) fn field_names(protocol: &Protocol, fields: &[Slice]) -> Vec<Box<str>> {
    let name = |slice: &Slice| {
        let known = || protocol.catalog.layouts.iter().flat_map(|layout| layout.head());
        let named = known().find(|field| field.at == *slice).map(|field| field.path.clone());
        let (start, end) = (slice.offset, slice.offset + slice.len);
        let part = || {
            let field = known().find(|field| field.at.offset <= start && end <= field.at.offset + field.at.len)?;
            Some(format!("{}[{}..{}]", field.path, start - field.at.offset, end - field.at.offset).into())
        };
        named.or_else(part).unwrap_or_else(|| format!("bytes {start}..{end}").into())
    };
    fields.iter().map(name).collect()
}

/// Carries bytes from one telegram to another.
pub(crate) fn carry(from: &[u8], from_at: Slice, to: &mut [u8], to_at: Slice) {
    if let Some(bytes) = from_at.of(from) {
        put(to, to_at, bytes);
    }
}
