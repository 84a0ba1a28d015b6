//! The log lines of our subscriber, on their way to stdout.

use std::cell::Cell;
use std::io::{self, Write};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Filter};

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

/// What `F` lets through, but not while the thread ends.
pub(crate) struct WhileWritable<F>(pub(crate) F);

impl<S: Subscriber, F: Filter<S>> Filter<S> for WhileWritable<F> {
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        self.0.enabled(metadata, context)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.0.callsite_enabled(metadata)
    }

    fn event_enabled(&self, event: &Event<'_>, context: &Context<'_, S>) -> bool {
        Writing::is_possible() && self.0.event_enabled(event, context)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.0.max_level_hint()
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        self.0.on_new_span(attributes, id, context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        self.0.on_record(id, values, context);
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        self.0.on_enter(id, context);
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        self.0.on_exit(id, context);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.0.on_close(id, context);
    }
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
