//! A life cycle is a table: state, event, next state. The code goes from state to state only through it.

macro_rules! transitions {
    ($state:ident, $event:ident, $fired:ident { $( $from:ident + $on:ident => $to:ident; )+ }) => {
        impl $state {
            /// Every row: state, event, next state. What is not here cannot happen.
            pub const TRANSITIONS: &'static [(Self, $event, Self)] =
                &[$((Self::$from, $event::$on, Self::$to)),+];

            /// The next state, or `None` if the event cannot happen in this one.
            #[must_use]
            pub const fn on(self, event: $event) -> Option<Self> {
                match (self, event) {
                    $((Self::$from, $event::$on) => Some(Self::$to),)+
                    _ => None,
                }
            }

            /// Goes to the next state, which is counted.
            ///
            /// # Panics
            /// The table has no such row, which is a bug of this crate.
            pub(crate) fn step(&mut self, event: $event, fired: &mut crate::transition::Fired) {
                let Some(next) = self.on(event) else { panic!("{} has no transition on {event}", self.word()) };
                fired.$fired[*self as usize][event as usize] += 1;
                *self = next;
            }
        }
    };
}

pub(crate) use transitions;

use crate::exchange::{ExchangeEvent, ExchangeState};
use crate::notice::{NoticeEvent, NoticeState};
use crate::opening::{OpeningEvent, OpeningState};
use crate::session::{SessionEvent, SessionState};

macro_rules! fired {
    ($( $(#[doc = $doc:literal])+ $name:ident: $state:ident, $event:ident; )+) => {
        /// How often each event came in each state since a core began: a row for each state and a place for each event, both in the order
        /// of their declaration. It is no part of an image.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Fired {
            $( $(#[doc = $doc])+ pub $name: [[u64; $event::ALL.len()]; $state::ALL.len()], )+
        }

        impl Default for Fired {
            fn default() -> Self {
                Self { $( $name: [[0; $event::ALL.len()]; $state::ALL.len()], )+ }
            }
        }

        impl Fired {
            /// Adds what fired in another core.
            pub fn add(&mut self, other: &Self) {
                $(
                    let others = other.$name.as_flattened();
                    self.$name.as_flattened_mut().iter_mut().zip(others).for_each(|(mine, theirs)| *mine += theirs);
                )+
            }
        }
    };
}

fired! {
    /// Of sessions.
    sessions: SessionState, SessionEvent;
    /// Of openings.
    openings: OpeningState, OpeningEvent;
    /// Of exchanges.
    exchanges: ExchangeState, ExchangeEvent;
    /// Of notices.
    notices: NoticeState, NoticeEvent;
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::string::String;

    use crate::{
        ExchangeEvent, ExchangeState, NoticeEvent, NoticeState, OpeningEvent, OpeningState, SessionEvent, SessionState,
    };

    macro_rules! table {
        ($text:ident, $state:ident, $event:ident) => {
            $text.push_str(&format!("{:<12}", ""));
            for event in $event::ALL {
                $text.push_str(&format!(" {:<14}", event.word()));
            }
            $text.push('\n');
            for state in $state::ALL {
                $text.push_str(&format!("{:<12}", state.word()));
                for event in $event::ALL {
                    $text.push_str(&format!(" {:<14}", state.on(*event).map_or(".", $state::word)));
                }
                $text.push('\n');
            }
            $text = $text.lines().map(str::trim_end).collect::<std::vec::Vec<_>>().join("\n") + "\n";
        };
    }

    macro_rules! picture {
        ($text:ident, $title:literal, $state:ident, $event:ident) => {
            $text.push_str(concat!("\n## ", $title, "\n\n```mermaid\nstateDiagram-v2\n"));
            for (from, event, to) in $state::TRANSITIONS {
                $text.push_str(&format!("    {} --> {}: {}\n", from.word(), to.word(), event.word()));
            }
            $text.push_str("```\n\n| event \\ state |");
            for state in $state::ALL {
                $text.push_str(&format!(" {} |", state.word()));
            }
            $text.push_str("\n|---|");
            $text.push_str(&"---|".repeat($state::ALL.len()));
            for event in $event::ALL {
                $text.push_str(&format!("\n| {} |", event.word()));
                for state in $state::ALL {
                    $text.push_str(&state.on(*event).map_or("  |".into(), |to| format!(" {} |", to.word())));
                }
            }
            $text.push_str("\n\n");
            for state in $state::ALL {
                let leads = |row: &&($state, $event, $state)| row.2 == *state && row.0 != *state;
                let has_way_in = $state::TRANSITIONS.iter().any(|row| leads(&row));
                let end = if has_way_in || state == &$state::ALL[0] { "" } else { " **No event leads here.**" };
                $text.push_str(&format!("- `{}`: {}{end}\n", state.word(), state.sentence()));
            }
            $text.push_str("\n");
            for event in $event::ALL {
                $text.push_str(&format!("- *{}*: {}\n", event.word(), event.sentence()));
            }
        };
    }

    #[test]
    fn every_state_and_event_is_written_down() {
        let mut text = String::new();
        table!(text, SessionState, SessionEvent);
        text.push('\n');
        table!(text, OpeningState, OpeningEvent);
        text.push('\n');
        table!(text, ExchangeState, ExchangeEvent);
        text.push('\n');
        table!(text, NoticeState, NoticeEvent);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn every_event_has_a_row() {
        for event in SessionEvent::ALL {
            assert!(SessionState::TRANSITIONS.iter().any(|row| row.1 == *event), "{event}");
        }
        for event in OpeningEvent::ALL {
            assert!(OpeningState::TRANSITIONS.iter().any(|row| row.1 == *event), "{event}");
        }
        for event in ExchangeEvent::ALL {
            assert!(ExchangeState::TRANSITIONS.iter().any(|row| row.1 == *event), "{event}");
        }
        for event in NoticeEvent::ALL {
            assert!(NoticeState::TRANSITIONS.iter().any(|row| row.1 == *event), "{event}");
        }
    }

    /// The pictures in this crate's README are made from the tables. `UPDATE_GENERATED=1` writes them.
    #[test]
    fn the_picture_is_fresh() {
        let mut pictures = String::new();
        picture!(pictures, "Session", SessionState, SessionEvent);
        picture!(pictures, "Opening", OpeningState, OpeningEvent);
        picture!(pictures, "Exchange", ExchangeState, ExchangeEvent);
        picture!(pictures, "Notice", NoticeState, NoticeEvent);
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
        let readme = std::fs::read_to_string(path).unwrap();
        let (begin, end) = ("<!-- pictures -->\n", "\n<!-- end of pictures -->");
        let (head, rest) = readme.split_once(begin).unwrap();
        let (old, tail) = rest.split_once(end).unwrap();
        if old.trim() != pictures.trim() {
            if std::env::var_os("UPDATE_GENERATED").is_some() {
                std::fs::write(path, format!("{head}{begin}{pictures}{end}{tail}")).unwrap();
                return;
            }
            panic!("stale pictures: UPDATE_GENERATED=1 cargo test -p pabal-switch --lib the_picture_is_fresh");
        }
    }
}
