//! Through diesel-async, by the one line that traces all connections.

use super::{server::Postgres, sqlx::no_secret, try_to};
use crate::relay::expect;
use diesel::{prelude::*, sql_types::Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use opentelemetry::Value;
use std::time::Duration;
use tracewire_span::span;
use tracewire_testing::Capture;

diesel::table! {
    carts (name) { name -> Text, price -> Integer }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

pub(super) async fn queries(postgres: &Postgres) -> Result<(), String> {
    try_to("instrumentation", async {
        diesel::connection::set_default_instrumentation(tracewire_diesel::instrumentation)
    })
    .await?;
    let (url, capture) = (postgres.url(), Capture::new());
    let work = span("request").run(async {
        let mut db = AsyncPgConnection::establish(&url).await?;
        db.batch_execute("CREATE TABLE carts (name text PRIMARY KEY, price int NOT NULL)").await?;
        let cart = || (carts::name.eq("SECRET"), carts::price.eq(25));
        let insert = diesel::insert_into(carts::table).values(cart());
        insert.execute(&mut db).await?;
        let insert = diesel::insert_into(carts::table).values(cart());
        assert!(insert.execute(&mut db).await.is_err(), "it is there");
        db.transaction(async |db| {
            let prices = diesel::update(carts::table).set(carts::price.eq(26));
            prices.execute(db).await
        })
        .await?;
        let slow =
            diesel::sql_query("SELECT pg_sleep(10), $1 AS given_up").bind::<Text, _>("SECRET");
        let given_up = tokio::time::timeout(Duration::from_millis(30), slow.execute(&mut db)).await;
        assert!(given_up.is_err(), "nobody waits for it");
        // The connection still runs that query: another one is fine.
        let mut db = AsyncPgConnection::establish(&url).await?;
        let price = carts::table.filter(carts::name.eq("SECRET")).select(carts::price);
        assert_eq!(price.first::<i32>(&mut db).await?, 26);
        Ok::<_, Failure>(())
    });
    try_to("queries", capture.run(work)).await?;
    let spans = capture.finished().await;
    let mut names: Vec<_> = spans.iter().map(|span| span.name.to_string()).collect();
    names.sort();
    let expected = [
        "BEGIN",
        "COMMIT",
        "CONNECT postgres",
        "CONNECT postgres",
        "CREATE TABLE carts",
        "INSERT carts",
        "INSERT carts",
        "SELECT",
        "SELECT carts",
        "SET", // each connection sets its time zone and encoding first
        "SET",
        "SET",
        "SET",
        "UPDATE carts",
        "request",
    ];
    expect("spans", names, expected.map(str::to_owned).to_vec())?;
    spans.one("UPDATE carts").has_exactly([
        ("db.system.name", Value::from("postgresql")),
        ("db.namespace", "postgres".into()),
        ("db.query.summary", "UPDATE carts".into()),
        ("db.query.text", r#"UPDATE "carts" SET "price" = $1"#.into()),
        ("server.address", "127.0.0.1".into()),
        ("server.port", i64::from(postgres.port).into()),
    ]);
    let refused = spans.named("INSERT carts").pop().ok_or("no second insert")?;
    refused.has("error.type", "unique_violation");
    no_secret(&capture)
}
