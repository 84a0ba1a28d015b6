//! What the shop sells, in a database.

use futures_util::TryStreamExt;
use sqlx::{Error, Sqlite, query, query_scalar, sqlite::SqlitePoolOptions};
use tracewire::sqlx::Pool;

pub(crate) struct Catalog {
    pool: Pool<Sqlite>,
}

impl Catalog {
    pub(crate) async fn open() -> Result<Self, Error> {
        // One connection, because each in-memory database belongs to one connection.
        let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await?;
        let pool = tracewire::sqlx::pool(pool); // the one line that traces every query
        query("CREATE TABLE items (name TEXT PRIMARY KEY, price INTEGER)").execute(&pool).await?;
        Ok(Self { pool })
    }

    /// Fails with the database's own code if the item is there already.
    pub(crate) async fn add(&self, name: &str, price: i64) -> Result<(), Error> {
        let insert = query("INSERT INTO items VALUES (?, ?)").bind(name).bind(price);
        insert.execute(&self.pool).await?;
        Ok(())
    }

    /// Fails if there is no such item. That is an ordinary result, not an error of the database.
    pub(crate) async fn price(&self, name: &str) -> Result<i64, Error> {
        let select = query_scalar("SELECT price FROM items WHERE name = ?").bind(name);
        select.fetch_one(&self.pool).await
    }

    /// Streams the rows of a query with a literal in it. The literal is not exported.
    pub(crate) async fn items_below(&self, price: i64) -> Result<Vec<String>, Error> {
        let sql = format!("SELECT name FROM items WHERE price < {price}");
        query_scalar(&sql).fetch(&self.pool).try_collect().await
    }
}
