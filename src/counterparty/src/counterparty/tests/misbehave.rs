use super::*;

/// An institution whose transfers meet this misdeed.
fn desk(misdeed: &str) -> Desk {
    let mut desk = Desk::new(&format!("{OPEN}{TRANSFER}[[reply.misbehave]]\n{misdeed}\n"));
    desk.open();
    desk
}

#[test]
fn silence_executes_as_the_reply_says() {
    let mut desk = desk("do = \"silence\"");
    desk.send(OURS, &transfer(2));
    desk.pass(Duration::from_secs(86_400));
    assert_eq!(desk.telegrams, []);
    let request = desk.request(&transfer(2));
    assert_eq!((request.executed, request.answers.len()), (1, 0));
    assert!(request.answer.is_some());
}

#[test]
fn a_request_can_be_lost_on_its_way_in() {
    let mut desk = desk("do = \"silence\"\nexecutes = false");
    desk.send(OURS, &transfer(2));
    let request = desk.request(&transfer(2));
    assert_eq!((request.received, request.executed), (1, 0));
    assert_eq!(request.answer, None);
}

#[test]
fn late_comes_when_it_says() {
    let mut desk = desk("do = \"late\"\nafter = \"31s\"");
    desk.send(OURS, &transfer(2));
    assert!(desk.ledger().executed(&desk.key_of(&transfer(2))));
    desk.pass(Duration::from_millis(30_999));
    assert_eq!(desk.telegrams, []);
    desk.pass(Duration::from_millis(1));
    assert_eq!(desk.telegrams.len(), 1);
    assert_eq!(desk.request(&transfer(2)).answers[0].conduct, "late");
}

#[test]
fn a_range_of_delay_is_kept() {
    let mut desk = desk("do = \"late\"\nafter = [\"2s\", \"4s\"]");
    for number in 2..50 {
        desk.send(OURS, &transfer(number));
    }
    desk.pass(Duration::from_micros(1_999_999));
    assert_eq!(desk.telegrams.len(), 0);
    desk.pass(Duration::from_secs(1));
    let half = desk.telegrams.len();
    assert!((10..40).contains(&half), "{half}");
    desk.pass(Duration::from_millis(1_001));
    assert_eq!(desk.telegrams.len(), 48);
}

#[test]
fn a_duplicate_is_the_same_telegram_again() {
    let mut desk = desk("do = \"duplicate\"\ntimes = 3\ngap = \"10ms\"");
    desk.send(OURS, &transfer(2));
    assert_eq!(desk.telegrams.len(), 1);
    desk.pass(Duration::from_millis(20));
    assert_eq!(desk.telegrams.len(), 3);
    assert!(desk.telegrams.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(desk.request(&transfer(2)).answers.len(), 3);
}

#[test]
fn a_refusal_is_not_executed() {
    let mut desk = desk("do = \"refuse\"\nresponse_code = \"0404\"");
    let answer = desk.ask(&transfer(2));
    assert_eq!(field(&answer, "transfer", "response_code"), "0404");
    assert_eq!(raw(&answer, "transfer", "telegram_no"), b"000002");
    assert_eq!(desk.request(&transfer(2)).executed, 0);
    assert!(desk.request(&transfer(2)).answer.is_some());
}

#[test]
fn pieces_leave_one_by_one() {
    let mut desk = desk("do = \"split\"\npieces = 4\ngap = \"20ms\"");
    desk.send(OURS, &transfer(2));
    // What follows waits behind the pieces.
    desk.send(OURS, &transfer(3));
    assert_eq!(desk.log, ["send 2 76"]);
    desk.pass(Duration::from_millis(20));
    assert_eq!(desk.log, ["send 2 76", "send 2 76"]);
    desk.pass(Duration::from_millis(100));
    assert_eq!(desk.log, vec!["send 2 76"; 8]);
    assert_eq!(desk.telegrams.len(), 2);
}

#[test]
fn pieces_without_a_gap_are_still_pieces() {
    let mut desk = desk("do = \"split\"\npieces = 304");
    desk.send(OURS, &transfer(2));
    assert_eq!(desk.log, vec!["send 2 1"; 304]);
    assert_eq!(desk.telegrams.len(), 1);
}

#[test]
fn garbage_is_sent_instead() {
    let mut first = desk("do = \"garbage\"\nhex = \"ff 00 41\"");
    first.send(OURS, &transfer(2));
    assert_eq!(first.log, ["send 2 3"]);
    assert_eq!(first.request(&transfer(2)).answers, []);
    assert_eq!(first.request(&transfer(2)).executed, 1);
    let mut drawn = desk("do = \"garbage\"\nbytes = 40");
    drawn.send(OURS, &transfer(2));
    assert_eq!(drawn.log, ["send 2 40"]);
}

#[test]
fn a_wrong_length_is_in_the_prefix_only() {
    for (by, expected) in [(1, "0301"), (-1, "0299")] {
        let mut desk = desk(&format!("do = \"wrong_length\"\nby = {by}"));
        desk.counterparty.handle_received(OURS, &framed(&transfer(2)), desk.now);
        let bytes = sent_bytes(&mut desk);
        assert_eq!(bytes.len(), 304);
        assert_eq!(bytes[..4], *expected.as_bytes());
        assert_eq!(bytes[4 + 24..4 + 28], *b"2100");
    }
}

#[test]
fn a_wrong_key_belongs_to_nobody() {
    let mut alone = desk("do = \"wrong_key\"");
    let answer = alone.ask(&transfer(2));
    assert_eq!(raw(&answer, "transfer", "telegram_no"), b"999997");
    let mut also = desk("do = \"wrong_key\"\nalso = true");
    also.send(OURS, &transfer(2));
    let numbers: Vec<_> =
        also.telegrams.iter().map(|(_, answer)| raw(answer, "transfer", "telegram_no").to_vec()).collect();
    assert_eq!(numbers, [b"000002", b"999997"]);
}

#[test]
fn fields_can_be_altered() {
    let mut alone = desk("do = \"alter\"\nset.response_code = \"0133\"\nset.balance_sign = { hex = \"b0\" }");
    let answer = alone.ask(&transfer(2));
    assert_eq!(field(&answer, "transfer", "response_code"), "0133");
    assert_eq!(raw(&answer, "transfer", "balance_sign"), b"\xb0");
    // Executed all the same: the answer lies.
    assert_eq!(alone.request(&transfer(2)).executed, 1);
    let mut also = desk("do = \"alter\"\nalso = true\nset.response_code = \"0133\"");
    also.send(OURS, &transfer(2));
    let codes: Vec<_> = also.telegrams.iter().map(|(_, answer)| field(answer, "transfer", "response_code")).collect();
    assert_eq!(codes, ["0000", "0133"]);
}

#[test]
fn a_stalled_session_carries_nothing_more() {
    let mut desk = desk("do = \"stall\"");
    desk.send(OURS, &transfer(2));
    desk.send(OURS, &transfer(3));
    assert_eq!(desk.log, ["send 2 152"]);
    assert_eq!(desk.telegrams, []);
    // Another session of the line takes over.
    desk.counterparty.handle_closed(THEIRS, desk.now);
    desk.connected(Connection(3), ANSWERS);
    assert_eq!(desk.log[1..], ["send 3 152"]);
}

#[test]
fn a_stalled_session_can_be_reset_later() {
    let mut desk = desk("do = \"stall\"\nafter = \"9s\"");
    desk.send(OURS, &transfer(2));
    desk.pass(Duration::from_millis(8_999));
    assert_eq!(desk.log, ["send 2 152"]);
    desk.pass(Duration::from_millis(1));
    assert_eq!(desk.log, ["send 2 152", "reset 2"]);
}

#[test]
fn a_connection_ends_before_in_or_after_an_answer() {
    for (word, end) in [("close", "close 2"), ("reset", "reset 2")] {
        for (when, sent, told) in
            [("before", vec![], 0), ("middle", vec!["send 2 152"], 0), ("after", vec!["send 2 304"], 1)]
        {
            let mut desk = desk(&format!("do = \"{word}\"\nwhen = \"{when}\""));
            desk.send(OURS, &transfer(2));
            let expected: Vec<&str> = sent.iter().copied().chain([end]).collect();
            assert_eq!(desk.log, expected, "{word} {when}");
            assert_eq!(desk.telegrams.len(), told);
            let request = desk.request(&transfer(2));
            assert_eq!((request.executed, request.answers.len()), (1, told));
            // A reset connection is no longer counted; a closed one is until the other side's FIN.
            assert_eq!(desk.ledger().line(ANSWERS).open, u32::from(word == "close"));
        }
    }
}

#[test]
fn weights_are_drawn_from_the_seed_and_the_key() {
    let scenario = format!(
        "{OPEN}{TRANSFER}behave = 3\n[[reply.misbehave]]\nweight = 1\ndo = \"silence\"\n[[reply.misbehave]]\nweight = 0\ndo = \"stall\"\n"
    );
    let fates = |seed, numbers: &mut dyn Iterator<Item = u32>| {
        let mut desk = Desk::unconnected(&scenario, Settings::pair(1), seed);
        desk.connected(OURS, REQUESTS);
        desk.connected(THEIRS, ANSWERS);
        desk.open();
        let mut fates = BTreeMap::new();
        for number in numbers {
            let before = desk.telegrams.len();
            desk.send(OURS, &transfer(number));
            fates.insert(number, desk.telegrams.len() > before);
        }
        fates
    };
    let forward = fates(7, &mut (2..402));
    let answered = forward.values().filter(|answered| **answered).count();
    assert!((260..340).contains(&answered), "{answered} of 400; 300 are expected");
    assert_eq!(forward, fates(7, &mut (2..402).rev()), "in any order");
    assert_ne!(forward, fates(8, &mut (2..402)));
}

fn framed(telegram: &[u8]) -> Vec<u8> {
    let mut framed = Vec::new();
    hecto::protocol().framing.write(telegram, &mut framed).unwrap();
    framed
}

/// All bytes of the outputs that are there now.
fn sent_bytes(desk: &mut Desk) -> Vec<u8> {
    let mut sent = Vec::new();
    while let Some(output) = desk.counterparty.poll_output() {
        if let Output::Send { bytes, .. } = output {
            sent.extend(bytes);
        }
    }
    sent
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let run = |seed| {
        let mut desk = Desk::unconnected(shipped("hostile"), Settings::pair(4), seed);
        for at in 0..4 {
            desk.connected(Connection(10 + at), REQUESTS);
            desk.connected(Connection(20 + at), ANSWERS);
        }
        let mut trace = Vec::new();
        for (number, step) in (1..).zip(0..300_u64) {
            let telegram = if step % 50 == 0 { request("open", number, &[]) } else { transfer(number) };
            desk.counterparty.handle_received(Connection(10 + step % 4), &framed(&telegram), desk.now);
            let wanted = desk.counterparty.poll_timeout().map_or(desk.now.mono, |(at, _)| at);
            desk.step_to(desk.now.mono.max(wanted.min(desk.now.mono + Duration::from_millis(50))));
            desk.counterparty.handle_timeout(desk.now);
            while let Some(output) = desk.counterparty.poll_output() {
                trace.push(format!("{output:?}"));
            }
        }
        trace
    };
    let first = run(7);
    assert!(first.len() > 500, "{}", first.len());
    assert_eq!(first, run(7));
    assert_ne!(first, run(8));
}

#[test]
fn the_hostile_institution_does_everything_there_is() {
    let mut desk = Desk::unconnected(shipped("hostile"), Settings::pair(8), 1);
    let mut next = 100;
    let mut ours = Connection(0);
    for number in 1..3_000 {
        for line in desk.log.split_off(0) {
            if let Some(closed) = line.strip_prefix("close ") {
                desk.counterparty.handle_closed(Connection(closed.parse().unwrap()), desk.now);
            } else if line == "connect 1" {
                next += 1;
                desk.connected(Connection(next), ANSWERS);
            }
        }
        if desk.ledger().line(REQUESTS).open == 0 {
            next += 1;
            ours = Connection(next);
            desk.connected(ours, REQUESTS);
        }
        let telegram = if number % 20 == 1 { request("open", number, &[]) } else { transfer(number) };
        desk.counterparty.handle_received(ours, &framed(&telegram), desk.now);
        desk.pass(Duration::from_millis(100));
        if let Some((_, notice)) = desk.telegrams.iter().rfind(|(_, telegram)| telegram[24..28] == *b"4000") {
            assert_eq!(raw(notice, "deposit", "van_area1"), b"SHBKHECT1ABCDEF");
        }
        desk.telegrams.clear();
    }
    let mut conducts = BTreeMap::new();
    for event in &desk.events {
        if let Event::Answered { conduct, .. } | Event::Unanswered { conduct, .. } = event {
            *conducts.entry(*conduct).or_insert(0) += 1;
        }
    }
    let expected = [
        "already open",
        "alter",
        "as it should",
        "close",
        "duplicate",
        "garbage",
        "late",
        "lost",
        "not open",
        "refuse",
        "relay_first",
        "reset",
        "silence",
        "split",
        "stall",
        "wrong_key",
        "wrong_length",
    ];
    for conduct in expected {
        assert!(conducts.get(conduct).is_some_and(|count| *count > 2), "{conduct}: {conducts:?}");
    }
    assert_eq!(conducts.len(), expected.len(), "{conducts:?}");
    let totals = desk.ledger().totals();
    assert!(totals.notices > 10 && totals.executed > 500, "{totals:?}");
}
