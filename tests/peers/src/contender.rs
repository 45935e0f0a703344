//! Ours and theirs.

use std::hint::black_box;

use deku::DekuContainerRead;
use pabal_telegram::{Side, Slots, Telegram};
use prost::Message;

use crate::baseline::LEN;
use crate::{by_deku, by_fixed_width, by_nom, by_prost, layout, sample};

/// Something that goes over all telegrams once.
pub(crate) struct Contender {
    /// What the report calls it.
    pub(crate) name: &'static str,
    /// What it is measured against, and what is asked of the ratio.
    pub(crate) against: Option<(&'static str, f64)>,
    /// One pass.
    pub(crate) run: Box<dyn FnMut()>,
}

/// Theirs shall take at least so many times as long as ours.
pub(crate) const GOAL_IS_LEAST: bool = true;

const OURS: &str = "pabal, Hangul to UTF-8";

/// All contenders over the same telegrams, ours first.
pub(crate) fn all(count: usize) -> Vec<Contender> {
    let telegrams: &'static [[u8; LEN]] = sample::telegrams(count).leak();
    let layout: &'static _ = Box::leak(Box::new(layout::transfer()));
    check(&telegrams[0]);
    let mut all = Vec::new();
    let mut add = |name, against, run: Box<dyn FnMut()>| all.push(Contender { name, against, run });
    let mut slots = Slots::for_layout(layout);
    add(
        OURS,
        None,
        Box::new(move || {
            for telegram in telegrams {
                let telegram = Telegram::new(layout, black_box(telegram), Side::Asker);
                assert!(black_box(&telegram.read_text_into(black_box(&mut slots))).faults().is_empty());
            }
        }),
    );
    add(
        "nom, by hand",
        Some((OURS, 3.0)),
        Box::new(move || {
            for telegram in telegrams {
                black_box(by_nom::decode(black_box(telegram)).expect("it is right"));
            }
        }),
    );
    add(
        "deku",
        Some((OURS, 4.0)),
        Box::new(move || {
            for telegram in telegrams {
                black_box(by_deku::Transfer::from_bytes((black_box(telegram), 0)).expect("it is right"));
            }
        }),
    );
    add(
        "fixed_width",
        Some((OURS, 10.0)),
        Box::new(move || {
            for telegram in telegrams {
                let read: by_fixed_width::Transfer = fixed_width::from_bytes(black_box(telegram)).expect("it is right");
                black_box(read);
            }
        }),
    );
    let protobufs: &'static [Vec<u8>] =
        telegrams.iter().map(|telegram| by_prost::of(telegram).encode_to_vec()).collect::<Vec<_>>().leak();
    add(
        "prost, the same values",
        Some((OURS, 2.0)),
        Box::new(move || {
            for protobuf in protobufs {
                black_box(by_prost::Transfer::decode(black_box(&**protobuf)).expect("it is right"));
            }
        }),
    );
    all
}

/// They read the same.
fn check(telegram: &[u8; LEN]) {
    let (_, nom) = by_nom::decode(telegram).expect("it is right");
    let (_, deku) = by_deku::Transfer::from_bytes((telegram, 0)).expect("it is right");
    let fixed: by_fixed_width::Transfer = fixed_width::from_bytes(telegram).expect("it is right");
    let prost = by_prost::of(telegram);
    let balances = [nom.balance, deku.balance, fixed.balance.0, prost.balance];
    assert!(balances.iter().all(|balance| *balance == balances[0]));
    let memos = [&nom.memo, &deku.memo, &fixed.memo.0, &prost.memo];
    assert!(memos.iter().all(|memo| *memo == memos[0]));
    let accounts = [&nom.debit_account, &deku.debit_account, &fixed.debit_account, &prost.debit_account];
    assert!(accounts.iter().all(|account| *account == accounts[0]));
}
