//! The life of exchanges, sessions and openings, told with two hands on one virtual clock: the core, and a peer that slices bytes by the
//! institution's printed layout and knows nothing of ours.
//!
//! After every call the core is put away as an image and restored from its JSON; nothing may change by that.
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod hands;
mod peer;

mod command;
mod computed;
mod control;
mod dated;
mod deadline;
mod gap;
mod given;
mod hours;
mod image;
mod inquiry;
mod join;
mod journal;
mod memory;
mod midnight;
mod notice;
mod one_shot;
mod opening;
mod owed;
mod parts;
mod party;
mod poll;
mod rate;
mod refusal;
mod restart;
mod route;
mod session;
mod share;
mod sign;
mod slot;
mod slow;
mod storm;
mod transfer;
mod unjudged;
mod version;
mod waiting;
