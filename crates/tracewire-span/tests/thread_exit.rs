//! Spans that are dropped, made or ended while their thread ends.
#![allow(clippy::unwrap_used)] // a test may

use opentelemetry::Context;
use std::{
    any::Any,
    cell::RefCell,
    future::pending,
    pin::Pin,
    task::{self, Waker},
    thread,
};
use tracewire_span::{Span, Tracer, baggage::set, current};
use tracewire_testing::Capture;

thread_local! {
    /// What a thread keeps until its end.
    static KEPT: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

fn keep(work: impl Any) {
    KEPT.with_borrow_mut(|kept| kept.push(Box::new(work)));
}

/// Runs `work` on a thread of its own whose thread-local outlives OpenTelemetry's, or does not.
fn on_a_thread(outlives: bool, work: impl FnOnce() + Send) {
    let run = || {
        if outlives {
            KEPT.with_borrow_mut(|kept| kept.reserve(8));
        }
        drop(Context::current());
        work();
    };
    thread::scope(|scope| scope.spawn(run).join().unwrap());
}

fn poll(mut future: Pin<&mut impl Future>) {
    let mut cx = task::Context::from_waker(Waker::noop());
    assert!(future.as_mut().poll(&mut cx).is_pending());
}

fn tracer(capture: &Capture) -> Tracer {
    Tracer::new("test").provider(capture.tracer_provider())
}

/// Uses everything that a destructor may use.
struct Uses(Tracer);

impl Drop for Uses {
    fn drop(&mut self) {
        current().set_attribute("dropped", true).add_event("dropped");
        self.0.span("in a destructor").in_scope(|| ());
        self.0.span("root").root().start().end();
        set("key", "value").in_scope(|| ());
    }
}

#[test]
fn future_in_a_span_kept_in_a_thread_local_ends_its_span() {
    for outlives in [false, true] {
        let capture = Capture::new();
        let tracer = tracer(&capture);
        on_a_thread(outlives, || {
            let uses = Uses(tracer.clone());
            let mut future = Box::pin(tracer.span("work").ignore_errors().run(async move {
                let _uses = uses;
                pending::<()>().await;
            }));
            poll(future.as_mut());
            keep(future);
        });
        let spans = capture.spans();
        assert_eq!(spans.len(), 3, "{outlives}: {spans}");
        let work = spans.one("work");
        let child = spans.one("in a destructor");
        if outlives {
            child.is_root();
        } else {
            child.is_child_of(&work);
            work.has("dropped", true);
        }
    }
}

#[test]
fn span_and_what_it_carries_kept_in_a_thread_local_end() {
    for outlives in [false, true] {
        let capture = Capture::new();
        let tracer = tracer(&capture);
        on_a_thread(outlives, || {
            struct Ends(Span);
            impl Drop for Ends {
                fn drop(&mut self) {
                    self.0.in_scope(|| ());
                    self.0.end();
                }
            }
            let span = tracer.span("work").start();
            let uses = Uses(tracer.clone());
            let mut carried = Box::pin(span.carry(async move {
                let _uses = uses;
                pending::<()>().await;
            }));
            poll(carried.as_mut());
            keep(carried);
            keep(Ends(span));
            keep(tracer.span("only a handle").start());
        });
        let spans = capture.spans();
        assert_eq!(spans.len(), 4, "{outlives}: {spans}");
        for name in ["work", "only a handle"] {
            spans.one(name);
        }
    }
}

#[test]
fn runtime_in_a_thread_local_ends_the_spans_of_its_tasks() {
    for outlives in [false, true] {
        let capture = Capture::new();
        let tracer = tracer(&capture);
        on_a_thread(outlives, || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            for _ in 0..5 {
                let work = tracer.span("work").ignore_errors().run(pending::<()>());
                runtime.spawn(work);
            }
            runtime.block_on(tokio::task::yield_now());
            keep(runtime);
        });
        assert_eq!(capture.spans().named("work").len(), 5, "{outlives}");
    }
}
