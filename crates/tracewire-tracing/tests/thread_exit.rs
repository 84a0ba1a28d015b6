//! `tracing` spans and events in destructors that run while their thread ends.
#![allow(clippy::unwrap_used)] // a test may

use opentelemetry::Context;
use std::{
    any::Any,
    cell::RefCell,
    future::pending,
    task::{self, Waker},
    thread,
};
use tracewire_span::Tracer;
use tracewire_testing::Capture;
use tracewire_tracing::{ContextLayer, TraceIds};
use tracing::Instrument;
use tracing_subscriber::{fmt::MakeWriter, prelude::*};

thread_local! {
    /// What a thread keeps until its end.
    static KEPT: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

/// A writer of nothing.
struct Nowhere;

impl<'a> MakeWriter<'a> for Nowhere {
    type Writer = std::io::Sink;

    fn make_writer(&'a self) -> std::io::Sink {
        std::io::sink()
    }
}

struct Logs;

impl Drop for Logs {
    fn drop(&mut self) {
        tracing::info!("dropped");
    }
}

#[test]
fn instrumented_future_kept_in_a_thread_local_ends_quietly() {
    let formats =
        tracing_subscriber::fmt::layer().with_writer(Nowhere).map_event_format(TraceIds::new);
    tracing_subscriber::registry().with(ContextLayer::new()).with(formats).init();
    for outlives in [false, true] {
        let capture = Capture::new();
        let tracer = Tracer::new("test").provider(capture.tracer_provider());
        let run = || {
            // What the registry and the format keep for the thread is there first, and so is
            // destroyed last: they cannot do without.
            let plain = tracing_subscriber::fmt().with_writer(Nowhere).finish();
            tracing::subscriber::with_default(plain, || {
                tracing::info_span!("first").in_scope(|| tracing::info!("first"));
            });
            if outlives {
                KEPT.with_borrow_mut(|kept| kept.reserve(1));
            }
            drop(Context::current());
            let mut future = tracer.span("work").ignore_errors().in_scope(|| {
                let logs = Logs;
                let work = async move {
                    let _logs = logs;
                    pending::<()>().await;
                };
                Box::pin(work.instrument(tracing::info_span!("job")))
            });
            let mut cx = task::Context::from_waker(Waker::noop());
            assert!(future.as_mut().poll(&mut cx).is_pending());
            // Dropping it enters its span, and makes the context of the trace current.
            KEPT.with_borrow_mut(|kept| kept.push(Box::new(future)));
        };
        thread::scope(|scope| scope.spawn(run).join().unwrap());
        assert_eq!(capture.spans().len(), 1, "{outlives}");
    }
}
