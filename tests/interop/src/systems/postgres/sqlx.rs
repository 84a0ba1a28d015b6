//! Through sqlx.

use super::{server::Postgres, try_to};
use crate::relay::expect;
use opentelemetry::Value;
use sqlx::{
    Executor, PgPool, Postgres as Driver, Statement,
    postgres::{PgListener, PgPoolOptions},
    query, query_scalar, raw_sql,
};
use std::time::Duration;
use tracewire_sqlx::Pool;
use tracewire_testing::{Capture, Span};

pub(super) async fn pool(postgres: &Postgres) -> Result<Pool<Driver>, String> {
    let options = PgPoolOptions::new().max_connections(4).acquire_timeout(Duration::from_secs(10));
    let pool: PgPool = try_to("connecting", options.connect(&postgres.url())).await?;
    // How long connections are waited for depends on the machine.
    Ok(tracewire_sqlx::pool(pool).wait_spans_from(Duration::MAX))
}

pub(super) async fn queries(postgres: &Postgres) -> Result<(), String> {
    let (pool, capture) = (pool(postgres).await?, Capture::new());
    let work = async {
        pool.execute("CREATE TABLE items (name text PRIMARY KEY, price int)").await?;
        let insert = "INSERT INTO items VALUES ($1, 25)";
        query(insert).bind("SECRET").execute(&pool).await?;
        assert!(query(insert).bind("SECRET").execute(&pool).await.is_err(), "it is there");
        let mut tx = pool.begin().await?;
        query("UPDATE items SET price = $1").bind(26).execute(&mut *tx).await?;
        let mut savepoint = tx.begin().await?;
        query("DELETE FROM items").execute(&mut *savepoint).await?;
        savepoint.rollback().await?;
        tx.commit().await?;
        let statement = pool.prepare("SELECT price FROM items WHERE name = $1").await?;
        let price: i32 = statement.query_scalar().bind("SECRET").fetch_one(&pool).await?;
        assert_eq!(price, 26);
        let both = "SELECT 'SECRET'; SELECT name FROM items WHERE name = $t$SECRET$t$";
        pool.fetch_all(raw_sql(both)).await.map(drop)
    };
    try_to("queries", capture.run(work)).await?;
    let spans = capture.finished().await;
    let names: Vec<_> = spans.iter().map(|span| span.name.to_string()).collect();
    let expected = [
        "CREATE TABLE items",
        "INSERT items",
        "INSERT items",
        "BEGIN",
        "UPDATE items",
        "SAVEPOINT",
        "DELETE items",
        "ROLLBACK TO SAVEPOINT",
        "COMMIT",
        "PREPARE",
        "SELECT items",
        "SELECT SELECT items",
    ];
    expect("spans", names, expected.map(str::to_owned).to_vec())?;
    spans[2].has_exactly([
        ("db.system.name", Value::from("postgresql")),
        ("db.namespace", "postgres".into()),
        ("db.query.summary", "INSERT items".into()),
        ("db.query.text", "INSERT INTO items VALUES ($1, ?)".into()),
        ("db.response.status_code", "23505".into()),
        ("error.type", "23505".into()),
        ("server.address", "127.0.0.1".into()),
        ("server.port", i64::from(postgres.port).into()),
    ]);
    no_secret(&capture)
}

pub(super) async fn copies(postgres: &Postgres) -> Result<(), String> {
    let (pool, capture) = (pool(postgres).await?, Capture::new());
    let work = async {
        let mut connection = pool.acquire().await?;
        connection.execute("CREATE TEMPORARY TABLE copied (name text)").await?;
        let copy = connection.untraced();
        let mut copy = copy.copy_in_raw("COPY copied FROM STDIN").await?;
        copy.send(&b"SECRET\nother\n"[..]).await?;
        assert_eq!(copy.finish().await?, 2);
        let copied: i64 =
            query_scalar("SELECT count(*) FROM copied").fetch_one(&mut *connection).await?;
        assert_eq!(copied, 2);
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen("sold").await?;
        connection.execute("NOTIFY sold, 'SECRET'").await?;
        assert_eq!(listener.recv().await?.payload(), "SECRET");
        Ok::<_, sqlx::Error>(())
    };
    let work = async { tokio::time::timeout(Duration::from_secs(20), work).await };
    try_to("copying", async {
        try_to("in time", capture.run(work)).await?.map_err(|e| e.to_string())
    })
    .await?;
    let spans = capture.finished().await;
    let names: Vec<_> = spans.iter().map(|span| span.name.to_string()).collect();
    expect("traced spans", names.len(), 3)?;
    expect("the second", names[1].as_str(), "SELECT copied")?;
    no_secret(&capture)
}

pub(super) async fn failures(postgres: &Postgres) -> Result<(), String> {
    let (pool, capture) = (pool(postgres).await?, Capture::new());
    let work = async {
        let mut connection = pool.acquire().await?;
        connection.execute("SET statement_timeout = 20").await?;
        let slow = query("SELECT 'SECRET', pg_sleep(10)");
        assert!(slow.execute(&mut *connection).await.is_err(), "the server cancels it");
        connection.execute("RESET statement_timeout").await?;
        drop(connection);
        let slow = query("SELECT 'SECRET', pg_sleep(2) AS given_up").execute(&pool);
        let given_up = tokio::time::timeout(Duration::from_millis(30), slow).await;
        assert!(given_up.is_err(), "nobody waits for it");
        let mut connection = pool.acquire().await?;
        let pid: i32 = query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *connection).await?;
        // Through sqlx's own pool, because it is no part of what is checked.
        query("SELECT pg_terminate_backend($1)").bind(pid).execute(&*pool).await?;
        let lost = query("SELECT 1 AS lost").execute(&mut *connection).await;
        assert!(lost.is_err(), "its connection is gone");
        drop(connection);
        query("SELECT 1 AS fine").execute(&pool).await.map(drop)
    };
    try_to("failing", capture.run(work)).await?;
    let spans = capture.finished().await;
    let of = |text: &str| -> Span {
        let has = |span: &&Span| {
            span.attribute("db.query.text").is_some_and(|own| own.as_str().contains(text))
        };
        spans.iter().find(has).unwrap_or_else(|| panic!("{text}: {spans}")).clone()
    };
    of("pg_sleep(?)").has("error.type", "57014");
    of("given_up").has_no("error.type");
    of("lost").is_error();
    of("fine").has_no("error.type");
    let metrics = capture.metrics();
    let pending = metrics.one("db.client.connection.pending_requests").only().value;
    expect("callers that wait", pending, 0.0)?;
    no_secret(&capture)
}

/// Neither a value nor the password is anywhere.
pub(super) fn no_secret(capture: &Capture) -> Result<(), String> {
    let all = format!("{:?}{}", capture.spans(), capture.metrics());
    match all.contains("SECRET") {
        true => Err(format!("a secret is in {all}")),
        false => Ok(()),
    }
}
