macro_rules! counts {
    ($($name:ident),+ $(,)?) => {
        /// What happened how often: a simulation in which nothing goes wrong proves nothing.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each is what its name says")]
        pub struct Counts {
            $(pub $name: u64,)+
        }

        impl Counts {
            /// Adds another run's.
            pub const fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)+
            }

            /// Names of what never happened.
            #[must_use]
            pub fn missing(&self) -> Vec<&'static str> {
                [$((stringify!($name), self.$name)),+].iter().filter(|(_, count)| *count == 0).map(|(name, _)| *name).collect()
            }
        }
    };
}

counts! {
    requests,
    successes,
    failures,
    unknowns,
    unreadable,
    not_sent,
    date_changed,
    known_keys,
    keys_of_the_journal,
    abandoned,
    fenced,
    fence_refused,
    inquiries,
    inquiries_refused,
    inquiries_of_the_schedule,
    settled,
    listed,
    evicted,
    openings,
    openings_lost,
    date_changes,
    clock_steps,
    leaps_undone_before_midnight,
    crashes,
    crashes_at_midnight,
    power_losses,
    drains,
    too_short,
    blocked,
    paced,
    commands,
    commands_refused,
    checkpoints,
    swaps,
    reloads,
    reloads_refused,
    dated_versions,
    overtaken,
    out_of_hours,
    out_of_hours_waiting,
    other_frames,
    answers_by_an_older_version,
    resets,
    swallows,
    given_up_by_us,
    stalls,
    holds,
    half_closes,
    slow_peers,
    proven_unsent,
    connect_failures,
    disk_failures,
    slow_syncs,
    partial_writes,
    notices,
    gaps_asked,
    recovered,
    joined,
    service_replies,
    replies_sent,
    replies_given_again,
    replies_too_late,
    reply_times_over_starts,
    replies_not_sent,
    unclaimed,
    answers_again,
    contradictions,
    shares_checked,
    whole_days,
}
