//! What must be true, at each step and at the end.

use std::collections::BTreeMap;

use pabal_counterparty::LineId as BankLine;
use pabal_switch::{Conn, Refusal};

use crate::checks::{self, Truth};
use crate::disk::Disk;
use crate::wire::Link;
use crate::workload;
use crate::world::World;

impl World {
    /// Sentence 1, as it is told: an error says that no byte of the request left, by this try or an earlier one under its key.
    pub(super) fn nothing_may_have_left(&mut self, request: usize, refusal: Refusal) {
        if matches!(refusal, Refusal::KeyReused | Refusal::KeyFenced) {
            return;
        }
        let request = &self.requests[request];
        if let Some(exchange) = request.exchanges.iter().find(|exchange| self.left.contains(&exchange.to_string())) {
            let broken =
                format!("sentence 1: {refusal} is told of {}, whose exchange {exchange} has left", request.tag);
            self.broken.get_or_insert(broken);
        }
    }

    /// Sentence 6, as the institution counts.
    pub(super) fn limits_hold(&self) -> Result<(), String> {
        for (at, line) in self.settings.lines.iter().enumerate() {
            let count = self.bank.ledger().line(BankLine(u16::try_from(at).unwrap_or(0)));
            if count.peak > u32::from(line.sessions_max) && line.side == pabal_switch::LineSide::Initiator {
                return Err(format!(
                    "sentence 6: {} sessions on line {}, allowed {}",
                    count.peak, line.name, line.sessions_max
                ));
            }
        }
        Ok(())
    }

    pub(super) fn truth(&self) -> BTreeMap<String, Truth> {
        let layout = self.plan.request_layout();
        let tag = layout.find(workload::TAG_FIELD).map(|(_, field)| field.at);
        let mut truth: BTreeMap<String, Truth> = BTreeMap::new();
        for (_, request) in self.bank.ledger().requests() {
            let Some(bytes) = tag.and_then(|at| at.of(&request.telegram)).filter(|b| b.starts_with(b"TAG")) else {
                continue;
            };
            let entry = truth.entry(String::from_utf8_lossy(bytes).into_owned()).or_default();
            entry.received += request.received;
            entry.executed += request.executed;
            entry.altered |= request.answers.iter().any(|answer| answer.conduct == "alter");
        }
        truth
    }

    /// At the end of time.
    pub(super) fn judge(&mut self) -> Result<(), String> {
        checks::outcomes_are_final(&self.disk)?;
        checks::against_the_ledger(&self.requests, &self.truth(), self.now)?;
        let Some(core) = &self.core else { return Err("the process is not there at the end".into()) };
        let status = core.status();
        let closed: Vec<_> = status.openings.iter().filter(|o| o.state != pabal_switch::OpeningState::Open).collect();
        if !self.setup.hostile && (!closed.is_empty() || status.openings.is_empty()) {
            return Err(format!("no progress: openings are not open at the end: {closed:?} {:?}", status.sessions));
        }
        if status.waiting > 0 || status.in_flight > 0 {
            return Err(format!(
                "no progress: {} wait and {} are in flight at the end",
                status.waiting, status.in_flight
            ));
        }
        // Sentence 4 and I6: every exchange that was accepted has an outcome; what is UNKNOWN is in memory, on the way to an end.
        for stored in &self.disk.durable {
            let Some(exchange) = stored.columns.exchange.as_deref().filter(|_| stored.kind == "accepted") else {
                continue;
            };
            if !self.disk.outcomes.contains_key(exchange) {
                return Err(format!("{exchange} was accepted and has no outcome at the end"));
            }
        }
        for exchange in self.of_exchange.keys() {
            let last = self.disk.outcomes.get(&exchange.to_string()).and_then(|all| all.last());
            if last.is_some_and(|(word, _)| word == "UNKNOWN") && core.exchange(*exchange).is_none() {
                return Err(format!("sentence 4: {exchange} is UNKNOWN and forgotten"));
            }
        }
        Ok(())
    }
}

/// Sentence 3, of bytes: each frame that begins here has a durable entry that says so. Poll telegrams have none.
pub(super) fn written(link: &mut Link, conn: Conn, session: &str, bytes: &[u8], disk: &Disk) -> Result<(), String> {
    link.unframed.extend_from_slice(bytes);
    while !link.unframed.is_empty() {
        let entry = disk.sending(session, conn.epoch.0, link.written);
        // Asked when the first byte leaves: later would be too late.
        let had_entry = *link.had_entry.get_or_insert(entry.is_some());
        if link.unframed.len() < 4 + 7 {
            return Ok(());
        }
        let length: usize = std::str::from_utf8(&link.unframed[..4])
            .ok()
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| format!("our own prefix is {:?}", &link.unframed[..4]))?;
        if !had_entry && !link.unframed[4..].starts_with(b"HDRREQP") && !link.unframed[4..].starts_with(b"HDRRESP") {
            return Err(format!(
                "sentence 3: a frame of {length} bytes leaves {conn:?} at offset {} before its entry is durable",
                link.written
            ));
        }
        if link.unframed.len() < 4 + length {
            return Ok(());
        }
        if let Some(said) = entry.and_then(|stored| stored.columns.our_number.as_deref()) {
            let number = String::from_utf8_lossy(&link.unframed[4 + 32..4 + 38]);
            if said.trim_start_matches('0') != number.trim_start_matches('0') {
                return Err(format!("the entry says number {said}, the wire {number}"));
            }
        }
        link.unframed.drain(..4 + length);
        link.written += 4 + length as u64;
        link.had_entry = None;
    }
    Ok(())
}
