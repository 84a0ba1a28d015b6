//! A connection pool: how long callers wait for a connection, and what the pool holds.

mod lease;
mod meters;
mod wait;

use super::{Database, ErrorKind};
pub use lease::Lease;
use meters::Current;
use std::{
    fmt::{self, Display},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use wait::Wait;

/// From how long a wait on gets a span, unless [`ConnectionPool::wait_spans_from`] says otherwise.
const WAIT_SPANS_FROM: Duration = Duration::from_millis(1);

/// What a pool holds at one moment, for the metrics of [`ConnectionPool`].
///
/// ```
/// use tracewire_span::database::{ConnectionPool, Database, PoolState};
///
/// static ORDERS: Database = Database::new("postgresql");
///
/// // Called whenever metrics are exported.
/// let pool = ConnectionPool::new(&ORDERS, || PoolState { idle: 3, used: 7, max: 10, min_idle: 0 });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolState {
    /// Open connections that nobody uses.
    pub idle: u32,
    /// Open connections in use.
    pub used: u32,
    /// The most connections that may be open.
    pub max: u32,
    /// How many idle connections the pool tries to keep.
    pub min_idle: u32,
}

/// Measures a connection pool.
///
/// Wrap each acquire in [`acquire`](Self::acquire), and keep the [`Lease`] as long as the connection is
/// in use:
///
/// ```
/// use tracewire_span::database::{ConnectionPool, Database, ErrorKind, PoolState};
///
/// # struct Pool;
/// # impl Pool {
/// #     fn state(&self) -> PoolState { PoolState::default() }
/// #     async fn get(&self) -> Result<u32, std::io::Error> { Ok(7) }
/// # }
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let (pool, shared) = (Pool, Pool);
/// let database = Database::new("postgresql").server("db.internal", Some(5432));
/// let measured = ConnectionPool::new(&database, move || shared.state());
///
/// let (connection, lease) = measured.acquire(pool.get(), |_| ErrorKind::Other).await?;
/// // … use the connection …
/// drop(lease);
/// # Ok::<_, std::io::Error>(())
/// # }).unwrap();
/// ```
///
/// | metric | kind, unit | attributes besides `db.client.connection.pool.name` |
/// |---|---|---|
/// | `db.client.connection.wait_time` | histogram, `s` | |
/// | `db.client.connection.use_time` | histogram, `s` | |
/// | `db.client.connection.timeouts` | counter, `{timeout}` | |
/// | `db.client.connection.count` | up-down counter, `{connection}` | `db.client.connection.state`: `idle`, `used` |
/// | `db.client.connection.max`, `db.client.connection.idle.min` | up-down counter, `{connection}` | |
/// | `db.client.connection.pending_requests` | up-down counter, `{request}` | |
///
/// A wait of 1 ms and more, and one that fails, is also a span: `wait for connection`.
///
/// Measurements go to the meter provider that the context of the first wait carries, or to the global one
/// once it is set. Pools of one name are added up. The first 100 names under a meter provider have series of their own; the pools after
/// them are added up as `_OTHER`. Pools that no longer exist are forgotten.
#[derive(Clone)]
pub struct ConnectionPool {
    inner: Arc<Inner>,
}

impl ConnectionPool {
    /// Creates the measurements of a pool of connections to `database`.
    ///
    /// `state` is called at each collection of metrics, on the collector's thread: it must not block. If it
    /// panics, that collection has no counts of the pool.
    ///
    /// The pool is named `host:port/namespace`, with what is known of that, or after its system.
    #[must_use]
    pub fn new(database: &Database, state: impl Fn() -> PoolState + Send + Sync + 'static) -> Self {
        let settings = Settings {
            database: database.clone(),
            name: database.default_pool_name(),
            wait_spans_from: WAIT_SPANS_FROM,
        };
        Self::with(settings, Arc::new(state))
    }

    fn with(settings: Settings, state: Arc<State>) -> Self {
        let (pending, current) = (AtomicI64::new(0), OnceLock::new());
        Self { inner: Arc::new(Inner { settings, state, pending, current }) }
    }

    /// Sets the name of the pool: `db.client.connection.pool.name`. It is cut at 256 bytes.
    ///
    /// Call it before the pool is used: counts do not carry over.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        let name = crate::limit::name(name.into().into()).into_owned();
        let settings = Settings { name, ..self.inner.settings.clone() };
        Self::with(settings, self.inner.state.clone())
    }

    /// Sets from how long a wait on it gets a span. Default: 1 ms. A wait that fails always gets one.
    ///
    /// Call it before the pool is used: counts do not carry over.
    #[must_use]
    pub fn wait_spans_from(self, wait: Duration) -> Self {
        let settings = Settings { wait_spans_from: wait, ..self.inner.settings.clone() };
        Self::with(settings, self.inner.state.clone())
    }

    /// Waits for a connection.
    ///
    /// An `Err` makes the span of the wait fail, with what `kind` says of it. An error that is
    /// `ErrorKind::Named("timeout")` is counted in `db.client.connection.timeouts`. If the future is
    /// dropped, the wait ends there and is no error.
    ///
    /// # Errors
    ///
    /// Those of `connection`, unchanged.
    pub async fn acquire<T, E: Display>(
        &self,
        connection: impl Future<Output = Result<T, E>>,
        kind: impl Fn(&E) -> ErrorKind,
    ) -> Result<(T, Lease), E> {
        let wait = Wait::start(self.inner.clone());
        match connection.await {
            Ok(connection) => Ok((connection, wait.succeed())),
            Err(error) => {
                let kind = kind(&error);
                wait.fail(&error, kind);
                Err(error)
            }
        }
    }

    /// Starts the use of a connection that was there without waiting.
    pub fn lease(&self) -> Lease {
        Wait::start(self.inner.clone()).succeed()
    }
}

impl fmt::Debug for ConnectionPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionPool")
            .field("name", &self.inner.settings.name)
            .finish_non_exhaustive()
    }
}

type State = dyn Fn() -> PoolState + Send + Sync;

#[derive(Clone)]
struct Settings {
    database: Database,
    name: String,
    wait_spans_from: Duration,
}

/// What all handles of a pool share.
struct Inner {
    settings: Settings,
    state: Arc<State>,
    /// How many wait.
    pending: AtomicI64,
    current: OnceLock<Current>,
}

impl Inner {
    fn pending(&self) -> i64 {
        self.pending.load(Ordering::Relaxed)
    }
}
