//! Log lines and spans, whatever the order of the layers and of what is done with spans.

use std::cell::RefCell;
use std::io::Write;
use std::sync::{Arc, Mutex};

use opentelemetry::Context;
use opentelemetry::trace::{TraceContextExt as _, Tracer as _, TracerProvider as _};
#[cfg(feature = "logs")]
use tracewire_init::Logs;
use tracewire_init::{Metrics, Otlp, Telemetry, Traces, TracesExporter};
use tracewire_tracing::{ContextLayer, TraceIds};
use tracing::dispatcher::with_default;
use tracing::{Dispatch, Span, info, info_span};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Layer, fmt, registry};

use crate::collector::{Answer, Collector};

/// Log lines, kept.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(line)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

fn telemetry(collector: &Collector) -> Telemetry {
    let builder = Telemetry::builder()
        .traces(Traces::new().exporters([TracesExporter::otlp()]))
        .metrics(Metrics::new().exporters([]))
        .otlp(Otlp::new().endpoint(collector.url()));
    #[cfg(feature = "logs")]
    let builder = builder.logs(Logs::new().exporters([]));
    builder.build().unwrap()
}

/// A subscriber of the lines, the spans and the context, in every order.
fn subscribers(telemetry: &Telemetry, lines: &Lines, json: bool) -> Vec<Dispatch> {
    macro_rules! lines {
        () => {{
            let (text, object) = (lines.clone(), lines.clone());
            let text = fmt::layer().with_ansi(false).with_writer(move || text.clone());
            let object = fmt::layer().json().with_writer(move || object.clone());
            let text = (!json).then(|| text.map_event_format(TraceIds::new));
            Layer::and_then(text, json.then(|| object.map_event_format(TraceIds::new)))
        }};
    }
    let context = ContextLayer::new;
    vec![
        registry().with(lines!()).with(telemetry.span_layer()).with(context()).into(),
        registry().with(lines!()).with(context()).with(telemetry.span_layer()).into(),
        registry().with(telemetry.span_layer()).with(lines!()).with(context()).into(),
        registry().with(telemetry.span_layer()).with(context()).with(lines!()).into(),
        registry().with(context()).with(lines!()).with(telemetry.span_layer()).into(),
        registry().with(context()).with(telemetry.span_layer()).with(lines!()).into(),
    ]
}

#[test]
fn lines_have_ids_whatever_the_order_of_the_layers() {
    let collector = Collector::start([Answer::Accept]);
    let telemetry = telemetry(&collector);
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    for json in [false, true] {
        let lines = Lines::default();
        for subscriber in subscribers(&telemetry, &lines, json) {
            with_default(&subscriber, || {
                info_span!("outer").in_scope(|| {
                    info!("in a span of tracing");
                    tracer.in_span("request", |_| {
                        info!("in a span of OpenTelemetry");
                        info_span!("inner").in_scope(|| info!("in both"));
                    });
                });
                info!("outside");
            });
            assert!(!Context::current().has_active_span());
            let text = lines.take();
            let with_ids: Vec<_> = text.lines().map(|line| line.contains("trace_id")).collect();
            assert_eq!(with_ids, [true, true, true, false], "{text}");
        }
    }
    assert!(telemetry.shutdown().is_complete());
}

/// What may be done with spans, in ways that a tree does not have.
fn misuse() {
    let (first, second) = (info_span!("first", late = 0), info_span!("second"));
    let child = info_span!(parent: &first, "child");
    // Left in another order than entered.
    let (one, two) = (first.clone().entered(), second.clone().entered());
    let three = child.clone().entered();
    drop(one);
    info!("between");
    drop(three);
    drop(two);
    // Entered twice, and left on the way out of a panic.
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _outer = first.enter();
        let _inner = first.enter();
        std::panic::resume_unwind(Box::new(()));
    }));
    // Entered, recorded and closed on other threads.
    let subscriber = tracing::dispatcher::get_default(Clone::clone);
    let other = {
        let (first, child) = (first.clone(), child.clone());
        std::thread::spawn(move || {
            with_default(&subscriber, || {
                first.in_scope(|| info!("elsewhere"));
                drop(child);
                first.record("late", 1);
                first
            })
        })
    };
    drop((first, child));
    let first = other.join().unwrap();
    first.follows_from(&second);
    first.record("late", 2);
    // The last handle goes while its span is entered.
    let entered = second.entered();
    drop(entered);
    first.in_scope(|| drop(first.clone()));
    drop(first);
    Span::none().record("late", 3);
    info_span!("sibling").in_scope(|| info!("after"));
}

#[test]
fn spans_may_be_entered_recorded_and_closed_in_any_order_and_on_any_thread() {
    let collector = Collector::start([Answer::Accept]);
    let telemetry = telemetry(&collector);
    let lines = Lines::default();
    let subscribers = subscribers(&telemetry, &lines, false);
    let count = subscribers.len();
    for subscriber in subscribers {
        with_default(&subscriber, misuse);
        assert!(!Context::current().has_active_span());
    }
    assert!(telemetry.shutdown().is_complete());
    let spans: usize = collector
        .received()
        .iter()
        .flat_map(|request| request.traces().resource_spans)
        .flat_map(|resource| resource.scope_spans)
        .map(|scope| scope.spans.len())
        .sum();
    assert_eq!(spans, count * 4);
}

/// Ends a span, and makes another one and an error, where its thread ends.
struct Kept(Dispatch, Span);

impl Drop for Kept {
    fn drop(&mut self) {
        with_default(&self.0, || {
            self.1.record("late", 1);
            tracing::error!("while the thread ends");
            let made = info_span!("made while the thread ends");
            made.in_scope(|| made.record("late", 1));
            self.1 = made;
        });
    }
}

thread_local! {
    static KEPT: RefCell<Vec<Kept>> = const { RefCell::new(Vec::new()) };
}

#[test]
fn spans_may_end_while_their_thread_does() {
    let collector = Collector::start([Answer::Accept]);
    let telemetry = telemetry(&collector);
    let subscribers: [Dispatch; 2] = [
        registry().with(telemetry.span_layer()).with(ContextLayer::new()).into(),
        registry().with(ContextLayer::new()).with(telemetry.span_layer()).into(),
    ];
    for subscriber in subscribers {
        let work = move || {
            // Used first, destroyed last: what spans need is gone by then.
            KEPT.with_borrow_mut(Vec::clear);
            let span = with_default(&subscriber, || {
                let span = info_span!("kept", late = 0);
                span.in_scope(|| info!("before"));
                span
            });
            KEPT.with_borrow_mut(|kept| kept.push(Kept(subscriber, span)));
        };
        std::thread::spawn(work).join().unwrap();
    }
    assert_eq!(telemetry.shutdown().to_string(), "spans to otlp: 2 exported");
}
