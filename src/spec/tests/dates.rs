//! Dates of which the year is not said in full, and what they are on the calendar.

use pabal_clock::{Civil, Date, TimeOfDay};
use pabal_spec::{Diagnostic, Loaded, Source, fmt, load, show};
use pabal_telegram::{Side, Telegram, encode};

const SPEC: &str = r#"institution cards "카드"

layouts files {
  charset  ascii
  unset    9 zero  X space
}

telegram approval 36 {
  sent      time(MMDDhhmmss)    by asker   public  year nearest      "전송일시"
  approved  date(YYMMDD)        by both    public  years 1950..2049  "승인일자"
  booked    date("YYYY.MM.DD")  by both?   public                    "기장일자"
  birth     date(YYMMDD)        by asker?  public                    "생년월일"
  due       date(MMDD)          by asker   public  year nearest      "기일"
}
"#;

fn loaded(spec: &str) -> Result<Loaded, Vec<Diagnostic>> {
    load(&[Source { name: "cards.spec".into(), text: spec.into() }])
}

const fn noon(date: Date) -> Civil {
    Civil { date, time: TimeOfDay::new(12, 0, 0).expect("a time") }
}

#[test]
fn a_year_that_is_not_said_in_full_is_known_by_the_rule_of_its_field() {
    let loaded = loaded(SPEC).unwrap_or_else(|told| panic!("{told:#?}"));
    let layouts = loaded.institution.layouts("files").expect("its layouts");
    let (_, layout) = layouts.catalog.find("approval").expect("its telegram");
    let values = [("sent", "1231235959"), ("approved", "500101"), ("birth", "000229"), ("due", "0229")];
    let values = values.map(|(path, digits)| (path.into(), digits.into()));
    let made = encode(layout, Side::Asker, &values).unwrap_or_else(|faults| panic!("{faults:?}"));
    assert_eq!(made, b"123123595950010100000000000002290229");
    let telegram = Telegram::new(layout, &made, Side::Asker);
    let now = noon(Date::new(2_027, 1, 2).expect("a date"));
    let moment = |path| match telegram.moment(path, now) {
        Ok(moment) => moment.map_or("-".into(), |moment| moment.to_string()),
        Err(fault) => fault.code().to_owned(),
    };
    assert_eq!(moment("sent"), "2026-12-31 23:59:59");
    assert_eq!(moment("approved"), "1950-01-01");
    assert_eq!(moment("booked"), "-");
    assert_eq!(moment("birth"), "T70");
    // Of 2024 and 2028, the one that is nearer.
    assert_eq!(moment("due"), "2028-02-29");
    // The values stay what the telegram says.
    assert_eq!(telegram.named("approved").expect("a value").text(), Some("500101"));
}

#[test]
fn the_window_decides_whether_there_is_a_29th_of_february() {
    let approved = |spec: &str, date: &str| {
        let loaded = loaded(spec).unwrap_or_else(|told| panic!("{told:#?}"));
        let layouts = loaded.institution.layouts("files").expect("its layouts");
        let (_, layout) = layouts.catalog.find("approval").expect("its telegram");
        let values = [("sent", "1231235959"), ("approved", date), ("due", "1231")];
        let made = encode(layout, Side::Asker, &values.map(|(path, digits)| (path.into(), digits.into())));
        made.map(|_| ()).map_err(|faults| faults[0].to_string())
    };
    assert_eq!(approved(SPEC, "000229"), Ok(()));
    let old = SPEC.replace("1950..2049", "1850..1949");
    let told = approved(&old, "000229").expect_err("1900 was no leap year");
    assert!(told.starts_with("T03 approved at byte 10 (6 bytes): no such date"), "{told}");
}

#[test]
fn the_rule_is_shown_and_formatted() {
    let loaded = loaded(SPEC).unwrap_or_else(|told| panic!("{told:#?}"));
    let (_, layout) = loaded.institution.layouts("files").and_then(|all| all.catalog.find("approval")).expect("it");
    let shown: Vec<String> = show(layout).map(|row| format!("{} {}", row.kind, row.more)).collect();
    assert_eq!(
        shown,
        [
            "time(MMDDhhmmss) year nearest",
            "date(YYMMDD) years 1950..2049",
            "date(YYYY.MM.DD) ",
            "date(YYMMDD) ",
            "date(MMDD) year nearest"
        ]
    );
    assert_eq!(fmt(SPEC).as_deref(), Ok(SPEC));
}

#[test]
fn a_rule_that_the_date_cannot_have_is_told_in_its_place() {
    let told = |from: &str, to: &str| {
        assert_eq!(SPEC.matches(from).count(), 1, "{from}");
        let spec = SPEC.replace(from, to);
        let found = loaded(&spec).expect_err("a mistake");
        let [told] = found.as_slice() else { panic!("{found:#?}") };
        let at = &spec[told.at.span.start as usize..told.at.span.end as usize];
        format!("{} {at}: {}; {}", told.code, told.message, told.help.as_deref().unwrap_or_default())
    };
    assert_eq!(
        told("1950..2049", "1950..2050"),
        "S160 years 1950..2050: Two digits tell a hundred years apart, and 1950..2050 is 101; say `years 1950..2049`, or the hundred that the \
         document means"
    );
    assert_eq!(
        told("1950..2049", "9950..10049"),
        "S160 years 9950..10049: Field `approved` cannot have this rule for its year; years have four digits: 0 to 9999"
    );
    assert_eq!(
        told("years 1950..2049", "year nearest"),
        "S160 year nearest: Field `approved` cannot have this rule for its year; say which hundred years: `years 1980..2079`"
    );
    let due = "date(MMDD)          by asker   public  year nearest";
    assert_eq!(
        told(due, "date(MMDD) by asker public years 1980..2079"),
        "S160 years 1980..2079: Field `due` cannot have this rule for its year; say `year nearest`, if it is of the year that brings it \
         nearest to today"
    );
    assert_eq!(
        told("by both?   public", "by both? public year nearest"),
        "S160 year nearest: Field `booked` cannot have this rule for its year; remove it"
    );
    assert_eq!(
        told(due, "time(hhmm) by asker public year nearest"),
        "S160 year nearest: Field `due` cannot have this rule for its year; remove it: only a month and a day are of a year"
    );
    assert_eq!(
        told(due, "X(4) by asker public year nearest"),
        "S035 year: Field `due` cannot have this: it is no date; only `date(..)` and `time(..)` have a year"
    );
    assert_eq!(
        told("years 1950..2049", "years 1950..2049 year nearest"),
        "S008 year: The year of a field is said twice; keep `year` or what was said before"
    );
    assert_eq!(
        told("1950..2049", "1950-2049"),
        "S007 1950-2049: `1950-2049` is not a range of years; it is written `1980..2079`: the first and the last of a hundred years"
    );
}
