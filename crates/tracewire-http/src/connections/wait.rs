//! How long a call waits for a connection.

use super::{Connections, call::Call, phase::Phase, spans::Part};
use crate::{
    outcome::ErrorType,
    settings::Resolved,
    values::{OTHER, Scheme},
};
use http::Method;
use opentelemetry::{Context, StringValue, trace::SpanContext};
use std::{
    sync::Arc,
    time::{Instant, SystemTime},
};
use tracewire_propagation::current;

/// A call that has no connection yet.
///
/// Nothing is recorded of one that gets a connection at once, because the pool had it ready. Dropping
/// it before it has one means that the call was given up.
///
/// ```
/// use http::Method;
/// use std::sync::Arc;
/// use tracewire_http::Scheme;
/// use tracewire_http::wiring::{ClientSettings, Connections, Wait};
///
/// let connections = Connections::new(Arc::new(ClientSettings::new("my-client", "1.0.0")));
/// let server = ("shop.example", 443);
/// if let Some(mut wait) = Wait::begin(&connections, &Method::GET, Scheme::Https, server) {
///     wait.note_pending(); // the pool has no connection ready
///     wait.succeed(None); // now it has one
/// }
/// ```
#[derive(Debug)]
pub struct Wait {
    resolved: Arc<Resolved>,
    call: Option<Call>,
    parent: Context,
    began: Instant,
    began_at: SystemTime,
    waited: bool,
    over: bool,
    pub(super) method: StringValue,
    pub(super) scheme: Scheme,
    pub(super) server: (Arc<str>, u16),
}

impl Wait {
    /// Begins to wait inside the current context, for a connection to this server; nothing where
    /// telemetry is suppressed.
    pub fn begin(
        connections: &Connections,
        method: &Method,
        scheme: Scheme,
        (host, port): (&str, u16),
    ) -> Option<Self> {
        let parent = current::get();
        if parent.is_telemetry_suppressed() {
            return None;
        }
        let resolved = connections.resolved();
        let clock = &resolved.options.clock;
        Some(Self {
            call: Call::of(&parent),
            parent,
            began: clock.now(),
            began_at: clock.wall(),
            waited: false,
            over: false,
            method: resolved.options.known_methods.name(method).unwrap_or_else(|| OTHER.into()),
            scheme,
            server: (host.into(), port),
            resolved,
        })
    }

    /// Notes that there was no connection at once.
    pub fn note_pending(&mut self) {
        self.waited = true;
    }

    /// Ends it: the call has a connection, which `setup` set up.
    pub fn succeed(mut self, setup: Option<SpanContext>) {
        self.end(setup, true, None);
    }

    /// Ends it: the call failed, and has no connection.
    pub fn fail(mut self, error: ErrorType) {
        self.end(None, false, Some(error));
    }

    fn end(&mut self, setup: Option<SpanContext>, obtained: bool, error: Option<ErrorType>) {
        self.over = true;
        if self.waited {
            current::finish(|| self.record(setup.clone(), obtained, error));
        }
    }

    fn record(&self, setup: Option<SpanContext>, obtained: bool, error: Option<ErrorType>) {
        let took = self.resolved.options.clock.now().saturating_duration_since(self.began);
        if let (Some(call), Some(tracer)) = (&self.call, &self.resolved.tracer) {
            let part = Part {
                name: "HTTP wait_for_connection",
                interval: (self.began_at, self.began_at + took),
                attributes: Vec::new(),
                error,
                link: setup,
            };
            part.record(&**tracer, &self.parent);
            let failed = (!obtained).then_some(Phase::Wait);
            call.add(&[(Phase::Wait, took)], failed);
        }
        if let Some(instruments) = &self.resolved.connections {
            instruments.queued(&self.resolved, self, &self.parent, took);
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if !self.over {
            self.end(None, false, None);
        }
    }
}
