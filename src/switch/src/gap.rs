//! Holes in their numbers: found, asked for one at a time, and told if they stay.

use crate::declare::declare;

declare! {
    /// Why a number of theirs is not missing any more, or not asked for any more.
    pub enum GapEnd {
        Absent = "ABSENT", "The institution says that it has no such notice.";
        TooMany = "TOO_MANY", "More numbers are missing at once than are asked for.";
        DateChanged = "DATE_CHANGED", "The business date changed before it was found.";
    }
}
