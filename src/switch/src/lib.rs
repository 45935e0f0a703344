//! One institution's sessions, openings, exchanges and notices, as a machine without IO.
//!
//! (the story and a doctest go here)
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod core;
mod declare;
mod entry;
mod exchange;
mod id;
mod image;
mod opening;
mod outcome;
mod output;
mod plan;
mod recovery;
mod refusal;
mod session;
mod settings;
mod status;
mod timer;

pub use crate::core::{Core, Inquire, Open, Opened};
pub use entry::{Columns, Entry, Frame};
pub use exchange::ExchangeState;
pub use id::{Conn, Epoch, ExchangeId, LineId, NoticeId, SessionId, Ticket};
pub use image::Image;
pub use opening::{OpeningKey, OpeningState};
pub use outcome::{Cause, Outcome};
pub use output::{Event, Output, Report};
pub use plan::Plan;
pub use recovery::Recovery;
pub use refusal::Refusal;
pub use session::{CloseReason, SessionState};
pub use settings::{Direction, Limits, LineSettings, LineSide, Party, Settings};
pub use status::{ExchangeStatus, OpeningStatus, SessionStatus, Status};
pub use timer::TimerName;
