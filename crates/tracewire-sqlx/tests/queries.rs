//! Queries through a traced pool: code written for sqlx compiles unchanged, and is traced.
#![cfg(feature = "sqlite")]

use futures_util::TryStreamExt;
use sqlx::{
    Error, Executor, FromRow, Row, Sqlite, Statement, query, query_as, query_scalar, raw_sql,
    sqlite::{SqlitePoolOptions, SqliteRow},
};
use std::time::Duration;
use tracewire_span::span;
use tracewire_sqlx::{Connection, Pool};
use tracewire_testing::{Capture, Spans};

#[derive(Debug, FromRow, PartialEq)]
struct Item {
    name: String,
    price: i64,
}

/// A shop with two items, in memory, and no spans of waits: those depend on the machine.
async fn shop() -> Pool<Sqlite> {
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect("sqlite::memory:")
        .await
        .expect("it runs");
    pool.execute("CREATE TABLE items (name TEXT PRIMARY KEY, price INTEGER)")
        .await
        .expect("it runs");
    pool.execute("INSERT INTO items VALUES ('lamp', 25), ('chair', 60)").await.expect("it runs");
    tracewire_sqlx::pool(pool).wait_spans_from(Duration::MAX)
}

fn names(spans: &Spans) -> Vec<String> {
    spans.iter().map(|span| span.name.to_string()).collect()
}

#[tokio::test]
async fn every_way_to_run_a_query_is_one_span() {
    let (capture, pool) = (Capture::new(), shop().await);
    let work = async {
        let chair: Item =
            query_as("SELECT * FROM items WHERE name = ?").bind("chair").fetch_one(&pool).await?;
        assert_eq!(chair, Item { name: "chair".into(), price: 60 });
        let all = query_as::<_, Item>("SELECT * FROM items").fetch_all(&pool).await?;
        assert_eq!(all.len(), 2);
        let streamed: Vec<Item> =
            query_as("SELECT * FROM items").fetch(&pool).try_collect().await?;
        assert_eq!(streamed, all);
        let sum: i64 = query_scalar("SELECT sum(price) FROM items").fetch_one(&pool).await?;
        assert_eq!(sum, 85);
        let none = query("SELECT 1 FROM items WHERE false").fetch_optional(&pool).await?;
        assert!(none.is_none());
        let mapped = query("SELECT name FROM items").map(|row: SqliteRow| row.get::<String, _>(0));
        assert_eq!(mapped.fetch_all(&pool).await?.len(), 2);
        let updated = query("UPDATE items SET price = 1").execute(&pool).await?;
        assert_eq!(updated.rows_affected(), 2);
        raw_sql("DELETE FROM items; SELECT 1").execute(&pool).await?;
        pool.execute("VACUUM").await?;
        let statement = pool.prepare("SELECT 2").await?;
        let two: i64 = statement.query_scalar().fetch_one(&pool).await?;
        assert_eq!(two, 2);
        Ok::<_, Error>(())
    };
    capture.run(work).await.unwrap();
    let spans = capture.finished().await;
    assert_eq!(
        names(&spans),
        [
            "SELECT items",
            "SELECT items",
            "SELECT items",
            "SELECT items",
            "SELECT items",
            "SELECT items",
            "UPDATE items",
            "DELETE items SELECT",
            "VACUUM",
            "PREPARE",
            "SELECT",
        ]
    );
    assert!(spans.iter().all(|span| span.status == tracewire_span::Status::Unset), "{spans}");
}

#[tokio::test]
async fn connections_and_transactions_are_traced_unchanged() {
    async fn reprice(db: &mut Connection<'_, Sqlite>, price: i64) -> Result<(), Error> {
        query("UPDATE items SET price = ?").bind(price).execute(&mut *db).await?;
        query("SELECT price FROM items").fetch_one(db).await.map(drop)
    }
    let (capture, pool) = (Capture::new(), shop().await);
    let work = async {
        let mut connection = pool.acquire().await?;
        query("SELECT * FROM items").fetch_all(&mut *connection).await?;
        connection.execute("DELETE FROM items WHERE name = 'chair'").await?;
        let mut inner = connection.begin().await?;
        reprice(&mut inner, 7).await?;
        inner.rollback().await?;
        drop(connection);

        let mut tx = pool.begin().await?;
        query("INSERT INTO items VALUES (?, ?)").bind("sofa").bind(1).execute(&mut *tx).await?;
        let mut savepoint = tx.begin().await?;
        reprice(&mut savepoint, 8).await?;
        savepoint.rollback().await?;
        tx.begin().await?.commit().await?;
        tx.commit().await?;
        let mut dropped = pool.begin_with("BEGIN IMMEDIATE").await?;
        reprice(&mut dropped, 9).await?;
        drop(dropped);
        let sum: i64 = query_scalar("SELECT sum(price) FROM items").fetch_one(&pool).await?;
        assert_eq!(sum, 26);
        Ok::<_, Error>(())
    };
    capture.run(async { span("shop").run(work).await }).await.unwrap();
    capture.finished().await.assert_tree(
        "
        shop
          SELECT items [client]
          DELETE items [client]
          BEGIN [client]
          UPDATE items [client]
          SELECT items [client]
          ROLLBACK [client]
          BEGIN [client]
          INSERT items [client]
          SAVEPOINT [client]
          UPDATE items [client]
          SELECT items [client]
          ROLLBACK TO SAVEPOINT [client]
          SAVEPOINT [client]
          RELEASE SAVEPOINT [client]
          COMMIT [client]
          BEGIN [client]
          UPDATE items [client]
          SELECT items [client]
          SELECT items [client]
        ",
    );
}

#[tokio::test]
async fn errors_are_recorded_by_code_and_an_empty_result_is_none() {
    let (capture, pool) = (Capture::new(), shop().await);
    let work = async {
        let twice = query("INSERT INTO items VALUES ('lamp', 1)").execute(&pool).await;
        assert!(matches!(twice, Err(Error::Database(_))));
        let nothing = query("SELECT * FROM items WHERE price = 0").fetch_one(&pool).await;
        assert!(matches!(nothing, Err(Error::RowNotFound)));
        let unknown = query("SELECT * FROM secrets").fetch_all(&pool).await;
        assert!(unknown.is_err());
        let mut tx = pool.begin().await.unwrap();
        let again = tx.begin_with("BEGIN").await.map(drop);
        assert!(matches!(again, Err(Error::InvalidSavePointStatement)));
    };
    capture.run(work).await;
    capture.finished().await.assert_snapshot(
        r#"
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
        | db.query.text = "SELECT * FROM items WHERE price = ?"
        | db.system.name = "sqlite"
        SELECT secrets [client] error
        | db.query.summary = "SELECT secrets"
        | db.query.text = "SELECT * FROM secrets"
        | db.response.status_code = "1"
        | db.system.name = "sqlite"
        | error.type = "1"
        | ! exception
        |   exception.type = "sqlx_core::error::Error"
        BEGIN [client]
        | db.operation.name = "BEGIN"
        | db.query.summary = "BEGIN"
        | db.system.name = "sqlite"
        BEGIN [client] error
        | db.query.summary = "BEGIN"
        | db.query.text = "BEGIN"
        | db.system.name = "sqlite"
        | error.type = "_OTHER"
        | ! exception
        |   exception.type = "sqlx_core::error::Error"
        "#,
    );
    let durations = capture.metrics();
    let durations = durations.one("db.client.operation.duration");
    assert_eq!(durations.points.iter().map(|point| point.count).sum::<u64>(), 5);
}

#[tokio::test]
async fn a_stream_ends_its_span_when_it_is_dropped() {
    let (capture, pool) = (Capture::new(), shop().await);
    let mut rows = capture.run(query("SELECT * FROM items").fetch(&pool));
    assert!(rows.try_next().await.unwrap().is_some());
    assert!(capture.spans().is_empty());
    drop(rows);
    let span = capture.finished().await.only();
    assert_eq!((&*span.name, &span.status), ("SELECT items", &tracewire_span::Status::Unset));
    // The connection is back.
    query("SELECT 1").fetch_one(&pool).await.unwrap();
}

#[tokio::test]
async fn a_query_that_is_dropped_ends_without_an_error() {
    let (capture, pool) = (Capture::new(), shop().await);
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n";
    let mut rows = capture.run(query(endless).fetch(&pool));
    assert!(rows.try_next().await.unwrap().is_some());
    drop(rows);
    capture.finished().await.only().has_no("error.type");

    let mut connection = pool.acquire().await.unwrap();
    let mut select = Box::pin(capture.run(query("SELECT 1").execute(&mut *connection)));
    let _started = futures_util::poll!(&mut select);
    drop(select);
    capture.finished().await.one("SELECT").has_no("error.type");
}

#[tokio::test]
async fn a_file_is_named_without_its_folder() {
    let folder = std::env::temp_dir().join(format!("tracewire-sqlx-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let url = format!("sqlite://{}?mode=rwc", folder.join("shop.db").display());
    let capture = Capture::new();
    let pool = tracewire_sqlx::pool(sqlx::SqlitePool::connect(&url).await.unwrap());
    let pool = pool.wait_spans_from(Duration::MAX);
    capture.run(pool.execute("SELECT 'secret' AS a")).await.unwrap();
    pool.close().await;
    std::fs::remove_dir_all(&folder).unwrap();
    capture.finished().await.only().has_exactly([
        ("db.system.name", "sqlite"),
        ("db.namespace", "shop.db"),
        ("db.query.summary", "SELECT"),
        ("db.query.text", "SELECT ? AS a"),
    ]);
}

#[tokio::test]
async fn hostile_statements_are_bounded_and_reach_the_database_unchanged() {
    let (capture, pool) = (Capture::new(), shop().await);
    let quoted = |text: &str| format!("SELECT '{text}' AS a");
    for statement in [
        quoted(&"x".repeat(8 << 20)),
        quoted("it''s -- $$ /* `"),
        format!("SELECT 1 {}", "/* ".repeat(1 << 20)),
        "SELECT 'never closed".into(),
        "SELECT $$never closed".into(),
        // No NUL: sqlx does not return from it with SQLite.
        "\u{1}'\"`[".into(),
        ";".repeat(1 << 8),
        String::new(),
    ] {
        let bare: Result<Vec<_>, Error> = (&*pool).fetch_all(statement.as_str()).await;
        let traced = capture.run(query_text(&pool, &statement)).await;
        assert_eq!(bare.map(|rows| rows.len()).ok(), traced.ok(), "{statement:.40}");
    }
    for span in capture.finished().await.iter() {
        assert!(span.name.len() <= 256 && format!("{span:?}").len() < 8192, "{span:?}");
    }
}

async fn query_text(pool: &Pool<Sqlite>, statement: &str) -> Result<usize, Error> {
    pool.fetch_all(statement).await.map(|rows| rows.len())
}
