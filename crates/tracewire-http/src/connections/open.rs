//! Connections that are open: how many, whether they are in use, and for how long.

use super::setup::{Peer, Shared};
use crate::settings::Resolved;
use opentelemetry::{KeyValue, trace::SpanContext};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tracewire_propagation::current;

/// A connection that is open until this is dropped.
#[derive(Debug)]
pub struct OpenConnection(Arc<State>);

/// A connection that may be open, for those who use it.
#[derive(Clone, Debug)]
pub struct ConnectionHandle(Arc<State>);

/// A use of a connection, which is active until the last one is dropped.
#[derive(Debug)]
pub struct InUse(Arc<State>);

#[derive(Debug)]
struct State {
    resolved: Arc<Resolved>,
    opened: Instant,
    setup: Option<SpanContext>,
    /// The attributes of its series; none where nothing is measured.
    series: Option<Vec<KeyValue>>,
    uses: Mutex<Uses>,
}

#[derive(Debug, Default)]
struct Uses {
    count: usize,
    closed: bool,
}

impl OpenConnection {
    pub(super) fn new(shared: &Shared, peer: Peer, setup: Option<SpanContext>) -> Self {
        let resolved = shared.resolved.clone();
        let instruments = resolved.connections.as_ref();
        let series = instruments.map(|instruments| instruments.connection(shared, peer));
        let state = State { opened: shared.now(), setup, series, uses: Mutex::default(), resolved };
        state.count(&[("idle", 1)]);
        Self(Arc::new(state))
    }

    /// Returns a handle for those who use the connection.
    pub fn handle(&self) -> ConnectionHandle {
        ConnectionHandle(self.0.clone())
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let state = &self.0;
        let was_used = {
            let mut uses = state.uses();
            uses.closed = true;
            uses.count > 0
        };
        state.count(&[(if was_used { "active" } else { "idle" }, -1)]);
        let lifetime = || {
            let (Some(instruments), Some(series)) = (&state.resolved.connections, &state.series)
            else {
                return;
            };
            let now = state.resolved.options.clock.now();
            instruments.lifetime(now.saturating_duration_since(state.opened), series);
        };
        current::finish(lifetime);
    }
}

impl ConnectionHandle {
    /// Notes that the connection is used until what is returned is dropped.
    pub fn in_use(&self) -> InUse {
        let state = &self.0;
        let begins = {
            let mut uses = state.uses();
            uses.count += 1;
            uses.count == 1 && !uses.closed
        };
        if begins {
            state.count(&[("idle", -1), ("active", 1)]);
        }
        InUse(state.clone())
    }

    /// The span of the setup that made the connection, if it was recorded.
    pub fn setup(&self) -> Option<SpanContext> {
        self.0.setup.clone()
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        let state = &self.0;
        let ends = {
            let mut uses = state.uses();
            uses.count -= 1;
            uses.count == 0 && !uses.closed
        };
        if ends {
            state.count(&[("active", -1), ("idle", 1)]);
        }
    }
}

impl State {
    fn uses(&self) -> MutexGuard<'_, Uses> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes how many connections are in which state. Changes commute, so they need no lock.
    fn count(&self, changes: &[(&'static str, i64)]) {
        if let (Some(instruments), Some(series)) = (&self.resolved.connections, &self.series) {
            current::finish(|| {
                for &(state, change) in changes {
                    instruments.open(change, state, series);
                }
            });
        }
    }
}
