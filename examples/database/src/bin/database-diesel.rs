//! The same shop with diesel, whose calls block.
//!
//! `cargo run -p database --bin database-diesel` sells a few things and prints the trace of it.

#![allow(missing_docs)] // `table!` documents nothing

use diesel::{connection::SimpleConnection, prelude::*, sql_types::Text};
use std::error::Error;
use tracewire::{
    Telemetry,
    setup::TracesExporter,
    span::{span, spawn_blocking},
};

diesel::table! {
    items (name) { name -> Text, price -> Integer }
}

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let telemetry = Telemetry::builder()
        .defaults(|defaults| {
            defaults.service_name("database").traces([TracesExporter::console()]).metrics([])
        })
        .init()?;
    // The one line that traces every query, before connections are established.
    diesel::connection::set_default_instrumentation(tracewire::diesel::instrumentation)?;
    // On a thread for blocking work; the queries are below the span all the same.
    span("open shop").run(async { spawn_blocking(open_shop).await }).await??;
    telemetry.shutdown();
    Ok(())
}

fn open_shop() -> Result<(), Failure> {
    let mut shop = SqliteConnection::establish(":memory:")?;
    shop.batch_execute("CREATE TABLE items (name TEXT PRIMARY KEY, price INTEGER NOT NULL)")?;
    let add = |shop: &mut SqliteConnection, name: &str, price: i32| {
        let item = (items::name.eq(name), items::price.eq(price));
        diesel::insert_into(items::table).values(item).execute(shop)
    };
    shop.transaction(|shop| {
        add(shop, "lamp", 25)?;
        add(shop, "chair", 60)
    })?;
    // Fails, because the name is the primary key; the span of this call has the error.
    let _refused = add(&mut shop, "lamp", 30);
    let price: i32 = items::table.find("lamp").select(items::price).first(&mut shop)?;
    // A query with a literal in it and a bound value. Neither is exported.
    let sql = format!("SELECT name, price FROM items WHERE price < {price} OR name = ?");
    diesel::sql_query(sql).bind::<Text, _>("chair").execute(&mut shop)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracewire_testing::Capture;

    #[tokio::test]
    async fn every_query_is_a_span() {
        diesel::connection::set_default_instrumentation(tracewire::diesel::instrumentation)
            .unwrap();
        let capture = Capture::new();
        let shop = async { span("open shop").run(async { spawn_blocking(open_shop).await }).await };
        capture.run(shop).await.unwrap().unwrap();
        let spans = capture.finished().await;
        spans.assert_tree(
            "
            open shop
              CONNECT [client]
              CREATE TABLE items [client]
              BEGIN [client]
              INSERT items [client]
              INSERT items [client]
              COMMIT [client]
              INSERT items [client] error
              SELECT items [client]
              SELECT items [client]
            ",
        );
        let refused = spans.named("INSERT items").pop().unwrap();
        refused.has("error.type", "unique_violation");
        let last = spans.named("SELECT items").pop().unwrap();
        last.has("db.query.text", "SELECT name, price FROM items WHERE price < ? OR name = ?");
        assert!(!format!("{spans:?}").contains("chair"));
    }
}
