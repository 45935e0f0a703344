//! What the wire carries.

use std::time::Duration;

use pabal_counterparty::{Connection, LineId as BankLine};
use pabal_switch::{CloseReason, Conn, Connects, LineId};

use crate::wire::Link;
use crate::world::{Event, World};

impl World {
    pub(super) fn connecting(&mut self, conn: Conn, number: Connection, works: bool) {
        let Some(core) = &mut self.core else { return };
        if works {
            self.links.insert(number, Link { heard_at: self.now.mono, ..Link::default() });
            self.ours.insert(conn, number);
            let line = BankLine(conn.session.line.0);
            self.trace.line(self.now, format_args!("{conn:?} connected as {number}"));
            self.bank.handle_connected(number, line, self.theirs);
            core.handle_connected(conn, self.now);
            self.taken_by_address(conn, number);
        } else {
            self.counts.connect_failures += 1;
            core.handle_connect_failed(conn, self.now);
        }
    }

    pub(super) fn arriving(&mut self, number: Connection, line: BankLine) {
        let works = self.healthy || self.chance.per_mille(900);
        let (Some(core), true) = (&mut self.core, works) else {
            self.bank.handle_connect_failed(line, self.theirs);
            return;
        };
        self.links.insert(number, Link { heard_at: self.now.mono, ..Link::default() });
        self.bank.handle_connected(number, line, self.theirs);
        match core.handle_accepted(LineId(line.0), self.now) {
            Ok(conn) => {
                self.trace.line(self.now, format_args!("accepted {number} as {conn:?}"));
                self.ours.insert(conn, number);
                self.accepted_at = Some(self.now.mono);
                self.may_connect(conn.session.line);
                self.slots_hold(conn.session.line);
            }
            Err(reason) => {
                self.trace.line(self.now, format_args!("turned away {number}: {reason}"));
                self.knocked(LineId(line.0));
                self.reset(number);
            }
        }
    }

    /// A connection that fills no slot any more may not live on: our side resets it.
    pub(super) fn let_go(&mut self) {
        for conn in std::mem::take(&mut self.freed) {
            let Some(number) = self.ours.remove(&conn) else { continue };
            self.trace.line(self.now, format_args!("{conn:?} fills no slot, and is reset"));
            let Some(link) = self.links.get_mut(&number) else { continue };
            link.closed_here = true;
            if link.out.swallows {
                self.finish(number);
            } else {
                self.reset(number);
            }
        }
    }

    /// RST: both sides know at once, what was on the way is lost.
    pub(super) fn reset(&mut self, number: Connection) {
        let Some(link) = self.links.remove(&number) else { return };
        if !link.closed_there {
            self.bank.handle_closed(number, self.theirs);
        }
        let conn = self.ours.iter().find(|(_, n)| **n == number).map(|(conn, _)| *conn);
        if let Some(conn) = conn {
            self.ours.remove(&conn);
            if let Some(core) = &mut self.core {
                core.handle_closed(conn, CloseReason::Reset, self.now);
            }
        }
    }

    /// A connection that is probed or drained breaks now and then.
    pub(super) fn gives_up_soon(&mut self, conn: Conn, per_mille: u32) {
        let may = self.setup.faults > 0 && !self.healthy && self.chance.per_mille(per_mille);
        if let Some(number) = self.ours.get(&conn).copied().filter(|_| may) {
            let at = self.now.mono + Duration::from_micros(self.chance.between(0, 3_000));
            self.agenda.plan(at, Event::GivesUp(number));
        }
    }

    /// The institution does not wait for a sign-off, now and then: its FIN comes instead of the answer.
    pub(super) fn ends_now(&mut self, conn: Conn, per_mille: u32) {
        let may = self.setup.faults > 0 && !self.healthy && self.chance.per_mille(per_mille);
        let number = self.ours.get(&conn).filter(|_| may);
        if let Some(link) = number.and_then(|number| self.links.get_mut(number)) {
            self.counts.half_closes += 1;
            link.back.finish(self.now.mono, &mut self.chance);
        }
    }

    /// Nothing that we wrote was acknowledged: our kernel tells our process, and the institution if it can.
    pub(super) fn gives_up(&mut self, number: Connection) {
        let conn = self.ours.iter().find(|(_, n)| **n == number).map(|(conn, _)| *conn);
        let (Some(conn), Some(core)) = (conn, &mut self.core) else { return };
        self.counts.given_up_by_us += 1;
        self.trace.line(self.now, format_args!("our kernel gives up {number}"));
        self.ours.remove(&conn);
        core.handle_closed(conn, CloseReason::IoError, self.now);
        let Some(link) = self.links.get_mut(&number) else { return };
        link.closed_here = true;
        if link.out.swallows {
            self.finish(number);
        } else {
            self.reset(number);
        }
    }

    /// We send RST. Whether the institution hears it or not, our side is done with the connection.
    pub(super) fn abort(&mut self, conn: Conn, number: Connection, reason: CloseReason) {
        // What is on the way of a half that died later has left, and arrives.
        let swallows = self.links.get(&number).is_some_and(|link| link.out.swallows);
        let is_proven = reason == CloseReason::SlowPeer && !swallows;
        let proven = if is_proven { self.proven_unsent(number) } else { None };
        if swallows {
            self.ours.remove(&conn);
            if let Some(link) = self.links.get_mut(&number) {
                link.closed_here = true;
            }
            self.finish(number);
        } else {
            self.ours.remove(&conn);
            self.reset(number);
        }
        let Some(core) = &mut self.core else { return };
        if reason == CloseReason::SlowPeer {
            core.handle_aborted(conn, proven, self.now);
        } else {
            core.handle_closed(conn, reason, self.now);
        }
    }

    /// The kernel may prove of some of what it took that it has not left, and never will now. Requests that begin in there have not left.
    fn proven_unsent(&mut self, number: Connection) -> Option<u64> {
        self.counts.slow_peers += 1;
        let link = self.links.get(&number)?;
        let on_the_way = link.out.on_the_way() as u64;
        let unsent = match self.chance.between(0, 3) {
            0 => return None,
            1 => on_the_way,
            _ => self.chance.between(0, on_the_way),
        };
        let left = link.written - unsent;
        for (_, exchange) in link.requests.iter().filter(|(start, _)| *start >= left) {
            self.counts.proven_unsent += 1;
            self.left.remove(exchange);
        }
        Some(unsent)
    }

    /// What the wire brings by now, to either side.
    pub(super) fn arrive(&mut self) {
        let numbers: Vec<Connection> = self.links.keys().copied().collect();
        for number in numbers {
            let conn = self.ours.iter().find(|(_, n)| **n == number).map(|(conn, _)| *conn);
            let Some(link) = self.links.get_mut(&number) else { continue };
            if let Some(bytes) = link.out.read(self.now.mono, &mut self.chance) {
                self.bank.handle_received(number, &bytes, self.theirs);
            } else if link.out.take_end(self.now.mono) && !link.closed_there {
                let lingers = self.holds_on(number);
                let Some(link) = self.links.get_mut(&number) else { continue };
                link.lingers = lingers;
                if lingers {
                    continue;
                }
                link.closed_there = true;
                self.bank.handle_closed(number, self.theirs);
                link.back.finish(self.now.mono, &mut self.chance);
            }
            let Some(link) = self.links.get_mut(&number) else { continue };
            // Behind our own FIN we read what comes until theirs.
            let reads = match (&self.core, conn) {
                (Some(core), Some(conn)) => core.wants_read(conn) || link.out.is_finished(),
                _ => true,
            };
            if !reads && link.back.next_at().is_some_and(|at| at <= self.now.mono) {
                // Pushed back: the bytes wait in the kernel, and are looked at again soon.
                link.back.postpone(self.now.mono + Duration::from_millis(1));
                continue;
            }
            if let Some(bytes) = link.back.read(self.now.mono, &mut self.chance) {
                link.hear(&bytes);
                link.heard_at = self.now.mono;
                if let Some(conn) = conn {
                    self.hears_on(conn, &bytes);
                }
                if let (Some(core), Some(conn)) = (&mut self.core, conn) {
                    core.handle_received(conn, &bytes, self.now);
                }
            } else if link.back.take_end(self.now.mono) {
                let is_single = conn.is_some_and(|conn| {
                    self.settings.lines[usize::from(conn.session.line.0)].connects == Connects::PerExchange
                });
                let is_first = !link.out.is_finished() && !link.requests.is_empty();
                self.tally.one_shot_fin_first += u64::from(is_single && is_first);
                link.out.finish(self.now.mono, &mut self.chance);
                if (link.out.swallows || link.lingers) && !link.closed_there {
                    // It closed first, so it no longer counts, whether it hears of our end or not.
                    link.closed_there = true;
                    self.bank.handle_closed(number, self.theirs);
                }
                let Some(link) = self.links.get_mut(&number) else { continue };
                if let Some(conn) = conn {
                    self.ours.remove(&conn);
                    link.closed_here = true;
                    if let Some(core) = &mut self.core {
                        self.trace.line(self.now, format_args!("the end of {number} is read"));
                        core.handle_closed(conn, CloseReason::PeerClosed, self.now);
                    }
                }
            }
            let Some(link) = self.links.get(&number) else { continue };
            if link.closed_there && (link.closed_here || conn.is_none()) && link.back.next_at().is_none() {
                self.links.remove(&number);
            }
        }
    }
}
