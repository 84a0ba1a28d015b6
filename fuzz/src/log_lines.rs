//! What must hold of every log line.

use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use serde_json::Value;
use std::{
    io,
    sync::{Arc, Mutex},
};
use tracewire_tracing::TraceIds;
use tracing_subscriber::{fmt, layer::SubscriberExt, registry};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// What is written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nothing panics with it").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("nothing panics with it").clone())
            .expect("it is text")
    }
}

/// Logs inside a trace, and inside a span that has the id as a field of its own, as JSON for all readers.
pub fn json(message: &str, own: &str) {
    for (kind, ids) in [
        (0, [("trace_id", TRACE), ("span_id", SPAN)]),
        (1, [("dd.trace_id", TRACE), ("dd.span_id", "67667974448284343")]),
    ] {
        let written = Written::default();
        let to = written.clone();
        let layer = fmt::layer::<registry::Registry>()
            .json()
            .without_time()
            .map_event_format(|format| match kind {
                0 => TraceIds::new(format),
                _ => TraceIds::datadog(format).datadog_service(own, own, own),
            })
            .with_writer(move || to.clone());
        log(registry().with(layer), message, own);
        let text = written.text();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        for line in lines {
            let read: Value =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert_eq!(read["fields"]["message"], message, "{line}");
            assert_eq!(read["fields"]["own"], own, "{line}");
            for (name, id) in ids {
                assert_eq!(read[name], id, "{line}");
            }
        }
    }
}

/// The same as text.
pub fn text(message: &str, own: &str) {
    let written = Written::default();
    let to = written.clone();
    let layer = fmt::layer::<registry::Registry>()
        .without_time()
        .with_ansi(false)
        .map_event_format(TraceIds::new)
        .with_writer(move || to.clone());
    log(registry().with(layer), message, own);
    let text = written.text();
    let ids = format!("trace_id={TRACE} span_id={SPAN}\n");
    assert!(text.ends_with(&ids) && text.matches(&ids).count() >= 2, "{text}");
    // A line moves no cursor.
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

fn log(subscriber: impl tracing::Subscriber + Send + Sync, message: &str, own: &str) {
    let caller = SpanContext::new(
        TraceId::from_hex(TRACE).expect("it is an id"),
        SpanId::from_hex(SPAN).expect("it is an id"),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    let _attached = Context::new().with_remote_span_context(caller).attach();
    tracing::subscriber::with_default(subscriber, || {
        tracing::info!(own, "{message}");
        let span = tracing::info_span!("request", trace_id = TRACE, own);
        span.in_scope(|| tracing::info!(own, "{message}"));
    });
}
