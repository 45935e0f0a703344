//! One institution's sessions, openings, exchanges and notices, as a machine without IO.
//!
//! (the story and a doctest go here)
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod admit;
mod book;
mod business;
mod bytes;
mod conclude;
mod core;
mod declare;
mod depart;
mod dice;
mod drain;
mod durable;
pub mod entry;
mod exchange;
mod id;
mod image;
mod inquiry;
mod keys;
mod line;
mod notice;
mod numbering;
mod opening;
mod outcome;
mod output;
mod pairs;
mod plan;
mod poll;
mod receive;
mod recovery;
mod refusal;
mod session;
mod settings;
mod stamp;
mod state;
mod status;
mod stream;
mod timer;
mod transition;
mod waiting;

pub use crate::bytes::Bytes;
pub use crate::core::{Core, Inquire, Open, Opened};
pub use entry::{Columns, Entry, Frame};
pub use exchange::{ExchangeEvent, ExchangeState};
pub use id::{Conn, Epoch, ExchangeId, LineId, NoticeId, SessionId, Ticket};
pub use image::Image;
pub use opening::{OpeningEvent, OpeningKey, OpeningState};
pub use outcome::{Cause, Outcome};
pub use output::{Event, Output, Report};
pub use plan::Plan;
pub use recovery::Recovery;
pub use refusal::Refusal;
pub use session::{CloseReason, SessionEvent, SessionState};
pub use settings::{Direction, Limits, LineSettings, LineSide, Party, Settings};
pub use status::{ExchangeStatus, OpeningStatus, SessionStatus, Status};
pub use timer::TimerName;
