//! Another version of the spec, while sessions stay up.

use std::path::Path;

use pabal_journal::Position;

use super::house::{House, config_text, specs, transfer};
use super::peer::{PATIENCE, Peer, answered, write_telegram};
use crate::{Body, Config, Gateway, ReloadError, Search, SearchBy};

/// A house whose spec lies in its own directory, and can be edited.
async fn house() -> House {
    let directory = tempfile::tempdir().unwrap();
    let spec = directory.path().join("spec");
    std::fs::create_dir(&spec).unwrap();
    for source in crate::spec_sources(&specs()).unwrap() {
        std::fs::write(spec.join(&source.name), source.text).unwrap();
    }
    let peer = Peer::start();
    let text = config_text(directory.path(), peer.address, "").replace(&format!("{:?}", specs()), &format!("{spec:?}"));
    let gateway = Gateway::start(Config::parse(&text, "pabal.toml").unwrap()).await.unwrap();
    let handle = gateway.handle();
    House { gateway, handle, peer, directory }
}

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
    let house = house().await;
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
    let house = house().await;
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
    let house = house().await;
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
    let text = config_text(directory.path(), peer.address, "")
        .replace(&format!("{:?}", specs()), &format!("{:?}", directory.path().join("spec")));
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
