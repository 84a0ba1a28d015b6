//! A traced connection.

use crate::{Transaction, error::kind, observer::Observer};
use futures_core::{future::BoxFuture, stream::BoxStream};
use sqlx::{Connection as _, Database, Describe, Either, Error, Execute, Executor};
use std::{
    borrow::Cow,
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
};
use tracewire_span::database::Lease;

/// A traced connection: what [`PoolConnection`] and [`Transaction`] deref to.
///
/// `&mut Connection` is an `Executor`. Name it in your functions in place of sqlx's connection:
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// async fn rename(
///     db: &mut tracewire_sqlx::Connection<'_, sqlx::Sqlite>,
///     name: &str,
/// ) -> Result<(), sqlx::Error> {
///     sqlx::query("UPDATE items SET name = ?").bind(name).execute(db).await.map(drop)
/// }
/// ```
pub struct Connection<'c, DB: Database> {
    pub(crate) raw: Raw<'c, DB>,
    pub(crate) observer: Arc<Observer<DB>>,
}

/// Who owns the connection.
pub(crate) enum Raw<'c, DB: Database> {
    Pooled(sqlx::pool::PoolConnection<DB>),
    Transaction(sqlx::Transaction<'c, DB>),
}

impl<DB: Database> Raw<'_, DB> {
    pub(crate) fn get(&mut self) -> &mut DB::Connection {
        match self {
            Self::Pooled(connection) => connection,
            Self::Transaction(transaction) => transaction,
        }
    }
}

impl<'c, DB: Database> Connection<'c, DB> {
    pub(crate) fn pooled(
        connection: sqlx::pool::PoolConnection<DB>,
        observer: Arc<Observer<DB>>,
    ) -> Self {
        Self { raw: Raw::Pooled(connection), observer }
    }

    /// Begins a transaction, or sets a savepoint within one.
    ///
    /// # Errors
    ///
    /// Those of the `BEGIN` or `SAVEPOINT`.
    pub async fn begin(&mut self) -> Result<Transaction<'_, DB>, Error> {
        Transaction::within(self, None).await
    }

    /// Begins a transaction with a statement such as `BEGIN IMMEDIATE`.
    ///
    /// # Errors
    ///
    /// Those of the statement, and sqlx's `InvalidSavePointStatement` within a transaction.
    pub async fn begin_with(
        &mut self,
        statement: impl Into<Cow<'static, str>>,
    ) -> Result<Transaction<'_, DB>, Error> {
        Transaction::within(self, Some(statement.into())).await
    }

    /// Checks that the connection is alive. This is not traced.
    ///
    /// # Errors
    ///
    /// Those of sqlx, if it is not.
    pub async fn ping(&mut self) -> Result<(), Error> {
        self.raw.get().ping().await
    }

    /// Returns sqlx's connection, for code that wants it by type. What is done through it is not traced.
    pub fn untraced(&mut self) -> &mut DB::Connection {
        self.raw.get()
    }
}

impl<'t, DB> Executor<'t> for &'t mut Connection<'_, DB>
where
    DB: Database,
    for<'a> &'a mut DB::Connection: Executor<'a, Database = DB>,
{
    type Database = DB;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<DB::QueryResult, DB::Row>, Error>>
    where
        't: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let Connection { raw, observer } = self;
        let call = observer.query(query.sql());
        match observer.commenting.commented(&query) {
            Some(comments) => {
                Box::pin(call.stream_with_kind(comments.fetch_many(raw.get(), query), kind))
            }
            None => Box::pin(call.stream_with_kind(raw.get().fetch_many(query), kind)),
        }
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<DB::Row>, Error>>
    where
        't: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let Connection { raw, observer } = self;
        let call = observer.query(query.sql());
        match observer.commenting.commented(&query) {
            Some(comments) => {
                Box::pin(call.run_with_kind(comments.fetch_optional(raw.get(), query), kind))
            }
            None => Box::pin(call.run_with_kind(raw.get().fetch_optional(query), kind)),
        }
    }

    fn prepare_with<'e, 'q: 'e>(
        self,
        sql: &'q str,
        parameters: &'e [DB::TypeInfo],
    ) -> BoxFuture<'e, Result<DB::Statement<'q>, Error>>
    where
        't: 'e,
    {
        let call = self.observer.prepare(sql);
        Box::pin(call.run_with_kind(self.raw.get().prepare_with(sql, parameters), kind))
    }

    #[doc(hidden)]
    fn describe<'e, 'q: 'e>(self, sql: &'q str) -> BoxFuture<'e, Result<Describe<DB>, Error>>
    where
        't: 'e,
    {
        self.raw.get().describe(sql)
    }
}

impl<DB: Database> fmt::Debug for Connection<'_, DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// A traced connection of a [`Pool`](crate::Pool). It returns to the pool when it is dropped.
///
/// Run queries on `&mut *connection`.
///
/// ```no_run
/// # #[cfg(feature = "sqlite")]
/// # async fn example(pool: tracewire_sqlx::Pool<sqlx::Sqlite>) -> Result<(), sqlx::Error> {
/// let mut connection = pool.acquire().await?; // the wait is measured
/// sqlx::query("DELETE FROM carts").execute(&mut *connection).await?;
/// # Ok(())
/// # }
/// ```
pub struct PoolConnection<DB: Database> {
    connection: Connection<'static, DB>,
    lease: Lease,
}

impl<DB: Database> PoolConnection<DB> {
    pub(crate) fn new(connection: Connection<'static, DB>, lease: Lease) -> Self {
        Self { connection, lease }
    }

    pub(crate) fn into_parts(self) -> (Connection<'static, DB>, Lease) {
        (self.connection, self.lease)
    }

    /// Closes the connection, so that the pool may open another one.
    ///
    /// # Errors
    ///
    /// Those of sqlx.
    pub async fn close(self) -> Result<(), Error> {
        match self.connection.raw {
            Raw::Pooled(connection) => connection.close().await,
            Raw::Transaction(transaction) => transaction.rollback().await,
        }
    }

    /// Closes the connection when it is dropped, instead of returning it to the pool.
    pub fn close_on_drop(&mut self) {
        if let Raw::Pooled(connection) = &mut self.connection.raw {
            connection.close_on_drop();
        }
    }
}

impl<DB: Database> Deref for PoolConnection<DB> {
    type Target = Connection<'static, DB>;

    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl<DB: Database> DerefMut for PoolConnection<DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.connection
    }
}

impl<DB: Database> fmt::Debug for PoolConnection<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolConnection").finish_non_exhaustive()
    }
}
