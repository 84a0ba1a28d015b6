//! The work of a call, timed.

use super::{durations::Recorder, error::Failure, statement::Statement};
use crate::{current, handle::ERROR_TYPE};
use futures_core::Stream;
use opentelemetry::KeyValue;
use pin_project_lite::pin_project;
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};
use tracewire_propagation::{ExceptionKind, current as context};

/// What tells from an output whether the call failed, and with what message if that is asked for.
pub(super) type Judge<T> = Box<dyn Fn(&T, bool) -> Option<Failure> + Send + Sync>;

/// Records one duration, at the end of the call or when it is dropped.
pub(super) struct Clock {
    statement: Arc<Statement>,
    /// What a failure adds to the statement's attributes.
    failed: Option<Vec<KeyValue>>,
    /// When, and what records the duration, if anything: the context at the first poll decides.
    started: Option<(Instant, Option<Recorder>)>,
    /// True while the work runs, and still true after a panic.
    running: bool,
    ended: bool,
    /// The messages of errors and panics may be exported.
    with_messages: bool,
}

impl Clock {
    pub(super) fn new(statement: Arc<Statement>, with_messages: bool) -> Self {
        Self { statement, failed: None, started: None, running: false, ended: false, with_messages }
    }

    /// Starts, unless it has started.
    pub(super) fn begin(&mut self) {
        let Self { started, statement, .. } = self;
        started.get_or_insert_with(|| (Instant::now(), Recorder::get(statement)));
    }

    pub(super) const fn exports_messages(&self) -> bool {
        self.with_messages
    }

    fn run<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.begin();
        self.running = true;
        let output = if self.with_messages || self.ended { work() } else { self.guarded(work) };
        self.running = false;
        output
    }

    /// Ends the span of a panic here, where its message does not reach it.
    fn guarded<T>(&mut self, work: impl FnOnce() -> T) -> T {
        // Nothing of ours is left half done by the panic, and the caller sees it as if we were not here.
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
            let span = current();
            span.if_failures_count(|span| {
                span.fail_as(ExceptionKind::Database, Some("panic"), "panic".into(), None);
            });
            span.close();
            self.end();
            resume_unwind(payload)
        })
    }

    /// Records the failure on the current span, which is the call's, and for the metric.
    pub(super) fn fail(&mut self, failure: Failure) {
        let failed = self.failed.get_or_insert_default();
        if let Some(code) = &failure.code {
            failed.push(KeyValue::new("db.response.status_code", code.clone()));
        }
        failed.push(KeyValue::new(ERROR_TYPE, failure.error_type.clone()));
        current().if_failures_count(|span| failure.record_on(span));
    }

    pub(super) fn end(&mut self) {
        if let Some((started, recorder)) = &self.started
            && !std::mem::replace(&mut self.ended, true)
            && let Some(recorder) = recorder
        {
            if self.running {
                let failed = self.failed.get_or_insert_default();
                failed.push(KeyValue::new(ERROR_TYPE, "panic"));
            }
            let seconds = started.elapsed().as_secs_f64();
            let failed = self.failed.as_deref().unwrap_or_default();
            context::finish(|| recorder.record(seconds, &self.statement, failed));
        }
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        if !self.ended {
            self.end();
        }
    }
}

pin_project! {
    /// The future or stream of a database call, timed for `db.client.operation.duration`.
    #[must_use = "futures and streams do nothing unless polled"]
    pub struct Measured<W, T> {
        #[pin]
        work: W,
        clock: Clock,
        judge: Judge<T>,
    }
}

impl<W, T> Measured<W, T> {
    pub(super) fn new(work: W, clock: Clock, judge: Judge<T>) -> Self {
        Self { work, clock, judge }
    }
}

impl<W: Future> Future for Measured<W, W::Output> {
    type Output = W::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<W::Output> {
        let this = self.project();
        let output = ready!(this.clock.run(|| this.work.poll(cx)));
        if let Some(failure) = (this.judge)(&output, this.clock.with_messages) {
            this.clock.fail(failure);
        }
        this.clock.end();
        Poll::Ready(output)
    }
}

impl<W: Stream> Stream for Measured<W, W::Item> {
    type Item = W::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<W::Item>> {
        let this = self.project();
        let next = ready!(this.clock.run(|| this.work.poll_next(cx)));
        let with_messages = this.clock.with_messages;
        let failure = next.as_ref().and_then(|item| (this.judge)(item, with_messages));
        // The first failure ends the call; what may come after it is not another one.
        if let Some(failure) = failure
            && !this.clock.ended
        {
            this.clock.fail(failure);
            this.clock.end();
        }
        if next.is_none() {
            this.clock.end();
        }
        Poll::Ready(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.work.size_hint()
    }
}

impl<W, T> fmt::Debug for Measured<W, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Measured").field("ended", &self.clock.ended).finish_non_exhaustive()
    }
}
