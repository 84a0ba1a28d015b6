//! Calls to SQLite through sqlx, each a span with its duration.

use sqlx::{Connection, Error, SqliteConnection, query, query_scalar};
use tracewire::span::database::Database;

static DB: Database = Database::new("sqlite");

async fn price(connection: &mut SqliteConnection, item: &str) -> Result<i64, Error> {
    let sql = "SELECT price FROM items WHERE name = ?";
    DB.query(sql).run(query_scalar(sql).bind(item).fetch_one(connection)).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = tracewire::init()?;
    let mut connection = SqliteConnection::connect("sqlite::memory:").await?;
    let sql = "CREATE TABLE items AS SELECT 'tea' AS name, 3 AS price";
    DB.query(sql).run(query(sql).execute(&mut connection)).await?;
    price(&mut connection, "tea").await?;
    telemetry.shutdown();
    Ok(())
}
