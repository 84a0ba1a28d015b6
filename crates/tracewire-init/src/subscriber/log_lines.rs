//! The log lines of our subscriber, on their way to stdout.

use std::cell::Cell;
use std::io::{self, Write};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use tracewire_export::wiring::Output;
use tracewire_export::wiring::log::{self, Limited};

/// Log lines on their way to stdout, where they hold up nobody.
///
/// A warning or an error waits a moment until it is written, because the program may end with it;
/// so does every line once telemetry was shut down.
#[derive(Debug)]
pub(crate) struct LogLines(Output);

impl LogLines {
    pub(crate) fn to_stdout() -> Self {
        Self(Output::stdout())
    }
}

/// Whether the program is about to end.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Waits until all lines are written, at most for `limit`.
pub(crate) fn end(limit: Duration) {
    ENDING.store(true, Ordering::Relaxed);
    Output::stdout().wait(limit);
    if let Some(lines) = LOST.held_back() {
        log::warn_on_stderr(&format!("log lines to stdout: {lines} more lost"));
    }
    // Lines that stdout refused are on their way to stderr.
    Output::stderr().wait(limit);
}

impl<'a> MakeWriter<'a> for LogLines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { output: &self.0, waits: ENDING.load(Ordering::Relaxed), is_warning_of_ours: false }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line<'a> {
        Writing::begun();
        let mut line = self.make_writer();
        let is_warning = *metadata.level() <= Level::WARN;
        line.waits |= is_warning;
        line.is_warning_of_ours = is_warning && metadata.target() == log::TARGET;
        line
    }
}

static LOST: LazyLock<Limited> = LazyLock::new(|| Limited::new(Duration::from_secs(60)));

thread_local! {
    /// Whether this thread wrote a line.
    static WROTE: Cell<bool> = const { Cell::new(false) };
    static WRITING: Writing = const { Writing };
}

/// Of a thread that wrote a line: gone when it cannot write another one.
///
/// The subscriber has a thread-local of its own, and panics once that is destroyed. Thread-locals are
/// destroyed in the reverse order of their first use, so this one, which is first used while the
/// subscriber uses its own, goes earlier.
struct Writing;

impl Writing {
    fn begun() {
        WROTE.set(true);
        let _ = WRITING.try_with(|_| ());
    }

    fn is_possible() -> bool {
        !WROTE.get() || WRITING.try_with(|_| ()).is_ok()
    }
}

/// A thread-local is destroyed in order only if there is something to drop.
impl Drop for Writing {
    fn drop(&mut self) {}
}

/// Whether this thread can still write a line.
pub(crate) fn is_writable() -> bool {
    Writing::is_possible()
}

/// A line could not be written. The log cannot say so, so stderr does, at most once a minute.
fn lost(reason: &str) {
    if let Some(lines) = LOST.admit(1, Instant::now()) {
        let message = format!("log lines to stdout: {lines} lost ({reason})");
        log::warn_on_stderr(&message);
    }
}

/// The subscriber writes each line with one call.
pub(crate) struct Line<'a> {
    output: &'a Output,
    waits: bool,
    /// Then stderr shows it if stdout cannot: it may say that stdout is why telemetry was lost.
    is_warning_of_ours: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line).into_owned();
        let for_stderr = self.is_warning_of_ours.then(|| text.clone());
        self.output.send_then(text, move |result| {
            let Err(reason) = result else { return };
            match for_stderr {
                Some(line) => Output::stderr().send(line),
                None => lost(&reason),
            }
        });
        if self.waits {
            self.output.wait_briefly();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
