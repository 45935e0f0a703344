use pabal_clock::Wall;
use pabal_spec::Source;

use crate::clock::computer_clock;

/// The same spec for an institution that stands where it is noon now, so that what is shown or tried is within its hours and far from a
/// change of date, whenever somebody looks. Its `zone` is another; everything else stays.
#[must_use]
pub fn at_noon(sources: Vec<Source>) -> Vec<Source> {
    at_noon_of(sources, computer_clock().wall)
}

fn at_noon_of(mut sources: Vec<Source>, now: Wall) -> Vec<Source> {
    let hour = now.as_unix_micros().div_euclid(3_600_000_000).rem_euclid(24);
    let east = 12 - hour;
    let sign = if east < 0 { '-' } else { '+' };
    let zone = format!("{sign}{:02}:00", east.abs());
    for source in sources.iter_mut().filter(|source| source.name.ends_with(".spec")) {
        source.text = source.text.split_inclusive('\n').map(|line| move_zone(line, &zone)).collect();
    }
    sources
}

/// A line that is `zone` and an offset, with another offset.
fn move_zone(line: &str, zone: &str) -> String {
    let mut words = line.split_whitespace();
    match (words.next(), words.next()) {
        (Some("zone"), Some(offset)) => line.replacen(offset, zone, 1),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = "// zone +09:00\nprotocol p {\n  zone     +09:00  // Seoul\n  day      changes 00:00\n}\n";

    #[test]
    fn it_is_noon_there_at_any_hour() {
        for hour in 0..48 {
            let now = Wall::from_unix_seconds(1_795_219_200 + hour * 3_600 + 1_799);
            let sources = ["p.spec", "codes.csv"].map(|name| Source { name: name.into(), text: SPEC.into() });
            let moved = at_noon_of(sources.into(), now);
            let zone = moved[0].text.split_whitespace().skip_while(|word| *word != "{").nth(2).expect("a zone");
            let (hours, minutes) = zone.split_once(':').expect("hours and minutes");
            let east: i64 = hours.parse().expect("hours");
            let there = (now.as_unix_micros() / 1_000_000 + east * 3_600).rem_euclid(86_400);
            assert_eq!((there, minutes), (12 * 3_600 + 1_799, "00"), "{zone}");
            assert_eq!(moved[0].text.replacen(&format!("     {zone}"), "     +09:00", 1), SPEC);
            assert_eq!(moved[1].text, SPEC, "a table of codes has no zone");
        }
    }
}
