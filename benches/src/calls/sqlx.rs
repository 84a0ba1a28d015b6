//! Queries through sqlx to a database in memory, whose work is on a thread of its own and not counted.

use sqlx::{Sqlite, SqlitePool, query_scalar, sqlite::SqlitePoolOptions};
use std::{hint::black_box, time::Duration};
use tokio::runtime::{Builder, Runtime};

const SQL: &str = "SELECT name FROM items WHERE price > ? AND stock > 0 LIMIT 1";

/// A call through a pool that is traced.
pub(super) fn traced() -> Box<dyn FnMut()> {
    let (runtime, pool) = shop();
    // How long a call waits for the only connection depends on the machine.
    let pool = tracewire_sqlx::pool(pool).wait_spans_from(Duration::MAX);
    Box::new(move || {
        let query = query_scalar::<Sqlite, String>(black_box(SQL)).bind(17).fetch_one(&pool);
        let name = runtime.block_on(query).expect("there is one");
        drop(black_box(name));
    })
}

/// The same through sqlx's own pool.
pub(super) fn bare() -> Box<dyn FnMut()> {
    let (runtime, pool) = shop();
    Box::new(move || {
        let query = query_scalar::<Sqlite, String>(black_box(SQL)).bind(17).fetch_one(&pool);
        let name = runtime.block_on(query).expect("there is one");
        drop(black_box(name));
    })
}

fn shop() -> (Runtime, SqlitePool) {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime starts");
    let pool = runtime.block_on(async {
        let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await?;
        let items = "CREATE TABLE items (name TEXT, price INTEGER, stock INTEGER)";
        sqlx::query(items).execute(&pool).await?;
        sqlx::query("INSERT INTO items VALUES ('lamp', 25, 3)").execute(&pool).await?;
        Ok::<_, sqlx::Error>(pool)
    });
    (runtime, pool.expect("a database in memory"))
}
