//! The command line: parse, dispatch, exit status.

use std::process::ExitCode;

use somno::command;
use somno::command::settings::{Arguments, Refused};
use somno::error::Error;
use somno::privileges;

fn main() -> ExitCode {
    let started = command::now();
    if let Err(error) = privileges::begin() {
        return fail(&error);
    }
    let (cli, from_file) = match Arguments::read(std::env::args_os()) {
        Ok(arguments) => arguments.into_parts(),
        Err(Refused::Typed(error)) => error.exit(),
        Err(Refused::File(error)) => return fail(&error),
    };
    match command::run(cli, started) {
        Ok(status) => ExitCode::from(status),
        Err(error) => fail(&Arguments::explain(from_file, error)),
    }
}

fn fail(error: &Error) -> ExitCode {
    command::complain(error);
    ExitCode::from(error.kind().exit_status())
}
