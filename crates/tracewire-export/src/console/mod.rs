//! Telemetry on stdout: a tree for each finished trace and short lines for metrics, or JSON.

mod buffer;
mod forest;
mod json;
mod metrics;
mod paint;
mod tree;

pub(crate) use self::buffer::{Finished, Origin};
#[cfg(feature = "logs")]
pub(crate) use self::json::{line, resource_attributes};

use self::{buffer::Buffer, paint::Paint};
use crate::{
    diagnostics::output::Output,
    pipeline::{
        counts::Counts,
        deadline::after,
        deliver::{DeliverMetrics, Dispatch},
        failure::Failure,
        span_sink::SpanSink,
    },
    self_metrics::component::Exporter,
};
use opentelemetry::{Key, trace::SpanContext};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    metrics::data::ResourceMetrics,
    trace::SpanData,
};
use std::{
    io::{IsTerminal, Write},
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

/// How the console shows telemetry.
///
/// ```
/// use tracewire_export::{ConsoleExporter, ConsoleFormat};
///
/// let lines = ConsoleExporter::stdout().format(ConsoleFormat::Json);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConsoleFormat {
    /// For people: a tree for each trace when it is finished, short lines for metrics and logs.
    #[default]
    Tree,
    /// For machines: a JSON object on a line for each span when it ends, each log record and each series.
    Json,
}

/// The spans of one trace as a tree without colors, for `fuzz/`.
pub(crate) fn tree_of(spans: &[Finished]) -> String {
    tree::render(spans, Paint { on: false }, None)
}

/// A span as a line of JSON, for `fuzz/`.
pub(crate) fn line_of(span: &SpanData, resource: &Resource) -> String {
    json::span(span, resource)
}

/// How long a flush and an export of metrics wait for a stream that is read slowly.
pub(crate) const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// Shows telemetry to people or as JSON lines, on stdout or with a writer of your own.
///
/// A thread of its own writes, so a slow stream holds up no request. At most 4 MiB of text wait for it;
/// what is beyond that, or cannot be written, counts as failed. Give one to the processors of all
/// signals; clones write to the same stream.
///
/// ```
/// use tracewire_export::{BatchSpanProcessor, ConsoleExporter, Exports, MetricExporter};
///
/// let exports = Exports::new();
/// let console = ConsoleExporter::stdout().color(false);
/// let spans = BatchSpanProcessor::new(&exports).console(&console);
/// let metrics = MetricExporter::console(&exports, &console);
/// ```
#[derive(Clone, Debug)]
pub struct ConsoleExporter {
    output: Output,
    /// Shared by all telemetry of this process that goes to stdout.
    buffer: Arc<Mutex<Buffer>>,
    paint: Paint,
    /// Whether everything is JSON. Clones have the same.
    is_json: Arc<AtomicBool>,
    /// Where a trace is shown: an address that its id follows. All clones have the same.
    links: Arc<OnceLock<String>>,
}

impl ConsoleExporter {
    /// Shows telemetry on stdout, as a tree, with colors on a terminal.
    pub fn stdout() -> Self {
        static STDOUT: LazyLock<Arc<Mutex<Buffer>>> = LazyLock::new(Arc::default);
        Self {
            output: Output::stdout(),
            buffer: Arc::clone(&STDOUT),
            paint: Paint { on: std::io::stdout().is_terminal() },
            is_json: Arc::default(),
            links: Arc::default(),
        }
    }

    /// Shows telemetry with `writer`, as a tree, without colors.
    pub fn to(writer: impl Write + Send + 'static) -> Self {
        Self {
            output: Output::to(Box::new(writer)),
            buffer: Arc::default(),
            paint: Paint { on: false },
            is_json: Arc::default(),
            links: Arc::default(),
        }
    }

    /// Sets how telemetry is shown.
    pub fn format(self, format: ConsoleFormat) -> Self {
        self.set_format(format);
        self
    }

    /// Changes how telemetry is shown from now on, in all clones.
    pub fn set_format(&self, format: ConsoleFormat) {
        self.is_json.store(format == ConsoleFormat::Json, Ordering::Relaxed);
    }

    fn current_format(&self) -> ConsoleFormat {
        match self.is_json.load(Ordering::Relaxed) {
            true => ConsoleFormat::Json,
            false => ConsoleFormat::Tree,
        }
    }

    /// Sets whether it is colored.
    pub fn color(mut self, color: bool) -> Self {
        self.paint.on = color;
        self
    }

    /// Shows a link below each trace: `prefix` and the trace's id. The first prefix counts, for all
    /// clones.
    pub fn link_traces(&self, prefix: impl Into<String>) {
        let _ = self.links.set(prefix.into());
    }

    #[cfg(feature = "logs")]
    pub(crate) fn is_tree(&self) -> bool {
        self.current_format() == ConsoleFormat::Tree
    }

    /// Shows `text`, and counts its `items` once it is written or cannot be. It never blocks.
    pub(crate) fn show(&self, text: String, items: u64, counts: &Arc<Counts>) {
        let counts = Arc::clone(counts);
        self.output
            .send_then(text, move |result| counts.delivered(items, result.map_err(unwritten)));
    }

    /// How metrics name it.
    pub(crate) fn component() -> Exporter {
        Exporter::local("tracewire_export::ConsoleExporter")
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
        self.output.send_then(
            tree::render(spans, self.paint, self.links.get().map(String::as_str)),
            move |result| {
                let result = result.map_err(unwritten);
                for (origin, items) in origins {
                    origin.counts.delivered(items, result.clone());
                }
            },
        );
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
    console: ConsoleExporter,
    counts: Arc<Counts>,
    sender: OnceLock<Sender>,
}

/// Who sends the spans of one provider.
#[derive(Debug)]
struct Sender {
    origin: Arc<Origin>,
    resource: Resource,
}

impl ConsoleSpans {
    pub(crate) fn new(console: ConsoleExporter, counts: Arc<Counts>) -> Self {
        Self { console, counts, sender: OnceLock::new() }
    }

    fn sender(&self) -> &Sender {
        self.sender.get_or_init(|| self.sender_of(Resource::builder_empty().build()))
    }

    fn sender_of(&self, resource: Resource) -> Sender {
        let name = resource.get(&Key::from_static_str("service.name"));
        let service = name
            .map(|name| name.as_str().into_owned())
            .filter(|name| !name.starts_with("unknown_service"));
        Sender { origin: Arc::new(Origin { service, counts: Arc::clone(&self.counts) }), resource }
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.console.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn print(&self, traces: Vec<Vec<Finished>>) {
        traces.iter().for_each(|spans| self.console.show_trace(spans));
    }
}

impl SpanSink for ConsoleSpans {
    fn start(&self, span: &SpanContext) {
        if self.console.current_format() == ConsoleFormat::Tree {
            let ready = self.buffer().start(span.trace_id(), span.span_id(), Instant::now());
            self.print(ready);
        }
    }

    fn offer(&self, span: &Arc<SpanData>, bytes: usize) {
        let Sender { origin, resource } = self.sender();
        self.counts.ended(1);
        match self.console.current_format() {
            ConsoleFormat::Tree => {
                let origin = Arc::clone(origin);
                let finished = Finished { span: Arc::clone(span), bytes, origin };
                let ready = self.buffer().end(finished, Instant::now());
                self.print(ready);
            }
            ConsoleFormat::Json => self.console.show(json::span(span, resource), 1, &self.counts),
        }
    }

    fn set_resource(&self, resource: &Resource) {
        let _ = self.sender.set(self.sender_of(resource.clone()));
    }

    fn flush(&self, deadline: Instant) -> OTelSdkResult {
        self.shutdown(deadline.min(after(FLUSH_TIMEOUT)))
    }

    fn shutdown(&self, deadline: Instant) -> OTelSdkResult {
        let left = || deadline.saturating_duration_since(Instant::now());
        let ready = self.buffer().drain(&self.sender().origin);
        for spans in &ready {
            self.console.show_trace(spans);
            // One after the other, as together they may be more than can wait in the queue.
            let _ = self.console.wait(left());
        }
        self.console.wait(left())
    }
}

impl DeliverMetrics for ConsoleExporter {
    fn prepare(&self, metrics: &ResourceMetrics) -> Dispatch {
        let text = match self.current_format() {
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
