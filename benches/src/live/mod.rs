//! A service with the live page, or without: requests to count, and traces to keep.
//!
//! Whether the page is on is said by `TRACEWIRE_LIVE`, as for every service, so one program measures both.

mod page;
mod process;

pub use self::{
    page::Page,
    process::{Process, rss_kib},
};

use crate::http::find;
use opentelemetry::{
    KeyValue,
    trace::{Span, SpanKind, Status, TraceContextExt, Tracer, TracerProvider},
};
use std::{
    fmt, thread,
    time::{Duration, Instant},
};
use tracewire_init::Telemetry;

const LARGE: usize = 64 * 1024;

/// A service that is set up by its variables.
#[derive(Debug)]
pub struct Service {
    telemetry: Telemetry,
}

impl Service {
    /// Sets up this process. Once in its life.
    ///
    /// # Panics
    ///
    /// If the variables are wrong.
    #[must_use]
    pub fn start() -> Self {
        Self { telemetry: tracewire_init::init().expect("the variables are right") }
    }

    /// The requests of the `instructions` benchmark's first case.
    ///
    /// # Panics
    ///
    /// Never: the case is known.
    #[must_use]
    pub fn requests(&self) -> Requests {
        let (variant, case) = find("server", "tracewire", "sampled").expect("it is the first case");
        Requests { request: variant.request(&case) }
    }

    /// Makes so many traces a second of so many spans, every hundredth with an error. The root has a
    /// value of 64 KiB if they are to be large.
    ///
    /// # Panics
    ///
    /// If tracing is disabled.
    pub fn trace(&self, traces_a_second: u32, spans: u32, is_large: bool, time: Duration) {
        let provider = self.telemetry.tracer_provider().expect("the page needs a provider");
        let tracer = provider.tracer("load");
        let begin = Instant::now();
        for number in 0_u32.. {
            let due = Duration::from_secs(1) / traces_a_second * number;
            if due > time {
                return;
            }
            thread::sleep(due.saturating_sub(begin.elapsed()));
            let builder = tracer.span_builder(format!("GET /route/{}", number % 20));
            let mut root = builder.with_kind(SpanKind::Server).start(&tracer);
            root.set_attribute(KeyValue::new("http.response.status_code", 200));
            if is_large {
                root.set_attribute(KeyValue::new("body", "x".repeat(LARGE)));
            }
            if number.is_multiple_of(100) {
                root.set_status(Status::error("it failed"));
                root.set_attribute(KeyValue::new("error.type", format!("kind {}", number % 700)));
            }
            let context = opentelemetry::Context::new().with_span(root);
            for _ in 1..spans {
                let mut span = tracer.start_with_context("step", &context);
                span.set_attribute(KeyValue::new("url.full", "http://stock.local/items/13"));
            }
        }
    }

    /// Exports what is left.
    pub fn stop(self) {
        self.telemetry.shutdown();
    }
}

/// Requests of one case.
pub struct Requests {
    request: Box<dyn FnMut()>,
}

impl Requests {
    /// Does `count` requests, one after the other.
    ///
    /// Callgrind counts inside this function alone, and finds it by its name.
    #[inline(never)]
    pub fn run(&mut self, count: u32) {
        for _ in 0..count {
            (self.request)();
        }
    }
}

impl fmt::Debug for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requests").finish_non_exhaustive()
    }
}
