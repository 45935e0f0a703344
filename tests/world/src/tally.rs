use std::fmt;

macro_rules! tally {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal,)+) => {
        /// How often what belongs to a topology happened: each of these has to.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Tally {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }

        impl Tally {
            /// Adds another run's.
            pub const fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)+
            }

            const fn rows(&self) -> [(&'static str, u64); [$($word),+].len()] {
                [$(($word, self.$name)),+]
            }
        }
    };
}

tally! {
    /// Seeds.
    keyless_seeds = "key none: seeds",
    /// An answer that was said to be a request's, by the only thing that says it.
    keyless_settled = "key none: settled by an answer of its connection",
    /// A connection was closed since an answer did not come in time.
    keyless_missed = "key none: closed, an answer was missed",
    /// An answer came on a connection that was closed for want of it.
    keyless_late = "key none: an answer came behind our close",
    /// Nobody heard the answer of a connection that was lost.
    keyless_lost = "key none: the institution's answer has no connection any more",
    /// Seeds.
    one_shot_seeds = "one-shot: seeds",
    /// A connection was closed behind its answer.
    one_shot_answered = "one-shot: closed, answered",
    /// The institution's FIN came right behind its answer, before ours was sent.
    one_shot_fin_first = "one-shot: their FIN behind the answer",
    /// What waited for a connection that was not made was refused.
    one_shot_refused = "one-shot: refused, send down",
    /// An answer was missed.
    one_shot_missed = "one-shot: closed, an answer was missed",
    /// Seeds.
    peers_seeds = "one-shot peers: seeds",
    /// A reply left by the connection that its notice came by.
    peers_replied = "one-shot peers: replied where the notice came by",
    /// It left by another one, since that was gone.
    peers_elsewhere = "one-shot peers: replied elsewhere, its connection was gone",
    /// Seeds.
    address_seeds = "addresses: seeds",
    /// A line went on to its next address.
    address_moved = "addresses: moved on",
    /// A session came up behind a move and took its line back.
    address_back = "addresses: taken back",
    /// An address refused.
    address_refused = "addresses: refused",
    /// Nobody answered there.
    address_ignored = "addresses: nobody answers the SYN",
    /// What was taken was dropped before it counted as well.
    address_dropped = "addresses: dropped before it was well",
    /// It never answered a sign-on.
    address_mute = "addresses: no sign-on is answered",
    /// A sign-on failed.
    sign_on_failed = "addresses: closed, the sign-on failed",
    /// A session connected where the one before it had worked.
    address_kept = "addresses: kept, it had worked",
    /// Seeds.
    backup_seeds = "backup: seeds",
    /// A line began to stand in.
    duty_on = "backup: begins to stand in",
    /// It ended.
    duty_off = "backup: ends, the main line is well",
    /// Its sessions were closed for that.
    standby = "backup: closed, standby",
    /// A request left by it.
    backup_departed = "backup: a request leaves by it",
    /// Seeds.
    knock_seeds = "second connection: seeds",
    /// The institution lost its side of a connection.
    side_lost = "second connection: their side is lost",
    /// A peer knocked at a full line: what is to become of the old one is written in its settings.
    knocked_probe = "second connection: over the limit, probe",
    /// The same.
    knocked_replace = "second connection: over the limit, replace",
    /// The same.
    knocked_refuse = "second connection: over the limit, refuse",
    /// A session was ended for one that came, since it was silent longest.
    replaced = "second connection: closed, replaced",
    /// It was ended since it was silent though it was asked.
    replaced_silent = "second connection: closed, silent when asked",
    /// Seeds.
    bound_seeds = "bounds: seeds",
    /// As many sessions as the institution allows.
    full = "bounds: as many sessions as allowed",
    /// As many connections in a second as it allows.
    hurried = "bounds: as many connections in a second as allowed",
    /// The shell held a connection back.
    held = "bounds: a connection is held back",
    /// It took too long.
    timed_out = "bounds: connecting took too long",
    /// The institution counted a connection long after our FIN.
    lingered = "bounds: counted long after our FIN",
    /// A process began while one lingered.
    lingered_over_start = "bounds: still counted as a process starts",
    /// An answer to a request of which not all has left came where that was to leave.
    early_by_its_own = "answered early: by its own connection",
    /// It came by another connection.
    early_by_another = "answered early: by another connection",
    /// Its connection is being closed, since the peer took too little.
    early_closing = "answered early: while its connection is closed, frozen",
    /// A part has left.
    early_partly = "answered early: a part has left",
    /// No byte has.
    early_queued = "answered early: nothing has left",
    /// Why requests wait was looked at, and found.
    waits_session = "waiting: for a session",
    /// The same.
    waits_window = "waiting: for the window",
    /// The same.
    waits_share = "waiting: for their share",
    /// The same.
    waits_rate = "waiting: for their rate",
    /// A process goes on where all that the one before did was durable.
    over_start = "starts: all of the process before was durable",
    /// More were UNKNOWN than are kept, and none of them might go.
    unknown_kept = "memory: more UNKNOWN than allowed, none may go",
}

impl Tally {
    /// Rows that happened less often than this.
    #[must_use]
    pub fn mistakes(&self, least: u64) -> Vec<String> {
        let rows = self.rows();
        let seldom = rows.iter().filter(|(_, count)| *count < least);
        seldom.map(|(word, count)| format!("{word}: {count} times of {least}")).collect()
    }
}

/// A row for each.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "topologies")?;
        self.rows().iter().try_for_each(|(word, count)| write!(f, "\n  {word:<62} {count:>10}"))
    }
}
