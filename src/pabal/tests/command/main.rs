//! The command as its users meet it: real processes, what they print, and how they end.

mod config;
mod convert;
mod day;
mod decode;
mod demo;
mod encode;
mod help;
mod kills;
mod process;
mod queue;
mod sample;
mod scrub;
mod spec;
mod stage;
mod talk;
mod trace;
