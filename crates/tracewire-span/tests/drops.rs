//! What work owns is dropped inside its span, or inside the one that it carries.
#![allow(clippy::unwrap_used)] // a test may

use futures_util::{StreamExt, stream};
use opentelemetry::Context;
use std::{
    future::{pending, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{self, Poll, Waker},
};
use tracewire_span::{Tracer, baggage, current, provider, spawn};
use tracewire_testing::Capture;

/// Makes a span when it is dropped, and says whether the current one was open then.
struct Guard(Tracer);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.span("dropped").attribute("open", current().is_recording()).in_scope(|| ());
    }
}

/// A future that owns a guard for as long as it lives, as what is written without `async` does.
struct Owns<F>(Pin<Box<F>>, #[allow(dead_code)] Guard);

impl<F: Future> Future for Owns<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        self.0.as_mut().poll(cx)
    }
}

fn scene() -> (Capture, Tracer) {
    let capture = Capture::new();
    let tracer = Tracer::new("test").provider(capture.tracer_provider());
    (capture, tracer)
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut task::Context::from_waker(Waker::noop()))
}

#[track_caller]
fn check(capture: &Capture) {
    let spans = capture.spans();
    spans.one("dropped").is_child_of(&spans.one("work")).has("open", true);
    assert_eq!(spans.len(), 2, "{spans}");
}

#[test]
fn future_in_a_span_is_dropped_inside_it() {
    let owns = |tracer: &Tracer, work: Pin<Box<dyn Future<Output = ()>>>| {
        Box::pin(tracer.span("work").run(Owns(Box::pin(work), Guard(tracer.clone()))))
    };
    // At its end, when it is dropped, and at a panic.
    let (capture, tracer) = scene();
    let mut future = owns(&tracer, Box::pin(async {}));
    assert!(poll(future.as_mut()).is_ready());
    check(&capture);

    let (capture, tracer) = scene();
    let mut future = owns(&tracer, Box::pin(pending()));
    assert!(poll(future.as_mut()).is_pending());
    drop(future);
    check(&capture);

    let (capture, tracer) = scene();
    let mut future = owns(&tracer, Box::pin(poll_fn(|_| panic!("on purpose"))));
    assert!(catch_unwind(AssertUnwindSafe(|| poll(future.as_mut()).is_ready())).is_err());
    check(&capture);
    capture.spans().one("work").has("error.type", "panic");
}

#[test]
fn stream_in_a_span_is_dropped_inside_it() {
    for read in [true, false] {
        let (capture, tracer) = scene();
        let guard = Guard(tracer.clone());
        let items = stream::iter([1]).inspect(move |_| {
            let _guard = &guard;
        });
        let mut stream = Box::pin(tracer.span("work").stream(items));
        assert_eq!(poll(Box::pin(stream.next()).as_mut()), Poll::Ready(Some(1)));
        if read {
            assert_eq!(poll(Box::pin(stream.next()).as_mut()), Poll::Ready(None));
            check(&capture);
        }
        drop(stream);
        check(&capture);
    }
}

#[test]
fn carried_work_is_dropped_inside_the_span_it_carries() {
    for ready in [true, false] {
        let (capture, tracer) = scene();
        let span = tracer.span("work").start();
        let inner: Pin<Box<dyn Future<Output = ()>>> =
            if ready { Box::pin(async {}) } else { Box::pin(pending()) };
        let mut future = Box::pin(span.carry(Owns(Box::pin(inner), Guard(tracer.clone()))));
        assert_eq!(poll(future.as_mut()).is_ready(), ready);
        drop(future);
        span.end();
        check(&capture);
    }
}

#[test]
fn work_with_baggage_is_dropped_with_it() {
    struct Looks;
    impl Drop for Looks {
        fn drop(&mut self) {
            assert_eq!(baggage::get("user").as_deref(), Some("ada"));
        }
    }
    let looks = Looks;
    let work = async move {
        let _looks = looks;
        pending::<()>().await;
    };
    let mut future = Box::pin(baggage::set("user", "ada").run(work));
    assert!(poll(future.as_mut()).is_pending());
    drop(future);
}

#[tokio::test]
async fn spawned_task_that_is_aborted_is_dropped_inside_its_span() {
    let (capture, tracer) = scene();
    let context = provider::with_provider(&Context::current(), capture.tracer_provider());
    let span = tracer.span("work").parent(context).start();
    let guard = Guard(tracer);
    let task = span.in_scope(|| {
        spawn(async move {
            let _guard = guard;
            pending::<()>().await;
        })
    });
    tokio::task::yield_now().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    span.end();
    check(&capture);
}
