use super::*;

fn said<T>(value: T, origin: &str) -> Figure<T> {
    Figure { value, origin: origin.to_owned() }
}

fn time(text: &str) -> TimeOfDay {
    TimeOfDay::parse(text).unwrap()
}

/// What a chain of the table differs in from one that is right.
#[derive(Clone, Copy)]
struct Waits {
    caller: u64,
    margin: u64,
    connect: u64,
    sign_on: u64,
    timeout: u64,
    tombstone: u64,
    /// After, timeout of the inquiry, until.
    inquiry: Option<(u64, u64, &'static str)>,
    opens: &'static str,
    changes: &'static str,
}

const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;

/// As the shipped spec and the default say it, in milliseconds.
const RIGHT: Waits = Waits {
    caller: 40 * SECOND,
    margin: 100,
    connect: 0,
    sign_on: 0,
    timeout: 30 * SECOND,
    tombstone: 24 * HOUR,
    inquiry: Some((300 * SECOND, 30 * SECOND, "23:25")),
    opens: "00:05",
    changes: "00:00",
};

fn chain(waits: Waits) -> Chain {
    let millis = Duration::from_millis;
    let before = [("connect", waits.connect), ("sign on", waits.sign_on)];
    let before = before.into_iter().filter(|(_, span)| *span > 0);
    Chain {
        exchange: "transfer".to_owned(),
        caller: said(millis(waits.caller), "pabal.toml:3"),
        margin: said(millis(waits.margin), "default"),
        before: before.map(|(what, span)| (what, said(millis(span), "pabal.toml:20"))).collect(),
        timeout: said(millis(waits.timeout), "bank.spec:452"),
        tombstone: said(millis(waits.tombstone), "pabal.toml:9"),
        inquiry: waits.inquiry.map(|(after, timeout, until)| Inquiry {
            by: "transfer_result".to_owned(),
            after: said(millis(after), "bank.spec:453"),
            timeout: said(millis(timeout), "bank.spec:498"),
            until: said(time(until), "bank.spec:453"),
            opens: time(waits.opens),
            changes: time(waits.changes),
        }),
    }
}

/// Twenty chains, written by hand with what must be said of each.
#[test]
fn twenty_chains_are_judged_as_they_are_written() {
    use Broken::{AnsweredTomorrow, CallerGone, KeyForgotten, NeverAsked};
    let table: [(&str, Waits, &[Broken]); 20] = [
        ("as shipped", RIGHT, &[]),
        ("a caller of the institution's own time", Waits { caller: 30 * SECOND, ..RIGHT }, &[CallerGone]),
        ("an answer at the very moment of the margin", Waits { caller: 30_100, ..RIGHT }, &[CallerGone]),
        ("a millisecond more than that", Waits { caller: 30_101, ..RIGHT }, &[]),
        ("8 s outside of 10 s", Waits { caller: 8 * SECOND, timeout: 10 * SECOND, ..RIGHT }, &[CallerGone]),
        ("10 s outside of 8 s", Waits { caller: 10 * SECOND, timeout: 8 * SECOND, ..RIGHT }, &[]),
        ("a margin that eats the slack", Waits { margin: 10 * SECOND, ..RIGHT }, &[CallerGone]),
        ("connecting for each request", Waits { connect: 5 * SECOND, ..RIGHT }, &[]),
        (
            "connecting and signing on for each request",
            Waits { connect: 5 * SECOND, sign_on: 5 * SECOND, ..RIGHT },
            &[CallerGone],
        ),
        (
            "as long as that needs",
            Waits { caller: 45 * SECOND, connect: 5 * SECOND, sign_on: 5 * SECOND, ..RIGHT },
            &[],
        ),
        ("keys that go before a late answer", Waits { tombstone: 30 * SECOND, ..RIGHT }, &[KeyForgotten]),
        ("keys that stay a moment longer", Waits { tombstone: 30_001, ..RIGHT }, &[]),
        ("no inquiry", Waits { inquiry: None, ..RIGHT }, &[]),
        // Opens at 00:05; the first UNKNOWN is of 00:05:30, and is asked about at 00:10:30.
        (
            "a window before the first inquiry",
            Waits { inquiry: Some((300_000, 30_000, "00:10:29")), ..RIGHT },
            &[NeverAsked],
        ),
        ("a window of one inquiry", Waits { inquiry: Some((300_000, 30_000, "00:10:30")), ..RIGHT }, &[]),
        ("opens after the last inquiry", Waits { opens: "23:30", ..RIGHT }, &[NeverAsked]),
        // The last answer is due at 24:00.
        ("until the last moment", Waits { inquiry: Some((300_000, 30_000, "23:59:30")), ..RIGHT }, &[]),
        ("until a second later", Waits { inquiry: Some((300_000, 30_000, "23:59:31")), ..RIGHT }, &[AnsweredTomorrow]),
        // The date changes at 00:05: 00:04:30 is in its last minute, and 00:04:31 too late.
        (
            "a date that changes at five past",
            Waits { changes: "00:05", inquiry: Some((300_000, 30_000, "00:04:31")), ..RIGHT },
            &[AnsweredTomorrow],
        ),
        (
            "everything at once",
            Waits {
                caller: 5 * SECOND,
                tombstone: SECOND,
                opens: "23:58",
                inquiry: Some((300_000, 120_000, "23:59")),
                ..RIGHT
            },
            &[CallerGone, KeyForgotten, NeverAsked, AnsweredTomorrow],
        ),
    ];
    for (what, waits, expected) in table {
        assert_eq!(chain(waits).broken(), expected, "{what}");
    }
}

/// The same by living through every second of a date, without a formula.
fn lived(waits: Waits) -> Vec<Broken> {
    let mut broken = Vec::new();
    let second = |millis: u64| u32::try_from(millis / SECOND).unwrap();
    // The clock of a caller that waits and of an institution that answers at its last moment.
    let mut tick = 0;
    let (mut answered, mut told) = (None, None);
    while answered.is_none() || told.is_none() {
        if tick == waits.connect + waits.sign_on + waits.timeout {
            answered = Some(tick);
        }
        if tick + waits.margin == waits.caller.max(waits.margin) {
            told = Some(tick);
        }
        tick += SECOND;
    }
    if answered >= told {
        broken.push(Broken::CallerGone);
    }
    if waits.tombstone <= waits.timeout {
        broken.push(Broken::KeyForgotten);
    }
    if let Some((after, timeout, until)) = waits.inquiry {
        let (opens, until, changes) =
            (time(waits.opens).seconds(), time(until).seconds(), time(waits.changes).seconds());
        let (mut has_begun, mut first, mut last, mut ends) = (None, None, None, None);
        for at in 0..2 * 86_400 {
            let is_today = at < 86_400;
            let clock = (changes + at) % 86_400;
            if is_today && clock == opens {
                has_begun = Some(at);
            }
            if has_begun.is_some_and(|begun| at == begun + second(waits.timeout) + second(after)) {
                first = Some(at);
            }
            if is_today && clock == until {
                last = Some(at);
            }
            if last.is_some_and(|last| at == last + second(timeout)) {
                ends = Some(at);
            }
        }
        if first > last {
            broken.push(Broken::NeverAsked);
        }
        if ends.is_none_or(|ends| ends > 86_400) {
            broken.push(Broken::AnsweredTomorrow);
        }
    }
    broken
}

#[test]
fn chains_that_are_lived_through_second_by_second_are_judged_the_same() {
    // A generator of its own: the same chains each time.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |bound: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    let times = ["00:00", "00:05", "00:10", "00:10:30", "06:00", "12:00", "23:25", "23:50", "23:59", "23:59:30"];
    let mut seen = std::collections::BTreeMap::new();
    for _ in 0..100 {
        let [until, opens, changes] = [(); 3].map(|()| times[usize::try_from(below(10)).unwrap_or(0)]);
        let mut seconds = |bound: u64| below(bound) * SECOND;
        let waits = Waits {
            caller: seconds(60),
            margin: seconds(3),
            connect: seconds(6),
            sign_on: seconds(6),
            timeout: SECOND + seconds(40),
            tombstone: seconds(90),
            inquiry: Some((seconds(600), seconds(40_000), until)),
            opens,
            changes,
        };
        let broken = chain(waits).broken();
        assert_eq!(broken, lived(waits));
        for one in &broken {
            *seen.entry(*one).or_insert(0) += 1;
        }
    }
    // Each verdict and its opposite were seen often enough to mean something.
    assert_eq!(seen.len(), 4, "{seen:?}");
    assert!(seen.values().all(|count| (10..90).contains(count)), "{seen:?}");
}

#[test]
fn what_is_broken_is_drawn_with_its_figures_and_their_places() {
    let table = [
        (Waits { caller: 30 * SECOND, ..RIGHT }, Broken::CallerGone),
        (Waits { connect: 5 * SECOND, sign_on: 5 * SECOND, ..RIGHT }, Broken::CallerGone),
        (Waits { tombstone: 20 * SECOND, ..RIGHT }, Broken::KeyForgotten),
        (Waits { inquiry: Some((3_600_000, 30_000, "00:10:29")), ..RIGHT }, Broken::NeverAsked),
        (Waits { inquiry: Some((300_000, 3_600_000, "23:30")), ..RIGHT }, Broken::AnsweredTomorrow),
    ];
    let drawn: Vec<String> = table.into_iter().map(|(waits, broken)| chain(waits).draw(broken)).collect();
    insta::assert_snapshot!(drawn.join("\n\n"));
}

#[test]
fn the_shipped_spec_holds_with_the_default_and_a_shorter_one_is_told_with_all_that_it_breaks() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/hecto");
    let sources = crate::start::spec_sources(&directory).unwrap();
    let institution = pabal_spec::load(&sources).unwrap().institution;
    let told = |gateway: &str, line: &str| {
        let text = format!(
            "{gateway}\n[institutions.hecto]\nspec = \"x\"\n[[institutions.hecto.lines]]\nname = \"a\"\nprotocol = \"firmbanking\"\n\
             side = \"initiator\"\ndirection = \"duplex\"\naddress = \"127.0.0.1:1\"\n{line}\n[[institutions.hecto.parties]]\nname = \"main\"\n\
             fields = {{ id_code = \"PABAL\", company_no = \"PABALCO1\" }}\n"
        );
        let config = Config::parse(&text, "site/pabal.toml").unwrap();
        let configured = &config.institutions()[0];
        let chains = chains(&Site::of(&config, configured), &institution, &sources);
        assert_eq!(chains.len(), institution.protocols[0].rules.exchanges.len());
        problems(&chains, "hecto")
    };
    assert_eq!(told("", ""), []);
    assert_eq!(broken_inquiries(&institution, &sources), [""; 0]);
    // Asked about until a minute past midnight, and business opens later.
    let mut early = sources.clone();
    for source in &mut early {
        source.text = source.text.replace("until 23:25", "until 00:01");
    }
    let never = broken_inquiries(&pabal_spec::load(&early).unwrap().institution, &early);
    assert_eq!(never.len(), 1, "{never:?}");
    assert!(
        never[0].starts_with("an UNKNOWN `transfer` is never asked about\n")
            && never[0].contains("firmbanking.spec:453"),
        "{never:?}"
    );
    let [problem] = &told("[gateway]\ndefault_timeout = \"10s\"", "")[..] else { panic!("one thing is wrong") };
    insta::assert_snapshot!(format!("{}: {}", problem.path, problem.text));
    // Who connects for each request waits for that, too.
    assert_eq!(told("", "connects = \"per_exchange\"\nconnect_timeout = \"9s\""), []);
    let slow = told("", "connects = \"per_exchange\"\nconnect_timeout = \"10s\"");
    assert!(slow.len() == 1 && slow[0].text.contains("\n    connect     |"), "{slow:?}");
    assert!(slow[0].text.contains("10s  site/pabal.toml:") && slow[0].text.contains("longer than 40100ms"), "{slow:?}");
}
