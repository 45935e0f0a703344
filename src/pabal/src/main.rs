//! Pabal (파발): a gateway for fixed-length TCP telegrams.
//!
//! One binary: the gateway (`serve`), a simulated institution (`simulate`), a caller (`call`, `find`, `inquire`), all three in one process
//! (`demo`), what operators look at (`tx`, `lines`, `sessions`, `openings`, `numbers`) and do (`line`, `session`, `opening`, `compartment`,
//! `institution`, `control`), a subscriber (`notices`), and tools for spec files and telegrams
//! (`spec`, `decode`, `encode`). Each command is a file of this crate.

// Its macros are for the modules behind it.
#[macro_use]
mod out;

mod act;
mod byte_table;
mod call;
mod compartment;
mod control;
mod decode;
mod demo;
mod diagnostics;
mod encode;
mod exit;
mod find;
mod inquire;
mod institution;
mod institutions;
mod line;
mod lines;
mod notices;
mod numbers;
mod opening;
mod openings;
mod print;
mod serve;
mod session;
mod sessions;
mod simulate;
mod spec;
mod specs;
mod table;
mod tx;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// A gateway (FEP) for fixed-length TCP telegrams.
///
/// Exit codes: 0 SUCCESS or done, 1 FAILURE or mistakes found, 2 usage, 3 UNKNOWN, 4 refused and nothing left,
/// 5 no proof (ask `pabal find`).
///
/// With --json, what a gateway refuses, and that none was reached, is one JSON value on standard output as well: outcome (null), refusal (null if no
/// gateway refused), faults (field, text), detail. Mistakes of usage are told on standard error alone.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

// What each does is said where its arguments are.
#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Serve(serve::Serve),
    Simulate(simulate::Simulate),
    Call(call::Call),
    Find(find::Find),
    Inquire(inquire::Inquire),
    #[command(subcommand)]
    Tx(tx::Tx),
    Notices(notices::Notices),
    Lines(lines::Lines),
    Sessions(sessions::Sessions),
    Openings(openings::Openings),
    Numbers(numbers::Numbers),
    #[command(subcommand)]
    Line(line::Line),
    #[command(subcommand)]
    Session(session::Session),
    #[command(subcommand)]
    Opening(opening::Opening),
    #[command(subcommand)]
    Compartment(compartment::Compartment),
    #[command(subcommand)]
    Institution(institution::Institution),
    #[command(subcommand)]
    Control(control::Control),
    #[command(subcommand)]
    Spec(spec::Spec),
    Decode(decode::Decode),
    Encode(encode::Encode),
}

/// The same, whatever the environment gives.
fn without_environment(command: clap::Command) -> clap::Command {
    command.mut_args(|arg| arg.env(None::<&'static str>)).mut_subcommands(without_environment)
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are printed by the same door and are no mistake.
            if !error.use_stderr() {
                let _ = error.print();
                return ExitCode::from(exit::DONE);
            }
            // Its usage would name what the environment gives among what is missing.
            let _ = without_environment(Cli::command()).try_get_matches().err().unwrap_or(error).print();
            return ExitCode::from(exit::USAGE);
        }
    };
    let result = match cli.command {
        Command::Demo(command) => command.run(),
        Command::Serve(command) => command.run(),
        Command::Simulate(command) => command.run(),
        Command::Call(command) => command.run(),
        Command::Find(command) => command.run(),
        Command::Inquire(command) => command.run(),
        Command::Tx(command) => command.run(),
        Command::Notices(command) => command.run(),
        Command::Lines(command) => command.run(),
        Command::Sessions(command) => command.run(),
        Command::Openings(command) => command.run(),
        Command::Numbers(command) => command.run(),
        Command::Line(command) => command.run(),
        Command::Session(command) => command.run(),
        Command::Opening(command) => command.run(),
        Command::Compartment(command) => command.run(),
        Command::Institution(command) => command.run(),
        Command::Control(command) => command.run(),
        Command::Spec(command) => command.run(),
        Command::Decode(command) => command.run(),
        Command::Encode(command) => command.run(),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            err!("pabal: {error:#}");
            ExitCode::from(exit::USAGE)
        }
    }
}
