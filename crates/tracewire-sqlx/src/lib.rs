//! Traces sqlx with OpenTelemetry, without touching each query.
//!
//! ```no_run
//! # #[cfg(feature = "sqlite")]
//! # async fn example(url: &str) -> Result<(), sqlx::Error> {
//! use sqlx::{query, query_scalar};
//!
//! let pool = tracewire_sqlx::pool(sqlx::SqlitePool::connect(url).await?); // the one changed line
//!
//! let price: i64 = query_scalar("SELECT price FROM items WHERE name = ?")
//!     .bind("lamp")
//!     .fetch_one(&pool)
//!     .await?;
//!
//! let mut tx = pool.begin().await?;
//! query("UPDATE items SET price = ?").bind(price + 1).execute(&mut *tx).await?;
//! tx.commit().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Where a struct or a function names the pool's type, `sqlx::PgPool` becomes
//! `tracewire_sqlx::Pool<sqlx::Postgres>`.
//!
//! # What is recorded
//!
//! | what | becomes |
//! |---|---|
//! | a query through the pool, a connection or a transaction | a client span, named after its operation and tables (`SELECT items`), and `db.client.operation.duration` |
//! | `begin`, `commit`, `rollback`, and their savepoints | the same: `BEGIN`, `COMMIT`, `ROLLBACK`, `SAVEPOINT` … |
//! | `prepare` | the same: `PREPARE` |
//! | waiting for a connection, which includes opening a new one | `db.client.connection.wait_time`, and from 1 ms on a span `wait for connection` |
//! | a connection in use | `db.client.connection.use_time` |
//! | the pool | `db.client.connection.count` (idle and used), `max`, `idle.min`, `pending_requests`, `timeouts` |
//!
//! The wait is not part of the query: the span of a query starts when the connection is there, and both
//! spans are children of the current one. A stream of rows (`fetch`) ends its span when it ends or is
//! dropped. A future that is dropped ends its span without an error.
//!
//! Spans and metrics carry `db.system.name`, and `server.address`, `server.port` and `db.namespace` from
//! the connect options as they are when the pool is wrapped. For SQLite the namespace is the file's name
//! without its folder.
//!
//! **Literals and bound values are never exported.** A `?` takes the place of each literal in
//! `db.query.text`; see [`tracewire_span::database`] for the rules of each system. Errors are recorded by
//! the database's code (SQLSTATE; for MySQL its error number) or by a name, without their message.
//! `RowNotFound` is not an error.
//!
//! # What is not traced
//!
//! * Code that takes `&sqlx::Pool`, `&mut PgConnection` or `impl sqlx::Acquire`, which our types are not.
//!   Pass `&*pool`, [`Connection::untraced`] or a type of this crate. Migrations
//!   (`migrator.run(&*pool)`) and `PgListener` are such code.
//! * The rollback of a transaction that is dropped: sqlx runs it with the connection's next use.
//! * What sqlx does by itself: opening connections (part of the wait), health checks, and the preparing of
//!   a statement that `query` runs.
//! * `sqlx::query!` is traced when it runs. At compile time it talks to the database without this crate.
//!
//! # sqlx 0.9
//!
//! sqlx 0.9 requires Rust 1.94, more than this crate does. It will become a feature beside this version.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod comment;
mod connection;
mod driver;
mod error;
mod observer;
mod pool;
mod transaction;

pub use self::{
    comment::Comment,
    connection::{Connection, PoolConnection},
    driver::Driver,
    pool::Pool,
    transaction::Transaction,
};

#[doc(hidden)]
pub mod fuzzing {
    //! What `fuzz/` drives: the comment behind a statement.

    pub use crate::comment::text::{commented, may_be_commented, with_tag};
}

/// The version of sqlx that fits: types of another version are other types.
pub use sqlx;

/// Traces a pool: every query through it, its connections and transactions, and the pool itself.
///
/// See the [crate's documentation](crate#what-is-recorded) for what that records, and [`Pool`] for
/// settings. The pool given is shared, not copied: clones of it stay untraced.
///
/// Use [`Pool::new`] for a driver without a feature here, or to describe the database yourself.
///
/// ```no_run
/// # #[cfg(feature = "postgres")]
/// # async fn example() -> Result<(), sqlx::Error> {
/// let pool = tracewire_sqlx::pool(sqlx::PgPool::connect("postgres://localhost/shop").await?);
/// sqlx::query("DELETE FROM carts").execute(&pool).await?;
/// # Ok(())
/// # }
/// ```
pub fn pool<DB: Driver>(pool: sqlx::Pool<DB>) -> Pool<DB> {
    let database = DB::describe(&pool.connect_options());
    Pool::new(pool, database)
}

#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../README.md")]
struct Readme;
