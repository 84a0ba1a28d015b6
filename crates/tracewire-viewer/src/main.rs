//! Receives OTLP and shows traces in the browser.

use std::process::ExitCode;

fn main() -> ExitCode {
    tracewire_viewer::main()
}
