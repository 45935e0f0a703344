//! One mistake in a spec that has none: exactly one diagnostic, of the right code, at the right place.

use std::collections::BTreeSet;

use pabal_spec::{CODES, Diagnostic, Severity, Source, load};

const WHOLE: &str = include_str!("fixtures/whole.spec");
const TABLE: &str = include_str!("fixtures/codes.csv");

fn sources(spec: &str, table: &str) -> Vec<Source> {
    vec![
        Source { name: "codes.csv".into(), text: table.into() },
        Source { name: "whole.spec".into(), text: spec.into() },
    ]
}

/// Everything that is told of a spec, but for what is told of the whole fixture.
fn told(sources: &[Source]) -> Vec<Diagnostic> {
    let found = match load(sources) {
        Ok(loaded) => loaded.warnings,
        Err(found) => found,
    };
    found.into_iter().filter(|told| told.message != UNLISTED).collect()
}

const UNLISTED: &str = "No table lists the response code \"VTIM\" for all participants";

fn once(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from:?} stands once in the fixture");
    text.replace(from, to)
}

/// `from` stands once in the fixture; with `to` instead, this code is told at this text, and nothing else.
struct Mistake {
    code: &'static str,
    from: &'static str,
    to: &'static str,
    at: &'static str,
}

const fn m(code: &'static str, from: &'static str, to: &'static str, at: &'static str) -> Mistake {
    Mistake { code, from, to, at }
}

/// A field of text, up to its label.
const HOLDER: &str = "holder          X(20)      by both      name     wide when bank_code in full_width";

const IN_SPEC: &[Mistake] = &[
    m("S001", "9(13)      by asker     public   \"출금금액\"", "9(13) by asker public # \"출금금액\"", "#"),
    m("S001", "day          changes", "day × changes", "×"),
    // Pasted from a document: one for each text, and nothing of what is in it.
    m("S001", "public   \"출금금액\"", "public “출금 금액(원)”", "“출금 금액(원)”"),
    m(
        "S002",
        "wide when bank_code in full_width  \"예금주\"",
        "wide when bank_code in full_width \"예금주",
        "\"예금주",
    ),
    m("S175", "closed  2026-12-31", "closed  2026-02-30", "2026-02-30"),
    m("S175", "every day 00:05 to 23:30", "every day 00:05 till 23:30", "every day 00:05 till 23:30"),
    m("S175", "for transfer result  bank_code \"004\"|\"088\"", "company_no \"004\"", "company_no"),
    m("S023", "for transfer result  bank_code \"004\"|\"088\"", "for transfers", "transfers"),
    m("S033", "24:00                            bank_code \"088\"", "24:00 bank_code \"0888\"", "\"0888\""),
    m("S003", "open    every day 00:05", "opened  every day 00:05", "opened"),
    m("S003", "zone         +09:00", "zone         +09:00\n  tone 3", "tone"),
    m("S003", "encode euc-kr", "encode euckr", "euckr"),
    m("S003", "effect money", "effect mony", "mony"),
    m("S003", "telegram gap", "telegramm gap2 \"x\" 60 : common {\n}\n\ntelegram gap", "telegramm"),
    m("S003", "debit_amt       9(13)      by asker     public", "debit_amt 9(13) by asker pubic", "pubic"),
    m("S003", "lost class not_open", "lost class notopen", "notopen"),
    m("S004", "frame        length ascii(4)", "frame        length ascii 4", "4"),
    m("S004", "then list", "then", ""),
    m("S004", "joins transfer by orig_no", "joins transfer with orig_no", "with"),
    m("S004", "key          send_date bank_code company_no telegram_no", "key", ""),
    m("S004", "when durable with response_code \"0000\"\n  joins", "when durable\n  joins", ""),
    m("S005", "institution relay \"중계\"", "institution relay \"중계\" more", "more"),
    m("S006", "exchange gap \"결번\"", "exchange Gap \"결번\" {\n}\n\nexchange gap \"결번\"", "Gap"),
    m("S006", "  rate            9(5)", "  Rate            9(5)", "Rate"),
    m("S007", "after 5m nothing", "after 5min nothing", "5min"),
    m("S007", "timeout  10s", "timeout  0s", "0s"),
    m("S007", "zone         +09:00", "zone         KST", "KST"),
    m("S007", "until 23:25", "until 24:25", "24:25"),
    m("S007", "bytes 0..6 \"REQPOL\"", "bytes 6..0 \"REQPOL\"", "6..0"),
    m("S007", "max 999", "max 99999", "99999"),
    m("S007", "= 1  public", "= one public", "one"),
    m("S008", "day          changes 00:30", "day          changes 00:30\n  day changes 00:31", "day"),
    m("S008", "passbook_pin    X(8)       by asker     secret", "passbook_pin X(8) by asker secret public", "public"),
    m("S008", "institution relay \"중계\"", "institution relay \"중계\"\ninstitution other", "other"),
    m("S009", "phone           X(12)", "phone           AN(12)", "AN"),
    m(
        "S009",
        "orig_no        9(6)        by asker  public   \"원거래번호\"\n  debit_account  X(15)       by asker  account  \"출금계좌번호\"\n  req_amt        9(13)       by asker  public   \"의뢰금액\"\n  reserved       filler(26)",
        "orig_no 9(6) by asker public\n debit_account X(1) by asker account equal ignoring zero-left\n req_amt 9(13) by asker public\n fee 9(38)V9(1) by asker public\n reserved filler(1)",
        "9(38)V9(1)",
    ),
    m("S010", "unknown leave\n}", "unknown leave\n", "{"),
    m("S011", "telegram gap \"결번\" 60 : common {\n}", "telegram gap \"결번\" 60 : common {\n}\n}", "}"),
    m("S012", "unknown leave", "unknown leave { x }", "{"),
    m("S013", "  day          changes 00:30\n", "", "lines"),
    m("S013", "effect none  timeout 30s\n  given telegram_no", "effect none\n  given telegram_no", "gap"),
    m("S013", "  answered by service within 5s else response_code \"VTIM\"\n", "", "deposit_long"),
    m("S013", "success  response_code", "// success  response_code", "transfer"),
    m("S013", "numbered per send_date bank_code company_no from 1  gap gap", "gap gap", "gap"),
    m("S013", "    timeout  10s\n", "", "poll"),
    m("S020", "rate            9(5)V9(3)", "debit_amt       9(5)V9(3)", "debit_amt"),
    m(
        "S020",
        "telegram gap \"결번\" 60 : common {\n}",
        "telegram gap \"결번\" 60 : common {\n}\n\ntelegram gap 60 : common {\n}",
        "gap",
    ),
    m("S020", "notice fail", "notice transfer", "transfer"),
    m("S021", "company_no send_time telegram_no", "company_no sent_time telegram_no", "sent_time"),
    m("S021", "signed by balance_sign", "signed by balance_sgn", "balance_sgn"),
    m("S021", "confirm  debit_account credit_account", "confirm  debit_acount credit_account", "debit_acount"),
    m("S021", "req_amt = original.debit_amt", "req_amt = original.debit_atm", "debit_atm"),
    m("S022", "request  poll_request", "request  pol_request", "pol_request"),
    m(
        "S022",
        "gap            \"4000\"",
        "gape           \"4000\"|\"4100\" \"300\"\n    gap            \"4000\"",
        "gape",
    ),
    m("S023", "unknown inquire result", "unknown inquire resultt", "resultt"),
    m("S023", "gap gap after", "gap gapp after", "gapp"),
    m("S024", "\"불능통지\" 120 : common", "\"불능통지\" 120 : comon", "comon"),
    m("S025", "bank_code in full_width", "bank_code in fullwidth", "fullwidth"),
    m("S026", "codes.csv", "code.csv", "code.csv"),
    m("S030", "debit_amt       9(13)", "debit_amt       9(12)", "160"),
    m("S030", "header common 60", "header common 59", "59"),
    m("S031", "by none      public", "by none", "closing"),
    m("S032", "credit_account  X(15)      by asker     account", "credit_account  X(15) account", "credit_account"),
    m("S033", "const \"RESPOL\"", "const \"RESPOLL\"", "\"RESPOLL\""),
    m("S033", "= 1  public", "= 12  public", "12"),
    m("S033", "proc_result \"0000\"", "proc_result \"00000\"", "\"00000\""),
    m("S033", "full_width \"004\" \"088\"", "full_width \"004\" \"88\"", "\"88\""),
    m("S034", "send_time      time(hhmmss)", "send_time      time(hhmmmm)", "time(hhmmmm)"),
    m("S035", "balance_sign   X(1)        by answerer  public", "balance_sign X(1) by answerer public at send", "at"),
    m("S035", "filler(42)  public", "filler(42) const \"x\" public", "const"),
    m(
        "S035",
        "stamp        send_date send_time at",
        "stamp        send_date send_time service_code at",
        "service_code",
    ),
    m(
        "S036",
        "telegram gap \"결번\" 60 : common {\n}",
        "telegram gap \"결번\" 60 {\n  all filler(60) public\n}",
        "gap",
    ),
    m(
        "S040",
        "length 140  bank_code \"088\"",
        "length 140 bank_code \"088\"\n    deposit_long \"4000\" \"100\" length 140",
        "deposit_long",
    ),
    m("S041", "gap            \"4000\"|\"4100\" \"200\"\n", "transfer \"2000\" \"200\"\n", "gap"),
    m("S042", "transfer       \"2000\" \"100\"  length 160", "transfer       \"2000\" \"100\"  length 161", "161"),
    m("S042", "bytes 0..6 \"REQPOL\"", "bytes 0..6 \"REQPOLL\"", "\"REQPOLL\""),
    m("S042", "bytes 0..6 \"REQPOL\"", "bytes 0..6 \"REQ😀\"", "\"REQ😀\""),
    m("S042", "bytes 0..6 \"REQPOL\"", "bytes 11..17 \"REQPOL\"", "11..17"),
    m("S043", "fail           \"3000\"|\"3100\" \"100\"", "fail           \"3000\"|\"3100\" \"100\" \"1\"", "\"1\""),
    m("S043", "request \"1000\" \"100\"", "request \"1000\"", "\"1000\""),
    m("S044", "answer \"7100\" \"100\"", "answer \"7100\" \"101\"", "\"7100\" \"101\""),
    m(
        "S045",
        "notice deposit_long \"입금통지\" {\n  request deposit_long",
        "notice deposit_long \"입금통지\" {\n  request",
        "\"4000\" \"100\"",
    ),
    m("S046", "request deposit_long \"4000\" \"100\"", "request deposit \"4000\" \"100\"", "deposit \"4000\" \"100\""),
    m("S050", "key          send_date", "key          send_count send_date", "send_count"),
    m("S050", "company_no send_time telegram_no", "company_no response_code telegram_no", "response_code"),
    m("S050", "rate            9(5)V9(3)  by asker?", "rate            9(5)V9(3)  by asker? echo", "transfer"),
    m(
        "S051",
        "key          send_date bank_code company_no",
        "key          send_date company_no",
        "send_date company_no telegram_no",
    ),
    m("S052", "1..950000", "1..9500000", "1..9500000"),
    m("S052", "1..950000", "950000..1", "950000..1"),
    m("S052", "warn 900000", "warn 950001", "950001"),
    m("S053", "timeout  10s", "timeout  5m", "5m"),
    m("S053", "result after 5m", "result after 10s", "10s"),
    m("S054", "timeout 30s\n  unknown list", "timeout 30s", "state"),
    m("S054", "unknown list", "unknown leave", "leave"),
    m("S055", "unknown inquire result", "unknown inquire gap", "gap"),
    m("S055", "answer \"7100\" \"100\"  effect none", "answer \"7100\" \"100\"  effect state unknown list", "state"),
    m("S056", "failure  response_code \"0000\" and proc_result class refused", "failure  *", "*"),
    m(
        "S056",
        "success  response_code \"0000\" and proc_result \"0000\" and req_amt = original.debit_amt",
        "success *",
        "*",
    ),
    m("S057", "fill     orig_no = original.telegram_no", "fill     orig_no = original.send_date", "orig_no"),
    m("S057", "fill     orig_no = original.telegram_no", "fill     orig_no = telegram_no", "telegram_no"),
    m(
        "S057",
        "confirm  debit_account credit_account",
        "confirm  debit_account credit_account = debit_amt",
        "credit_account",
    ),
    m("S057", "signed by balance_sign", "signed by response_code", "response_code"),
    m("S057", "proc_result class", "debit_account class", "debit_account"),
    m("S057", "joins transfer by orig_no", "joins transfer by debit_account", "debit_account"),
    m("S058", "confirm  debit_account", "confirm  orig_no = telegram_no debit_account", "orig_no"),
    m("S058", "success  response_code \"0000\"", "success  response_code \"0000\" and closing \"1\"", "closing"),
    m("S059", "opening      per company_no bank_code", "opening      per company_no send_date", "send_date"),
    m("S059", "lost class not_open", "lost class success", "success"),
    m("S059", "exchange open  retry", "exchange gap  retry", "none"),
    m("S060", "time(MMDDhhmmss)  at send", "time(MMDDhhmmss)  by asker", "send_time"),
    m(
        "S068",
        "time(YYMMDDhhmmss)  at send  public  \"송신시간\"",
        "X(12)  by asker  public  \"송신시간\"",
        "send_time",
    ),
    m("S068", "const \"LIOK\"", "const \"LIOX\"", "link_ok"),
    m("S068", "success  result \"00\"|\"01\"", "success  send_time \"261122090000\"", "send_time"),
    m("S068", "request \"0900\" \"001\"  answer", "request stop  answer", "stop"),
    m("S067", "X(2)               by answerer  public", "X(2)               by answerer  name", "name"),
    m("S003", "success  result", "succes  result", "succes"),
    m("S008", "  sign off     {", "  sign on { request link  answer link_ok  timeout 3s }\n  sign off     {", "on"),
    m("S013", "timeout  12s\n  }", "}", "on"),
    m("S069", "key          send_date bank_code company_no telegram_no", "key none", "none"),
    m("S066", "trace        send_date bank_code company_no send_time telegram_no", "trace none", "none"),
    m("S060", "const \"RESPOL\"", "const \"RESPOK\"", "poll_answer"),
    m(
        "S072",
        "when durable with response_code \"0000\"\n  numbered",
        "when durable with response_code \"4444\"\n  numbered",
        "\"4444\"",
    ),
    m(
        "S035",
        "fill     orig_no = original.telegram_no",
        "fill     orig_no = original.telegram_no fill telegram_no = original.telegram_no",
        "telegram_no",
    ),
    m(
        "S008",
        "fill     orig_no = original.telegram_no",
        "fill     orig_no = original.telegram_no fill orig_no = original.telegram_no",
        "orig_no",
    ),
    m("S013", "  trace        send_date bank_code company_no send_time telegram_no\n", "", "lines"),
    m("S057", "from codes.csv by bank_code", "from codes.csv by message_type", "message_type"),
    m("S058", "bank_code      code(3)         by asker echo", "bank_code      code(3) by answerer echo", "bank_code"),
    m("S058", "response_code  X(4)            by answerer", "response_code  X(4) by asker?", "response_code"),
    m(
        "S062",
        "telegram_no per send_date bank_code company_no 1..",
        "telegram_no per bank_code company_no 1..",
        "bank_code company_no",
    ),
    m(
        "S093",
        "proc_result class refused",
        "proc_result class success",
        "response_code \"0000\" and proc_result class success",
    ),
    m("S093", " and proc_result class refused", "", "response_code \"0000\""),
    // A time of day is no date.
    m(
        "S062",
        "per send_date bank_code company_no 1..950000 warn 900000\n  key          send_date",
        "per send_time company_no 1..950000 warn 900000\n  key send_time send_date",
        "send_time company_no",
    ),
    m("S061", "fill     orig_no = original.telegram_no", "", "transfer"),
    m(
        "S061",
        "telegram open \"개시\" 60 : common {\n}",
        "telegram open \"개시\" 61 : common {\n  mark X(1) by asker public\n}",
        "mark",
    ),
    m("S003", HOLDER, "holder X(20) by both name charset cp950", "cp950"),
    m("S101", HOLDER, "holder X(20) by both name pad", "\"예금주\""),
    m("S007", HOLDER, "holder X(20) by both name pad right", "right"),
    m("S007", HOLDER, "holder X(20) by both name pad 0x1", "0x1"),
    m("S008", HOLDER, "holder X(20) by both name right pad \" \" right", "right"),
    m(
        "S035",
        "balance_sign   X(1)        by answerer  public",
        "balance_sign X(1) by answerer public const \"+\" wide",
        "wide",
    ),
    m("S035", "rate            9(5)V9(3)  by asker?", "rate 9(5)V9(3) by asker? right", "right"),
    m("S035", "rate            9(5)V9(3)  by asker?", "rate 9(5)V9(3) by asker? pad \" \"", "pad"),
    m("S035", HOLDER, "holder X(20) by both name charset ebcdic-037 wide", "wide"),
    m(
        "S100",
        HOLDER,
        "holder X(20) by both name charset encode cp949 decode euc-kr",
        "charset encode cp949 decode euc-kr",
    ),
    m(
        "S100",
        HOLDER,
        "holder X(20) by both name charset encode ascii decode ebcdic-037",
        "charset encode ascii decode ebcdic-037",
    ),
    m("S101", HOLDER, "holder X(20) by both name pad \"가\"", "\"가\""),
    m("S101", HOLDER, "holder X(20) by both name right pad \"x\"", "\"x\""),
    m("S101", HOLDER, "holder X(20) by both name pad 0xA1", "0xA1"),
    m("S101", HOLDER, "holder X(20) by both name charset ebcdic-933 pad 0x0F", "0x0F"),
    m("S003", HOLDER, "holder X(20) by both name lenient half_char", "half_char"),
    m("S102", HOLDER, "holder X(20) by both name lenient control runs", "runs"),
    m("S102", HOLDER, "holder X(20) by both name charset ebcdic-933 lenient control", "control"),
    m("S102", "rate            9(5)V9(3)  by asker?", "rate date(YYYYMMDD) by asker? lenient control", "control"),
    m("S103", HOLDER, "holder X(20) by both name wide when message_type in full_width", "message_type"),
    m("S103", HOLDER, "tail X(3) by both public\n  holder X(17) by both name wide when holder in full_width", "holder"),
    m(
        "S057",
        "debit_account  X(15)       by asker  account",
        "debit_account X(15) by asker account charset ebcdic-037",
        "debit_account",
    ),
    m("S003", "wins neither", "wins nobody", "nobody"),
    m("S004", "verdict also", "verdict done_result", "done_result"),
    m("S007", "from 00:45", "from 24:45", "24:45"),
    m("S008", "fill tx_account = tx_account", "fill tx_account = tx_account tx_account = tx_account", "tx_account"),
    m("S013", "  unset    9 zero  X space\n", "", "files"),
    m("S020", "layouts files", "layouts lines", "lines"),
    m("S021", "given send_date telegram_no", "given sent_date telegram_no", "sent_date"),
    m("S024", "\"자료\" 40 : record", "\"자료\" 40 : recrd", "recrd"),
    m("S035", "fill tx_account = tx_account", "fill tx_account = tx_account telegram_no = telegram_no", "telegram_no"),
    m("S035", "no    9(9)  by asker", "no 9(1) by asker public\n  made time(MMDDhhmm) at send", "at"),
    m("S052", "from 1  gap", "from 1000000  gap", "1000000"),
    m("S057", "fill tx_account = tx_account", "fill tx_account = send_time", "tx_account"),
    m("S057", "verdict also done_result", "verdict also response_code", "response_code"),
    m("S057", "verdict also done_result", "verdict also balance_sign", "balance_sign"),
    m("S058", "done_result    X(4)        by answerer", "done_result X(4) by none", "done_result"),
    m("S061", " fill tx_account = tx_account", "", "missing_long"),
    m("S063", "given send_date telegram_no", "given send_date telegram_no bank_code", "bank_code"),
    m("S063", "verdict also done_result", "given telegram_no  verdict also done_result", "telegram_no"),
    m("S064", "given send_date telegram_no", "given telegram_no", "missing_long"),
    m("S064", "  given send_date telegram_no\n", "", "missing_long"),
    m(
        "S066",
        "trace        send_date bank_code company_no send_time",
        "trace        send_date send_time",
        "send_date send_time telegram_no",
    ),
    m(
        "S067",
        "company_no     X(12)           by asker echo  public",
        "company_no     X(12)           by asker echo  identity",
        "identity",
    ),
    m(
        "S067",
        "send_time      time(hhmmss)    by asker echo  public",
        "send_time      time(hhmmss)    by asker echo  phone",
        "phone",
    ),
    // What a notice joins by; and only there, not in the inquiry that has a field of the same name.
    m("S067", "orig_no        9(6)        by asker  public", "orig_no        9(6)        by asker  account", "account"),
    m("S065", "telegram trailer", "exchange ask \"질문\" {\n}\n\ntelegram trailer", "ask"),
    m("S110", "S9(5) sign trailing", "S9(6)", "S9(6)"),
    m("S110", "S9(5) overpunch trailing ", "S9(5) ", "S9(5)"),
    m("S110", "S9(3).9(2) sign leading", "S9(3).9(3)", "S9(3).9(3)"),
    m("S111", "9(4) bcd", "S9(4) bcd", "bcd"),
    m("S112", "S9(13)V9(2) packed", "S9(13).9(2) packed", "packed"),
    m("S113", "S9(4) binary(2)", "S9(6) binary(2)", "S9(6) binary(2) big"),
    m("S113", "9(9) binary(4) little", "9(11) binary(4) little", "9(11) binary(4) little"),
    m("S114", "9(9) binary(4) little", "9(9) binary(4) little blank zero", "blank"),
    m("S114", "9(4) bcd ", "9(4) bcd unset space ", "unset"),
    m("S114", "lenient spaces_left negative_zero", "lenient any_sign", "any_sign"),
    m("S114", "blank zero lenient spaces_left", "lenient blank_sign", "blank_sign"),
    m("S003", "lenient spaces_left negative_zero", "lenient space_left", "space_left"),
    m("S003", "blank null  \"단가\"", "blank none \"단가\"", "none"),
    m("S003", "9(9) binary(4) little", "9(9) binary(4) by", "by"),
    m("S035", "kind  X(1)  const \"T\"", "kind X(1) const \"T\" blank null", "blank"),
    m("S008", "blank null  \"단가\"", "blank null blank zero \"단가\"", "blank"),
    // Computed in a protocol.
    m(
        "S165",
        "9(5)V9(3)  by asker?    public   \"환율\"",
        "9(8) lrc of debit_account..passbook_pin public \"환율\"",
        "public",
    ),
    m(
        "S165",
        "reserved        filler(9)",
        "digit code(1) check luhn of passbook_pin public\n  reserved filler(8)",
        "public",
    ),
    m(
        "S166",
        "response_code  X(4)            by answerer",
        "response_code  X(4) crc16 arc of company_no..send_time by answerer",
        "response_code",
    ),
    m(
        "S035",
        "closing         9(1)      by none",
        "closing 9(1) length of send_date echo by answerer",
        "length of send_date",
    ),
    m("S115", "lrc of all..business", "lrc of business..all", "business..all"),
    m("S115", "lrc of all..business", "lrc of all..crc", "all..crc"),
    m("S115", "crc16 xmodem of no..lrc", "crc16 xmodem of telegram", "telegram"),
    m("S116", "lrc         X(2)", "lrc         code(2)", "lrc of all..business"),
    m("S116", "check luhn of card_no", "length of card_no", "length of card_no"),
    m("S116", "sum of rows.amount", "sum of rows.mark", "sum of rows.mark"),
    m("S116", "fraction of whole", "fraction of card_no", "fraction of card_no"),
    m("S116", "signed by mark  \"금액\"", "check luhn of mark \"금액\"", "check luhn of mark"),
    m(
        "S035",
        "rows_len    9(5) binary(2) big           public    length of rows_len..total",
        "rows_len 9(5) binary(2) big = 1 public length of rows_len..total",
        "length of rows_len..total",
    ),
    m(
        "S035",
        "length of rows_len..total",
        "length of rows_len..total exclusive",
        "length of rows_len..total exclusive",
    ),
    m("S021", "count of rows", "count of row", "row"),
    m("S021", "sum of rows.amount", "sum of rows.amont", "rows.amont"),
    m("S021", "crc16 xmodem of no..lrc", "crc16 xmodem of noo..lrc", "noo..lrc"),
    m("S021", "check luhn of card_no", "check luhn of card", "card"),
    m("S003", "crc16 xmodem", "crc16 xmodm", "xmodm"),
    m("S003", "check business_no", "check busines_no", "busines_no"),
    m("S007", "check business_no", "check mod10", "\"사업자번호\""),
    m("S004", "count of rows", "count rows", "rows"),
    m("S006", "sum of rows.amount", "sum of Rows.amount", "Rows.amount"),
    m("S007", "check business_no", "check mod11 \"2x\"", "\"2x\""),
    m("S007", "exclusive minus 2", "exclusive minus 0", "0"),
    m("S008", "count of rows", "count of rows sum of rows.amount", "sum"),
    m("S114", "amount    9(5)                by both", "amount S9(4) sign leading by both", "signed"),
    m("S111", "S9(5) sign trailing", "9(5) sign trailing", "sign trailing"),
    m("S003", "S9(5) sign trailing", "S9(5) sign behind", "behind"),
    m("S033", "= -5", "= -100000", "-100000"),
    m("S033", "= -5", "= 5-5", "5-5"),
    m("S065", "telegram trailer", "notice tell \"통지\" {\n}\n\ntelegram trailer", "tell"),
    // Versions and files.
    m(
        "S154",
        "telegram poll_answer \"폴링 응답\" 16 {",
        "telegram poll_request \"폴링 요청\" 16 effective 2026-12-01 00:00 {\n  marker X(6) const \"REQPOL\" public lenient control\n  send_time time(MMDDhhmmss) at send public\n}\n\ntelegram poll_answer \"폴링 응답\" 16 {",
        "effective 2026-12-01 00:00",
    ),
    m("S007", "\"자료\" 40 : record {", "\"자료\" 40 : record effective 2026-12-32 00:00 {", "2026-12-32"),
    m("S155", "institution relay \"중계\"", "institution relay \"중계\"\ninclude \"gone.spec\"", "\"gone.spec\""),
    m("S156", "institution relay \"중계\"", "institution relay \"중계\"\ninclude \"whole.spec\"", "\"whole.spec\""),
    m(
        "S157",
        "institution relay \"중계\"",
        "institution relay \"중계\"\ninclude \"../common.spec\"",
        "\"../common.spec\"",
    ),
    // How frames are cut.
    m("S150", "frame        length ascii(4) exclusive max 999", "frame max 999", "max 999"),
    m("S150", "frame        length ascii(4) exclusive max 999", "frame length ascii(4) exclusive fixed 60", "fixed 60"),
    m(
        "S150",
        "frame        length ascii(4) exclusive max 999",
        "frame length ascii(1) at 60 whole max 60",
        "length ascii(1) at 60 whole max 60",
    ),
    m(
        "S151",
        "frame        length ascii(4) exclusive max 999",
        "frame length ascii(4) exclusive max 999 on garbage resynchronise",
        "resynchronise",
    ),
    m(
        "S152",
        "frame        length ascii(4) exclusive max 999",
        "frame length binary(2) big at 15 whole max 999",
        "length binary(2) big at 15 whole max 999",
    ),
    m(
        "S158",
        "frame        length ascii(4) exclusive max 999",
        "frame length ascii(4) at 1 whole max 999",
        "length ascii(4) at 1 whole",
    ),
    m("S152", "frame        length ascii(4) exclusive max 999", "frame fixed 160", "fixed 160"),
    m("S153", "frame        length ascii(4) exclusive max 999", "frame total by type max 999", "total by type"),
    m("S003", "frame        length ascii(4) exclusive max 999", "frame length hex(4) exclusive max 999", "hex"),
    m(
        "S003",
        "frame        length ascii(4) exclusive max 999",
        "frame length binary(4) middle exclusive max 999",
        "middle",
    ),
    m(
        "S003",
        "frame        length ascii(4) exclusive max 999",
        "frame length ascii(4) exclusive max 999 on garbage guess",
        "guess",
    ),
    m("S004", "frame        length ascii(4) exclusive max 999", "frame length ascii(4) max 999", "max"),
    m("S004", "frame        length ascii(4) exclusive max 999", "frame length ascii(5) at 12 max 999", "max"),
    m(
        "S004",
        "frame        length ascii(4) exclusive max 999",
        "frame stx length ascii(4) exclusive telegram max 999",
        "max",
    ),
    m("S004", "frame        length ascii(4) exclusive max 999", "frame length ascii(4) exclusive etx", ""),
    m("S007", "frame        length ascii(4) exclusive max 999", "frame length ascii(11) exclusive max 999", "11"),
    m("S007", "frame        length ascii(4) exclusive max 999", "frame length binary(3) big exclusive max 999", "3"),
    m("S007", "frame        length ascii(4) exclusive max 999", "frame length bcd(6) exclusive max 999", "6"),
    m("S007", "frame        length ascii(4) exclusive max 999", "frame length bcd(1) inclusive max 999", "999"),
    m("S007", "frame        length ascii(4) exclusive max 999", "frame 0x2 length ascii(4) exclusive max 999", "0x2"),
    m(
        "S007",
        "frame        length ascii(4) exclusive max 999",
        "frame length ascii(4) at 99999 whole max 999",
        "99999",
    ),
    m("S161", "key          send_date bank_code", "key          send_date send_date[6..9] bank_code", "[6..9]"),
    m(
        "S160",
        "time(hhmmss)    by asker echo  public",
        "time(hhmmss)    by asker echo  public years 1980..2079",
        "years 1980..2079",
    ),
];

const IN_TABLE: &[Mistake] = &[
    m("S070", "bank_code,exchange,code", "bank,exchange,code", "bank,exchange,code,class,text"),
    m(
        "S070",
        "004,,0101,refused,no such account",
        "004,,0101,refused,no such, account",
        "004,,0101,refused,no such, account",
    ),
    m("S070", "004,,0101,refused", "004,,0101,refuse", "refuse"),
    m("S070", "088,,U114,not_open,not open", "088,,U114,not_open,\"not open", "\"not open"),
    m("S033", "088,,U114", "88,,U114", "88"),
    m("S033", "088,,U114", "088,,U1145", "U1145"),
    m("S091", "004,,0133,refused", "004,,0000,refused", "004,,0000,refused,\"not enough \"\"money\"\"\""),
    m("S092", "004,,0133,refused", "004,,133,refused", "133"),
    m("S071", "004,,0133,refused", "004,,0101,unknown", "004,,0101,unknown,\"not enough \"\"money\"\"\""),
    m("S023", "004,result,0133", "004,reslt,0133", "reslt"),
    // It holds in the answer of one exchange, the row for all in any.
    m("S091", "004,result,0133,success", "004,result,0000,refused", "004,result,0000,refused,found"),
    m("S071", "004,result,0133", "004,,0133", "004,,0133,success,found"),
    m("S071", "004,,0133,refused", "004,,0101,refused", "004,,0101,refused,\"not enough \"\"money\"\"\""),
];

/// What is wrong with what is told of a mistake.
fn check(mistake: &Mistake, sources: &[Source]) -> Option<String> {
    let found = told(sources);
    let shown: Vec<_> = found
        .iter()
        .map(|told| {
            let span = told.at.span;
            let text = &sources[usize::from(span.source.0)].text;
            (told.code, &text[span.start as usize..span.end as usize], told.message.as_str())
        })
        .collect();
    let right = matches!(shown.as_slice(), [(code, at, _)] if (*code, *at) == (mistake.code, mistake.at));
    (!right).then(|| format!("{} {:?} instead of {:?}: {shown:#?}", mistake.code, mistake.to, mistake.from))
}

#[test]
fn the_fixture_has_no_mistake() {
    let loaded = load(&sources(WHOLE, TABLE)).unwrap_or_else(|found| panic!("{found:#?}"));
    let codes: Vec<_> = loaded.warnings.iter().map(|told| (told.code, told.severity)).collect();
    // A service that answers with a code of class unknown.
    assert_eq!(codes, [("S072", Severity::Warning)]);
}

#[test]
fn one_mistake_is_told_once_and_in_its_place() {
    let in_spec = IN_SPEC.iter().map(|m| check(m, &sources(&once(WHOLE, m.from, m.to), TABLE)));
    let in_table = IN_TABLE.iter().map(|m| check(m, &sources(WHOLE, &once(TABLE, m.from, m.to))));
    let wrong: Vec<String> = in_spec.chain(in_table).flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_row_of_class_unknown_contradicts_nobody() {
    // The fixture has such a row for all; here it is the participant's.
    let table = once(TABLE, "004,,0133,refused", "004,,0000,unknown");
    assert_eq!(told(&sources(WHOLE, &table)), []);
}

#[test]
fn short_codes_are_told_once_and_only_those_of_digits() {
    let table = TABLE.replace("004,,0133,", "004,,133,").replace(",0101,", ",101,").replace("U114", "U14");
    let found = told(&sources(WHOLE, &table));
    let [told] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((told.code, told.severity), ("S092", Severity::Warning));
    assert_eq!(told.message, "The code \"101\" and 2 more have fewer digits than `response_code` has bytes");
    assert_eq!(
        told.help.as_deref(),
        Some("spreadsheets drop zeros in front: if the document says \"0101\", write that")
    );
}

#[test]
fn what_belongs_to_no_protocol_is_told() {
    let second = WHOLE.split("header common").next().unwrap().replace("institution relay \"중계\"", "");
    let spec = WHOLE.replace("institution relay \"중계\"", "institution relay\nset loose \"1\"\n")
        + &second.replace("protocol lines", "protocol others");
    let codes: Vec<_> = told(&sources(&spec, TABLE)).iter().map(|told| told.code).collect();
    assert!(codes.contains(&"S014"), "{codes:?}");
}

#[test]
fn what_cannot_be_counted_is_told() {
    let sets = "telegram close_{} \"x\" 60 : common {\n}\n";
    let many: String = (0..10_001).map(|at| sets.replace("{}", &at.to_string())).collect();
    let spec = WHOLE.replace("telegram gap ", &(many + "telegram gap "));
    let codes: BTreeSet<&str> = told(&sources(&spec, TABLE)).iter().map(|told| told.code).collect();
    assert_eq!(codes, BTreeSet::from(["S015", "S041"]));
}

#[test]
fn files_of_other_editors_are_read() {
    let other = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    assert_eq!(told(&sources(&other(WHOLE), &other(TABLE))), []);
}

#[test]
fn every_code_is_shown_by_a_test() {
    let shown: BTreeSet<&str> = IN_SPEC.iter().chain(IN_TABLE).map(|mistake| mistake.code).collect();
    let listed: BTreeSet<&str> = CODES.iter().map(|(code, _)| *code).collect();
    assert_eq!(listed.len(), CODES.len(), "no code is listed twice");
    // Those of blocks of fields, of dates, and of what is computed, are shown beside these.
    const OTHERS: [&str; 3] = [include_str!("structure.rs"), include_str!("dated.rs"), include_str!("computed.rs")];
    let is_shown = |code: &&&str| OTHERS.iter().any(|tests| tests.contains(&format!("\"{code}\"")));
    let untested = listed.difference(&shown).filter(|code| !is_shown(code));
    let untested: Vec<_> = untested.filter(|code| !["S014", "S015"].contains(code)).collect();
    // Those two have tests of their own above.
    assert_eq!(untested, [] as [&&str; 0]);
    assert!(shown.is_subset(&listed));
}
