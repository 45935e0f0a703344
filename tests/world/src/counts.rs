/// What happened how often: a simulation in which nothing goes wrong proves nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what its name says")]
pub struct Counts {
    pub requests: u64,
    pub successes: u64,
    pub failures: u64,
    pub unknowns: u64,
    pub not_sent: u64,
    pub known_keys: u64,
    pub abandoned: u64,
    pub inquiries: u64,
    pub inquiries_refused: u64,
    pub settled: u64,
    pub crashes: u64,
    pub power_losses: u64,
    pub checkpoints: u64,
    pub swaps: u64,
    pub resets: u64,
    pub swallows: u64,
    pub half_closes: u64,
    pub connect_failures: u64,
    pub disk_failures: u64,
    pub slow_syncs: u64,
    pub partial_writes: u64,
    pub notices: u64,
    pub unclaimed: u64,
}

impl Counts {
    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        let Self {
            requests,
            successes,
            failures,
            unknowns,
            not_sent,
            known_keys,
            abandoned,
            inquiries,
            inquiries_refused,
            settled,
            crashes,
            power_losses,
            checkpoints,
            swaps,
            resets,
            swallows,
            half_closes,
            connect_failures,
            disk_failures,
            slow_syncs,
            partial_writes,
            notices,
            unclaimed,
        } = other;
        self.requests += requests;
        self.successes += successes;
        self.failures += failures;
        self.unknowns += unknowns;
        self.not_sent += not_sent;
        self.known_keys += known_keys;
        self.abandoned += abandoned;
        self.inquiries += inquiries;
        self.inquiries_refused += inquiries_refused;
        self.settled += settled;
        self.crashes += crashes;
        self.power_losses += power_losses;
        self.checkpoints += checkpoints;
        self.swaps += swaps;
        self.resets += resets;
        self.swallows += swallows;
        self.half_closes += half_closes;
        self.connect_failures += connect_failures;
        self.disk_failures += disk_failures;
        self.slow_syncs += slow_syncs;
        self.partial_writes += partial_writes;
        self.notices += notices;
        self.unclaimed += unclaimed;
    }
}
