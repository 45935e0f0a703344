use super::*;

#[test]
fn the_pair_connects_for_what_the_institution_sends() {
    let desk = Desk::unconnected(OPEN, Settings::pair(2), 7);
    assert_eq!(desk.log, ["connect 1", "connect 1"]);
    let duplex = Desk::unconnected(OPEN, Settings::duplex(2), 7);
    assert_eq!(duplex.connects, 0);
}

#[test]
fn a_failed_connection_is_tried_again() {
    let mut desk = Desk::unconnected("[session]\nreconnect = \"3s\"\n", Settings::pair(1), 7);
    desk.counterparty.handle_connect_failed(ANSWERS, desk.now);
    desk.pass(Duration::from_millis(2_999));
    assert_eq!(desk.connects, 1);
    desk.pass(Duration::from_millis(1));
    assert_eq!(desk.connects, 2);
    desk.connected(THEIRS, ANSWERS);
    desk.counterparty.handle_closed(THEIRS, desk.now);
    desk.pass(Duration::from_secs(3));
    assert_eq!(desk.connects, 3);
}

#[test]
fn a_duplex_session_answers_where_it_was_asked() {
    let mut desk = Desk::unconnected(&format!("{OPEN}{TRANSFER}"), Settings::duplex(3), 7);
    for connection in [5, 6, 7] {
        desk.connected(Connection(connection), REQUESTS);
    }
    for connection in [6, 5, 7, 6] {
        desk.send(Connection(connection), &transfer(u32::try_from(desk.telegrams.len()).unwrap() + 2));
        assert_eq!(desk.telegrams.last().unwrap().0, Connection(connection));
    }
}

#[test]
fn the_sessions_of_a_line_take_turns() {
    let mut desk = Desk::unconnected(&format!("{OPEN}{TRANSFER}"), Settings::pair(2), 7);
    desk.connected(OURS, REQUESTS);
    desk.connected(Connection(5), ANSWERS);
    desk.connected(Connection(6), ANSWERS);
    desk.send(OURS, &request("open", 1, &[]));
    for number in 2..6 {
        desk.send(OURS, &transfer(number));
    }
    let by: Vec<_> = desk.telegrams.iter().map(|(connection, _)| connection.0).collect();
    assert_eq!(by.len(), 5);
    assert!(by.windows(2).all(|pair| pair[0] != pair[1]), "{by:?}");
}

#[test]
fn an_answer_waits_for_a_session_that_may_carry_it() {
    let mut desk = Desk::new(&format!("{OPEN}{TRANSFER}"));
    desk.open();
    desk.counterparty.handle_closed(THEIRS, desk.now);
    desk.send(OURS, &transfer(2));
    assert_eq!(desk.telegrams, []);
    assert!(desk.ledger().executed(&desk.key_of(&transfer(2))));
    assert_eq!(desk.request(&transfer(2)).answers, []);
    desk.connected(Connection(3), ANSWERS);
    assert_eq!(desk.telegrams.len(), 1);
    assert_eq!(desk.request(&transfer(2)).answers.len(), 1);
}

#[test]
fn one_connection_too_many_is_reset_and_counted() {
    let mut desk = Desk::new(OPEN);
    desk.connected(Connection(9), REQUESTS);
    assert_eq!(desk.log.last().unwrap(), "reset 9");
    let line = desk.ledger().line(REQUESTS);
    assert_eq!((line.open, line.peak, line.over_limit), (1, 2, 1));
    let mut tolerant = Desk::new("[session]\nover_limit = \"accept\"\n");
    tolerant.connected(Connection(9), REQUESTS);
    assert_eq!(tolerant.ledger().line(REQUESTS).open, 2);
}

#[test]
fn a_closed_connection_is_counted_until_its_fin() {
    let mut desk = Desk::new(OPEN);
    desk.counterparty.close_line(REQUESTS, desk.now);
    desk.drain();
    assert_eq!(desk.log.last().unwrap(), "close 1");
    assert_eq!(desk.ledger().line(REQUESTS).open, 1);
    // What still comes is dropped.
    desk.send(OURS, &request("open", 1, &[]));
    assert_eq!(desk.ledger().totals().requests, 0);
    assert_eq!(desk.ledger().totals().received_bytes, 304);
    desk.counterparty.handle_closed(OURS, desk.now);
    assert_eq!(desk.ledger().line(REQUESTS).open, 0);
    // While the line is closed, nobody gets in.
    desk.connected(Connection(9), REQUESTS);
    assert_eq!(desk.log.last().unwrap(), "reset 9");
    desk.counterparty.open_line(REQUESTS, desk.now);
    desk.connected(Connection(10), REQUESTS);
    assert_eq!(desk.ledger().line(REQUESTS).open, 1);
}

#[test]
fn a_closed_initiator_line_does_not_connect_again() {
    let mut desk = Desk::new(OPEN);
    desk.counterparty.close_line(ANSWERS, desk.now);
    desk.counterparty.handle_closed(THEIRS, desk.now);
    desk.pass(Duration::from_secs(60));
    assert_eq!(desk.connects, 1);
    desk.counterparty.open_line(ANSWERS, desk.now);
    desk.drain();
    assert_eq!(desk.connects, 2);
}

#[test]
fn a_line_that_is_closed_at_once_has_never_connected() {
    let now = Desk::unconnected(OPEN, Settings::pair(2), 7).now;
    let scenario = Arc::new(Scenario::parse(OPEN, "test.toml", &hecto::protocol()).unwrap());
    let mut counterparty = Counterparty::new(hecto::protocol(), scenario, Settings::pair(2), 7, now);
    counterparty.close_line(ANSWERS, now);
    assert_eq!(counterparty.poll_output(), None);
    counterparty.open_line(ANSWERS, now);
    assert_eq!(counterparty.poll_output(), Some(Output::Connect { line: ANSWERS }));
    assert_eq!(counterparty.poll_output(), Some(Output::Connect { line: ANSWERS }));
}

#[test]
fn a_poll_telegram_is_answered_on_its_socket() {
    let mut desk = Desk::new(OPEN);
    desk.send(OURS, b"HDRREQPOLL1121101530");
    assert_eq!(desk.telegrams, [(OURS, b"HDRRESPOLL1121101530".to_vec())]);
    assert_eq!(desk.ledger().totals().polls, 1);
}

#[test]
fn poll_answers_misbehave() {
    let mut desk = Desk::new("[[poll.misbehave]]\ndo = \"silence\"\n");
    desk.send(OURS, b"HDRREQPOLL1121101530");
    assert_eq!(desk.telegrams, []);
    let mut late = Desk::new("[[poll.misbehave]]\ndo = \"late\"\nafter = \"9s\"\n");
    late.send(OURS, b"HDRREQPOLL1121101530");
    late.pass(Duration::from_secs(9));
    assert_eq!(late.telegrams.len(), 1);
}

#[test]
fn an_idle_session_that_it_opened_is_probed() {
    let mut desk = Desk::new("[poll]\nsends = true\n");
    desk.pass(Duration::from_secs(299));
    assert_eq!(desk.telegrams, []);
    desk.pass(Duration::from_secs(1));
    // 10:15:30 and 300 seconds.
    assert_eq!(desk.telegrams, [(THEIRS, b"HDRREQPOLL1121102030".to_vec())]);
    desk.send(THEIRS, b"HDRRESPOLL1121102030");
    desk.pass(Duration::from_secs(299));
    assert_eq!(desk.telegrams.len(), 1);
    // The next one stays unanswered for ten seconds: the session is given up.
    desk.pass(Duration::from_secs(11));
    assert_eq!(desk.telegrams.len(), 2);
    assert_eq!(desk.log.last().unwrap(), "close 2");
}

#[test]
fn sessions_misbehave() {
    for (word, end) in [("close", "close"), ("reset", "reset")] {
        let mut desk = Desk::new(&format!("[[session.misbehave]]\ndo = \"{word}\"\nafter = \"5s\"\n"));
        desk.pass(Duration::from_millis(4_999));
        assert_eq!(desk.log, ["connect 1"]);
        desk.pass(Duration::from_millis(1));
        assert_eq!(desk.log[1..], [format!("{end} 1"), format!("{end} 2")]);
    }
}

#[test]
fn a_stream_that_cannot_be_cut_ends_the_connection() {
    let mut desk = Desk::new(OPEN);
    desk.counterparty.handle_received(OURS, b"GET / HTTP/1.1", desk.now);
    desk.drain();
    assert_eq!(desk.log.last().unwrap(), "close 1");
    assert_eq!(desk.ledger().totals().strangers, 1);
}

#[test]
fn frames_that_nobody_expects_are_kept_and_not_answered() {
    let mut desk = Desk::new(OPEN);
    let mut unknown = transfer(2);
    unknown[24..28].copy_from_slice(b"9999");
    let mut answer = transfer(3);
    answer[24..28].copy_from_slice(b"2100");
    for telegram in [&unknown[..], &answer, b"short"] {
        desk.send(OURS, telegram);
    }
    assert_eq!(desk.telegrams, []);
    let why: Vec<_> = desk.ledger().strangers().iter().map(|stranger| stranger.why.as_str()).collect();
    assert_eq!(why.len(), 3);
    assert!(why[0].contains("9999"), "{}", why[0]);
    assert!(why[1].contains("transfer"), "{}", why[1]);
    // The session goes on.
    desk.open();
}

#[test]
fn bytes_may_come_in_any_pieces() {
    let mut desk = Desk::new(OPEN);
    let mut framed = Vec::new();
    let framing = hecto::protocol().framing.clone();
    framing.write(&request("open", 1, &[]), &mut framed).unwrap();
    framing.write(b"HDRREQPOLL1121101530", &mut framed).unwrap();
    for byte in framed {
        desk.counterparty.handle_received(OURS, &[byte], desk.now);
    }
    desk.drain();
    assert_eq!(desk.telegrams.len(), 2);
}
