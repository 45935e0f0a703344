//! What a life finds as it begins, for whoever reads the log: what operators have stopped and blocked, and what an earlier process left open.

use pabal_clock::Wall;
use pabal_spec::Institution;
use pabal_switch::Status;

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
    let controls = status.controls.iter().map(|one| &one.standing);
    let controls = controls.filter(|one| one.since.is_some() && !one.control.window.is_over(wall)).map(|one| {
        let (id, scope) = (&one.control.id, one.control.scope.told(institution, false));
        let when = if one.control.window == Default::default() { "" } else { ", at its times" };
        format!("control {id} blocks {scope}{when} ({})", one.by)
    });
    whole.chain(lines).chain(compartments).chain(controls).collect()
}

#[cfg(test)]
mod tests {
    use pabal_spec::Digest;
    use pabal_switch::control::{Control, ControlId, Scope, Standing, Window};
    use pabal_switch::{By, ControlStatus};

    use super::*;

    #[test]
    fn a_control_is_told_that_an_operator_put_there_and_that_is_not_over() {
        let institution = Institution {
            name: "hecto".into(),
            label: "".into(),
            protocols: Vec::new(),
            layouts: Vec::new(),
            digest: Digest(0),
            from: None,
            later: Vec::new(),
        };
        let at = Wall::from_unix_seconds;
        let told = |since, from, until| {
            let control = Control {
                id: ControlId::parse("allx").expect("a name"),
                scope: Scope::default(),
                window: Window { hours: Vec::new(), from, until },
                message: "closed".into(),
            };
            let by = By { actor: "kim".into(), reason: "t8".into() };
            let standing = Standing { control, by, since, read_in: Vec::new() };
            let controls = vec![ControlStatus { standing, unjudged: None, is_whole: true, holds: true }];
            super::standing(&Status { controls, ..Status::default() }, &institution, at(100))
        };
        let put = Some(at(1));
        assert_eq!(told(put, None, None), ["control allx blocks everything (kim: t8)"]);
        let timed = ["control allx blocks everything, at its times (kim: t8)"];
        assert_eq!(told(put, Some(at(200)), None), timed);
        assert_eq!(told(put, None, Some(at(101))), timed);
        let none: [&str; 0] = [];
        assert_eq!(told(put, None, Some(at(100))), none, "it is over");
        assert_eq!(told(None, None, None), none, "it stands in the configuration");
    }
}
