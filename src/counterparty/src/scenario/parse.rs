//! The file as a whole.

use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_spec::{ExchangeRule, ExchangeRuleId, NoticeRule, Protocol, TypeCode};
use pabal_telegram::{Kind, Layout, Side};
use toml::de::DeTable;

use super::codes::codes;
use super::conduct::{Actor, conduct};
use super::fields::{CounterCount, Origins, copies_all, find, matches, sets};
use super::hours::{between, business};
use super::read::{Node, Place, Reader, Table, unknown_help};
use super::{Codes, Conduct, Duplicate, OriginalState, Poll, Reply, Scenario, Session, numbered};
use crate::fill::Recipe;
use crate::mistake::Mistake;

pub(crate) fn scenario(text: &str, file: &str, protocol: &Protocol) -> Result<Scenario, Vec<Mistake>> {
    let mut reader = Reader::new(file, text);
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let place = Place { path: "".into(), span: error.span().unwrap_or(0..0) };
        reader.mistake(&place, format!("not TOML: {}", error.message()), None);
    }
    if !reader.mistakes.is_empty() {
        return Err(reader.mistakes);
    }
    let mut root = Table::root(&root);
    let scenario = Parser { protocol, counters: CounterCount::default() }.whole(&mut reader, &mut root);
    root.finish(&mut reader);
    reader.mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
    if reader.mistakes.is_empty() { Ok(scenario) } else { Err(reader.mistakes) }
}

pub(crate) struct Parser<'p> {
    pub(crate) protocol: &'p Protocol,
    pub(crate) counters: CounterCount,
}

impl<'p> Parser<'p> {
    fn whole<'t>(&mut self, reader: &mut Reader<'t>, root: &mut Table<'t>) -> Scenario {
        let about = root.take("about").and_then(|node| node.text(reader, "text")).unwrap_or_default();
        let business =
            root.take("business").and_then(|node| business(reader, &node, self.protocol)).unwrap_or_default();
        let format = self.one_code(reader, root.take("format"), "response_code");
        let duplicate = root.take("duplicate").and_then(|node| self.duplicate(reader, &node));
        let poll = root.take("poll").and_then(|node| self.poll(reader, &node)).unwrap_or_default();
        let sign_on = root.take("sign_on").and_then(|node| self.sign_on(reader, &node)).unwrap_or_default();
        let session = root.take("session").and_then(|node| self.session(reader, &node)).unwrap_or_default();
        let tables = root.take("reply").map(|node| node.tables(reader)).unwrap_or_default();
        let mut replies: Vec<Reply> = Vec::new();
        for (at, table) in tables.into_iter().enumerate() {
            let place = table.place.clone();
            let Some(reply) = self.reply(reader, table, at) else { continue };
            if replies.iter().any(|earlier| earlier.name == reply.name) {
                reader.mistake(
                    &place,
                    format!("two replies are named `{}`", reply.name),
                    Some("rename one of them".into()),
                );
            }
            replies.push(reply);
        }
        let tables = root.take("notice").map(|node| node.tables(reader)).unwrap_or_default();
        let notices = tables.into_iter().enumerate();
        let notices = notices.filter_map(|(at, table)| self.notice(reader, table, at, &replies)).collect();
        let plain = self.protocol.rules.exchanges.iter().map(|exchange| self.answer_recipe(exchange)).collect();
        Scenario { about: about.into(), business, duplicate, format, poll, sign_on, session, replies, notices, plain }
    }

    /// A table of one key, a response code.
    fn one_code<'t>(&self, reader: &mut Reader<'t>, node: Option<Node<'t>>, key: &'t str) -> Option<Codes> {
        let mut table = node?.table(reader)?;
        let node = table.needed(reader, key);
        table.finish(reader);
        codes(reader, &node?, self.protocol)
    }

    fn duplicate<'t>(&self, reader: &mut Reader<'t>, node: &Node<'t>) -> Option<Duplicate> {
        let mut table = node.table(reader)?;
        let response_code = table.take("response_code").and_then(|node| codes(reader, &node, self.protocol));
        let executes = table.take("executes").and_then(|node| node.boolean(reader)).unwrap_or(false);
        table.finish(reader);
        Some(Duplicate { response_code, executes })
    }

    fn poll<'t>(&mut self, reader: &mut Reader<'t>, node: &Node<'t>) -> Option<Poll> {
        let mut table = node.table(reader)?;
        let sends = table.take("sends").and_then(|node| node.boolean(reader)).unwrap_or(false);
        let conduct = conduct(reader, &mut table, Actor::Poll, self.protocol, &mut self.counters);
        table.finish(reader);
        Some(Poll { sends, conduct })
    }

    fn sign_on<'t>(&mut self, reader: &mut Reader<'t>, node: &Node<'t>) -> Option<Conduct> {
        let mut table = node.table(reader)?;
        let Some(rule) = &self.protocol.rules.sign_on else {
            reader.mistake(&node.place, "this protocol has no sign-on", None);
            table.take_all();
            return None;
        };
        let at = rule.success.as_ref().map(|success| success.at);
        let conduct = conduct(reader, &mut table, Actor::SignOn(at), self.protocol, &mut self.counters);
        table.finish(reader);
        Some(conduct)
    }

    fn session<'t>(&mut self, reader: &mut Reader<'t>, node: &Node<'t>) -> Option<Session> {
        let usual = Session::default();
        let mut table = node.table(reader)?;
        let reconnect = table.take("reconnect").and_then(|node| node.duration(reader)).unwrap_or(usual.reconnect);
        let over_limit =
            table.take("over_limit").and_then(|node| node.word(reader, &[("reset", true), ("accept", false)]));
        let answers = table.take("answers").and_then(|node| node.word(reader, &[("same", true), ("any", false)]));
        let conduct = conduct(reader, &mut table, Actor::Session, self.protocol, &mut self.counters);
        table.finish(reader);
        Some(Session {
            reconnect,
            resets_over_limit: over_limit.unwrap_or(usual.resets_over_limit),
            answers_same: answers.unwrap_or(usual.answers_same),
            conduct,
        })
    }

    fn reply<'t>(&mut self, reader: &mut Reader<'t>, mut table: Table<'t>, at: usize) -> Option<Reply> {
        let name = table.take("name").and_then(|node| node.text(reader, "a name"));
        let Some((exchange, rule)) = self.exchange(reader, &mut table) else {
            // Nothing else can be checked, but its keys are not unknown.
            table.take_all();
            return None;
        };
        let request = self.layout(&rule.request);
        let answer = self.layout(&rule.answer);
        let matches = table.take("match").map(|node| matches(reader, &node, request)).unwrap_or_default();
        let original = table.take("original").and_then(|node| original(reader, &node, rule));
        let issued = table.take("notice").and_then(|node| issued(reader, &node, exchange, rule, self.protocol));
        let asks_for = self.protocol.rules.notices.iter().find(|notice| asks_for(notice, exchange));
        let notice = asks_for.filter(|_| issued == Some(true)).map(|notice| self.layout(&notice.request));
        let origins = Origins { request: Some(request), original: self.original_layouts(rule, original), notice };
        let between = table.take("between").and_then(|node| between(reader, &node, self.protocol));
        let skip = table.take("skip").and_then(|node| node.count(reader, 1)).unwrap_or(0);
        let first = table.take("first").and_then(|node| node.count(reader, 1));
        let executes = table.take("executes").and_then(|node| node.boolean(reader)).unwrap_or(false);
        let amount = table.take("amount").and_then(|node| amount(reader, &node, request));
        let closes_business = table.take("closes_business").and_then(|node| node.boolean(reader)).unwrap_or(false);
        let delay = table.take("delay").and_then(|node| node.span(reader)).unwrap_or_default();
        let response_code = table.needed(reader, "response_code");
        let response_code = response_code.and_then(|node| codes(reader, &node, self.protocol));
        let lines = table.take("set").map(|node| sets(reader, &node, answer, origins, &mut self.counters));
        let copies = table.take("copy_all").is_some_and(|node| copy_all(reader, &node, notice));
        let conduct = conduct(reader, &mut table, Actor::Reply(answer, origins), self.protocol, &mut self.counters);
        table.finish(reader);

        let mut recipe = self.answer_recipe(rule);
        let lines = lines.unwrap_or_default();
        if let (true, Some(notice)) = (copies, notice) {
            let said = lines.iter().map(|line| line.at).chain(rule.answer.bytes.iter().map(|(at, _)| *at));
            recipe.add(copies_all(answer, notice, &said.collect::<Vec<_>>()));
        }
        recipe.add(lines);
        Some(Reply {
            name: name.map_or_else(|| numbered("reply", at), Arc::from),
            exchange,
            original,
            issued,
            between,
            matches,
            skip: skip.into(),
            first: first.map(u64::from),
            executes,
            amount,
            closes_business,
            response_code: response_code?,
            recipe,
            delay,
            conduct,
        })
    }

    fn exchange<'t>(
        &self,
        reader: &mut Reader<'t>,
        table: &mut Table<'t>,
    ) -> Option<(ExchangeRuleId, &'p ExchangeRule)> {
        let node = table.needed(reader, "exchange")?;
        let name = node.text(reader, "the name of an exchange")?;
        let rules = &self.protocol.rules.exchanges;
        let Some(at) = rules.iter().position(|rule| *rule.name == *name) else {
            let known: Vec<&str> = rules.iter().map(|rule| &*rule.name).collect();
            let message = format!("protocol {} has no exchange `{name}`", self.protocol.name);
            reader.mistake(&node.place, message, Some(unknown_help(name, &known)));
            return None;
        };
        Some((ExchangeRuleId(u16::try_from(at).ok()?), rules.get(at)?))
    }

    pub(crate) fn layout(&self, code: &TypeCode) -> &'p Layout {
        self.protocol.catalog.layout(code.telegram)
    }

    fn original_layouts(&self, rule: &ExchangeRule, state: Option<OriginalState>) -> Option<(&'p Layout, &'p Layout)> {
        if !matches!(state, Some(OriginalState::Executed | OriginalState::NotExecuted)) {
            return None;
        }
        let original = self.protocol.rules.exchanges.get(usize::from(rule.settles.as_ref()?.original.0))?;
        Some((self.layout(&original.request), self.layout(&original.answer)))
    }

    fn answer_recipe(&self, rule: &ExchangeRule) -> Recipe {
        let mut recipe = Recipe::new(self.layout(&rule.answer), Side::Answerer, Some(self.layout(&rule.request)));
        for (at, bytes) in &rule.answer.bytes {
            recipe.fix(*at, bytes);
        }
        // What marks the answer as one is not echoed, whatever the header says.
        recipe.echoes.retain(|(_, to)| rule.answer.bytes.iter().all(|(at, _)| at != to));
        recipe
    }
}

fn original(reader: &mut Reader<'_>, node: &Node<'_>, rule: &ExchangeRule) -> Option<OriginalState> {
    let words = [
        ("executed", OriginalState::Executed),
        ("not_executed", OriginalState::NotExecuted),
        ("missing", OriginalState::Missing),
    ];
    if rule.settles.is_none() {
        let help = "only an exchange with `settles` in the spec is about another one".to_string();
        reader.mistake(&node.place, format!("exchange `{}` has no original", rule.name), Some(help));
    }
    node.word(reader, &words)
}

/// Whether this exchange asks for the notices of a rule that were not received.
pub(crate) fn asks_for(notice: &NoticeRule, exchange: ExchangeRuleId) -> bool {
    notice.gap.as_ref().is_some_and(|gap| gap.exchange == exchange)
}

fn issued(
    reader: &mut Reader<'_>,
    node: &Node<'_>,
    exchange: ExchangeRuleId,
    rule: &ExchangeRule,
    protocol: &Protocol,
) -> Option<bool> {
    if !protocol.rules.notices.iter().any(|notice| asks_for(notice, exchange)) {
        let help = "only an exchange that a notice's `gap` names in the spec does".to_string();
        reader.mistake(&node.place, format!("exchange `{}` asks for no notice", rule.name), Some(help));
    }
    node.word(reader, &[("issued", true), ("missing", false)])
}

fn copy_all(reader: &mut Reader<'_>, node: &Node<'_>, notice: Option<&Layout>) -> bool {
    let word = node.word(reader, &[("notice", ())]);
    if word.is_some() && notice.is_none() {
        let help = "only a reply with `notice = \"issued\"` is about a notice of the book".to_string();
        reader.mistake(&node.place, "no notice is asked for here", Some(help));
    }
    word.is_some()
}

fn amount(reader: &mut Reader<'_>, node: &Node<'_>, request: &Layout) -> Option<pabal_telegram::Field> {
    let name = node.text(reader, "the name of a field")?;
    let field = find(reader, &node.place, name, request)?;
    if !matches!(field.kind, Kind::Number { .. }) {
        reader.mistake(&node.place, format!("`{name}` is not a number"), None);
    }
    Some(field.clone())
}
