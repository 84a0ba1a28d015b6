//! A connection in use.

use super::meters::Current;
use std::{fmt, time::Instant};
use tracewire_propagation::current as context;

/// A connection in use: records `db.client.connection.use_time` when it is dropped.
///
/// ```
/// use tracewire_span::database::{ConnectionPool, Database, PoolState};
///
/// static ORDERS: Database = Database::new("postgresql");
///
/// let pool = ConnectionPool::new(&ORDERS, PoolState::default);
/// let lease = pool.lease(); // keep it beside the connection
/// drop(lease); // the connection is back: its use time is recorded
/// ```
#[must_use = "the connection is in use for as long as the lease lives"]
pub struct Lease {
    meters: Option<Current>,
    started: Instant,
}

impl Lease {
    pub(super) fn start(meters: Option<Current>) -> Self {
        Self { meters, started: Instant::now() }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(current) = &self.meters {
            let took = self.started.elapsed().as_secs_f64();
            context::finish(|| current.meters.use_time.record(took, &current.attributes));
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").finish_non_exhaustive()
    }
}
