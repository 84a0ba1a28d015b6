//! The variables of the console.

use std::io::Write;

use tracewire_export::{ConsoleExporter, ConsoleFormat};

use crate::env::{self, Env};

/// What code says about the console.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) writer: Option<Box<dyn Write + Send>>,
    pub(crate) color: Option<bool>,
    pub(crate) format: Option<ConsoleFormat>,
}

/// The console as decided. Colors only on a terminal, and not if `NO_COLOR` is set or `TERM` is `dumb`.
pub(crate) fn exporter(env: &Env, code: Settings) -> ConsoleExporter {
    let wanted = env.text("NO_COLOR").is_none() && env.text("TERM").as_deref() != Some("dumb");
    let format = env.pick(
        &["TRACEWIRE_CONSOLE"],
        code.format,
        env::choice(&[("tree", ConsoleFormat::Tree), ("json", ConsoleFormat::Json)]),
        ConsoleFormat::Tree,
    );
    let console = match code.writer {
        Some(writer) => ConsoleExporter::to(writer),
        None => ConsoleExporter::stdout(),
    }
    .format(format);
    match code.color {
        Some(color) => console.color(color),
        None if !wanted => console.color(false),
        None => console,
    }
}
