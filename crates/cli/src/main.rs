//! The freewheel command: all of it without a window.
//!
//! A thin face: it reads arguments, asks the engine, and prints the answer. Exit 0: done (also when offline), 1: failed,
//! 2: usage.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_possible_wrap
    )
)]

mod arguments;
mod command;
mod failure;
mod interrupt;
mod output;
mod profile;
mod table;
mod words;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::Arguments;
use failure::Failure;
use output::Output;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return output::usage(&error),
    };
    let output = Output::new(arguments.json);
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("runtime", format!("the program could not start: {error}")))
        .and_then(|runtime| runtime.block_on(command::run(arguments, output)));
    match done {
        Ok(code) => code,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::FAILURE
        }
    }
}
