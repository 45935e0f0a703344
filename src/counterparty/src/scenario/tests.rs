use std::string::{String, ToString};
use std::vec::Vec;

use super::Scenario;
use crate::hecto;

/// All mistakes of a scenario, one line each.
fn mistakes(text: &str) -> String {
    match Scenario::parse(text, "test.toml", &hecto::protocol()) {
        Ok(_) => panic!("no mistake was found"),
        Err(mistakes) => mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}

#[test]
fn every_mistake_is_told_at_once() {
    insta::assert_snapshot!(mistakes(include_str!("tests/mistakes.toml")));
}

#[test]
fn what_is_not_toml_is_told_with_its_line() {
    let told = mistakes("about = \"x\"\n[[reply]\nexchange = \"open\"\n");
    assert_eq!(told, "test.toml:2:9: not TOML: unclosed array table, expected `]`");
}

#[test]
fn an_empty_scenario_answers_poll_telegrams_only() {
    let scenario = Scenario::parse("", "empty.toml", &hecto::protocol()).unwrap();
    assert_eq!(scenario.replies().count(), 0);
    assert_eq!(scenario.about(), "");
}
