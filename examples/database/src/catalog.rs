//! What the shop sells, in a database.

use futures_util::TryStreamExt;
use sqlx::{Error, SqlitePool, query, query_scalar, sqlite::SqlitePoolOptions};
use tracewire::span::database::{Database, ErrorKind};

/// What every call has in common.
static DB: Database = Database::new("sqlite");

pub(crate) struct Catalog {
    pool: SqlitePool,
}

impl Catalog {
    pub(crate) async fn open() -> Result<Self, Error> {
        // One connection, because each has a memory of its own.
        let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await?;
        let sql = "CREATE TABLE items (name TEXT PRIMARY KEY, price INTEGER)";
        DB.query(sql).run(query(sql).execute(&pool)).await?;
        Ok(Self { pool })
    }

    /// Fails with the database's own code if the item is there already.
    pub(crate) async fn add(&self, name: &str, price: i64) -> Result<(), Error> {
        let sql = "INSERT INTO items VALUES (?, ?)";
        let insert = query(sql).bind(name).bind(price).execute(&self.pool);
        DB.query(sql).run_with_kind(insert, kind).await?;
        Ok(())
    }

    /// Fails if there is no such item, which is an ordinary answer and no error of the database.
    pub(crate) async fn price(&self, name: &str) -> Result<i64, Error> {
        let sql = "SELECT price FROM items WHERE name = ?";
        let select = query_scalar(sql).bind(name).fetch_one(&self.pool);
        DB.query(sql).run_with_kind(select, kind).await
    }

    /// A query with a number in it, and its rows one by one: the number is not exported.
    pub(crate) async fn items_below(&self, price: i64) -> Result<Vec<String>, Error> {
        let sql = format!("SELECT name FROM items WHERE price < {price}");
        let rows = query_scalar(&sql).fetch(&self.pool);
        DB.query(&sql).stream_with_kind(rows, kind).try_collect().await
    }
}

/// What an error means: nothing, a code of the database, or a name.
fn kind(error: &Error) -> ErrorKind {
    match error {
        Error::RowNotFound => ErrorKind::Expected,
        Error::PoolTimedOut => ErrorKind::Named("timeout"),
        Error::Io(_) | Error::Tls(_) => ErrorKind::Named("connect"),
        Error::Database(error) => ErrorKind::code(error.code().map(|code| code.into_owned())),
        _ => ErrorKind::Other,
    }
}
