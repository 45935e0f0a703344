//! Every diagnostic that a spec can get, in one list.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::diagnostic::{Diagnostic, Label, Severity, Span};

macro_rules! mistakes {
    ($($name:ident $code:literal $title:literal)*) => {
        $(pub(crate) const $name: &str = $code;)*

        /// Every code of a diagnostic with its title, in order. Codes are stable: a code never gets another meaning.
        pub const CODES: &[(&str, &str)] = &[$(($code, $title)),*];
    };
}

mistakes! {
    // What can be said of a line alone.
    STRANGE_CHARACTER   "S001" "a character that the language does not have"
    OPEN_TEXT           "S002" "a text without its closing quote"
    UNKNOWN_WORD        "S003" "a word that means nothing here"
    EXPECTED            "S004" "something else was expected"
    TOO_MUCH            "S005" "more than the line takes"
    BAD_NAME            "S006" "not a name"
    BAD_VALUE           "S007" "not a number, time, duration or range"
    TWICE_SAID          "S008" "said twice"
    BAD_KIND            "S009" "no such kind of field"
    // What can be said of blocks and files.
    OPEN_BLOCK          "S010" "a block that is not closed"
    STRAY_CLOSE         "S011" "a closing brace without its block"
    TOO_DEEP            "S012" "a block where none may be"
    NOT_SAID            "S013" "something that must be said is not"
    WHOSE               "S014" "it is not clear to which protocol it belongs"
    TOO_MANY            "S015" "more than can be counted"
    // Names.
    TWICE_NAMED         "S020" "two things with one name"
    UNKNOWN_FIELD       "S021" "no such field"
    UNKNOWN_TELEGRAM    "S022" "no such telegram"
    UNKNOWN_EXCHANGE    "S023" "no such exchange"
    UNKNOWN_HEADER      "S024" "no such header"
    UNKNOWN_SET         "S025" "no such set"
    UNKNOWN_TABLE       "S026" "no such code table"
    // Fields and layouts.
    TOTAL               "S030" "the fields do not add up to the total"
    NO_CLASS            "S031" "a field without a class"
    NO_SIDE             "S032" "a field that nobody fills"
    BAD_CONSTANT        "S033" "a value that its field cannot hold"
    BAD_PATTERN         "S034" "a date or time that cannot be"
    MISPLACED           "S035" "a property that this field cannot have"
    HEADERLESS          "S036" "a telegram without the protocol's header"
    // Telling telegrams apart.
    OVERLAP             "S040" "two rows of select match the same frame"
    UNSELECTED          "S041" "a telegram that no row of select knows"
    IMPOSSIBLE_ROW      "S042" "a row of select that cannot match its telegram"
    VALUE_COUNT         "S043" "not as many values as `select by` has fields"
    NO_ROW              "S044" "a type that no row of select knows"
    SEVERAL_ROWS        "S045" "a type that several rows of select know"
    TWO_MEANINGS        "S046" "one type with two meanings"
    // The conversation.
    NOT_ECHOED          "S050" "a field that the answer does not carry back"
    WEAK_KEY            "S051" "a key that does not tell two requests apart"
    BAD_RANGE           "S052" "numbers that cannot be given"
    BAD_TIMES           "S053" "times that contradict each other"
    NO_RESOLUTION       "S054" "an UNKNOWN that nobody would resolve"
    DOES_NOT_SETTLE     "S055" "an inquiry that does not settle what it asks about"
    ALWAYS              "S056" "a verdict without a condition"
    DIFFERENT_FIELDS    "S057" "two fields that cannot be compared or copied"
    EMPTY_FIELD         "S058" "a field that this side leaves empty"
    BAD_OPENING         "S059" "an opening that cannot work"
    BAD_POLL            "S060" "a poll telegram that cannot be made"
    UNFILLED            "S061" "a telegram of the gateway's own that it cannot fill"
    NEVER_ANEW          "S062" "numbers that never begin anew"
    BAD_GIVEN           "S063" "a field that cannot be given here"
    BAD_GAP             "S064" "a gap request that cannot say what is missing"
    ONLY_CONVERTED      "S065" "a conversation where telegrams are only converted"
    WEAK_TRACE          "S066" "a trace that two requests would share"
    NOT_PUBLIC          "S067" "a field that not everybody may see, where everybody sees it"
    BAD_SIGN            "S068" "a sign-on or sign-off that cannot work"
    NEEDS_KEY           "S069" "a conversation that needs a key"
    // Code tables.
    TABLE_LINE          "S070" "a line of a code table that cannot be read"
    TABLE_TWICE         "S071" "a code that is listed twice"
    UNLISTED            "S072" "a response code that no table lists"
    // Text.
    TWO_CHARSETS        "S100" "two charsets that do not go together"
    BAD_PAD             "S101" "what no field can be padded with"
    NO_MODE             "S102" "a mode that this field does not have"
    LATE                "S103" "a field that decides too late"
    // Numbers.
    NO_SIGN             "S110" "a number whose sign has no place"
    SIGNLESS            "S111" "a place for a sign that the number does not have"
    NO_POINT            "S112" "a point where none can stand"
    TOO_SMALL           "S113" "digits that the bytes of their number do not hold"
    BAD_FORM            "S114" "a property that this form of number cannot have"
    BAD_SPAN            "S115" "fields from to that cannot be"
    BAD_COMPUTED        "S116" "a field that cannot hold what is computed, or from which it cannot be"
    TELLS_SECRET        "S165" "what is computed from a secret, and is none"
    NEEDED_BEFORE       "S166" "a field that is computed, and needed before"
    SPLIT               "S168" "fields from to of which some are not there, and others stand for them"
    MADE_OF_ITSELF      "S169" "a field that is computed from what is computed from it"
    APART               "S167" "a field that is not always in the same place beside another"
    // Fields that move.
    MOVES               "S130" "a field that moves, where one at a fixed place is needed"
    NOT_BEFORE          "S131" "a count or key that does not stand before what it decides"
    NARROW              "S132" "a count that cannot say the most"
    BAD_COUNT           "S133" "a field that cannot count"
    NOT_LAST            "S134" "something behind what goes on until the end"
    EMPTY_REPEAT        "S135" "a repeat without a length"
    KEY_TWICE           "S136" "a branch that is never chosen"
    // Frames.
    BAD_FRAME           "S150" "a frame by which no stream can be cut"
    UNMARKED            "S151" "frames that cannot be found again"
    UNFRAMED            "S152" "a telegram that no frame can hold"
    UNTOLD_TOTAL        "S153" "types that do not tell how long their telegrams are"
    OVERWRITTEN         "S158" "a length of the frame over a field that is not for it"
    // Versions and files.
    DATED_CHANGE        "S154" "what does not change by a date while a line is up"
    TWO_CLOCKS          "S170" "versions with a date by two clocks"
    NO_FILE             "S155" "an included file that is not there"
    CIRCLE              "S156" "files that include each other"
    OUTSIDE             "S157" "an included file outside of the folder"
    // Dates.
    BAD_YEARS           "S160" "a rule for the year that the date cannot have"
    BAD_PART            "S161" "bytes that a field does not have"
    BAD_LEAD            "S162" "a length before a field that is not its length"
    // When there is business.
    BAD_HOURS           "S175" "days or hours that cannot be"
    // What can be right, and is probably not meant.
    CONTRADICTED        "S091" "a code of which two rows say different things"
    SHORT_CODE          "S092" "a code with fewer digits than its field has"
    BOTH                "S093" "an answer that says success and failure at once"
}

/// An error with its place. Message: a sentence without a full stop. Label: what stands at the place.
pub(crate) fn error(
    code: &'static str,
    span: Span,
    label: impl Into<String>,
    message: impl Into<String>,
) -> Diagnostic {
    Diagnostic {
        code,
        severity: Severity::Error,
        message: message.into(),
        at: Label { span, text: label.into() },
        help: None,
        related: Vec::new(),
    }
}

impl Diagnostic {
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn help_if(self, help: Option<String>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }

    pub(crate) fn related(mut self, span: Span, text: impl Into<String>) -> Self {
        self.related.push(Label { span, text: text.into() });
        self
    }

    pub(crate) fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    pub(crate) fn boxed(self) -> Box<Self> {
        Box::new(self)
    }
}
