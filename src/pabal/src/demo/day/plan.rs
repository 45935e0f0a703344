//! What is asked of whom, and when.

use pabal_clock::TimeOfDay;

/// The banks of the institution's own table of response codes.
pub(super) const BANKS: [(&str, &str); 36] = [
    ("002", "산업은행"),
    ("003", "기업은행"),
    ("004", "국민은행"),
    ("005", "외환은행"),
    ("007", "수협"),
    ("011", "농협은행"),
    ("020", "우리은행"),
    ("023", "SC은행"),
    ("027", "씨티은행"),
    ("031", "대구은행"),
    ("032", "부산은행"),
    ("034", "광주은행"),
    ("035", "제주은행"),
    ("037", "전북은행"),
    ("039", "경남은행"),
    ("045", "새마을금고"),
    ("048", "신협"),
    ("050", "저축은행중앙회"),
    ("064", "산림조합중앙회"),
    ("071", "우체국"),
    ("081", "하나은행"),
    ("088", "신한은행"),
    ("089", "케이뱅크"),
    ("090", "카카오뱅크"),
    ("092", "토스뱅크"),
    ("103", "SBI저축은행"),
    ("209", "유안타증권"),
    ("238", "미래에셋대우"),
    ("240", "삼성증권"),
    ("243", "한국투자증권"),
    ("247", "NH투자증권"),
    ("266", "SK증권"),
    ("267", "대신증권"),
    ("278", "신한금융투자증권"),
    ("280", "유진투자증권"),
    ("287", "메리츠증권"),
];

/// The bank that says nothing for a while, from when to when.
pub(super) const SILENT: (&str, u32, u32) = ("071", at(14, 0, 0), at(14, 20, 0));

/// Banks that open late.
pub(super) const LATE: [&str; 2] = ["020", "081"];

/// One thing that is done.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// A caller asks for a transfer.
    Transfer(Transfer),
    /// All connections are cut.
    Cut,
    /// The process dies and is started again.
    Kill,
    /// The timeline tells how far the day is.
    Tell,
    /// It tells how the others fared beside a silent bank.
    TellOfTheSilent,
    /// And what became of what it was asked.
    TellOfItsEnd,
}

/// A transfer that a caller asks for.
#[derive(Clone, Debug)]
pub(super) struct Transfer {
    /// By whom the money is held, and who is asked.
    pub(super) bank: &'static str,
    /// In won.
    pub(super) amount: u64,
    /// To whom.
    pub(super) account: String,
    /// What the timeline says of it; `None`: it is one of many.
    pub(super) why: Option<&'static str>,
}

/// Seconds since midnight.
pub(super) const fn at(hour: u32, minute: u32, second: u32) -> u32 {
    hour * 3_600 + minute * 60 + second
}

/// A time of the day, or of the next.
pub(super) fn clock(seconds: u32) -> String {
    let of_day = seconds % 86_400;
    let part = |seconds: u32| u8::try_from(seconds).unwrap_or(0);
    let time = TimeOfDay::new(part(of_day / 3_600), part(of_day / 60 % 60), part(of_day % 60));
    time.unwrap_or(TimeOfDay::MIDNIGHT).to_string()
}

/// Everything that is done, in order, by seconds since the midnight with which the day begins.
pub(super) fn acts(seed: u64) -> Vec<(u32, Act)> {
    let mut acts = traffic(seed);
    acts.extend(stories());
    // While one bank is silent and has more than its share of the window to do, the others are asked, too: are they slower?
    let beside = |when: u32, bank, nth| {
        (when, Act::Transfer(Transfer { bank, amount: 40_000, account: account(nth), why: None }))
    };
    acts.extend((0..12).map(|nth| beside(SILENT.1 + 10, SILENT.0, nth)));
    let others = BANKS.iter().filter(|(code, _)| *code != SILENT.0);
    acts.extend((0..).zip(others).map(|(nth, (code, _))| beside(SILENT.1 + 11 + nth, code, nth)));
    acts.push((SILENT.2, Act::TellOfTheSilent));
    acts.push((SILENT.2 + 900, Act::TellOfItsEnd));
    acts.push((at(11, 0, 0), Act::Cut));
    acts.push((at(12, 0, 0), Act::Kill));
    acts.extend([3, 6, 9, 15, 18, 21].map(|hour| (at(hour, 0, 0), Act::Tell)));
    acts.sort_by_key(|(when, _)| *when);
    acts
}

/// Each bank has a transfer about every half an hour, of an amount that the seed draws.
fn traffic(seed: u64) -> Vec<(u32, Act)> {
    let mut dice = seed;
    let mut draw = move |below: u64| {
        // SplitMix64 (Steele, Lea, Flood 2014).
        dice = dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = dice;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    };
    let mut acts = Vec::new();
    for bank in BANKS.map(|(code, _)| code) {
        for half_hour in 2..46 {
            let when = half_hour * 1_800 + u32::try_from(draw(1_700)).unwrap_or(0);
            // The bank that closes early is not asked any more, and the process is away for a moment at noon.
            if (bank == "209" && when >= at(16, 0, 0)) || (at(11, 59, 0)..at(12, 1, 0)).contains(&when) {
                continue;
            }
            let amount = (1 + draw(500)) * 1_000;
            let account = account(u32::try_from(draw(1_000)).unwrap_or(0));
            acts.push((when, Act::Transfer(Transfer { bank, amount, account, why: None })));
        }
    }
    acts
}

/// Transfers that the timeline tells of. What becomes of each is decided by its account, as the scenario says.
fn stories() -> Vec<(u32, Act)> {
    let story = |when, bank, amount, account: &str, why| {
        (when, Act::Transfer(Transfer { bank, amount, account: account.into(), why: Some(why) }))
    };
    vec![
        story(at(0, 10, 0), "081", 50_000, "301000000001", "too early: this bank opens at 00:30"),
        story(at(9, 20, 0), "004", 20_000_000, "301000000002", "over the limit"),
        story(at(9, 40, 0), "088", 70_000, "94320299999999", "executed, and never answered"),
        story(at(10, 20, 0), "003", 90_000, "94320288888888", "the relay gives the bank up: VTIM"),
        story(at(12, 0, 0), "037", 60_000, "301000000005", "sent, and the process is killed"),
        story(at(13, 31, 0), "011", 30_000, "301000000003", "at 13:30 the bank forgot that it was opened"),
        story(at(13, 35, 0), "011", 30_000, "301000000003", "the same again, by hand"),
        story(at(15, 20, 0), "020", 250_000, "94320277777777", "it will fail after all"),
        story(at(15, 40, 0), "081", 100_000, "94320266666666", "two fifths of it will fail after all"),
        story(at(16, 20, 0), "032", 500_000, "94320255555555", "never answered; inquiries say: in part"),
        story(at(23, 40, 0), "004", 10_000, "301000000004", "too late: the banks closed at 23:30"),
    ]
}

fn account(number: u32) -> String {
    format!("3010{number:08}")
}
