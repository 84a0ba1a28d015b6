//! Measurements of connection pools, whatever the pool.

use std::{convert::Infallible, time::Duration};
use tracewire_span::database::{ConnectionPool, Database, ErrorKind, PoolState};
use tracewire_testing::Capture;

const NAME: &str = "db.client.connection.pool.name";

fn pool(name: &str) -> ConnectionPool {
    let state = || PoolState { idle: 1, used: 2, max: 10, min_idle: 1 };
    ConnectionPool::new(&Database::new("postgresql"), state).name(name)
}

async fn use_once(pool: &ConnectionPool) {
    let acquired = pool.acquire(async { Ok::<_, Infallible>(()) }, |_| ErrorKind::Other).await;
    let ((), _lease) = acquired.unwrap();
}

#[tokio::test]
async fn thousands_of_pools_have_a_bounded_number_of_series() {
    let capture = Capture::new();
    let pools: Vec<_> = (0..2_000).map(|number| pool(&format!("pool-{number}"))).collect();
    let work = async {
        for pool in &pools {
            use_once(pool).await;
        }
        capture.metrics()
    };
    let metrics = capture.run(work).await;
    for name in ["db.client.connection.wait_time", "db.client.connection.max"] {
        assert_eq!(metrics.one(name).points.len(), 101, "{name}");
    }
    let others = metrics.one("db.client.connection.max").point([(NAME, "_OTHER")]);
    assert_eq!(others.value, 19_000.0);
    let others = metrics.one("db.client.connection.wait_time").point([(NAME, "_OTHER")]);
    assert_eq!(others.count, 1_900);
}

#[tokio::test]
async fn pools_of_one_name_are_added_up_and_forgotten_when_dropped() {
    let capture = Capture::new();
    let work = async {
        let (first, second) = (pool("shop"), pool("shop"));
        use_once(&first).await;
        use_once(&second).await;
        let both = capture.metrics();
        assert_eq!(both.one("db.client.connection.max").point([(NAME, "shop")]).value, 20.0);
        drop(second);
        let one = capture.metrics();
        assert_eq!(one.one("db.client.connection.max").point([(NAME, "shop")]).value, 10.0);
    };
    capture.run(work).await;
}

#[tokio::test]
async fn a_state_that_panics_hides_no_other_pool() {
    let capture = Capture::new();
    let work = async {
        let broken = ConnectionPool::new(&Database::new("sqlite"), || panic!("on purpose"));
        use_once(&broken.name("broken")).await;
        let whole = pool("shop");
        use_once(&whole).await;
        let metrics = capture.metrics();
        let max = metrics.one("db.client.connection.max").only();
        assert_eq!((max.value, max.attribute(NAME)), (10.0, Some(&"shop".into())));
    };
    capture.run(work).await;
}

#[tokio::test]
async fn a_pool_is_named_after_its_server() {
    for (database, expected) in [
        (Database::new("postgresql").server("db", Some(5432)).namespace("shop"), "db:5432/shop"),
        (Database::new("postgresql").server("::1", Some(5432)), "[::1]:5432"),
        (Database::new("mysql").dynamic_namespace("shop"), "shop"),
        (Database::new("sqlite"), "sqlite"),
    ] {
        let capture = Capture::new();
        let pool = ConnectionPool::new(&database, PoolState::default);
        let pool = pool.wait_spans_from(Duration::ZERO);
        capture.run(use_once(&pool)).await;
        capture.finished().await.only().has(NAME, expected);
    }
}
