//! What both sides want done: the part of a driver.

use std::time::Duration;

use pabal_counterparty::{Connection, Event as Told};
use pabal_switch::{Core, Entry, Output, Ticket};

use crate::coverage::Fault;
use crate::world::{Event, World, judge};

/// How long our kernel waits for an acknowledgement (TCP_USER_TIMEOUT).
const USER_TIMEOUT: Duration = Duration::from_secs(20);

impl World {
    pub(super) fn pump(&mut self) {
        loop {
            let mut quiet = true;
            while let Some(output) = self.core.as_mut().and_then(Core::poll_output) {
                quiet = false;
                self.do_for_core(output);
            }
            self.let_go();
            quiet &= !self.write();
            while let Some(output) = self.bank.poll_output() {
                quiet = false;
                self.do_for_bank(output);
            }
            if quiet || self.broken.is_some() {
                break;
            }
        }
        if self.core.is_some() && self.disk.begins_sync() {
            let by_chance = !self.healthy && self.setup.faults > 0 && self.chance.per_mille(20);
            let slow = by_chance || std::mem::take(&mut self.slow_sync);
            let micros = if slow { self.chance.between(100_000, 5_000_000) } else { self.chance.between(100, 1_500) };
            if slow {
                self.counts.slow_syncs += 1;
                self.hit_all(Fault::SlowDisk);
            }
            self.agenda.plan(self.now.mono + Duration::from_micros(micros), Event::Synced);
        }
    }

    fn do_for_core(&mut self, output: Output) {
        match output {
            Output::Connect { conn, address } => {
                self.may_connect(conn.session.line);
                self.asks_to_connect(conn, address);
                let works = self.healthy || self.setup.faults == 0 || self.chance.per_mille(850);
                let number = self.number();
                let soon = self.now.mono + Duration::from_micros(self.chance.between(100, 20_000));
                // A SYN does not overtake the FIN of an earlier connection; whoever has seen the peer's FIN may rely on that.
                let behind = self.links.values().filter_map(|link| link.out.end_at()).max();
                let at = behind.map_or(soon, |fin| soon.max(fin + Duration::from_micros(1)));
                if let Some((works, at)) = self.by_address(conn, works, at) {
                    self.agenda.plan(at, Event::Connecting { conn, number, works });
                }
            }
            Output::Close { conn, reason, abort } => {
                self.trace.line(self.now, format_args!("we close {conn:?}: {reason}"));
                self.routes_close(conn, reason);
                let Some(number) = self.ours.get(&conn).copied() else {
                    // It was being made: it is given up.
                    self.agenda.retain(|event| !matches!(event, Event::Connecting { conn: made, .. } if *made == conn));
                    if let Some(core) = &mut self.core {
                        core.handle_connect_failed(conn, self.now);
                    }
                    return;
                };
                if abort {
                    self.abort_soon(conn, number, reason);
                } else {
                    self.finish(number);
                }
            }
            Output::Append { ticket, entries } => self.append(ticket, entries),
            Output::Finish { exchange, report } => self.told(exchange, &report),
            Output::Deliver(delivery) => self.deliver(&delivery),
            Output::Replied { notice, report } => self.replied(notice, report),
            Output::Event(event) => {
                self.hear(&event);
                self.routes_hear(&event);
                self.trace.line(self.now, format_args!("{event:?}"));
            }
        }
    }

    fn append(&mut self, ticket: Ticket, entries: Vec<Entry>) {
        let kinds: Vec<&str> = entries.iter().map(Entry::kind).collect();
        self.trace.line(self.now, format_args!("append {}: {}", ticket.0, kinds.join(" ")));
        self.watch_entries(&entries);
        if self.disk.failed {
            if let Some(core) = &mut self.core {
                core.handle_journal_failed("the disk has failed", self.now);
            }
        } else {
            self.disk.append(ticket, entries, self.now.mono);
        }
    }

    pub(super) fn synced(&mut self) {
        let Some(ticket) = self.disk.synced() else { return };
        self.trace.line(self.now, format_args!("durable {}", ticket.0));
        if let Some(core) = &mut self.core {
            core.handle_durable(ticket, self.now);
        }
        while let Some(at) = self.fences.iter().position(|(bound, _)| *bound <= ticket) {
            let (_, request) = self.fences.swap_remove(at);
            self.counts.fenced += 1;
            self.requests[request].fenced = true;
        }
    }

    /// The journal asks for a checkpoint: the next start reads from there.
    pub(super) fn checkpoint(&mut self) {
        if let (Some(core), false) = (&self.core, self.disk.failed) {
            self.counts.checkpoints += 1;
            let entry = core.checkpoint(self.now);
            self.trace.line(self.now, format_args!("checkpoint"));
            self.disk.append_checkpoint(entry, self.now.mono);
        }
    }

    fn do_for_bank(&mut self, output: pabal_counterparty::Output) {
        use pabal_counterparty::Output as Does;
        match output {
            Does::Send { connection, bytes } => {
                self.remember_answer(connection, &bytes);
                let faulty = !self.healthy;
                if let Some(link) = self.links.get_mut(&connection) {
                    link.back.write(&bytes, self.now.mono, faulty, &mut self.chance);
                }
            }
            Does::Connect { line } => {
                let number = self.number();
                let at = self.now.mono + Duration::from_micros(self.chance.between(100, 20_000));
                self.agenda.plan(at, Event::Arriving { number, line });
            }
            Does::Close { connection } => {
                if let Some(link) = self.links.get_mut(&connection) {
                    link.back.finish(self.now.mono, &mut self.chance);
                    if link.lingers {
                        // Our end had come: it counts no longer.
                        self.let_side_go(connection);
                    }
                }
            }
            Does::Reset { connection } => self.reset(connection),
            Does::Event(event) => {
                match &event {
                    Told::GapAsked { .. } => self.asked_for_theirs = true,
                    Told::Received { .. } => self.asked_for_theirs = false,
                    Told::Unanswered { conduct: "lost", .. } => {
                        self.tally.keyless_lost += u64::from(self.setup.keyless);
                    }
                    _ => {}
                }
                if let Told::Answered { key, conduct, .. } | Told::Unanswered { key, conduct } = &event {
                    self.hit_by_peer(key, conduct);
                }
                self.trace.line(self.now, format_args!("bank: {event}"));
            }
        }
    }

    fn number(&mut self) -> Connection {
        self.next_link += 1;
        Connection(self.next_link)
    }

    /// Gives the kernel what the core lets go, a seeded part at a time. `true` if anything went.
    fn write(&mut self) -> bool {
        let mut wrote = false;
        // Whoever may write now has to know what time it is.
        if let Some(core) = &mut self.core
            && self.told_at != self.now
        {
            self.told_at = self.now;
            core.handle_timeout(self.now);
            if let Some(output) = core.poll_output() {
                self.do_for_core(output);
                return true;
            }
        }
        for (conn, number) in self.ours.clone() {
            let (Some(core), Some(link)) = (&mut self.core, self.links.get_mut(&number)) else { continue };
            let offered = core.poll_write(conn);
            let room = link.out.room(offered.len(), self.now.mono);
            if room == 0 {
                if !offered.is_empty() && !std::mem::replace(&mut link.is_told_full, true) {
                    core.handle_wrote(conn, 0, self.now);
                    self.operates_while_full();
                    self.may_answer_early(conn, number);
                    wrote = true;
                }
                continue;
            }
            link.is_told_full = false;
            let taken = if !self.healthy && self.chance.per_mille(100) {
                self.counts.partial_writes += 1;
                1 + self.chance.index(room)
            } else {
                room
            };
            link.out.write(&offered[..taken], self.now.mono, !self.healthy, &mut self.chance);
            if (link.out.swallows || link.back.swallows) && !std::mem::replace(&mut link.doomed, true) {
                self.agenda.plan(self.now.mono + USER_TIMEOUT, Event::GivesUp(number));
            }
            let line = &self.settings.lines[usize::from(conn.session.line.0)];
            let slot = (line.name.clone(), conn.session.slot);
            let written = judge::written(link, conn, &slot, taken, offered, &self.disk, &self.setup);
            core.handle_wrote(conn, taken, self.now);
            let is_partly = link.frame_left > 0;
            let single = Self::one_request(link, conn, line.connects, &written);
            let seen = single.and(written).and_then(|did| {
                self.replies_left(&did.replies_begun, &did.replies_taken)?;
                did.begun.iter().try_for_each(|(exchange, frame)| self.began(*exchange, frame))
            });
            if let Err(broken) = seen {
                self.broken.get_or_insert(broken);
            }
            if is_partly {
                self.may_answer_early(conn, number);
            }
            wrote = true;
        }
        wrote
    }
}
