use super::*;

const HECTO: &str = r#"
[institutions.hecto]
spec = "specs/hecto"

[[institutions.hecto.lines]]
name = "out"
protocol = "firmbanking"
side = "initiator"
direction = "send"
address = "127.0.0.1:20000"

[[institutions.hecto.lines]]
name = "in"
protocol = "firmbanking"
side = "acceptor"
direction = "receive"
listen = "127.0.0.1:21000"

[[institutions.hecto.parties]]
name = "main"
fields = { id_code = "PABAL", company_no = "PABALCO1" }
participants = ["004", "088"]
"#;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, "site/pabal.toml")
}

/// What is wrong with HECTO after `edit`.
fn mistakes(from: &str, to: &str) -> String {
    let text = HECTO.replacen(from, to, 1);
    assert_ne!(text, HECTO, "the edit finds its place");
    parse(&text).unwrap_err().to_string()
}

#[test]
fn the_example_of_the_default_is_an_institution() {
    let from = Config::DEFAULT.find("# [institutions.hecto]").unwrap();
    let example: String = Config::DEFAULT[from..]
        .lines()
        .map(|line| line.trim_start_matches("# ").trim_start_matches('#'))
        .fold(String::new(), |text, line| text + line + "\n");
    let config = parse(&example).unwrap();
    assert_eq!(config.institutions().len(), 1);
    assert_eq!(config.institutions()[0].lines.len(), 3);
    assert_eq!(config.institutions()[0].parties[0].participants, ["004", "088"]);
    assert_eq!(config.institutions()[0].hours[0].hours.to_string(), "2026-12-06 00:00 to 06:00");
    assert_eq!(config.institutions()[0].holidays.len(), 2);
}

#[test]
fn the_site_with_two_centres_is_an_institution() {
    let config = parse(include_str!("../../../../specs/hecto/two-centres.toml")).unwrap();
    let lines = &config.institutions()[0].lines;
    let two = Endpoint::Connect(vec!["10.1.2.3:20000".to_owned(), "10.1.2.4:20000".to_owned()]);
    assert_eq!((&lines[0].endpoint, lines[0].sessions_max), (&two, 2));
    assert_eq!((lines[1].backup_of.as_deref(), lines[1].backup_after), (Some("out"), 3));
}

#[test]
fn hours_that_cannot_be_are_told_with_what_can() {
    let with =
        |hours: &str| mistakes("[[institutions.hecto.parties]]", &format!("{hours}\n[[institutions.hecto.parties]]"));
    insta::assert_snapshot!(with("[[institutions.hecto.hours]]\nclosed = \"every dai\""));
    insta::assert_snapshot!(with("[[institutions.hecto.hours]]\nopen = \"every day 9:00 to 16:00\""));
    insta::assert_snapshot!(with("[[institutions.hecto.hours]]\nexchanges = [\"transfer\"]"));
    insta::assert_snapshot!(mistakes("spec = \"specs/hecto\"", "spec = \"specs/hecto\"\nholidays = [\"25.12.2026\"]"));
}

#[test]
fn what_is_not_said_is_as_in_the_default() {
    let config = parse(HECTO).unwrap();
    assert_eq!(config.default_timeout(), Duration::from_secs(40));
    assert_eq!(config.listen(), &Listen::Tcp("127.0.0.1:7400".parse().unwrap()));
    assert_eq!(config.data_dir(), Path::new("site/data"), "paths start at the file's directory");
    let hecto = &config.institutions()[0];
    assert_eq!(hecto.limits.waiting_max, 1_000);
    assert_eq!(hecto.lines[0].window, 100);
    assert_eq!(hecto.lines[0].endpoint, Endpoint::Connect(vec!["127.0.0.1:20000".to_owned()]));
}

#[test]
fn the_nearest_word_holds() {
    let text = format!(
        "[limits]\nwaiting_max = 20\nnumber_block = 5\n[line]\nwindow = 7\n{HECTO}\n[institutions.hecto.limits]\nwaiting_max = 10\n"
    );
    let text = text.replace("direction = \"send\"", "direction = \"send\"\nwindow = 3");
    let config = parse(&text).unwrap();
    let hecto = &config.institutions()[0];
    assert_eq!((hecto.limits.waiting_max, hecto.limits.number_block), (10, 5));
    assert_eq!((hecto.lines[0].window, hecto.lines[1].window), (3, 7));
}

#[test]
fn settings_in_force_are_shown_with_the_place_that_says_so() {
    let text = format!("[limits]\nnumber_block = 5\n{HECTO}");
    insta::assert_snapshot!(parse(&text).unwrap().effective());
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = HECTO
        .replace("direction = \"send\"", "direction = \"sent\"\nwindwo = 3")
        .replace("protocol = \"firmbanking\"\nside = \"acceptor\"", "side = \"acceptor\"")
        .replace("\"127.0.0.1:21000\"", "21000")
        .replace("participants =", "participant =");
    let text = format!(
        "[gateway]\nlisten = \"0.0.0.0:7400\"\ndefault_timeout = 30\nnode = \"\"\n[journal]\ndurability = \"ful\"\nqueue_bytes_max = \"64MB\"\n\
         [limits]\nwaiting_max = 0\nwaitingmax = 1\n[line]\nsessions = 70000\nhost = \"x\"\n[console]\nport = 1\n{text}"
    );
    insta::assert_snapshot!(parse(&text).unwrap_err().to_string());
}

#[test]
fn text_that_is_not_toml_is_told_with_its_line() {
    insta::assert_snapshot!(parse("[gateway]\nnode = pabal\n[journal\nwriter = 1\n").unwrap_err().to_string());
}

#[test]
fn nothing_at_all_is_not_enough() {
    insta::assert_snapshot!(
        parse("").unwrap_err().to_string(),
        @"site/pabal.toml: institutions: is missing; a gateway speaks with at least one institution: write [institutions.NAME]"
    );
}

#[test]
fn a_missing_half_is_named() {
    insta::assert_snapshot!(
        mistakes("direction = \"receive\"", "direction = \"send\""),
        @r#"site/pabal.toml: institutions.hecto.lines: no line of protocol "firmbanking" carries their answers and notices; add one whose direction is "receive" or "duplex""#
    );
}

#[test]
fn an_endpoint_fits_its_side() {
    insta::assert_snapshot!(
        mistakes("side = \"acceptor\"", "side = \"initiator\""),
        @r#"
    site/pabal.toml: institutions.hecto.lines[1].address: is missing; a line that connects needs a host and port, such as "10.1.2.3:20000"
    site/pabal.toml:17: institutions.hecto.lines[1].listen: is an acceptor's; this line connects, so remove it, or make its side "acceptor"
    "#
    );
}

#[test]
fn whose_connections_are_taken_is_an_acceptors() {
    let config = parse(&HECTO.replace("listen = ", "from = [\"10.1.2.3\", \"::ffff:10.1.2.4\"]\nlisten = ")).unwrap();
    assert_eq!(
        config.institutions()[0].lines[1].from,
        ["10.1.2.3", "10.1.2.4"].map(|text| text.parse::<std::net::IpAddr>().unwrap())
    );
    insta::assert_snapshot!(
        mistakes("address = ", "from = [\"10.1.2\"]\naddress = "),
        @r#"
    site/pabal.toml:10: institutions.hecto.lines[0].from: "10.1.2" is not an IP address, such as "10.1.2.3"
    site/pabal.toml:10: institutions.hecto.lines[0].from: is an acceptor's; this line connects, so remove it
    "#
    );
}

#[test]
fn a_list_that_names_nothing_is_not_everything() {
    insta::assert_snapshot!(
        mistakes("listen = ", "from = []\nlisten = "),
        @"site/pabal.toml:17: institutions.hecto.lines[1].from: is empty; name one, or remove it: without it, anybody's connections are taken"
    );
    insta::assert_snapshot!(
        mistakes("address = \"127.0.0.1:20000\"", "address = []"),
        @r#"site/pabal.toml:10: institutions.hecto.lines[0].address: is empty; a line that connects needs a host and port, such as "10.1.2.3:20000""#
    );
    insta::assert_snapshot!(
        mistakes("participants = [\"004\", \"088\"]", "participants = []\nexchanges = []"),
        @r"
    site/pabal.toml:22: institutions.hecto.parties[0].participants: is empty; name one, or remove it: without it, business is opened with none
    site/pabal.toml:23: institutions.hecto.parties[0].exchanges: is empty; name one, or remove it: without it, the party is for all of them
    "
    );
    let rows = "[[institutions.hecto.hours]]\nclosed = \"every day 00:00 to 01:00\"\nexchanges = []\nparticipants = []\n\
                [[institutions.hecto.rates]]\nper_second = 1\ncompartments = []\n\
                [[institutions.hecto.controls]]\nname = \"n\"\nmessage = \"m\"\nreason = \"r\"\nexchanges = []\nparticipants = []\nhours = []\n";
    insta::assert_snapshot!(parse(&(HECTO.to_owned() + rows)).unwrap_err().to_string(), @r"
    site/pabal.toml:25: institutions.hecto.hours[0].exchanges: is empty; name one, or remove it: without it, they are those of all of them
    site/pabal.toml:26: institutions.hecto.hours[0].participants: is empty; name one, or remove it: without it, they are those of all of them
    site/pabal.toml:29: institutions.hecto.rates[0].compartments: is empty; name one, or remove it: without it, it is for each that no other row names
    site/pabal.toml:34: institutions.hecto.controls[0].exchanges: is empty; name one, or remove it: without it, it is for all of them
    site/pabal.toml:35: institutions.hecto.controls[0].participants: is empty; name one, or remove it: without it, it is for all of them
    site/pabal.toml:36: institutions.hecto.controls[0].hours: is empty; name one, or remove it: without it, it holds always
    ");
}

#[test]
fn no_two_listen_at_one_address() {
    let twin = HECTO.replace("institutions.hecto", "institutions.twin").replace("127.0.0.1:21000", "0.0.0.0:21000");
    insta::assert_snapshot!(
        parse(&(HECTO.to_owned() + &twin)).unwrap_err().to_string(),
        @"site/pabal.toml:39: institutions.twin.lines[1].listen: 0.0.0.0:21000 is taken: institutions.hecto.lines[1].listen is 127.0.0.1:21000; give each its own port"
    );
    assert!(mistakes("127.0.0.1:21000", "127.0.0.1:7400").contains("is taken: gateway.listen is 127.0.0.1:7400"));
    // Of port 0 the system gives each its own.
    parse(&(HECTO.to_owned() + &twin).replace("1:21000", "1:0").replace("0:21000", "0:0")).unwrap();
    parse(&(HECTO.to_owned() + &twin).replace("0.0.0.0:21000", "127.0.0.2:21000")).unwrap();
}

#[test]
fn what_is_an_acceptors_does_not_stand_at_a_line_that_connects() {
    insta::assert_snapshot!(
        mistakes("address = ", "from = []\nsecond_connection = \"replace\"\naddress = "),
        @r"
    site/pabal.toml:10: institutions.hecto.lines[0].from: is an acceptor's; this line connects, so remove it
    site/pabal.toml:11: institutions.hecto.lines[0].second_connection: is an acceptor's; this line connects, so remove it
    "
    );
    // Of all lines it may be said.
    parse(&format!("[line]\nsecond_connection = \"replace\"\n{HECTO}")).unwrap();
}

#[test]
fn what_may_be_unsent_is_more_than_nothing_and_seen_before_the_kernel_gives_up() {
    insta::assert_snapshot!(
        parse(&format!("[line]\nuser_timeout = \"10s\"\nunsent_bytes_max = 0\n{HECTO}")).unwrap_err().to_string(),
        @r"
    site/pabal.toml: institutions.hecto.lines[0].unsent_time_max: (10s) must be shorter than user_timeout (10s), after which the kernel ends the connection without a count of what left
    site/pabal.toml: institutions.hecto.lines[1].unsent_time_max: (10s) must be shorter than user_timeout (10s), after which the kernel ends the connection without a count of what left
    site/pabal.toml:3: institutions.hecto.lines[0].unsent_bytes_max: must be more than nothing
    site/pabal.toml:3: institutions.hecto.lines[1].unsent_bytes_max: must be more than nothing
    "
    );
}

#[test]
fn limits_are_held_against_each_other() {
    let text = format!(
        "[gateway]\ndefault_timeout = \"50ms\"\n[line]\nwindow = 20000\nreconnect_min = \"1m\"\nkeepalive_idle = \"10ms\"\n{HECTO}\n\
         [[institutions.hecto.parties]]\nname = \"main\"\n[institutions.hecto.limits]\nundurable_entries_max = 1\nwaiting_total_max = 999\n\
         [journal]\ngroup_bytes_max = \"2MiB\"\nqueue_bytes_max = \"1MiB\"\nwal_bytes_max = 5\n"
    );
    insta::assert_snapshot!(parse(&text).unwrap_err().to_string());
}

#[test]
fn a_party_may_be_known_by_another_number_at_a_bank_and_be_for_some_exchanges() {
    let own = "\n[institutions.hecto.parties.at.\"088\"]\ncompany_no = \"PABALCO8\"\n";
    let text = HECTO.replace("participants =", "exchanges = [\"transfer\"]\nparticipants =") + own;
    let config = parse(&text).unwrap();
    let party = &config.institutions()[0].parties[0];
    assert_eq!(party.exchanges, ["transfer"]);
    assert_eq!(party.at, [("088".to_owned(), vec![("company_no".to_owned(), "PABALCO8".to_owned())])]);
    assert!(
        config.effective().lines().any(|line| line.starts_with("institutions.hecto.parties[0].at.088.company_no")
            && line.ends_with("= \"PABALCO8\"  (line 26)")),
        "{}",
        config.effective()
    );
    let text = HECTO.replace("\"004\", \"088\"", "\"004\", \"088\", \"004\"")
        + "at.\"089\" = { company_no = \"X\" }\nat.\"088\" = { company_no = 7 }\nat.\"004\" = 5\n";
    insta::assert_snapshot!(parse(&text).unwrap_err().to_string());
}

#[test]
fn a_core_without_configuration_has_what_the_default_says() {
    let config = parse(HECTO).unwrap();
    assert_eq!(config.institutions()[0].limits, pabal_switch::Limits::default());
    let sources = crate::start::spec_sources(Path::new("../../specs/hecto")).unwrap();
    let institution = pabal_spec::load(&sources).unwrap().institution;
    let settings = crate::settings::settings(&config.institutions()[0], &institution).unwrap();
    let line = &settings.lines[0];
    assert_eq!(*line, pabal_switch::LineSettings::new(&line.name, &line.protocol, line.side, line.direction));
}

const BACKUP: &str = r#"
[[institutions.hecto.lines]]
name = "spare"
protocol = "firmbanking"
side = "initiator"
direction = "send"
address = ["10.1.2.4:20000", "10.1.2.5:20000"]
source = "10.0.0.5:5001"
backup_of = "out"
"#;

#[test]
fn a_backup_and_a_source_are_read() {
    let config = parse(&(HECTO.to_owned() + BACKUP)).unwrap();
    let spare = &config.institutions()[0].lines[2];
    assert_eq!((spare.backup_of.as_deref(), spare.backup_after, spare.addresses()), (Some("out"), 3, 2));
    assert_eq!(spare.source, Some("10.0.0.5:5001".parse().unwrap()));
    let config = parse(&(HECTO.to_owned() + &BACKUP.replace("10.0.0.5:5001", "10.0.0.5"))).unwrap();
    assert_eq!(config.institutions()[0].lines[2].source, Some("10.0.0.5:0".parse().unwrap()));
}

#[test]
fn routes_that_cannot_be_are_told() {
    let with = |from: &str, to: &str| {
        assert!(BACKUP.contains(from));
        parse(&(HECTO.to_owned() + &BACKUP.replacen(from, to, 1))).unwrap_err().to_string()
    };
    insta::assert_snapshot!(with("backup_of = \"out\"", "backup_of = \"ut\""));
    insta::assert_snapshot!(with("backup_of = \"out\"", "backup_of = \"spare\""));
    insta::assert_snapshot!(with("backup_of = \"out\"", "backup_of = \"in\""));
    insta::assert_snapshot!(with("direction = \"send\"", "direction = \"duplex\""));
    let chain = BACKUP.replace("\"spare\"", "\"third\"").replace("backup_of = \"out\"", "backup_of = \"spare\"");
    insta::assert_snapshot!(parse(&(HECTO.to_owned() + BACKUP + &chain)).unwrap_err().to_string());
    insta::assert_snapshot!(with("backup_of", "sessions = 2\nbackup_of"));
    insta::assert_snapshot!(with("\"10.0.0.5:5001\"", "\"::1\""));
    let told = with("backup_of", "connects = \"per_exchange\"\nbackup_of");
    assert!(told.contains("lines[2].source: has port 5001, but the line connects for each request"), "{told}");
    insta::assert_snapshot!(with("\"10.0.0.5:5001\"", "\"here\""));
    insta::assert_snapshot!(with("backup_of = \"out\"", "[institutions.hecto.limits]\nsessions_max = 2"));
    insta::assert_snapshot!(mistakes("listen = ", "source = \"10.0.0.5\"\nlisten = "));
    insta::assert_snapshot!(with("backup_of", "healthy_after = \"0s\"\nbackup_of"));
    insta::assert_snapshot!(mistakes("listen = ", "second_connection = \"prob\"\nlisten = "));
}
