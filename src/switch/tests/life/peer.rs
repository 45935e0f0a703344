//! The institution's side, by the layout tables of its document: bytes in, bytes out.

/// Places in the header of 100 bytes.
pub(crate) const BANK_CODE: (usize, usize) = (21, 24);
pub(crate) const MESSAGE_TYPE: (usize, usize) = (24, 28);
pub(crate) const SERVICE_CODE: (usize, usize) = (28, 31);
pub(crate) const TELEGRAM_NO: (usize, usize) = (32, 38);
pub(crate) const SEND_DATE: (usize, usize) = (38, 46);
pub(crate) const SEND_TIME: (usize, usize) = (46, 52);
pub(crate) const RESPONSE_CODE: (usize, usize) = (52, 56);

/// Places in the last reserved bytes of the header, of a version that checks itself.
pub(crate) const TOTAL: (usize, usize) = (82, 86);
pub(crate) const NUMBER_DIGIT: (usize, usize) = (86, 87);
pub(crate) const HEADER_CRC: (usize, usize) = (87, 91);

/// Places in the body of a transfer.
pub(crate) const DEBIT_ACCOUNT: (usize, usize) = (100, 115);
pub(crate) const PASSBOOK_PIN: (usize, usize) = (115, 123);
pub(crate) const DEBIT_AMT: (usize, usize) = (129, 142);
pub(crate) const CREDIT_BANK_CODE: (usize, usize) = (156, 159);
pub(crate) const CREDIT_ACCOUNT: (usize, usize) = (159, 174);

pub(crate) fn at(frame: &[u8], place: (usize, usize)) -> &str {
    core::str::from_utf8(&frame[place.0..place.1]).unwrap()
}

pub(crate) fn put(frame: &mut [u8], place: (usize, usize), text: &str) {
    frame[place.0..place.1].copy_from_slice(text.as_bytes());
}

/// With its length, the check digit of its number, and its checksum.
pub(crate) fn sealed(telegram: &[u8]) -> Vec<u8> {
    let mut sealed = telegram.to_vec();
    put(&mut sealed, TOTAL, &format!("{:04}", telegram.len()));
    let number = sealed[TELEGRAM_NO.0..TELEGRAM_NO.1].iter().rev().enumerate();
    let sum: u8 = number
        .map(|(place, digit)| match (place % 2, digit - b'0') {
            (0, digit @ 5..) => 2 * digit - 9,
            (0, digit) => 2 * digit,
            (_, digit) => digit,
        })
        .sum();
    put(&mut sealed, NUMBER_DIGIT, &format!("{}", (10 - sum % 10) % 10));
    summed(&sealed)
}

/// With the checksum of what it holds: CRC-16/ARC, a bit at a time.
pub(crate) fn summed(telegram: &[u8]) -> Vec<u8> {
    let mut summed = telegram.to_vec();
    let crc = telegram[..HEADER_CRC.0].iter().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xa001 } else { crc >> 1 })
    });
    put(&mut summed, HEADER_CRC, &format!("{crc:04X}"));
    summed
}

/// With the length before it.
pub(crate) fn framed(telegram: &[u8]) -> Vec<u8> {
    [format!("{:04}", telegram.len()).as_bytes(), telegram].concat()
}

/// The frames that a stream holds; the last may be cut.
pub(crate) fn frames(stream: &[u8]) -> (Vec<Vec<u8>>, usize) {
    let (mut frames, mut at) = (Vec::new(), 0);
    while let Some(prefix) = stream.get(at..at + 4) {
        let len: usize = core::str::from_utf8(prefix).unwrap().parse().unwrap();
        let Some(frame) = stream.get(at + 4..at + 4 + len) else { break };
        frames.push(frame.to_vec());
        at += 4 + len;
    }
    (frames, at)
}

/// What we ask, as a caller's library would encode it: stamped fields are not set.
pub(crate) fn transfer(bank: &str, account: &str, amount: u64) -> Vec<u8> {
    let mut telegram = vec![b' '; 300];
    put(&mut telegram, BANK_CODE, bank);
    telegram[31] = b'1';
    put(&mut telegram, TELEGRAM_NO, "000000");
    put(&mut telegram, DEBIT_ACCOUNT, &format!("{account:<15}"));
    put(&mut telegram, PASSBOOK_PIN, "PIN-4711");
    put(&mut telegram, DEBIT_AMT, &format!("{amount:013}"));
    put(&mut telegram, CREDIT_BANK_CODE, "088");
    put(&mut telegram, CREDIT_ACCOUNT, &format!("{:<15}", "110222333444"));
    telegram
}

/// An answer: the request with the answer's type and a code.
pub(crate) fn answer(request: &[u8], code: &str) -> Vec<u8> {
    let mut answer = request.to_vec();
    answer[25] = b'1';
    put(&mut answer, RESPONSE_CODE, &format!("{code:<4}"));
    answer
}

/// The framed answer to a poll telegram.
pub(crate) fn poll_answer(poll: &[u8]) -> Vec<u8> {
    framed(&[b"HDRRESPOLL", &poll[10..]].concat())
}

/// The answer to a result inquiry about this transfer.
pub(crate) fn result(inquiry: &[u8], transfer: &[u8], code: &str, proc_result: &str, ok_amount: &str) -> Vec<u8> {
    let mut answer = answer(inquiry, code);
    put(&mut answer, (106, 121), at(transfer, DEBIT_ACCOUNT));
    put(&mut answer, (121, 124), at(transfer, CREDIT_BANK_CODE));
    put(&mut answer, (124, 139), at(transfer, CREDIT_ACCOUNT));
    put(&mut answer, (139, 152), at(transfer, DEBIT_AMT));
    put(&mut answer, (152, 165), ok_amount);
    put(&mut answer, (193, 197), proc_result);
    answer
}

/// The reply to a question for a missing deposit notice: that notice.
pub(crate) fn gap_answer(question: &[u8], amount: u64) -> Vec<u8> {
    let mut answer = answer(question, "0000");
    put(&mut answer, (126, 139), &format!("{amount:013}"));
    answer
}

/// The notice that a transfer could not be credited, in whole or in part.
pub(crate) fn transfer_fail(number: u32, transfer: &[u8], amount: u64) -> Vec<u8> {
    let mut notice = deposit(number, 0);
    put(&mut notice, BANK_CODE, at(transfer, BANK_CODE));
    put(&mut notice, MESSAGE_TYPE, "3000");
    put(&mut notice, SEND_DATE, at(transfer, SEND_DATE));
    put(&mut notice, (100, 106), at(transfer, TELEGRAM_NO));
    put(&mut notice, (106, 121), at(transfer, DEBIT_ACCOUNT));
    put(&mut notice, (121, 124), at(transfer, CREDIT_BANK_CODE));
    put(&mut notice, (124, 139), at(transfer, CREDIT_ACCOUNT));
    put(&mut notice, (139, 152), at(transfer, DEBIT_AMT));
    put(&mut notice, (165, 178), &format!("{amount:013}"));
    notice
}

/// A deposit notice of bank 088 on 2026-11-21.
pub(crate) fn deposit(number: u32, amount: u64) -> Vec<u8> {
    let mut notice = vec![b' '; 300];
    put(&mut notice, (0, 21), "PABAL    COMPANY1    ");
    put(&mut notice, BANK_CODE, "088");
    put(&mut notice, MESSAGE_TYPE, "4000");
    put(&mut notice, SERVICE_CODE, "100");
    notice[31] = b'1';
    put(&mut notice, TELEGRAM_NO, &format!("{number:06}"));
    put(&mut notice, SEND_DATE, "20261121");
    put(&mut notice, SEND_TIME, "110000");
    put(&mut notice, (56, 71), "KEEP THIS AREA!");
    put(&mut notice, (126, 139), &format!("{amount:013}"));
    notice
}
