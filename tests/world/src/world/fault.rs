//! What goes wrong.

use std::sync::Arc;
use std::time::Duration;

use pabal_counterparty::Connection;
use pabal_switch::Core;

use crate::world::{Event, World};

/// How long the institution may count a connection of which it hears nothing; less than the close grace.
const FOUND_OUT_MS_MAX: u64 = 9_000;

impl World {
    pub(super) fn fault(&mut self) {
        match self.chance.index(6) {
            0 => self.crash(),
            1 => {
                if let Some(number) = self.some_link() {
                    self.counts.resets += 1;
                    self.trace.line(self.now, format_args!("reset of {number}"));
                    self.reset(number);
                }
            }
            2 => {
                if let Some(number) = self.some_link() {
                    self.counts.swallows += 1;
                    let out = self.chance.per_mille(500);
                    self.trace.line(self.now, format_args!("{number} swallows, {}", if out { "out" } else { "back" }));
                    if let Some(link) = self.links.get_mut(&number) {
                        if out { link.out.swallows = true } else { link.back.swallows = true }
                    }
                }
            }
            3 => {
                if let Some(number) = self.some_link() {
                    self.counts.half_closes += 1;
                    self.trace.line(self.now, format_args!("{number} is half closed by the institution"));
                    if let Some(link) = self.links.get_mut(&number) {
                        link.back.finish(self.now.mono, &mut self.chance);
                    }
                }
            }
            4 if self.core.is_some() && !self.disk.failed => {
                self.counts.disk_failures += 1;
                self.trace.line(self.now, format_args!("the disk fails"));
                self.disk.failed = true;
                // Whether the group that was being synced is there is not known.
                let survives = self.chance.per_mille(500);
                self.disk.crash(survives);
                self.agenda.retain(|event| !matches!(event, Event::Synced));
                if let Some(core) = &mut self.core {
                    core.handle_journal_failed("sync failed", self.now);
                }
                // The operator sees it, and stops the process.
                let seen = Duration::from_millis(self.chance.between(0, 8_000));
                self.agenda.plan(self.now.mono + seen, Event::Dies);
            }
            _ => {
                // Several resets at once, as when a switch of the network restarts.
                for number in self.links.keys().copied().collect::<Vec<_>>() {
                    self.reset(number);
                }
                self.counts.resets += 1;
            }
        }
    }

    pub(super) fn some_link(&mut self) -> Option<Connection> {
        let open: Vec<Connection> = self.links.keys().copied().collect();
        (!open.is_empty()).then(|| open[self.chance.index(open.len())])
    }

    /// The process dies, and comes back soon.
    pub(super) fn crash(&mut self) {
        if self.core.take().is_none() {
            return;
        }
        self.counts.crashes += 1;
        let survives = self.chance.per_mille(500);
        self.trace.line(self.now, format_args!("the process dies; the group being synced survives: {survives}"));
        self.disk.crash(survives);
        self.agenda.retain(|event| !matches!(event, Event::Synced | Event::Connecting { .. } | Event::Dies));
        // If only the process died, the kernel closes its sockets: what it had taken still goes, then FIN. If the computer lost its power,
        // the institution hears nothing, and counts the connections until it finds out.
        let power_lost = self.chance.per_mille(300);
        self.counts.power_losses += u64::from(power_lost);
        for (_, number) in std::mem::take(&mut self.ours) {
            if let Some(link) = self.links.get_mut(&number) {
                link.closed_here = true;
                link.out.swallows |= power_lost;
            }
            self.finish(number);
        }
        let back = Duration::from_millis(self.chance.between(1, 8_000));
        self.agenda.plan(self.now.mono + back, Event::Restart);
    }

    /// Our side sends its FIN. If it is swallowed, the institution finds out by itself, before the close grace is over.
    pub(super) fn finish(&mut self, number: Connection) {
        let Some(link) = self.links.get_mut(&number) else { return };
        link.out.finish(self.now.mono, &mut self.chance);
        if link.out.swallows {
            let found_out = Duration::from_millis(self.chance.between(1_000, FOUND_OUT_MS_MAX));
            self.agenda.plan(self.now.mono + found_out, Event::FindsOut(number));
        }
    }

    /// The institution gives up a connection of which it has heard nothing.
    pub(super) fn finds_out(&mut self, number: Connection) {
        if self.links.get(&number).is_some_and(|link| !link.closed_there) {
            self.links.remove(&number);
            self.bank.handle_closed(number, self.now);
        }
    }

    pub(super) fn swap(&mut self) {
        if let Some(core) = self.core.take() {
            self.counts.swaps += 1;
            let image = core.image();
            match Core::restore(image, vec![Arc::clone(&self.institution)], self.settings.clone()) {
                Ok(restored) => self.core = Some(restored),
                Err(why) => self.broken = Some(format!("an image cannot be restored: {why}")),
            }
        }
    }
}
