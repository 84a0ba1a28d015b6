//! One wait for a connection.

use super::{
    Inner, Lease,
    meters::{self, Current},
};
use crate::{
    Context, SpanKind,
    database::{ErrorKind, error::Failure},
};
use opentelemetry::KeyValue;
use std::{
    fmt::Display,
    sync::{Arc, atomic::Ordering},
    time::Instant,
};
use tracewire_propagation::current as context;

/// A caller who waits, counted until it ends.
pub(super) struct Wait {
    pool: Arc<Inner>,
    meters: Option<Current>,
    started: Instant,
    /// A future that is dropped may be dropped outside its context.
    context: Context,
    ended: bool,
}

impl Wait {
    pub(super) fn start(pool: Arc<Inner>) -> Self {
        let meters = meters::current(&pool).cloned();
        pool.pending.fetch_add(1, Ordering::Relaxed);
        Self { pool, meters, started: Instant::now(), context: context::get(), ended: false }
    }

    pub(super) fn succeed(mut self) -> Lease {
        if let Some(Current { meters, attributes, .. }) = &self.meters {
            meters.wait_time.record(self.started.elapsed().as_secs_f64(), attributes);
        }
        self.end(None);
        Lease::start(self.meters.take())
    }

    pub(super) fn fail<E: Display>(mut self, error: &E, kind: ErrorKind) {
        if let Some(Current { meters, attributes, .. }) = &self.meters
            && kind == ErrorKind::Named("timeout")
        {
            meters.timeouts.add(1, attributes);
        }
        let with_message = self.pool.settings.database.with_messages;
        self.end(Failure::new(error, kind, with_message));
    }

    /// Ends the wait. Its span is made afterwards, because most waits are too short for one.
    fn end(&mut self, failure: Option<Failure>) {
        self.ended = true;
        self.pool.pending.fetch_sub(1, Ordering::Relaxed);
        let waited = self.started.elapsed();
        let settings = &self.pool.settings;
        if waited < settings.wait_spans_from && failure.is_none() {
            return;
        }
        let name = KeyValue::new("db.client.connection.pool.name", settings.name.clone());
        let start = opentelemetry::time::now().checked_sub(waited);
        let span = settings.database.tracer.span("wait for connection").kind(SpanKind::Internal);
        let span = span
            .parent(self.context.clone())
            .attributes(settings.database.attributes())
            .attributes([name]);
        let span = span.start_time(start.unwrap_or_else(opentelemetry::time::now)).start();
        if let Some(failure) = failure {
            span.if_failures_count(|span| failure.record_on(span));
        }
        span.end();
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if !self.ended && context::is_reachable() {
            self.end(None);
        } else if !self.ended {
            self.pool.pending.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
