//! Another version of the spec, while sessions stay up.

use std::path::Path;

use pabal_clock::Wall;
use pabal_journal::Position;

use super::house::{House, config_text, transfer};
use super::peer::{PATIENCE, Peer, answered, write_telegram};
use crate::{Body, Config, Gateway, ReloadError, Search, SearchBy};
use pabal_switch::control::{Control, ControlId, FieldScope, Scope, Window};
use pabal_switch::{By, Command, Refusal};

fn edit(directory: &Path, from: &str, to: &str) {
    let path = directory.join("spec/firmbanking.spec");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "the edit finds its place");
    std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
}

fn kept(directory: &Path) -> usize {
    std::fs::read_dir(directory.join("data/specs/hecto")).unwrap().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_version_is_in_force_and_the_sessions_stay() {
    let house = House::start().await;
    house.open(|request| vec![answered(request, b"0000")]).await;
    let before = house.handle.status("hecto").await.unwrap();
    let same = house.handle.reload(None, "ops", "nothing to do").await.unwrap();
    assert_eq!((same.len(), same[0].old), (1, same[0].new), "nothing has changed");

    edit(house.directory.path(), "\"적요\"", "\"기재내용\"");
    edit(house.directory.path(), "  memo ", "  note ");
    let reloaded = house.handle.reload(Some("hecto"), "ops", "ticket 7").await.unwrap();
    assert_eq!(reloaded[0].old, same[0].new);
    assert_ne!(reloaded[0].old, reloaded[0].new);
    let error = house.handle.exchange(transfer()).await.unwrap_err();
    assert!(error.detail.contains("memo"), "callers go by the new version: {}", error.detail);
    let mut call = transfer();
    let Body::Fields(fields) = &mut call.body else { panic!("{call:?}") };
    fields.last_mut().unwrap().0 = "note".to_owned();
    let answer = house.handle.exchange(call).await.unwrap();
    assert!(answer.outcome.is_final());
    let plan = answer.plan.unwrap();
    assert_eq!(plan.protocol.digest, reloaded[0].new);
    assert!(plan.answer_layout().fields().iter().any(|field| &*field.path == "note"));

    let after = house.handle.status("hecto").await.unwrap();
    let conns = |status: &pabal_switch::Status| status.sessions.iter().map(|one| one.conn).collect::<Vec<_>>();
    assert_eq!(conns(&before), conns(&after), "no socket has closed");
    assert_eq!(kept(house.directory.path()), 2);

    let data = house.directory.path().join("data");
    let reader = pabal_journal::Reader::open(&data).unwrap();
    let all = reader.after(Position::START, 1_000).unwrap();
    let own: Vec<_> = all.iter().filter(|envelope| envelope.family == "gateway").collect();
    assert_eq!((own.len(), own[0].kind.as_str()), (1, "reloaded"));
    let body = String::from_utf8(own[0].body.clone()).unwrap();
    assert!(body.contains("\"actor\":\"ops\"") && body.contains("\"reason\":\"ticket 7\""), "{body}");
    assert_eq!(own[0].columns.spec_digest, Some(reloaded[0].new.to_string()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mistake_or_another_conversation_leaves_the_old_version_in_force() {
    let house = House::start().await;
    house.open(|request| vec![answered(request, b"0000")]).await;
    let directory = house.directory.path();
    let digest = house.handle.reload(None, "ops", "look").await.unwrap()[0].new;

    edit(directory, "effect money", "effect mony");
    let error = house.handle.reload(None, "ops", "a mistake").await.unwrap_err();
    assert!(matches!(&error, ReloadError::Mistakes { institution, .. } if institution == "hecto"), "{error}");
    assert!(error.to_string().contains("firmbanking.spec"), "{error}");
    edit(directory, "effect mony", "effect money");

    edit(directory, "ascii(4) exclusive max 4096", "ascii(4) exclusive max 2048");
    let error = house.handle.reload(None, "ops", "framing").await.unwrap_err();
    assert!(matches!(error, ReloadError::NeedsReconnect { .. }), "{error}");
    assert!(error.to_string().starts_with("needs reconnect: hecto: "), "{error}");
    edit(directory, "ascii(4) exclusive max 2048", "ascii(4) exclusive max 4096");

    let error = house.handle.reload(Some("hekto"), "ops", "a name").await.unwrap_err();
    assert!(error.to_string().contains("did you mean `hecto`"), "{error}");
    std::fs::rename(directory.join("spec"), directory.join("gone")).unwrap();
    assert!(matches!(house.handle.reload(None, "ops", "gone").await, Err(ReloadError::Read { .. })));
    std::fs::rename(directory.join("gone"), directory.join("spec")).unwrap();
    assert_eq!(house.handle.reload(None, "ops", "as it was").await.unwrap()[0].new, digest);
    assert!(house.handle.exchange(transfer()).await.unwrap().outcome.is_final());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_reads_what_was_sent_by_an_older_version_by_that_version() {
    let house = House::start().await;
    edit(house.directory.path(), "effect money  timeout 30s", "effect money  timeout 200ms");
    let old = house.handle.reload(None, "ops", "impatience").await.unwrap()[0].new;
    house.open(|_| vec![]).await;
    let unknown = house.handle.exchange(transfer()).await.unwrap();
    assert!(!unknown.outcome.is_final());
    let shown = house.handle.show("hecto", unknown.exchange).await.unwrap().unwrap();
    let House { gateway, handle, peer, directory } = house;
    let drained = gateway.drain(PATIENCE).await;
    assert_eq!(drained.journal_failure, None);
    drop(handle);

    // In the next process another version is in force, which has no field `memo`.
    edit(directory.path(), "  memo ", "  note ");
    let text = config_text(directory.path(), peer.address, "");
    let gateway = Gateway::start(Config::parse(&text, "pabal.toml").unwrap()).await.unwrap();
    let handle = gateway.handle();
    let house = House { gateway, handle, peer, directory };
    assert_eq!(kept(house.directory.path()), 2, "the first version, which nothing needs, is gone");
    let again = house.handle.show("hecto", unknown.exchange).await.unwrap().unwrap();
    let layout = again.request.unwrap().layout().cloned().unwrap();
    assert!(layout.fields().iter().any(|field| &*field.path == "memo"), "it is read by its own version, {old}");

    let request = shown.request.unwrap().telegram;
    let (out, inbound) = tokio::task::block_in_place(|| house.connect());
    Peer::answer_by(out, inbound.try_clone().unwrap(), |_| vec![]);
    // Its secrets are gone, but they are not part of the key.
    write_telegram(&mut { inbound }, &answered(&request, b"0000"));
    house
        .wait_for(|handle| async move {
            let found = handle.search(Search { institution: None, by: SearchBy::Unresolved, max: 1 }).await.unwrap();
            found.found.is_empty()
        })
        .await;
    let settled = house.handle.show("hecto", unknown.exchange).await.unwrap().unwrap();
    assert!(settled.summary.outcome.unwrap().is_final(), "{settled:?}");
}

/// Nobody transfers the rent.
fn rent() -> Control {
    let fields = vec![FieldScope::parse("memo", "RENT")];
    Control {
        id: ControlId::parse("rent").unwrap(),
        scope: Scope { fields, ..Scope::default() },
        window: Window::default(),
        message: "점검 중입니다".into(),
    }
}

async fn act(house: &House, command: Command) {
    let by = By { actor: "kim".into(), reason: "ticket 9".into() };
    house.handle.command("hecto", command, by).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spec_that_cannot_judge_a_control_is_refused_at_a_reload_and_blocks_at_a_start() {
    let house = House::start().await;
    house.open(|request| vec![answered(request, b"0000")]).await;
    act(&house, Command::Block { control: rent() }).await;
    house.handle.exchange(transfer()).await.unwrap();
    let old = house.handle.reload(None, "ops", "look").await.unwrap()[0].new;
    edit(house.directory.path(), "  memo ", "  note ");
    let error = house.handle.reload(None, "ops", "a name").await.unwrap_err();
    assert!(matches!(&error, ReloadError::Control { institution, .. } if institution == "hecto"), "{error}");
    for part in ["`rent`", "`transfer`", "`memo`", "lift the control", "the old spec stays in force"] {
        assert!(error.to_string().contains(part), "{part}: {error}");
    }
    house.handle.exchange(transfer()).await.unwrap();

    // A start takes the spec as it is: refusing would keep the institution down.
    let House { gateway, handle, peer, directory } = house;
    assert_eq!(gateway.drain(PATIENCE).await.journal_failure, None);
    drop(handle);
    let text = config_text(directory.path(), peer.address, "");
    let gateway = Gateway::start(Config::parse(&text, "pabal.toml").unwrap()).await.unwrap();
    let handle = gateway.handle();
    let house = House { gateway, handle, peer, directory };
    let (out, inbound) = tokio::task::block_in_place(|| house.connect());
    Peer::answer_by(out, inbound, |request| vec![answered(request, b"0000")]);
    house.wait_until_open().await;
    let shown = house.handle.status("hecto").await.unwrap().controls;
    let why = shown[0].unjudged.as_deref().unwrap_or_default();
    assert!(why.contains("`transfer`") && why.contains("`memo`"), "{why}");
    let mut call = transfer();
    let Body::Fields(fields) = &mut call.body else { panic!("{call:?}") };
    fields.last_mut().unwrap().0 = "note".to_owned();
    let refused = house.handle.exchange(call.clone()).await.unwrap_err();
    assert_eq!(refused.refusal, Refusal::Blocked, "nobody can say what it would have meant: {}", refused.detail);
    act(&house, Command::Unblock { id: ControlId::parse("rent").unwrap() }).await;
    house.handle.exchange(call).await.unwrap();
    assert_ne!(house.handle.reload(None, "ops", "look").await.unwrap()[0].new, old);
}

/// The telegram of transfers from a moment on, as in the spec but for the name of its memo.
fn dated(directory: &Path, from: Wall) {
    let sources = crate::spec_sources(&directory.join("spec")).unwrap();
    let from = from.civil(pabal_spec::load(&sources).unwrap().institution.protocols[0].day.zone);
    let path = directory.join("spec/firmbanking.spec");
    let text = std::fs::read_to_string(&path).unwrap();
    let begins = text.find("telegram transfer \"").unwrap();
    let body = &text[begins..begins + text[begins..].find("\n}\n").unwrap() + 3];
    let later = body
        .replacen(" : common {", &format!(" : common effective {} {} {{", from.date, from.time), 1)
        .replacen("  memo ", "  note ", 1);
    assert_ne!(later, body);
    std::fs::write(&path, format!("{text}\n{later}")).unwrap();
    // Few codes are read in no time.
    let path = directory.join("spec/codes.csv");
    let codes = std::fs::read_to_string(&path).unwrap();
    let is_kept = |line: &&str| !line.starts_with(|first: char| first.is_ascii_digit()) || line.starts_with("088,");
    let few: String = codes.lines().filter(is_kept).flat_map(|line| [line, "\n"]).collect();
    std::fs::write(&path, few).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_begins_by_its_date_waits_until_the_control_that_it_cannot_judge_is_lifted() {
    let house = House::start().await;
    house.open(|request| vec![answered(request, b"0000")]).await;
    act(&house, Command::Block { control: rent() }).await;
    let soon = Wall::from_unix_micros(house.handle.now().wall.as_unix_micros() + 6_000_000);
    dated(house.directory.path(), soon);
    let reloaded = house.handle.reload(None, "ops", "the new year").await.unwrap().remove(0);
    // It is told already, and as often as somebody asks.
    let before = reloaded.new;
    let hindered = reloaded.hindered;
    assert!(hindered.len() == 1 && hindered[0].begins <= soon && hindered[0].digest != before, "{hindered:?}");
    assert!(hindered[0].why.contains("control `rent`") && hindered[0].why.contains("`memo`"), "{hindered:?}");
    assert_eq!(house.handle.reload(None, "ops", "once more").await.unwrap()[0].hindered, hindered);
    assert_eq!(house.handle.spec_hindered("hecto").await, hindered);
    let desk = house.handle.desk("hecto").unwrap();
    // It is due, and the driver has looked at it.
    house
        .wait_for(|handle| async move {
            let _ = handle.exchange(transfer()).await.unwrap();
            handle.now().wall.as_unix_micros() > soon.as_unix_micros() + 1_500_000
        })
        .await;
    assert_eq!(desk.versions.newest().digest, before, "the one in force stays");
    act(&house, Command::Unblock { id: ControlId::parse("rent").unwrap() }).await;
    house.wait_for(|handle| async move { handle.desk("hecto").unwrap().versions.newest().digest != before }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_a_control_holds_is_shown_and_begins_when_that_is_over() {
    let house = House::start().await;
    house.open(|request| vec![answered(request, b"0000")]).await;
    let now = house.handle.now().wall.as_unix_micros();
    let soon = Wall::from_unix_micros(now + 6_000_000);
    let over = Wall::from_unix_micros(now + 9_000_000);
    let mut control = rent();
    control.window.until = Some(over);
    act(&house, Command::Block { control }).await;
    dated(house.directory.path(), soon);
    let before = house.handle.reload(None, "ops", "the new year").await.unwrap()[0].new;
    assert_eq!(house.handle.spec_hindered("hecto").await.len(), 1, "its control is not over before");
    house.wait_for(|handle| async move { handle.spec_held("hecto").is_some() }).await;
    assert_eq!(house.handle.spec_hindered("hecto").await, [], "its date has come: it is held");
    let (held, why) = house.handle.spec_held("hecto").unwrap();
    assert_ne!(held, before);
    assert!(why.contains("control `rent`") && why.contains("`memo`"), "{why}");
    assert_eq!(house.handle.spec_digest("hecto"), Some(before), "the one in force stays");
    // Nobody does anything: the control is over.
    house.wait_for(|handle| async move { handle.spec_digest("hecto") == Some(held) }).await;
    assert!(house.handle.now().wall >= over);
    assert_eq!(house.handle.spec_held("hecto"), None);
}
