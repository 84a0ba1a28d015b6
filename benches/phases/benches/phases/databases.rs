//! Queries with 50 ms injected in the database, or before it has a connection.

use crate::calls::{DELAY, current_thread, pause, paused_for};
use sqlx::{
    Sqlite, query,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use std::time::{Duration, Instant};
use tracewire_sqlx::Pool;
use tracewire_testing::Capture;

/// Where the 50 ms are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Injected {
    /// The database takes them, to compare two texts.
    Query,
    /// Another caller holds the only connection of the pool.
    Pool,
}

/// How long the spans of a wait and of a query are, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) wait: f64,
    pub(crate) query: f64,
}

impl Told {
    pub(crate) fn of(self, injected: Injected) -> f64 {
        match injected {
            Injected::Query => self.query,
            Injected::Pool => self.wait,
        }
    }
}

/// Makes one query, and returns what its spans say.
pub(crate) fn told(injected: Injected) -> Told {
    let capture = Capture::new();
    current_thread().block_on(async {
        let pool = pool().await;
        let sql = match injected {
            Injected::Query => "SELECT 'a' < 'b' COLLATE slow",
            Injected::Pool => "SELECT 'a' < 'b'",
        };
        if injected == Injected::Query {
            capture.run(query(sql).fetch_all(&pool)).await.expect("it runs");
        } else {
            let held = pool.acquire().await.expect("it is the first");
            let release = async {
                pause(DELAY).await;
                drop(held);
            };
            let (rows, ()) = tokio::join!(capture.run(query(sql).fetch_all(&pool)), release);
            rows.expect("it runs");
        }
    });
    let spans = capture.spans();
    let took = |name: &str| {
        let span = spans.one(name);
        let took = span.end_time.duration_since(span.start_time).unwrap_or_default();
        took.as_secs_f64() * 1e3
    };
    Told { wait: took("wait for connection"), query: took("SELECT") }
}

/// A pool with one connection, whose collation takes its time.
async fn pool() -> Pool<Sqlite> {
    let options = SqliteConnectOptions::new().in_memory(true).collation("slow", |one, other| {
        let began = Instant::now();
        std::thread::sleep(DELAY);
        paused_for(began.elapsed());
        one.cmp(other)
    });
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
    tracewire_sqlx::pool(pool.expect("it opens")).wait_spans_from(Duration::ZERO)
}
