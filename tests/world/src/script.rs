//! What the institution does in a run: a scenario that is shipped, and in front of its replies what a seed adds.

use std::fmt::Write as _;

use crate::chance::Chance;
use crate::setup::{BANKS, Setup};
use crate::topology;

pub(crate) struct Script {
    pub(crate) text: String,
    /// The bank that has most to do: the one that never answers a transfer, or the one that takes its time.
    pub(crate) busy: Option<&'static str>,
}

/// The hostile scenario with fewer notices of each bank, and storms that are rarer and smaller.
fn sparse(shipped: &str) -> String {
    let fewer = [
        ("every = \"20s\"\ntimes = 100\n", "every = \"40s\"\ntimes = 4\n"),
        ("one_in = 5\n", "one_in = 15\n"),
        ("every = \"16ms\"\ntimes = 60\n", "every = \"16ms\"\ntimes = 30\n"),
        ("count = 20\n", "count = 6\n"),
    ];
    changed(shipped, &fewer)
}

fn changed(shipped: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(shipped.to_owned(), |text, (from, to)| {
        assert!(
            text.contains(from),
            "the shipped scenario no longer says {from:?}: choose something else that differs"
        );
        text.replace(from, to)
    })
}

/// The hostile scenario with banks that take their time: whatever they do, it hits transfers that are UNKNOWN, asked about or settled
/// meanwhile.
fn slowed(shipped: &str) -> String {
    let slower = ("delay = [\"1ms\", \"300ms\"]\nbehave = 30\n", "delay = [\"1ms\", \"100s\"]\nbehave = 30\n");
    changed(shipped, &[slower])
}

/// The hostile scenario with more questions for a notice that have no answer, and more notices that come while they are asked for.
fn unheard(shipped: &str) -> String {
    let more = [
        (
            "behave = 6\n[[reply.misbehave]]\ndo = \"silence\"\n",
            "behave = 6\n[[reply.misbehave]]\nweight = 20\ndo = \"silence\"\n",
        ),
        ("[[notice.misbehave]]\ndo = \"late\" ", "[[notice.misbehave]]\nweight = 4\ndo = \"late\" "),
    ];
    changed(shipped, &more)
}

/// The hostile scenario with storms of which much comes late, and out of order: when it has been asked for. The questions are refused, or
/// not answered at all. What becomes of a notice and of the question for it is drawn alike, as a place among the weights: those of the
/// questions stand where the notices come late.
fn overtaken(shipped: &str) -> String {
    let later = [
        ("every = \"20s\"\ntimes = 100\n", "every = \"40s\"\ntimes = 6\n"),
        ("one_in = 5\nafter = [\"30s\", \"300s\"]\n", "one_in = 1\nafter = [\"1s\", \"130s\"]\n"),
        ("every = \"16ms\"\ntimes = 60\nbehave = 5\n", "every = \"200ms\"\ntimes = 8\nbehave = 2\n"),
        ("weight = 4\ndo = \"silence\"\n", "weight = 6\ndo = \"late\"\nafter = [\"31s\", \"50s\"]\n"),
        ("[[notice.misbehave]]\ndo = \"skip\"\ncount = 20\n", ""),
        ("reconnect = \"500ms\"\nbehave = 8\n", "reconnect = \"500ms\"\nbehave = 80\n"),
        (
            "behave = 6\n[[reply.misbehave]]\ndo = \"silence\"\n",
            "behave = 6\n\
             [[reply.misbehave]]\nweight = 3\ndo = \"refuse\"\nresponse_code = { \"023\" = \"0070\", other = \"0100\" }\n\
             [[reply.misbehave]]\nweight = 3\ndo = \"reset\"\nwhen = \"before\"\n\
             [[reply.misbehave]]\nweight = 6\ndo = \"silence\"\n",
        ),
    ];
    changed(shipped, &later)
}

/// A scenario that tells each notice once, be it replied to or not: a reply that is lost on our side is not asked for again. The normal one
/// tells of deposits too.
fn told_once(shipped: &str) -> String {
    let often = ["15s", "60s"]
        .map(|after| format!("resend = {{ after = \"{after}\", times = 2, count_in = \"send_count\" }}\n"));
    let once = often.iter().fold(shipped.to_owned(), |text, resend| text.replace(resend, ""));
    assert!(!once.contains("resend"), "the shipped scenario sends notices again after another time: choose that");
    // Business is lost after a few transfers, not after more than a run has.
    let once = once.replace("skip = 200\n", "skip = 4\n");
    let opened = "on = \"opened\"\nafter = [\"1s\", \"60s\"]\nevery = \"17s\"\ntimes = 5\n";
    once.replace("on = \"trigger\"\n", opened)
}

/// Some sign-ons are not answered, and some refused.
const SIGN_ON: &str = "\n[sign_on]\nbehave = 16\n[[sign_on.misbehave]]\ndo = \"silence\"\n\
                       [[sign_on.misbehave]]\ndo = \"refuse\"\nresult = \"99\"\n";

/// What can be done to an answer, but for silence, which comes before one.
const MISDEEDS: [&str; 12] = [
    "do = \"late\"\nafter = [\"31s\", \"60s\"]",
    "do = \"duplicate\"\ntimes = 2\ngap = \"10ms\"",
    "do = \"refuse\"\nresponse_code = { \"088\" = \"0404\", other = \"0133\" }",
    "do = \"split\"\npieces = 3\ngap = \"3ms\"",
    "do = \"garbage\"\nbytes = 40",
    "do = \"wrong_length\"\nby = 1",
    "do = \"wrong_key\"",
    "do = \"alter\"\nalso = true\nset.response_code = \"0133\"",
    "do = \"stall\"\nafter = [\"5s\", \"20s\"]",
    "do = \"close\"\nwhen = \"middle\"",
    "do = \"reset\"\nwhen = \"before\"",
    "do = \"relay_first\"\nresponse_code = \"VTIM\"\nafter = [\"1s\", \"10s\"]",
];

/// A bank that executes a transfer at once and says so when the transfer is UNKNOWN, or settled by what the bank tells an inquiry, be it
/// by an earlier process; and then it misbehaves. It tells inquiries slowly too, and some of them
/// what became of another transfer.
fn slow_bank(bank: &str, is_checked: bool) -> String {
    let mut rows = format!(
        "[[reply]]\nname = \"slow\"\nexchange = \"transfer\"\nmatch.bank_code = \"{bank}\"\nexecutes = true\n\
         amount = \"debit_amt\"\nresponse_code = \"0000\"\ndelay = [\"30s\", \"300s\"]\nbehave = 2\n"
    );
    for misdeed in MISDEEDS {
        let _ = writeln!(rows, "[[reply.misbehave]]\n{misdeed}");
    }
    if is_checked {
        rows.push_str("[[reply.misbehave]]\nweight = 12\ndo = \"wrong_checksum\"\nalso = true\n");
    }
    let fields = "debit_account = { copy = \"original.debit_account\" }\n\
                  credit_bank_code = { copy = \"original.credit_bank_code\" }\n\
                  credit_account = { copy = \"original.credit_account\" }\n\
                  req_amt = { copy = \"original.debit_amt\" }\nok_amt = { copy = \"original.debit_amt\" }\nfail_amt = 0\n\
                  proc_result = \"0000\"\n";
    let _ = write!(
        rows,
        "[[reply]]\nexchange = \"transfer_result\"\nmatch.bank_code = \"{bank}\"\noriginal = \"executed\"\n\
         response_code = \"0000\"\ndelay = [\"5s\", \"29s\"]\nbehave = 6\n[reply.set]\n{fields}\n\
         [[reply.misbehave]]\ndo = \"alter\"\nset.credit_account = \"1\"\nset.ok_amt = 0\nset.proc_result = \"0133\"\n\n"
    );
    rows
}

/// A bank that answers the first try to open when the second one has opened and business is lost again.
fn late_opening(bank: &str) -> String {
    format!(
        "[[reply]]\nname = \"opens late {bank}\"\nexchange = \"open\"\nmatch.bank_code = \"{bank}\"\nfirst = 1\nexecutes = true\n\
         response_code = \"0000\"\n[[reply.misbehave]]\ndo = \"late\"\nafter = [\"95s\", \"101s\"]\n\n\
         [[reply]]\nname = \"closes {bank}\"\nexchange = \"transfer\"\nmatch.bank_code = \"{bank}\"\nfirst = 4\n\
         closes_business = true\nresponse_code = {{ \"088\" = \"U114\", other = \"0102\" }}\ndelay = [\"1500ms\", \"15s\"]\n\n"
    )
}

/// A bank that has opened, and says of its first transfers that it has not.
fn not_open(bank: &str, first: u32) -> String {
    format!(
        "[[reply]]\nname = \"not open {bank}\"\nexchange = \"transfer\"\nmatch.bank_code = \"{bank}\"\nfirst = {first}\n\
         closes_business = true\nresponse_code = {{ \"088\" = \"U114\", other = \"0102\" }}\n\n"
    )
}

pub(crate) fn script(setup: Setup, chance: &mut Chance) -> Script {
    let shipped = if setup.hostile {
        include_str!("../../../specs/hecto/scenarios/hostile.toml")
    } else {
        include_str!("../../../specs/hecto/scenarios/normal.toml")
    };
    let mut added = String::new();
    let silent = setup.silent_bank.then(|| BANKS[chance.index(BANKS.len())]);
    if let Some(bank) = silent {
        let executes = chance.per_mille(500);
        let _ = write!(
            added,
            "[[reply]]\nname = \"silent\"\nexchange = \"transfer\"\nmatch.bank_code = \"{bank}\"\nexecutes = {executes}\n\
             response_code = \"0000\"\n[[reply.misbehave]]\ndo = \"silence\"\n\n"
        );
    }
    let late = setup.variant.late_opening.then(|| chance.index(BANKS.len()));
    for at in late.into_iter().flat_map(|first| [first, first + 1]) {
        added.push_str(&late_opening(BANKS[at % BANKS.len()]));
    }
    if setup.variant.loses {
        added.push_str(&not_open(BANKS[chance.index(3)], 2));
    }
    if setup.variant.lost_at_midnight {
        added.extend(BANKS.iter().map(|bank| not_open(bank, 1)));
    }
    let slow = setup.slow_bank.then(|| BANKS[chance.index(BANKS.len())]);
    if let Some(bank) = slow {
        added.push_str(&slow_bank(bank, setup.checked));
    }
    if setup.checked {
        let (bank, late) = (BANKS[chance.index(BANKS.len().min(3))], chance.between(1, 2_000));
        let also = if setup.keyless { "" } else { "[[reply.misbehave]]\ndo = \"wrong_checksum\"\nalso = true\n" };
        let _ = write!(
            added,
            "[[reply]]\nname = \"damaged\"\nexchange = \"transfer\"\nmatch.bank_code = \"{bank}\"\nexecutes = true\n\
             amount = \"debit_amt\"\nresponse_code = \"0000\"\ndelay = [\"1ms\", \"{late}ms\"]\nbehave = 2\n\
             [[reply.misbehave]]\ndo = \"wrong_checksum\"\n{also}\n"
        );
    }
    // A few banks open late, as their clocks go: the first tries are refused.
    for _ in 0..chance.between(0, 3) {
        let (bank, tries) = (BANKS[chance.index(BANKS.len())], chance.between(1, 3));
        let _ = write!(
            added,
            "[[reply]]\nexchange = \"open\"\nmatch.bank_code = \"{bank}\"\nfirst = {tries}\n\
             response_code = \"0003\"\n\n"
        );
    }
    // Notices by the thousand take most of a run's time, and tell little more than some: nearly all runs have few.
    let few = setup.hostile && chance.per_mille(980);
    let shipped = match (setup.overtaken, few) {
        (true, _) => overtaken(shipped),
        (false, true) => sparse(shipped),
        (false, false) => shipped.to_owned(),
    };
    let shipped = if setup.tells_once { told_once(&shipped) } else { shipped };
    let shipped = if setup.hostile && chance.per_mille(250) { slowed(&shipped) } else { shipped };
    let shipped = if setup.hostile && setup.held_back { unheard(&shipped) } else { shipped };
    let shipped = if setup.keyless { topology::without_second_answers(&shipped) } else { shipped };
    let at = shipped.find("[[reply]]").unwrap_or(shipped.len());
    let (before, behind) = shipped.split_at(at);
    // What is held back shows most in what is not answered.
    let busy = if setup.held_back { silent } else { late.map(|at| BANKS[at]).or(slow).or(silent) };
    let signing = if setup.signed && setup.hostile { SIGN_ON } else { "" };
    Script { text: format!("{before}{added}{behind}{signing}"), busy }
}
