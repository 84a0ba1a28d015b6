//! Exceptions as log records, in a process of its own: where they go is set once for all.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use opentelemetry_sdk::trace::Sampler;
use std::sync::{Arc, Mutex};
use tracewire_propagation::{
    Exception, ExceptionKind, ExceptionLog, ExceptionLogs, set_exception_logs, untraced,
};
use tracewire_span::{Context, current, span};
use tracewire_testing::Capture;

/// What was logged: the attributes, and what failed.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<(String, ExceptionKind)>>>);

impl ExceptionLog for Kept {
    fn emit(&self, exception: &Exception<'_>) {
        let pairs = exception.attributes.iter().map(|pair| format!("{}={}", pair.key, pair.value));
        let text = pairs.collect::<Vec<_>>().join(" ");
        self.0.lock().unwrap().push((text, exception.kind));
    }
}

impl Kept {
    fn taken(&self) -> Vec<(String, ExceptionKind)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Does work that handles one error and fails with another.
fn work(capture: &Capture) {
    let _guard = capture.context().attach();
    let failed = span("work").in_scope(|| {
        current().record_error("retried");
        "x".parse::<i32>()
    });
    assert!(failed.is_err());
}

#[test]
fn exceptions_go_where_they_are_asked_for() {
    const HANDLED: &str = "exception.message=retried";
    const FAILED: &str = "exception.type=core::num::error::ParseIntError \
                          exception.message=invalid digit found in string";
    let kept = Kept::default();
    let logged = vec![
        (HANDLED.to_owned(), ExceptionKind::Handled),
        (FAILED.to_owned(), ExceptionKind::Failed),
    ];

    // Unset, on their spans.
    let capture = Capture::new();
    work(&capture);
    assert_eq!((capture.spans().only().events.len(), kept.taken()), (2, vec![]));

    let logs = || ExceptionLogs::new(Arc::new(kept.clone()));
    for (both, events) in [(false, 0), (true, 2)] {
        set_exception_logs(Some(logs().also_on_spans(both)));
        let capture = Capture::new();
        work(&capture);
        let span = capture.spans().only();
        assert_eq!((span.events.len(), kept.taken()), (events, logged.clone()));
        span.has("error.type", "core::num::error::ParseIntError");
    }

    // Log records do not depend on sampling.
    set_exception_logs(Some(logs()));
    let unsampled = Capture::with(|spans| spans.with_sampler(Sampler::AlwaysOff));
    work(&unsampled);
    assert_eq!(kept.taken(), logged);

    // Neither without a span, nor after its end, nor below a request that is not traced.
    current().record_error("nobody");
    let ended = {
        let _guard = capture.context().attach();
        span("ended").start()
    };
    ended.end();
    ended.record_error("late");
    let _guard = untraced(&Context::new()).attach();
    current().record_error("excluded");
    assert_eq!(kept.taken(), []);
    set_exception_logs(None);
}
