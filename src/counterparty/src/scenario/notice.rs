//! `[[notice]]`: what the institution tells by itself.

use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use pabal_spec::ExchangeRuleId;
use pabal_telegram::{Layout, Side, Slice};

use super::conduct::{Actor, conduct, count_in};
use super::fields::{Origins, matches, sets};
use super::parse::Parser;
use super::read::{Node, Place, Reader, Table, unknown_help};
use super::{Conduct, Deed, Match, Notice, Reply, Resend, Start, numbered};
use crate::fill::{Numbering, Recipe, Set, Source};

impl<'p> Parser<'p> {
    pub(crate) fn notice<'t>(
        &mut self,
        reader: &mut Reader<'t>,
        mut table: Table<'t>,
        at: usize,
        replies: &[Reply],
    ) -> Option<Notice> {
        let name = table.take("name").and_then(|node| node.text(reader, "a name"));
        let place = table.place.clone();
        let Some(node) = table.needed(reader, "notice") else {
            table.take_all();
            return None;
        };
        let wanted = node.text(reader, "the name of a notice");
        let rules = &self.protocol.rules.notices;
        let found = wanted.and_then(|wanted| rules.iter().find(|rule| *rule.name == *wanted));
        let Some(rule) = found else {
            if let Some(wanted) = wanted {
                let known: Vec<&str> = rules.iter().map(|rule| &*rule.name).collect();
                let message = format!("protocol {} has no notice `{wanted}`", self.protocol.name);
                reader.mistake(&node.place, message, Some(unknown_help(wanted, &known)));
            }
            table.take_all();
            return None;
        };
        let layout = self.layout(&rule.request);
        let (start, cause) = self.start(reader, &mut table, replies);
        let origins = Origins { request: cause, ..Origins::default() };
        let matches = table.take("match").map(|node| cause_matches(reader, &node, cause)).unwrap_or_default();
        let one_in = table.take("one_in").and_then(|node| node.count(reader, 1)).unwrap_or(1);
        let after = table.take("after").and_then(|node| node.span(reader)).unwrap_or_default();
        let every = table.take("every").and_then(|node| node.duration(reader)).filter(|every| !every.is_zero());
        let times = table.take("times").and_then(|node| node.count(reader, 1));
        let lines = table.take("set").map(|node| sets(reader, &node, layout, origins, &mut self.counters));
        let resend = table.take("resend").and_then(|node| resend(reader, &node, layout));
        let conduct = conduct(reader, &mut table, Actor::Notice(layout, origins), self.protocol, &mut self.counters);
        table.finish(reader);

        let mut recipe = Recipe::new(layout, Side::Asker, None);
        for (at, bytes) in &rule.request.bytes {
            recipe.fix(*at, bytes);
        }
        // The institution stamps what it sends, as we do.
        let stamps = &self.protocol.rules.stamps;
        recipe.sets = stamps.iter().map(|s| Set { at: s.at, source: Source::Now(s.pattern.pattern.clone()) }).collect();
        let lines = lines.unwrap_or_default();
        let unset = |at: &Slice| lines.iter().all(|line| line.at != *at);
        let numbering = rule.numbered.as_ref().filter(|numbered| unset(&numbered.at)).map(|numbered| {
            let (at, per, first) = (numbered.at, numbered.scope.clone(), numbered.first.unwrap_or(1));
            recipe.sets.push(Set { at, source: Source::Number { first, per: per.clone() } });
            Numbering { at, per }
        });
        let number = self.protocol.rules.number.at;
        if numbering.is_none() && unset(&number) {
            let field = layout.head().iter().find(|field| field.at == number).map_or("", |field| &*field.path);
            let help =
                format!("write {field} = {{ sequence = 500_001, per = [...] }}, apart from those that are numbered");
            let message = format!("the spec does not call `{}` numbered, and `{field}` is not set", rule.name);
            reader.mistake(&place, message, Some(help));
        }
        skips(reader, &place, &conduct, numbering.as_ref());
        recipe.sets.retain(|stamp| lines.iter().all(|line| line.at != stamp.at));
        recipe.add(lines);
        Some(Notice {
            name: name.map_or_else(|| numbered("notice", at), Arc::from),
            start,
            matches,
            one_in,
            numbering,
            after,
            every,
            times: times.unwrap_or(if every.is_some() { u32::MAX } else { 1 }),
            recipe,
            resend,
            conduct,
        })
    }

    /// What starts a notice, and the layout of the request that caused it.
    fn start<'t>(
        &self,
        reader: &mut Reader<'t>,
        table: &mut Table<'t>,
        replies: &[Reply],
    ) -> (Start, Option<&'p Layout>) {
        let words = [("connected", 0), ("opened", 1), ("reply", 2), ("trigger", 3), ("executed", 4)];
        let word = table.needed(reader, "on").and_then(|node| node.word(reader, &words));
        let request = |exchange: ExchangeRuleId| {
            let rule = self.protocol.rules.exchanges.get(usize::from(exchange.0))?;
            Some(self.layout(&rule.request))
        };
        let opening = self.protocol.rules.opening.as_ref();
        match word {
            Some(0) => (Start::Connected, None),
            Some(1) => {
                if opening.is_none() {
                    let place = table.place.clone();
                    reader.mistake(&place, "this protocol has no opening", Some("start it on another event".into()));
                }
                (Start::Opened, opening.and_then(|opening| request(opening.exchange)))
            }
            Some(kind @ (2 | 4)) => {
                let node = table.needed(reader, "reply");
                let name = node.as_ref().and_then(|node| node.text(reader, "the name of a reply"));
                let reply = replies.iter().find(|reply| Some(&*reply.name) == name);
                if let (Some(node), Some(name), None) = (&node, name, reply) {
                    let known: Vec<&str> = replies.iter().map(|reply| &*reply.name).collect();
                    reader.mistake(
                        &node.place,
                        format!("no reply is named `{name}`"),
                        Some(unknown_help(name, &known)),
                    );
                }
                let name = reply.map_or_else(|| Arc::from(""), |reply| reply.name.clone());
                let start = if kind == 2 { Start::Reply(name) } else { Start::Executed(name) };
                (start, reply.and_then(|reply| request(reply.exchange)))
            }
            _ => (Start::Trigger, opening.and_then(|opening| request(opening.exchange))),
        }
    }
}

fn resend<'t>(reader: &mut Reader<'t>, node: &Node<'t>, layout: &Layout) -> Option<Resend> {
    let mut table = node.table(reader)?;
    let after = table.needed(reader, "after").and_then(|node| node.duration(reader));
    let times = table.take("times").map_or(Some(1), |node| node.count(reader, 1));
    let sets = count_in(reader, &mut table, layout);
    table.finish(reader);
    Some(Resend { after: after.filter(|after| *after > Duration::ZERO)?, times: times?, sets })
}

/// `match`: of the request that starts it.
fn cause_matches(reader: &mut Reader<'_>, node: &Node<'_>, cause: Option<&Layout>) -> Vec<Match> {
    let Some(cause) = cause else {
        let help = "start it with `on = \"opened\"`, \"reply\" or \"executed\"".into();
        reader.mistake(&node.place, "no request starts this notice", Some(help));
        return Vec::new();
    };
    matches(reader, node, cause)
}

/// `skip` needs a number that this side gives.
fn skips(reader: &mut Reader<'_>, place: &Place, conduct: &Conduct, numbering: Option<&Numbering>) {
    if numbering.is_none() && conduct.misdeeds.iter().any(|misdeed| matches!(misdeed.deed, Deed::Skip { .. })) {
        let help = "the spec must call the notice `numbered`, and `set` must leave the number out".into();
        reader.mistake(place, "`skip` leaves out numbers, but this notice is not numbered here", Some(help));
    }
}
