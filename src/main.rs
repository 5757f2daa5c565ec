//! The command line: parse, dispatch, exit status.

use std::process::ExitCode;

use clap::Parser as _;
use somno::cli::Cli;
use somno::command;

fn main() -> ExitCode {
    let started = command::now();
    let cli = Cli::parse();
    match command::run(cli, started) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            command::complain(&error);
            ExitCode::from(error.kind().exit_status())
        }
    }
}
