//! What a life finds as it begins, for whoever reads the log: what operators have stopped and blocked, and what an earlier process left open.

use pabal_clock::Wall;
use pabal_spec::Institution;
use pabal_switch::{ControlStatus, RateStatus, Status};

/// A bank may have a control for each of hundreds of accounts: the first are told, of those that block everything before others.
const CONTROLS_TOLD: usize = 10;

pub(super) fn tell(name: &str, status: &Status, institution: &Institution, wall: Wall) {
    for told in standing(status, institution, wall) {
        tracing::warn!(event = "standing", institution = name, "taken over: {told}");
    }
    if status.unknown > 0 {
        let (unknown, listed) = (status.unknown, status.listed);
        tracing::warn!(
            event = "open",
            institution = name,
            unknown,
            listed,
            "taken over: UNKNOWN exchanges; `pabal tx list` shows them"
        );
    }
    if status.notices_unreplied > 0 {
        let notices_unreplied = status.notices_unreplied;
        tracing::warn!(
            event = "open",
            institution = name,
            notices_unreplied,
            "taken over: notices of theirs without a reply; `pabal tx list --notices` shows them"
        );
    }
}

/// What stands of operators' commands, each in a line for people. What the configuration blocks is not among it: an operator did not leave it behind.
fn standing(status: &Status, institution: &Institution, wall: Wall) -> Vec<String> {
    let whole = status.stopped.iter().map(|stopped| format!("the institution is {stopped}"));
    let lines = status.lines.iter().filter_map(|one| {
        // That the institution is stopped is said once.
        let stopped = one.stopped.as_ref().filter(|stopped| status.stopped.as_ref() != Some(stopped))?;
        Some(format!("line {} is {stopped}", one.line))
    });
    let compartments =
        status.compartments.iter().map(|one| format!("compartment {} is {}", one.compartment.readable(), one.stopped));
    let is_kept = |one: &&ControlStatus| one.standing.since.is_some() && !one.standing.control.window.is_over(wall);
    let mut controls: Vec<_> = status.controls.iter().filter(is_kept).collect();
    controls.sort_by_key(|one| !one.is_whole);
    let more = controls.len().saturating_sub(CONTROLS_TOLD);
    let more = (more > 0).then(|| format!("{more} more controls; `pabal control list` shows them"));
    let controls = controls.into_iter().take(CONTROLS_TOLD).map(|ControlStatus { standing, .. }| {
        let (id, scope) = (&standing.control.id, standing.control.scope.told(institution, false));
        let when = if standing.control.window == Default::default() { "" } else { ", at its times" };
        format!("control {id} blocks {scope}{when} ({})", standing.by)
    });
    let rates = status.rates.iter().filter_map(|RateStatus { compartment, rate, set }| {
        let by = &set.as_ref()?.by;
        let whose = match compartment.is_empty() {
            true => String::from("each compartment without a rate of its own"),
            false => format!("compartment {}", compartment.readable()),
        };
        let most = |most: Option<u32>, of: &str| most.map(|most| format!("{most} {of}"));
        let bounds = most(rate.per_second, "a second").into_iter().chain(most(rate.in_flight, "in flight"));
        let bounds = bounds.collect::<Vec<_>>().join(", ");
        let bounds = if bounds.is_empty() { "as many as there is room for" } else { bounds.as_str() };
        Some(format!("{whose} may have {bounds} ({by})"))
    });
    whole.chain(lines).chain(compartments).chain(rates).chain(controls).chain(more).collect()
}

#[cfg(test)]
mod tests {
    use pabal_spec::Digest;
    use pabal_switch::control::{Control, ControlId, Scope, Standing, Window};
    use pabal_switch::{By, Over, Rate, Stopped};

    use super::*;

    fn institution() -> Institution {
        Institution {
            name: "hecto".into(),
            label: "".into(),
            protocols: Vec::new(),
            layouts: Vec::new(),
            digest: Digest(0),
            from: None,
            later: Vec::new(),
        }
    }

    fn at(seconds: i64) -> Wall {
        Wall::from_unix_seconds(seconds)
    }

    fn status(id: &str, is_whole: bool, since: Option<Wall>, window: Window) -> ControlStatus {
        let (id, scope) = (ControlId::parse(id).expect("a name"), Scope::default());
        let control = Control { id, scope, window, message: "closed".into() };
        let by = By { actor: "kim".into(), reason: "t8".into() };
        ControlStatus {
            standing: Standing { control, by, since, read_in: Vec::new() },
            unjudged: None,
            is_whole,
            holds: true,
        }
    }

    fn told(controls: Vec<ControlStatus>) -> Vec<String> {
        standing(&Status { controls, ..Status::default() }, &institution(), at(100))
    }

    #[test]
    fn a_rate_is_told_that_an_operator_set() {
        let rate = |compartment: &[u8], per_second, in_flight, is_set: bool| {
            let by = By { actor: "kim".into(), reason: "t8".into() };
            let set = is_set.then(|| Stopped { by, at: at(1) });
            RateStatus { compartment: compartment.into(), rate: Rate { per_second, in_flight, over: Over::Wait }, set }
        };
        let rates = vec![
            rate(b"", Some(20), None, false),
            rate(b"", Some(10), None, true),
            rate(b"004", Some(5), Some(3), true),
            rate(b"088", None, None, true),
        ];
        let expected = [
            "each compartment without a rate of its own may have 10 a second (kim: t8)",
            "compartment 004 may have 5 a second, 3 in flight (kim: t8)",
            "compartment 088 may have as many as there is room for (kim: t8)",
        ];
        assert_eq!(standing(&Status { rates, ..Status::default() }, &institution(), at(100)), expected);
    }

    #[test]
    fn a_control_is_told_that_an_operator_put_there_and_that_is_not_over() {
        let told =
            |since, from, until| told(vec![status("allx", true, since, Window { hours: Vec::new(), from, until })]);
        let put = Some(at(1));
        assert_eq!(told(put, None, None), ["control allx blocks everything (kim: t8)"]);
        let timed = ["control allx blocks everything, at its times (kim: t8)"];
        assert_eq!(told(put, Some(at(200)), None), timed);
        assert_eq!(told(put, None, Some(at(101))), timed);
        let none: [&str; 0] = [];
        assert_eq!(told(put, None, Some(at(100))), none, "it is over");
        assert_eq!(told(None, None, None), none, "it stands in the configuration");
    }

    #[test]
    fn of_many_controls_the_first_are_told_and_those_that_block_everything_among_them() {
        let one = |at_all: usize| status(&format!("c{at_all}"), at_all == 11, Some(at(1)), Window::default());
        let told = told((0..12).map(one).collect());
        assert_eq!(told.len(), 11);
        assert!(told[0].starts_with("control c11 "), "{}", told[0]);
        assert_eq!(told[10], "2 more controls; `pabal control list` shows them");
    }
}
