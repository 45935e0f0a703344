//! What telegrams say of themselves, over real sockets, with a bank that computes it by itself.

use pabal_front::proto::Reason;
use pabal_rig::process::{Process, sliced_bank_with};
use pabal_rig::{Options, Outcome, Rig, run, spec, transfer};
use pabal_spec::Source;
use serde_json::{Value, json};

/// Reserved bytes of the shipped spec that say something of their telegram.
const CHECKED: [(&str, &str); 2] = [
    (
        "  van_area3      filler(18)      echo in reply to notice  public  \"예비영역3\"\n",
        "  total          9(4)       public  length of telegram                      \"전문길이\"\n  \
           number_digit   code(1)    public  check luhn of telegram_no               \"번호검증\"\n  \
           header_crc     X(4)       public  crc16 xmodem of id_code..number_digit   \"헤더검증\"\n  \
           van_area3      filler(9)  echo in reply to notice  public                 \"예비영역3\"\n",
    ),
    (
        "  reserved                     filler(53)               public    \"예비\"\n}\n",
        "  body_crc                     X(8)        secret  crc32 iso-hdlc of debit_account..fund_type  \"본문검증\"\n  \
           reserved                     filler(45)  public  \"예비\"\n}\n",
    ),
];

fn checked() -> Vec<Source> {
    let mut sources = spec();
    for (from, to) in CHECKED {
        let source = sources.iter_mut().find(|source| source.text.contains(from)).expect("the text is in the spec");
        source.text = source.text.replacen(from, to, 1);
    }
    sources
}

/// The next event of this kind.
async fn event(bank: &mut Process, kind: &str) -> Value {
    bank.hear(kind, |line| {
        let event: Value = serde_json::from_str(line).ok()?;
        (event["event"] == kind).then_some(event)
    })
    .await
}

#[test]
fn a_bank_finds_our_checksums_right_and_we_find_one_of_its_wrong() {
    run(async {
        let mut bank = sliced_bank_with(&["--sealed"]);
        let port = event(&mut bank, "listening").await["port"].as_u64().unwrap();
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], u16::try_from(port).unwrap()));
        let rig = Rig::start(Options { bank: Some(address), spec: checked(), ..Options::default() }).await;
        bank.say(&format!("company {}", rig.inbound_address()));
        let opening = event(&mut bank, "request").await;
        assert_eq!((&opening["type"], &opening["wrong"]), (&json!("1000100"), &json!([])));
        rig.wait_open().await;

        rig.succeed(&transfer(150_000)).await;
        let asked = event(&mut bank, "request").await;
        assert_eq!((&asked["type"], &asked["wrong"]), (&json!("2000100"), &json!([])));

        bank.say("notice 700");
        assert_eq!(event(&mut bank, "notice_reply").await["wrong"], json!([]));

        // Executed, and the answer is damaged on its way: nobody may say what it was.
        bank.say("spoil");
        let response = rig.call(&transfer(160_000)).await.unwrap();
        assert_eq!((response.outcome(), response.cause()), (Outcome::Unknown, Reason::Unreadable));
        let faults: Vec<&str> = response.faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(faults, ["header_crc"]);
        assert_eq!(event(&mut bank, "request").await["wrong"], json!([]));
        let told = rig.inquire(&response.exchange_id).await.unwrap();
        assert_eq!(told.inquiry.unwrap().outcome(), Outcome::Success);
        let inquiry = event(&mut bank, "request").await;
        assert_eq!((&inquiry["type"], &inquiry["wrong"]), (&json!("7000100"), &json!([])));
        let found = rig.find_exchange(&response.exchange_id).await;
        assert_eq!((found.outcome(), found.cause(), &*found.state), (Outcome::Success, Reason::Inquiry, "settled"));
    });
}
