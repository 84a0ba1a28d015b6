//! A traced transaction.

use crate::{Connection, PoolConnection, connection::Raw, error::kind, observer::Observer};
use sqlx::{Database, Error};
use std::{
    borrow::Cow,
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
};
use tracewire_span::database::Lease;

/// A traced transaction or savepoint. Run queries on `&mut *tx`.
///
/// If it is dropped without [`commit`](Self::commit), sqlx rolls it back with the connection's next use,
/// which is not traced.
///
/// ```no_run
/// # #[cfg(feature = "sqlite")]
/// # async fn example(pool: tracewire_sqlx::Pool<sqlx::Sqlite>) -> Result<(), sqlx::Error> {
/// let mut tx = pool.begin().await?;
/// sqlx::query("UPDATE items SET stock = stock - 1").execute(&mut *tx).await?;
/// tx.commit().await?; // the span `COMMIT`
/// # Ok(())
/// # }
/// ```
pub struct Transaction<'c, DB: Database> {
    connection: Connection<'c, DB>,
    is_savepoint: bool,
    /// For a transaction that a pool began: until when the connection is in use.
    lease: Option<Lease>,
}

impl<DB: Database> Transaction<'static, DB> {
    /// Begins a transaction on a connection, which it then owns.
    pub(crate) async fn on(
        connection: PoolConnection<DB>,
        statement: Option<Cow<'static, str>>,
    ) -> Result<Self, Error> {
        let (Connection { raw, observer }, lease) = connection.into_parts();
        let raw = match raw {
            Raw::Pooled(connection) => begin(&observer, connection, statement, false).await?,
            Raw::Transaction(transaction) => transaction,
        };
        let connection = Connection { raw: Raw::Transaction(raw), observer };
        Ok(Self { connection, is_savepoint: false, lease: Some(lease) })
    }
}

impl<'c, DB: Database> Transaction<'c, DB> {
    /// Begins a transaction on a connection that is borrowed, or a savepoint in a transaction.
    pub(crate) async fn within(
        connection: &'c mut Connection<'_, DB>,
        statement: Option<Cow<'static, str>>,
    ) -> Result<Self, Error> {
        let observer = connection.observer.clone();
        let is_savepoint = matches!(connection.raw, Raw::Transaction(_));
        let raw = begin(&observer, connection.raw.get(), statement, is_savepoint).await?;
        let connection = Connection { raw: Raw::Transaction(raw), observer };
        Ok(Self { connection, is_savepoint, lease: None })
    }

    /// Commits the transaction, or releases the savepoint.
    ///
    /// # Errors
    ///
    /// Those of the statement.
    pub async fn commit(self) -> Result<(), Error> {
        let name = if self.is_savepoint { "RELEASE SAVEPOINT" } else { "COMMIT" };
        let Connection { raw, observer } = self.connection;
        let Raw::Transaction(transaction) = raw else { return Ok(()) };
        let ended = observer.operation(name).run_with_kind(transaction.commit(), kind).await;
        drop(self.lease);
        ended
    }

    /// Rolls the transaction back, or goes back to the savepoint.
    ///
    /// # Errors
    ///
    /// Those of the statement.
    pub async fn rollback(self) -> Result<(), Error> {
        let name = if self.is_savepoint { "ROLLBACK TO SAVEPOINT" } else { "ROLLBACK" };
        let Connection { raw, observer } = self.connection;
        let Raw::Transaction(transaction) = raw else { return Ok(()) };
        let ended = observer.operation(name).run_with_kind(transaction.rollback(), kind).await;
        drop(self.lease);
        ended
    }
}

async fn begin<'c, DB: Database>(
    observer: &Arc<Observer<DB>>,
    connection: impl Into<sqlx::pool::MaybePoolConnection<'c, DB>>,
    statement: Option<Cow<'static, str>>,
    is_savepoint: bool,
) -> Result<sqlx::Transaction<'c, DB>, Error> {
    let call = match (&statement, is_savepoint) {
        (Some(statement), _) => observer.query(statement),
        (None, true) => observer.operation("SAVEPOINT"),
        (None, false) => observer.operation("BEGIN"),
    };
    call.run_with_kind(sqlx::Transaction::begin(connection, statement), kind).await
}

impl<'c, DB: Database> Deref for Transaction<'c, DB> {
    type Target = Connection<'c, DB>;

    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl<DB: Database> DerefMut for Transaction<'_, DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.connection
    }
}

impl<DB: Database> fmt::Debug for Transaction<'_, DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").finish_non_exhaustive()
    }
}
