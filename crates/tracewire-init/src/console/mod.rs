//! Telemetry on stdout: a tree for each finished trace and short lines for metrics, or JSON.

mod buffer;
mod forest;
mod json;
mod metrics;
mod paint;
#[cfg(test)]
pub(crate) mod sample;
mod tree;

use std::io::{IsTerminal, Write};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use opentelemetry::trace::Span as _;
use opentelemetry::{Context, Key};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use self::buffer::{Buffer, Finished, Origin};
#[cfg(feature = "logs")]
pub(crate) use self::json::{line, resource_attributes};
use self::paint::Paint;
use crate::count::{Counts, Failure};
use crate::env::{self, Env};
use crate::limits::ValueLength;
use crate::metrics::{DeliverMetrics, Dispatch};
use crate::output::Output;
use crate::stop::after;

/// What code says about the console.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) writer: Option<Box<dyn Write + Send>>,
    pub(crate) color: Option<bool>,
    pub(crate) format: Option<ConsoleFormat>,
}

/// How the console shows telemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConsoleFormat {
    /// For people: a tree for each trace when it is finished, short lines for metrics and logs.
    Tree,
    /// For machines: a JSON object on a line for each span when it ends, each log record and each series.
    Json,
}

/// How long a flush and an export of metrics wait for a stream that is read slowly.
pub(crate) const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// Where people look: stdout, or what code gave instead.
#[derive(Clone, Debug)]
pub(crate) struct Console {
    output: Output,
    /// Shared by all telemetry of this process that goes to stdout.
    buffer: Arc<Mutex<Buffer>>,
    paint: Paint,
    format: ConsoleFormat,
}

impl Console {
    /// Colors only on a terminal, and not if `NO_COLOR` is set or `TERM` is `dumb`.
    pub(crate) fn new(env: &Env, code: Settings) -> Self {
        let is_terminal = code.writer.is_none() && std::io::stdout().is_terminal();
        let wanted = env.text("NO_COLOR").is_none() && env.text("TERM").as_deref() != Some("dumb");
        let format = env.pick(
            &["TRACEWIRE_CONSOLE"],
            code.format,
            env::choice(&[("tree", ConsoleFormat::Tree), ("json", ConsoleFormat::Json)]),
            ConsoleFormat::Tree,
        );
        static STDOUT: LazyLock<Arc<Mutex<Buffer>>> = LazyLock::new(Arc::default);
        let (output, buffer) = match code.writer {
            Some(writer) => (Output::to(writer), Arc::default()),
            None => (Output::stdout(), Arc::clone(&STDOUT)),
        };
        Self {
            format,
            output,
            buffer,
            paint: Paint { on: code.color.unwrap_or(is_terminal && wanted) },
        }
    }

    #[cfg(feature = "logs")]
    pub(crate) fn format(&self) -> ConsoleFormat {
        self.format
    }

    /// Shows `text`, and counts its `items` once it is written or cannot be. It never blocks.
    pub(crate) fn show(&self, text: String, items: u64, counts: &Arc<Counts>) {
        let counts = Arc::clone(counts);
        self.output
            .send_then(text, move |result| counts.delivered(items, result.map_err(unwritten)));
    }

    /// Shows a trace, whose spans may be of several origins.
    fn show_trace(&self, spans: &[Finished]) {
        let mut origins: Vec<(Arc<Origin>, u64)> = Vec::new();
        for finished in spans {
            match origins.iter_mut().find(|(origin, _)| Arc::ptr_eq(origin, &finished.origin)) {
                Some((_, items)) => *items += 1,
                None => origins.push((Arc::clone(&finished.origin), 1)),
            }
        }
        self.output.send_then(tree::render(spans, self.paint), move |result| {
            let result = result.map_err(unwritten);
            for (origin, items) in origins {
                origin.counts.delivered(items, result.clone());
            }
        });
    }

    /// Waits until everything shown is written or lost, at most for `limit`.
    pub(crate) fn wait(&self, limit: Duration) -> OTelSdkResult {
        if self.output.wait(limit) { Ok(()) } else { Err(OTelSdkError::Timeout(limit)) }
    }
}

fn unwritten(reason: String) -> Failure {
    Failure::all(format!("the console cannot be written to: {reason}"))
}

/// Prints each trace when it is finished in this process.
///
/// It draws on the thread that ended the trace's last span: fit for a terminal, not for load.
#[derive(Debug)]
pub(crate) struct ConsoleSpans {
    console: Console,
    origin: Arc<Origin>,
    value_length: ValueLength,
    resource: Resource,
}

impl ConsoleSpans {
    pub(crate) fn new(
        console: Console,
        counts: Arc<Counts>,
        value_length: ValueLength,
        resource: Resource,
    ) -> Self {
        let name = resource.get(&Key::from_static_str("service.name"));
        let service = name
            .map(|name| name.as_str().into_owned())
            .filter(|name| !name.starts_with("unknown_service"));
        Self { console, origin: Arc::new(Origin { service, counts }), value_length, resource }
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.console.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn print(&self, traces: Vec<Vec<Finished>>) {
        traces.iter().for_each(|spans| self.console.show_trace(spans));
    }

    fn flush(&self, limit: Duration) -> OTelSdkResult {
        let deadline = after(limit);
        let left = || deadline.saturating_duration_since(Instant::now());
        let ready = self.buffer().drain(&self.origin);
        for spans in &ready {
            self.console.show_trace(spans);
            // One after the other, as together they may be more than can wait in the queue.
            let _ = self.console.wait(left());
        }
        self.console.wait(left())
    }
}

impl SpanProcessor for ConsoleSpans {
    fn on_start(&self, span: &mut Span, _context: &Context) {
        let context = span.span_context();
        if context.is_sampled() && self.console.format == ConsoleFormat::Tree {
            let ready = self.buffer().start(context.trace_id(), context.span_id(), Instant::now());
            self.print(ready);
        }
    }

    fn on_end(&self, mut span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        let counts = &self.origin.counts;
        counts.ended(1);
        self.value_length.apply(&mut span);
        match self.console.format {
            ConsoleFormat::Tree => {
                let finished = Finished { span, origin: Arc::clone(&self.origin) };
                let ready = self.buffer().end(finished, Instant::now());
                self.print(ready);
            }
            ConsoleFormat::Json => {
                self.console.show(json::span(&span, &self.resource), 1, counts);
            }
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.flush(FLUSH_TIMEOUT)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.flush(timeout)
    }
}

impl DeliverMetrics for Console {
    fn prepare(&self, metrics: &ResourceMetrics) -> Dispatch {
        let text = match self.format {
            ConsoleFormat::Tree => metrics::render(metrics, self.paint),
            ConsoleFormat::Json => json::metrics(metrics),
        };
        let output = self.output.clone();
        Box::new(move || {
            let (tell, told) = mpsc::channel();
            output.send_then(text, move |result| {
                // Nobody listens any more if it took too long.
                let _ = tell.send(result.map_err(unwritten));
            });
            told.recv_timeout(FLUSH_TIMEOUT)
                .unwrap_or_else(|_| Err(Failure::all("the console is not read")))
        })
    }
}
