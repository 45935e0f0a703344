//! What differs from run to run, out of a text that is to be compared.

/// Ids, traces, loopback addresses, waiting times and the stamps of telegrams become words.
pub(crate) fn scrub(text: &str) -> String {
    text.lines().map(|line| line_of(line) + "\n").collect()
}

fn line_of(line: &str) -> String {
    let mut scrubbed = String::new();
    for word in line.split_inclusive([' ', '"', ',', ';', '`']) {
        let end = word.trim_end_matches([' ', '"', ',', ';', '`', ':']);
        scrubbed.push_str(&self::word(end));
        scrubbed.push_str(&word[end.len()..]);
    }
    // A reply to a notice may have left before or not.
    if let Some((before, after)) = scrubbed.split_once(" at byte ").filter(|(before, _)| before.contains("epoch")) {
        scrubbed = format!("{before} at byte OFFSET{}", after.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    // The stamps of today, as text and in a row of bytes.
    let mut parts = scrubbed.split_whitespace();
    let is_stamp = parts.any(|part| matches!(part, "send_date" | "send_time" | "tx_date" | "tx_time"));
    match (is_stamp, scrubbed.find("send_").or_else(|| scrubbed.find("tx_"))) {
        (true, Some(at)) => {
            let name: String = scrubbed[at..].chars().take_while(|c| !c.is_whitespace()).collect();
            format!("{}{name} STAMP", &scrubbed[..at])
        }
        _ => scrubbed,
    }
}

fn word(word: &str) -> String {
    let is_hex = |text: &str| text.chars().all(|c| c.is_ascii_hexdigit());
    if word.len() == 36 && word.split('-').map(str::len).eq([8, 4, 4, 4, 12]) {
        return "ID".into();
    }
    if word.len() == 32 && is_hex(word) {
        return "TRACE".into();
    }
    if word.len() == 16 && is_hex(word) && word.chars().any(|c| c.is_ascii_alphabetic()) {
        return "VERSION".into();
    }
    let has_form = |word: &str, form: &str| {
        word.len() == form.len()
            && word.chars().zip(form.chars()).all(|(c, f)| if f == '0' { c.is_ascii_digit() } else { c == f })
    };
    // The institution stands where it is noon.
    let zone = |zone: &str| has_form(zone, "+00:00") || has_form(zone, "-00:00");
    let (time, offset) = match word.split_at_checked(word.len().saturating_sub(6)) {
        Some((time, offset)) if zone(offset) => (time, "+ZONE"),
        _ => (word, ""),
    };
    for (form, name) in [("0000-00-00", "DATE"), ("00:00:00", "TIME"), ("0000-00-00T00:00:00.000000", "RFC3339")] {
        if has_form(time, form) {
            return format!("{name}{offset}");
        }
    }
    // Microseconds since 1970 in this century, and dates of it.
    let is_number = |word: &str| word.bytes().all(|b| b.is_ascii_digit());
    if word.len() == 16 && word.starts_with('1') && is_number(word) {
        return "MICROS".into();
    }
    // An amount may begin like a year.
    let is_date = |word: &str| word.starts_with("20") && is_number(word) && ("01"..="12").contains(&&word[4..6]);
    if word.len() == 8 && is_date(word) {
        return "DATE".into();
    }
    // A part of a scope, and a key of an exchange, which begins with the date.
    if let Some((name, value)) = word.split_once('=') {
        return format!("{name}={}", self::word(value));
    }
    if let Some((date, key)) = word.split_at_checked(8)
        && is_date(date)
        && key.chars().all(|c| c.is_ascii_alphanumeric())
        && !is_number(key)
    {
        return format!("DATE{key}");
    }
    if let Some(time) = word.strip_prefix('+')
        && time.split_once('.').is_some_and(|(whole, parts)| parts.len() == 3 && whole.parse::<u32>().is_ok())
    {
        return "+TIME".into();
    }
    if let Some(at) = word.find("127.") {
        let port = word[at..].split_once(':').map_or("", |(_, port)| port);
        if port.parse::<u16>().is_ok() {
            return format!("{}ADDRESS", &word[..at]);
        }
    }
    word.to_string()
}
