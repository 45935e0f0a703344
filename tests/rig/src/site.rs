use std::path::Path;

use pabal_gateway::Config;

/// The configuration of a site with one institution and one party, for a spec that a test writes itself. Each line is its name, its protocol, and
/// the rest as configuration says it. What may take long in a real site takes little.
///
/// # Panics
/// It is none; what is wrong is told.
#[must_use]
pub fn site(directory: &Path, institution: &str, lines: &[(&str, &str, &str)]) -> Config {
    let mut text = format!(
        r#"
[gateway]
data_dir = {data:?}
node = "rig"
[limits]
number_block = 10
[line]
reconnect_min = "20ms"
reconnect_max = "40ms"
close_grace = "100ms"
[institutions.{institution}]
spec = "{institution}"
[[institutions.{institution}.parties]]
name = "main"
"#,
        data = directory.join("data"),
    );
    for (name, protocol, rest) in lines {
        text += &format!("[[institutions.{institution}.lines]]\nname = {name:?}\nprotocol = {protocol:?}\n{rest}\n");
    }
    Config::parse(&text, "pabal.toml").unwrap_or_else(|error| panic!("{error}"))
}
