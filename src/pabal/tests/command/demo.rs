use insta::assert_snapshot;

use crate::process::run;
use crate::scrub::scrub;

/// The institution's 30 seconds for an answer are not shortened, so that this takes as long.
#[test]
fn the_three_outcomes_are_shown() {
    let ended = run(&["demo"]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{}", ended.out);
    for outcome in ["SUCCESS (ANSWERED)", "FAILURE (REFUSED)", "UNKNOWN (CALLER_DEADLINE)", "SUCCESS (INQUIRY)"] {
        assert!(ended.out.contains(&format!("outcome   {outcome}")), "{outcome}: {}", ended.out);
    }
    for secret in ["A1B2C3", "41 31 42 32 43 33", "31 32 33 34 20 20", "110123456789", "홍길동"] {
        assert!(!ended.out.contains(secret), "{secret} is shown");
    }
    // Where the temporary folder is differs.
    let folder =
        ended.out.lines().find_map(|line| line.trim_start().strip_prefix("journal     ")).expect("the journal's place");
    assert_snapshot!(scrub(&ended.out.replace(folder, "FOLDER")));
}

#[test]
fn a_business_day_agrees_with_the_banks_and_is_the_same_each_time() {
    let day = run(&["demo", "--day"]);
    assert_eq!((day.code, day.err.as_str()), (0, ""), "{}", day.out);
    assert_eq!(day.out, run(&["demo", "--day"]).out, "the same seed plays the same day");
    let other = run(&["demo", "--day", "--seed", "2"]);
    assert_eq!((other.code, other.err.as_str()), (0, ""), "{}", other.out);
    assert_ne!(day.out, other.out, "another seed plays another day");
    assert_snapshot!(day.out);
}
