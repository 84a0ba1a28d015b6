//! What a traced pool says of itself.
#![cfg(feature = "sqlite")]

use sqlx::{Error, Executor, Sqlite, query, sqlite::SqlitePoolOptions};
use std::{sync::Arc, time::Duration};
use tokio::sync::oneshot;
use tracewire_span::span;
use tracewire_sqlx::Pool;
use tracewire_testing::Capture;

async fn pool(options: SqlitePoolOptions) -> Pool<Sqlite> {
    tracewire_sqlx::pool(options.connect("sqlite::memory:").await.expect("it opens")).name("shop")
}

#[tokio::test]
async fn a_wait_is_a_span_before_the_query() {
    let capture = Capture::new();
    let pool = pool(SqlitePoolOptions::new().max_connections(1)).await;
    let pool = pool.wait_spans_from(Duration::ZERO);
    let held = pool.acquire().await.unwrap();
    let (waits, waiting) = oneshot::channel();
    let shop = pool.clone();
    let work = span("checkout").run(async move {
        let select = query("SELECT 1").execute(&shop);
        waits.send(()).unwrap();
        select.await.map(drop)
    });
    let work = tokio::spawn(capture.run(work));
    waiting.await.unwrap();
    drop(held);
    work.await.unwrap().unwrap();
    let spans = capture.finished().await;
    spans.assert_snapshot(
        r#"
        checkout
          wait for connection
          | db.client.connection.pool.name = "shop"
          | db.system.name = "sqlite"
          SELECT [client]
          | db.query.summary = "SELECT"
          | db.query.text = "SELECT ?"
          | db.system.name = "sqlite"
        "#,
    );
    assert!(spans.one("wait for connection").end_time <= spans.one("SELECT").start_time);
}

#[tokio::test]
async fn a_pool_without_connections_fails_the_wait_and_makes_no_query() {
    let capture = Capture::new();
    let options = SqlitePoolOptions::new().max_connections(1);
    let pool = pool(options.acquire_timeout(Duration::from_millis(10))).await;
    let held = pool.acquire().await.unwrap();
    let work = async {
        let refused = query("SELECT 1").execute(&pool).await;
        assert!(matches!(refused, Err(Error::PoolTimedOut)));
        let refused = pool.begin().await.map(drop);
        assert!(matches!(refused, Err(Error::PoolTimedOut)));
        assert!(pool.try_acquire().is_none());
        pool.close().await;
    };
    // Closing waits for what is held.
    let (_, ()) = tokio::join!(capture.run(work), async {
        tokio::time::sleep(Duration::from_millis(40)).await;
        drop(held);
    });
    let spans = capture.finished().await;
    assert_eq!(spans.len(), 2, "{spans}");
    for wait in spans.named("wait for connection") {
        wait.has("error.type", "timeout").is_error();
    }
    assert_eq!(capture.metrics().one("db.client.connection.timeouts").only().value, 2.0);

    let closed = Capture::new();
    closed.run(async { pool.acquire().await.map(drop) }).await.unwrap_err();
    closed.finished().await.one("wait for connection").has("error.type", "pool_closed");
}

#[tokio::test]
async fn a_caller_who_gives_up_waits_no_longer() {
    let capture = Capture::new();
    let pool = pool(SqlitePoolOptions::new().max_connections(1)).await;
    let held = pool.acquire().await.unwrap();
    let wait = query("SELECT 1").execute(&pool);
    let given_up = capture.run(tokio::time::timeout(Duration::from_millis(10), wait)).await;
    assert!(given_up.is_err());
    capture.finished().await.only().has_no("error.type");
    drop(held);
    capture.run(query("SELECT 1").execute(&pool)).await.unwrap();
}

#[tokio::test]
async fn the_connections_of_a_pool_are_counted() {
    let capture = Capture::new();
    let options = SqlitePoolOptions::new().max_connections(3).min_connections(1);
    let pool = pool(options).await;
    let work = async {
        let _first = pool.acquire().await.unwrap();
        let second = pool.acquire().await.unwrap();
        drop(second);
        // It returns by a task of its own.
        while pool.num_idle() == 0 {
            tokio::task::yield_now().await;
        }
        capture.metrics()
    };
    let metrics = capture.run(work).await;
    let text = metrics.snapshot();
    for line in [
        "db.client.connection.count [up-down counter] {connection}",
        "db.client.connection.idle.min [up-down counter] {connection}",
        "db.client.connection.max [up-down counter] {connection}",
        "db.client.connection.pending_requests [up-down counter] {request}",
        "db.client.connection.use_time [histogram] s",
        "db.client.connection.wait_time [histogram] s",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let name = ("db.client.connection.pool.name", "shop");
    let count = metrics.one("db.client.connection.count");
    for state in ["idle", "used"] {
        let point = count.point([name, ("db.client.connection.state", state)]);
        assert_eq!(point.value, 1.0, "{state}\n{text}");
    }
    assert_eq!(metrics.one("db.client.connection.max").point([name]).value, 3.0);
    assert_eq!(metrics.one("db.client.connection.idle.min").point([name]).value, 1.0);
    assert_eq!(metrics.one("db.client.connection.pending_requests").point([name]).value, 0.0);
    assert_eq!(metrics.one("db.client.connection.use_time").point([name]).count, 1);
    assert_eq!(metrics.one("db.client.connection.wait_time").point([name]).count, 2);
}

#[tokio::test]
async fn a_storm_of_callers_is_counted_to_the_last() {
    let capture =
        Capture::with(|spans| spans.with_sampler(opentelemetry_sdk::trace::Sampler::AlwaysOff));
    let pool = Arc::new(pool(SqlitePoolOptions::new().max_connections(2)).await);
    let callers: Vec<_> = (0..500)
        .map(|caller| {
            let pool = pool.clone();
            let call = async move {
                let query = pool.execute("SELECT 1");
                // Some give up at once.
                let patience = if caller % 5 == 0 { Duration::ZERO } else { Duration::MAX };
                tokio::time::timeout(patience, query).await.is_ok()
            };
            tokio::spawn(capture.run(call))
        })
        .collect();
    let mut served = 0;
    for caller in callers {
        served += u64::from(caller.await.unwrap());
    }
    assert!(served >= 400, "{served}");
    let metrics = capture.metrics();
    assert_eq!(metrics.one("db.client.connection.pending_requests").only().value, 0.0);
    let uses = metrics.one("db.client.connection.use_time").only().count;
    assert_eq!(metrics.one("db.client.connection.wait_time").only().count, uses);
    assert!(uses >= served, "{uses} {served}");
}
