//! Queries of an embedded database as spans: SQLite through sqlx.
//!
//! `cargo run -p database` sells a few things and prints the trace of it.

mod catalog;

use catalog::Catalog;
use std::error::Error;
use tracewire::{Telemetry, setup::TracesExporter, span::span};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::builder()
        .defaults(|defaults| {
            defaults.service_name("database").traces([TracesExporter::console()]).metrics([])
        })
        .init()?;
    span("open shop").ignore_errors().run(open_shop()).await?;
    telemetry.shutdown();
    Ok(())
}

async fn open_shop() -> Result<(), sqlx::Error> {
    let catalog = Catalog::open().await?;
    catalog.add("lamp", 25).await?;
    catalog.add("chair", 60).await?;
    // Fails, because the name is the primary key; the span of this call has the error.
    let _refused = catalog.add("lamp", 30).await;
    catalog.price("lamp").await?;
    let _not_there = catalog.price("sofa").await;
    catalog.items_below(50).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracewire_testing::Capture;

    #[tokio::test]
    async fn every_query_is_a_span() {
        let capture = Capture::new();
        capture.run(async { span("open shop").run(open_shop()).await }).await.unwrap();
        let spans = capture.finished().await;
        // On a busy machine even the only connection can take a while.
        spans.without("wait for connection").assert_snapshot(
            r#"
            open shop
              CREATE TABLE items [client]
              | db.query.summary = "CREATE TABLE items"
              | db.query.text = "CREATE TABLE items (name TEXT PRIMARY KEY, price INTEGER)"
              | db.system.name = "sqlite"
              INSERT items [client]
              | db.query.summary = "INSERT items"
              | db.query.text = "INSERT INTO items VALUES (?, ?)"
              | db.system.name = "sqlite"
              INSERT items [client]
              | db.query.summary = "INSERT items"
              | db.query.text = "INSERT INTO items VALUES (?, ?)"
              | db.system.name = "sqlite"
              INSERT items [client] error
              | db.query.summary = "INSERT items"
              | db.query.text = "INSERT INTO items VALUES (?, ?)"
              | db.response.status_code = "1555"
              | db.system.name = "sqlite"
              | error.type = "1555"
              | ! exception
              |   exception.type = "sqlx_core::error::Error"
              SELECT items [client]
              | db.query.summary = "SELECT items"
              | db.query.text = "SELECT price FROM items WHERE name = ?"
              | db.system.name = "sqlite"
              SELECT items [client]
              | db.query.summary = "SELECT items"
              | db.query.text = "SELECT price FROM items WHERE name = ?"
              | db.system.name = "sqlite"
              SELECT items [client]
              | db.query.summary = "SELECT items"
              | db.query.text = "SELECT name FROM items WHERE price < ?"
              | db.system.name = "sqlite"
            "#,
        );
        let durations = capture.metrics();
        assert_eq!(durations.one("db.client.operation.duration").points.len(), 4);
    }
}
