//! Checks a configuration file, and writes the one that says what the environment says.
//!
//! ```text
//! tracewire-config check otel.yaml      the plan of the file; exits with 1 if it has problems
//! tracewire-config from-environment     the file that says what the variables say
//! ```

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use tracewire_init::{ConfigFile, Telemetry};

const USAGE: &str = "usage: tracewire-config check FILE
       tracewire-config from-environment

check             reads FILE with the variables it refers to, and prints what would be set up: each
                  setting, its value and its line. Problems go to stderr, one a line.
from-environment  prints the file that says what the OTEL_* and TRACEWIRE_* variables and those of
                  vendors say. Secrets stay references to their variables.

Exits with 0, with 1 if there are problems, and with 2 if it is called in another way.
Components that a program registers in its code are not known here: check such a file with
Builder::config_file(FILE).plan() in that program.
";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(|argument| argument.to_str()).collect();
    match (&words[..], &arguments[..]) {
        ([Some("check"), _], [_, file]) => {
            // Nothing in code, so that what is shown is the file's.
            let plan = Telemetry::builder().config_file(file).plan();
            answer(plan.map(|plan| named_by_the_caller(&plan.to_string())))
        }
        ([Some("from-environment")], _) => answer(ConfigFile::from_environment()),
        ([Some("--help" | "-h" | "help")], _) => write(&mut io::stdout(), USAGE, ExitCode::SUCCESS),
        _ => write(&mut io::stderr(), USAGE, ExitCode::from(2)),
    }
}

/// The plan, in which the command line names the file. This program's code did it on its behalf.
fn named_by_the_caller(plan: &str) -> String {
    plan.replacen(" (set in code)", " (from the command line)", 1).replacen(
        "OTEL_CONFIG_FILE is ignored: the program sets it in code",
        "OTEL_CONFIG_FILE is ignored: the command line names another file",
        1,
    )
}

fn answer<T: Display, E: Display>(result: Result<T, E>) -> ExitCode {
    match result {
        Ok(text) => write(&mut io::stdout(), text, ExitCode::SUCCESS),
        Err(error) => {
            let error = error.to_string();
            // The caller named the file on the command line, not in code.
            let error = error.strip_prefix("Builder::config_file=").unwrap_or(&error);
            write(&mut io::stderr(), format_args!("{error}\n"), ExitCode::FAILURE)
        }
    }
}

/// Writes, and fails where nobody reads.
fn write(stream: &mut impl Write, text: impl Display, code: ExitCode) -> ExitCode {
    match write!(stream, "{text}").and_then(|()| stream.flush()) {
        Ok(()) => code,
        Err(_) => ExitCode::FAILURE,
    }
}
