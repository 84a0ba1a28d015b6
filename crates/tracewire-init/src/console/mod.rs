//! Telemetry on stdout: a tree for each finished trace and short lines for metrics, or JSON.

mod buffer;
mod json;
mod metrics;
mod paint;
#[cfg(test)]
pub(crate) mod sample;
mod tree;

use std::fmt;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry::trace::Span as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use self::buffer::Buffer;
#[cfg(feature = "logs")]
pub(crate) use self::json::{line, resource_attributes};
use self::paint::Paint;
use crate::count::{Counts, Failure};
use crate::env::{self, Env};
use crate::limits::ValueLength;
use crate::metrics::{DeliverMetrics, Dispatch};

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

/// Where people look: stdout, or what code gave instead.
#[derive(Clone)]
pub(crate) struct Console {
    writer: Arc<Mutex<Box<dyn Write + Send>>>,
    paint: Paint,
    format: ConsoleFormat,
}

impl Console {
    /// Colors only on a terminal, and not if `NO_COLOR` is set or `TERM` is `dumb`.
    pub(crate) fn new(env: &Env, code: Settings) -> Self {
        let is_terminal = code.writer.is_none() && std::io::stdout().is_terminal();
        let wanted = env.text("NO_COLOR").is_none() && env.text("TERM").as_deref() != Some("dumb");
        let writer = code.writer.unwrap_or_else(|| Box::new(std::io::stdout()));
        let format = env.pick(
            &["TRACEWIRE_CONSOLE"],
            code.format,
            env::choice(&[("tree", ConsoleFormat::Tree), ("json", ConsoleFormat::Json)]),
            ConsoleFormat::Tree,
        );
        Self {
            format,
            writer: Arc::new(Mutex::new(writer)),
            paint: Paint { on: code.color.unwrap_or(is_terminal && wanted) },
        }
    }

    #[cfg(feature = "logs")]
    pub(crate) fn format(&self) -> ConsoleFormat {
        self.format
    }

    pub(crate) fn write(&self, text: &str) -> Result<(), Failure> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer
            .write_all(text.as_bytes())
            .and_then(|()| writer.flush())
            .map_err(|error| Failure::all(format!("the console cannot be written to: {error}")))
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("paint", &self.paint)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

/// Prints each trace when it is finished in this process.
///
/// It writes on the thread that ended the trace's last span: fit for a terminal, not for load.
#[derive(Debug)]
pub(crate) struct ConsoleSpans {
    console: Console,
    counts: Arc<Counts>,
    value_length: ValueLength,
    buffer: Mutex<Buffer>,
    resource: Resource,
}

impl ConsoleSpans {
    pub(crate) fn new(
        console: Console,
        counts: Arc<Counts>,
        value_length: ValueLength,
        resource: Resource,
    ) -> Self {
        Self { console, counts, value_length, buffer: Mutex::default(), resource }
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn print(&self, traces: Vec<Vec<SpanData>>) {
        for spans in traces {
            let result = self.console.write(&tree::render(&spans, self.console.paint));
            self.counts.delivered(spans.len() as u64, result);
        }
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
        self.counts.ended(1);
        self.value_length.apply(&mut span);
        match self.console.format {
            ConsoleFormat::Tree => {
                let ready = self.buffer().end(span, Instant::now());
                self.print(ready);
            }
            ConsoleFormat::Json => {
                let result = self.console.write(&json::span(&span, &self.resource));
                self.counts.delivered(1, result);
            }
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        let ready = self.buffer().drain();
        self.print(ready);
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        self.force_flush()
    }
}

impl DeliverMetrics for Console {
    fn prepare(&self, metrics: &ResourceMetrics) -> Dispatch {
        let text = match self.format {
            ConsoleFormat::Tree => metrics::render(metrics, self.paint),
            ConsoleFormat::Json => json::metrics(metrics),
        };
        let console = self.clone();
        Box::new(move || console.write(&text))
    }
}
