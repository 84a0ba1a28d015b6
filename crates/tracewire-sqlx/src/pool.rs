//! A traced pool.

use crate::{
    Comment, Connection, Driver, PoolConnection, Transaction, error::kind, observer::Observer,
};
use async_stream::try_stream;
use futures_core::{future::BoxFuture, stream::BoxStream};
use futures_util::TryStreamExt;
use sqlx::{Database, Describe, Either, Error, Execute, Executor};
use std::{borrow::Cow, fmt, ops::Deref, sync::Arc, time::Duration};
use tracewire_span::database::{self, ConnectionPool, PoolState};

/// A traced pool: use it as you use sqlx's.
///
/// Clones share the pool. It derefs to sqlx's pool, for `size()`, `close()` and migrations: what is done
/// through that (`&*pool`) is not traced.
///
/// ```no_run
/// # #[cfg(feature = "postgres")]
/// # async fn example(pool: sqlx::PgPool) -> Result<(), sqlx::Error> {
/// use std::time::Duration;
/// use tracewire_sqlx::Pool;
///
/// let pool: Pool<sqlx::Postgres> = tracewire_sqlx::pool(pool)
///     .name("orders")
///     .wait_spans_from(Duration::from_millis(10));
///
/// let names: Vec<String> = sqlx::query_scalar("SELECT name FROM items").fetch_all(&pool).await?;
/// # Ok(())
/// # }
/// ```
pub struct Pool<DB: Database> {
    inner: sqlx::Pool<DB>,
    observer: Arc<Observer<DB>>,
}

impl<DB: Database> Pool<DB> {
    /// Traces a pool of any driver, with your description of the database.
    ///
    /// ```no_run
    /// use tracewire_span::database::Database;
    /// # fn example<DB: sqlx::Database>(pool: sqlx::Pool<DB>) {
    /// let database = Database::new("mariadb").server("db.internal", Some(3306)).namespace("shop");
    /// let pool = tracewire_sqlx::Pool::new(pool, database);
    /// # }
    /// ```
    pub fn new(pool: sqlx::Pool<DB>, database: database::Database) -> Self {
        let observed = pool.clone();
        let state = move || {
            let (idle, options) = (observed.num_idle() as u32, observed.options());
            PoolState {
                idle,
                // The two are read one after the other.
                used: observed.size().saturating_sub(idle),
                max: options.get_max_connections(),
                min_idle: options.get_min_connections(),
            }
        };
        let measured = ConnectionPool::new(&database, state);
        let observer = Observer { database, pool: measured, commenting: Default::default() };
        Self { inner: pool, observer: Arc::new(observer) }
    }

    /// Sets the name of the pool: `db.client.connection.pool.name`. Default: `host:port/namespace`, with
    /// what is known of that.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        self.with(|observer| observer.pool = observer.pool.clone().name(name))
    }

    /// Sets from how long a wait on it gets a span. Default: 1 ms. A wait that fails always gets one.
    #[must_use]
    pub fn wait_spans_from(self, wait: Duration) -> Self {
        self.with(|observer| observer.pool = observer.pool.clone().wait_spans_from(wait))
    }

    /// Writes a comment behind every statement, for the database's logs and views. Off by default; see
    /// [`Comment`] for the price.
    #[must_use]
    pub fn comment(self, comment: Comment) -> Self
    where
        DB: Driver,
    {
        self.with(|observer| observer.commenting = observer.commenting.clone().with(comment))
    }

    /// Adds a pair to the comments, such as `application='shop'`.
    ///
    /// Give few different values: each text is a statement of its own to the database. Key and value are cut
    /// at 256 bytes each, and at most 16 pairs are written. Has no effect without [`comment`](Self::comment).
    #[must_use]
    pub fn comment_tag(self, key: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.with(|observer| observer.commenting.tag(key.as_ref(), value.as_ref()))
    }

    fn with(mut self, change: impl FnOnce(&mut Observer<DB>)) -> Self {
        change(Arc::make_mut(&mut self.observer));
        self
    }

    /// Waits for a connection.
    ///
    /// # Errors
    ///
    /// Those of sqlx's pool: `PoolTimedOut`, `PoolClosed`, and those of connecting.
    pub fn acquire(
        &self,
    ) -> impl Future<Output = Result<PoolConnection<DB>, Error>> + Send + use<DB> {
        let (connection, observer) = (self.inner.acquire(), self.observer.clone());
        async move {
            let (connection, lease) = observer.pool.acquire(connection, kind).await?;
            Ok(PoolConnection::new(Connection::pooled(connection, observer), lease))
        }
    }

    /// Returns a connection if one is idle.
    pub fn try_acquire(&self) -> Option<PoolConnection<DB>> {
        let connection = self.inner.try_acquire()?;
        let lease = self.observer.pool.lease();
        Some(PoolConnection::new(Connection::pooled(connection, self.observer.clone()), lease))
    }

    /// Waits for a connection, and begins a transaction on it.
    ///
    /// # Errors
    ///
    /// Those of [`acquire`](Self::acquire), and those of the `BEGIN`.
    pub async fn begin(&self) -> Result<Transaction<'static, DB>, Error> {
        Transaction::on(self.acquire().await?, None).await
    }

    /// Begins a transaction as [`begin`](Self::begin) does, with a statement such as `BEGIN IMMEDIATE`.
    ///
    /// # Errors
    ///
    /// As [`begin`](Self::begin).
    pub async fn begin_with(
        &self,
        statement: impl Into<Cow<'static, str>>,
    ) -> Result<Transaction<'static, DB>, Error> {
        Transaction::on(self.acquire().await?, Some(statement.into())).await
    }

    /// Begins a transaction if a connection is idle.
    ///
    /// # Errors
    ///
    /// Those of the `BEGIN`.
    pub async fn try_begin(&self) -> Result<Option<Transaction<'static, DB>>, Error> {
        match self.try_acquire() {
            Some(connection) => Transaction::on(connection, None).await.map(Some),
            None => Ok(None),
        }
    }

    /// Begins a transaction as [`try_begin`](Self::try_begin) does, with a statement such as
    /// `BEGIN IMMEDIATE`.
    ///
    /// # Errors
    ///
    /// Those of the `BEGIN`.
    pub async fn try_begin_with(
        &self,
        statement: impl Into<Cow<'static, str>>,
    ) -> Result<Option<Transaction<'static, DB>>, Error> {
        match self.try_acquire() {
            Some(connection) => Transaction::on(connection, Some(statement.into())).await.map(Some),
            None => Ok(None),
        }
    }

    /// Returns sqlx's pool.
    #[must_use]
    pub fn into_inner(self) -> sqlx::Pool<DB> {
        self.inner
    }
}

impl<'p, DB> Executor<'p> for &Pool<DB>
where
    DB: Database,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    type Database = DB;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<DB::QueryResult, DB::Row>, Error>>
    where
        E: 'q + Execute<'q, DB>,
    {
        let connection = self.acquire();
        Box::pin(try_stream! {
            let mut connection = connection.await?;
            let mut steps = connection.fetch_many(query);
            while let Some(step) = steps.try_next().await? {
                yield step;
            }
        })
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<DB::Row>, Error>>
    where
        E: 'q + Execute<'q, DB>,
    {
        let connection = self.acquire();
        Box::pin(async move { connection.await?.fetch_optional(query).await })
    }

    fn prepare_with<'e, 'q: 'e>(
        self,
        sql: &'q str,
        parameters: &'e [DB::TypeInfo],
    ) -> BoxFuture<'e, Result<DB::Statement<'q>, Error>> {
        let connection = self.acquire();
        Box::pin(async move { connection.await?.prepare_with(sql, parameters).await })
    }

    #[doc(hidden)]
    fn describe<'e, 'q: 'e>(self, sql: &'q str) -> BoxFuture<'e, Result<Describe<DB>, Error>> {
        self.inner.describe(sql)
    }
}

impl<DB: Database> Deref for Pool<DB> {
    type Target = sqlx::Pool<DB>;

    fn deref(&self) -> &sqlx::Pool<DB> {
        &self.inner
    }
}

// Without this, `Clone` would ask it of `DB`.
impl<DB: Database> Clone for Pool<DB> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), observer: self.observer.clone() }
    }
}

impl<DB: Database> fmt::Debug for Pool<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.inner, f)
    }
}
