//! How the console shows telemetry.

use tracewire_export::{ConsoleExporter, ConsoleFormat};

use crate::builder::Console;
use crate::plan::Plan;

/// The console as decided. Colors only on a terminal, and not where the environment wants none.
pub(crate) fn exporter(given: Console, is_colorless: bool, plan: &mut Plan) -> ConsoleExporter {
    let format = plan.pick("TRACEWIRE_CONSOLE", given.format, ConsoleFormat::Tree);
    let console = match given.writer {
        Some(writer) => ConsoleExporter::to(writer.value),
        None => ConsoleExporter::stdout(),
    }
    .format(format);
    match given.color {
        Some(color) => console.color(color.value),
        None if is_colorless => console.color(false),
        None => console,
    }
}
