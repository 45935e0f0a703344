use std::fmt;

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[doc = $doc:literal])+ $variant:ident = $word:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[doc = $doc])+ $variant,)+ }

        impl $name {
            /// Every one, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As the table says it.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            const fn place(self) -> usize {
                self as usize
            }
        }
    };
}

words! {
    /// What goes wrong, or is done on purpose in the middle of everything.
    Fault {
        /// The process dies; the kernel closes its sockets.
        Crash = "crash";
        /// The computer dies: the institution hears nothing.
        PowerLoss = "power loss";
        /// The process dies within a few milliseconds of the date change.
        CrashAtMidnight = "crash at midnight";
        /// RST on one session.
        Reset = "reset";
        /// RST on all of them, as when a switch of the network restarts.
        ResetAll = "reset of all";
        /// A black hole for what we write.
        SwallowOut = "outbound half dies";
        /// A black hole for what they write: no FIN, no RST, nothing comes any more.
        SwallowBack = "inbound half dies";
        /// A socket that takes and brings nothing for longer than an answer may take.
        Stall = "stall";
        /// Their FIN.
        HalfClose = "half close";
        /// A sync fails: the journal is over.
        DiskFails = "disk fails";
        /// A sync takes seconds.
        SlowDisk = "slow disk";
        /// Our wall clock is set by seconds.
        ClockStep = "clock by seconds";
        /// Our wall clock is set to another business date, later.
        ClockToLaterDate = "clock to later date";
        /// Our wall clock is set to another business date, earlier.
        ClockToEarlierDate = "clock to earlier date";
        /// The business date changes by itself.
        Midnight = "midnight";
        /// Another version of the spec.
        Reload = "reload";
        /// A version that is refused, since it needs other connections.
        ReloadRefused = "reload refused";
        /// A planned stop: drain, then another process.
        Drain = "drain";
        /// An operator stops a line at once.
        StopLine = "line stopped";
        /// An operator stops a line, and lets what is in flight be answered.
        DrainLine = "line drained";
        /// An operator closes a session at once.
        CloseSession = "session closed";
        /// An operator closes a session behind what is in flight.
        DrainSession = "session drained";
        /// An operator closes business with a bank.
        CloseOpening = "opening closed";
        /// An operator takes no more requests for a bank.
        DrainCompartment = "bank drained";
        /// An operator stops all.
        DrainInstitution = "institution drained";
        /// An operator puts a control there.
        Block = "control put";
        /// An operator sets a rate.
        Limit = "rate set";
        /// A caller goes away.
        Leave = "caller leaves";
        /// A caller asks again under its key.
        Again = "asked again";
        /// A caller asks what became of its key, and fences it.
        Fence = "fence";
        /// An operator asks the institution.
        Inquire = "inquiry by hand";
        /// The institution never answers.
        PeerSilence = "peer: silence";
        /// It answers after the time is over.
        PeerLate = "peer: late";
        /// It answers several times.
        PeerDuplicate = "peer: duplicate";
        /// It refuses, or says VTIM or what no table lists.
        PeerRefuse = "peer: refuse";
        /// It answers in pieces.
        PeerSplit = "peer: split";
        /// It sends other bytes.
        PeerGarbage = "peer: garbage";
        /// One of its checksums is wrong.
        PeerWrongChecksum = "peer: wrong checksum";
        /// Its prefix lies.
        PeerWrongLength = "peer: wrong length";
        /// Its answer has a number that nobody asked with.
        PeerWrongKey = "peer: wrong key";
        /// Its answer says something else than what happened.
        PeerAlter = "peer: alter";
        /// Half an answer, and then nothing.
        PeerStall = "peer: stall";
        /// FIN before, within or behind an answer.
        PeerClose = "peer: close";
        /// RST likewise.
        PeerReset = "peer: reset";
        /// The relay says VTIM, and then the bank answers.
        PeerRelayFirst = "peer: VTIM, then more";
    }
}

words! {
    /// Where an exchange is when a fault hits: its state, and of `sending`, how much of it is on the wire.
    Stage {
        /// Taken in, there is no room, and its entry is not durable.
        Accepted = "accepted";
        /// Durable; there is no room yet.
        Waiting = "waiting";
        /// Numbered; its `sending` entry is not durable.
        Journaling = "journaling";
        /// Durable; the kernel has taken no byte of it.
        Queued = "queued";
        /// The kernel has taken some of it.
        Partly = "partly";
        /// The kernel has taken all of it.
        Sent = "sent";
        /// UNKNOWN.
        Unknown = "unknown";
        /// UNKNOWN, and an inquiry is on its way.
        Inquiring = "inquiring";
        /// UNKNOWN, and a person has to look.
        Listed = "listed";
        /// SUCCESS or FAILURE at once, or as an earlier process left it.
        Finished = "finished";
        /// SUCCESS or FAILURE after UNKNOWN, in this process.
        Settled = "settled";
    }
}

/// How often each fault hit an exchange at each stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage([[u64; Stage::ALL.len()]; Fault::ALL.len()]);

impl Default for Coverage {
    fn default() -> Self {
        Self([[0; Stage::ALL.len()]; Fault::ALL.len()])
    }
}

impl Coverage {
    pub(crate) fn hit(&mut self, fault: Fault, stage: Stage) {
        self.0[fault.place()][stage.place()] += 1;
    }

    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().flatten().zip(other.0.iter().flatten()) {
            *mine += theirs;
        }
    }

    /// How often a fault hit a stage.
    #[must_use]
    pub const fn count(&self, fault: Fault, stage: Stage) -> u64 {
        self.0[fault.place()][stage.place()]
    }

    /// Cells that fired less often than this, and cells that fired though they are said to be unreachable.
    #[must_use]
    pub fn mistakes(&self, fired_min: u64) -> Vec<String> {
        let mut mistakes = Vec::new();
        for fault in Fault::ALL {
            for stage in Stage::ALL {
                let (fired, why_not) = (self.count(*fault, *stage), unreachable(*fault, *stage));
                match why_not {
                    None if fired < fired_min => {
                        mistakes.push(format!(
                            "{} x {} fired {fired} times of {fired_min}",
                            fault.word(),
                            stage.word()
                        ));
                    }
                    Some(why) if fired > 0 => mistakes.push(format!(
                        "{} x {} fired {fired} times, and is said to be unreachable: {why}",
                        fault.word(),
                        stage.word()
                    )),
                    _ => {}
                }
            }
        }
        mistakes
    }

    /// Cells that can fire, and how many of them did.
    #[must_use]
    pub fn reached(&self) -> (usize, usize) {
        let cells = Fault::ALL.iter().flat_map(|fault| Stage::ALL.iter().map(move |stage| (*fault, *stage)));
        let reachable = cells.filter(|(fault, stage)| unreachable(*fault, *stage).is_none());
        reachable
            .fold((0, 0), |(all, fired), (fault, stage)| (all + 1, fired + usize::from(self.count(fault, stage) > 0)))
    }
}

/// The table: a row for each fault, a column for each stage; `-` where a cell cannot fire, with the reasons below.
impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<22}", "fault x stage")?;
        for stage in Stage::ALL {
            write!(f, " {:>10}", stage.word())?;
        }
        writeln!(f)?;
        let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
        for fault in Fault::ALL {
            write!(f, "{:<22}", fault.word())?;
            for stage in Stage::ALL {
                match (self.count(*fault, *stage), unreachable(*fault, *stage)) {
                    (0, Some(why)) => {
                        write!(f, " {:>10}", "-")?;
                        let cell = format!("{} x {}", fault.word(), stage.word());
                        match reasons.iter_mut().find(|(known, _)| *known == why) {
                            Some((_, cells)) => cells.push(cell),
                            None => reasons.push((why, vec![cell])),
                        }
                    }
                    (count, _) => write!(f, " {count:>10}")?,
                }
            }
            writeln!(f)?;
        }
        for (why, cells) in reasons {
            writeln!(f, "- {why}: {}", cells.join(", "))?;
        }
        let (all, fired) = self.reached();
        write!(f, "{fired} of {all} reachable cells fired")
    }
}

/// What an institution does to a request, or to its answer.
const fn is_by_peer(fault: Fault) -> bool {
    use Fault as F;
    matches!(
        fault,
        F::PeerSilence
            | F::PeerLate
            | F::PeerDuplicate
            | F::PeerRefuse
            | F::PeerSplit
            | F::PeerGarbage
            | F::PeerWrongChecksum
            | F::PeerWrongLength
            | F::PeerWrongKey
            | F::PeerAlter
            | F::PeerStall
            | F::PeerClose
            | F::PeerReset
            | F::PeerRelayFirst
    )
}

/// Why a fault can never hit a stage.
const fn unreachable(fault: Fault, stage: Stage) -> Option<&'static str> {
    use Stage as S;
    match stage {
        S::Accepted | S::Waiting | S::Journaling | S::Queued | S::Partly if is_by_peer(fault) => {
            Some("the institution has no whole request yet that it could answer")
        }
        S::Sent if matches!(fault, Fault::PeerLate) => Some("what is late comes when the time for an answer is over"),
        S::Settled if matches!(fault, Fault::PeerSilence) => Some(
            "it is silent as the request comes, and what settles one that was UNKNOWN is something that it says of a request which has come",
        ),
        _ => None,
    }
}
