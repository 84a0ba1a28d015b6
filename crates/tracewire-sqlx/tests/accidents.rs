//! Panics, callers who leave half-way, and pools that close: spans and counts end, and connections return.
#![cfg(feature = "sqlite")]

use futures_util::{FutureExt, TryStreamExt, poll};
use sqlx::{Error, Sqlite, query, query_scalar, sqlite::SqlitePoolOptions};
use std::{panic::AssertUnwindSafe, pin::pin, time::Duration};
use tracewire_span::{Status, span};
use tracewire_sqlx::Pool;
use tracewire_testing::Capture;

/// A shop with one connection, so that what is not given back is missed.
async fn shop() -> Pool<Sqlite> {
    let options = SqlitePoolOptions::new().max_connections(1);
    let pool = options.acquire_timeout(Duration::from_secs(5)).connect("sqlite::memory:").await;
    let pool = tracewire_sqlx::pool(pool.expect("it opens")).wait_spans_from(Duration::MAX);
    query("CREATE TABLE items (name TEXT)").execute(&pool).await.expect("it runs");
    query("INSERT INTO items VALUES ('lamp'), ('chair')").execute(&pool).await.expect("it runs");
    pool
}

async fn count(pool: &Pool<Sqlite>) -> i64 {
    query_scalar("SELECT count(*) FROM items").fetch_one(pool).await.expect("a connection is free")
}

#[tokio::test]
async fn a_panic_between_rows_ends_the_query_and_gives_its_connection_back() {
    let (capture, pool) = (Capture::new(), shop().await);
    let work = async {
        let mut rows = query("SELECT name FROM items").fetch(&pool);
        rows.try_next().await.unwrap().unwrap();
        panic!("on purpose");
    };
    AssertUnwindSafe(capture.run(work)).catch_unwind().await.unwrap_err();
    capture.finished().await.one("SELECT items").has_no("error.type");
    assert_eq!(count(&pool).await, 2);
    let metrics = capture.metrics();
    assert_eq!(metrics.one("db.client.operation.duration").only().count, 1);
    assert_eq!(metrics.one("db.client.connection.use_time").only().count, 2);
    assert_eq!(metrics.one("db.client.connection.pending_requests").only().value, 0.0);
}

#[tokio::test]
async fn a_panic_within_a_transaction_rolls_it_back() {
    let (capture, pool) = (Capture::new(), shop().await);
    let work = async {
        let mut tx = pool.begin().await.unwrap();
        query("DELETE FROM items").execute(&mut *tx).await.unwrap();
        let mut savepoint = tx.begin().await.unwrap();
        query("INSERT INTO items VALUES ('sofa')").execute(&mut *savepoint).await.unwrap();
        panic!("on purpose");
    };
    AssertUnwindSafe(capture.run(work)).catch_unwind().await.unwrap_err();
    let spans = capture.finished().await;
    spans.assert_tree(
        "
        BEGIN [client]
        DELETE items [client]
        SAVEPOINT [client]
        INSERT items [client]
        ",
    );
    assert_eq!(count(&pool).await, 2);
}

#[tokio::test]
async fn transactions_whose_begin_and_commit_are_left_give_their_connection_back() {
    let (capture, pool) = (Capture::new(), shop().await);
    let work = async {
        for polls in 0..8 {
            let mut begin = pin!(pool.begin());
            for _ in 0..polls {
                if poll!(&mut begin).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        for polls in 0..8 {
            let mut tx = pool.begin().await.unwrap();
            query("SELECT 1").execute(&mut *tx).await.unwrap();
            let mut commit = pin!(tx.commit());
            for _ in 0..polls {
                if poll!(&mut commit).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
    };
    capture.run(work).await;
    assert_eq!(count(&pool).await, 2);
    let spans = capture.finished().await;
    assert!(spans.iter().all(|span| span.status == Status::Unset), "{spans}");
    let metrics = capture.metrics();
    assert_eq!(metrics.one("db.client.connection.pending_requests").only().value, 0.0);
}

#[tokio::test]
async fn a_query_in_the_loop_over_anothers_rows_is_not_below_it() {
    let capture = Capture::new();
    let (one, other) = (shop().await, shop().await);
    let work = span("restock").run(async {
        let mut rows = query_scalar::<_, String>("SELECT name FROM items").fetch(&one);
        while let Some(name) = rows.try_next().await? {
            let insert = query("INSERT INTO items VALUES (?)").bind(name);
            insert.execute(&other).await?;
        }
        Ok::<_, Error>(())
    });
    capture.run(work).await.unwrap();
    capture.finished().await.assert_tree(
        "
        restock
          SELECT items [client]
          INSERT items [client]
          INSERT items [client]
        ",
    );
}

#[tokio::test]
async fn callers_who_wait_for_a_pool_that_closes_are_told() {
    let (capture, pool) = (Capture::new(), shop().await);
    let held = pool.acquire().await.unwrap();
    let waits = async {
        let query = query("SELECT 1").execute(&pool).await;
        assert!(matches!(query, Err(Error::PoolClosed)), "{query:?}");
    };
    let closes = async {
        tokio::task::yield_now().await;
        let close = pool.close();
        drop(held);
        close.await;
    };
    tokio::join!(capture.run(waits), closes);
    let wait = capture.finished().await.only();
    assert_eq!(wait.name, "wait for connection");
    wait.has("error.type", "pool_closed").is_error();
    let metrics = capture.metrics();
    assert!(metrics.iter().all(|metric| metric.name != "db.client.operation.duration"));
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_no_error_of_the_database() {
    let (capture, pool) = (Capture::new(), shop().await);
    let work = async {
        let wrong = query_scalar::<_, i64>("SELECT name FROM items").fetch_one(&pool).await;
        assert!(matches!(wrong, Err(Error::ColumnDecode { .. })), "{wrong:?}");
    };
    capture.run(work).await;
    capture.finished().await.only().has_no("error.type");
    assert_eq!(count(&pool).await, 2);
}
