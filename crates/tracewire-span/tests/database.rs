//! Calls to a database as spans and durations.

use futures_util::{StreamExt, stream};
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};
use tracewire_span::{
    database::{Database, ErrorKind},
    span,
};
use tracewire_testing::Capture;

#[derive(Debug)]
struct Locked;

impl fmt::Display for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("database is locked")
    }
}

async fn answer(result: Result<u8, Locked>) -> Result<u8, Locked> {
    tokio::task::yield_now().await;
    result
}

#[tokio::test]
async fn a_query_is_a_client_span_without_its_literals() {
    let capture = Capture::new();
    let database = Database::new("postgresql").namespace("shop").server("db.internal", Some(5433));
    let query = database.query("SELECT * FROM users WHERE name = 'Ada' -- by hand");
    let work = query.attribute("own", 1).run(answer(Ok(7)));
    assert_eq!(capture.run(work).await.unwrap(), 7);
    capture.spans().assert_snapshot(
        r#"
        SELECT users [client]
        | db.namespace = "shop"
        | db.query.summary = "SELECT users"
        | db.query.text = "SELECT * FROM users WHERE name = ?"
        | db.system.name = "postgresql"
        | own = 1
        | server.address = "db.internal"
        | server.port = 5433
        "#,
    );
    capture.metrics().assert_snapshot(
        r#"
        db.client.operation.duration [histogram] s
        | 1 times {db.namespace = "shop", db.query.summary = "SELECT users", db.system.name = "postgresql", server.address = "db.internal", server.port = 5433}
        "#,
    );
    let metrics = capture.metrics();
    let bounds = &metrics.one("db.client.operation.duration").points[0].bounds;
    assert_eq!(*bounds, [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0]);
}

#[tokio::test]
async fn an_error_has_the_name_of_its_type_or_the_code_of_the_database() {
    let capture = Capture::new();
    let database = Database::new("sqlite");
    let plain = database.query("COMMIT").run(answer(Err(Locked)));
    assert!(capture.run(plain).await.is_err());
    let code = |_: &Locked| Some(String::from("5"));
    let coded = database.query("ROLLBACK").run_with_code(answer(Err(Locked)), code);
    assert!(capture.run(coded).await.is_err());
    capture.spans().assert_snapshot(
        r#"
        COMMIT [client] error
        | db.query.summary = "COMMIT"
        | db.query.text = "COMMIT"
        | db.system.name = "sqlite"
        | error.type = "Locked"
        | ! exception
        |   exception.type = "database::Locked"
        ROLLBACK [client] error
        | db.query.summary = "ROLLBACK"
        | db.query.text = "ROLLBACK"
        | db.response.status_code = "5"
        | db.system.name = "sqlite"
        | error.type = "5"
        | ! exception
        |   exception.type = "database::Locked"
        "#,
    );
    capture.metrics().assert_snapshot(
        r#"
        db.client.operation.duration [histogram] s
        | 1 times {db.query.summary = "COMMIT", db.system.name = "sqlite", error.type = "Locked"}
        | 1 times {db.query.summary = "ROLLBACK", db.response.status_code = "5", db.system.name = "sqlite", error.type = "5"}
        "#,
    );
}

#[tokio::test]
async fn operations_are_named_by_what_they_work_on() {
    let capture = Capture::new();
    let database = Database::new("mongodb").namespace("shop");
    let calls = async {
        let find = database.operation("find").collection("carts").batch_size(3);
        find.run(answer(Ok(1))).await.unwrap();
        database.operation("ping").batch_size(1).run(answer(Ok(1))).await.unwrap();
        let own = database.query("???").summary("own").raw_query_text("a = 'shown'");
        own.run(answer(Ok(1))).await.unwrap();
    };
    capture.run(calls).await;
    capture.spans().assert_snapshot(
        r#"
        find carts [client]
        | db.collection.name = "carts"
        | db.namespace = "shop"
        | db.operation.batch.size = 3
        | db.operation.name = "find"
        | db.system.name = "mongodb"
        ping shop [client]
        | db.namespace = "shop"
        | db.operation.name = "ping"
        | db.system.name = "mongodb"
        own [client]
        | db.namespace = "shop"
        | db.query.summary = "own"
        | db.query.text = "a = 'shown'"
        | db.system.name = "mongodb"
        "#,
    );
}

#[tokio::test]
async fn a_stream_of_rows_is_one_call() {
    let capture = Capture::new();
    let database = Database::new("sqlite");
    let rows = stream::iter([Ok(1), Err(Locked), Err(Locked)]);
    let rows = database.query("SELECT a FROM b").stream(rows).collect::<Vec<_>>();
    assert_eq!(capture.run(rows).await.len(), 3);
    let spans = capture.spans();
    spans.assert_tree("SELECT b [client] error");
    spans.one("SELECT b").event("exception");
    assert_eq!(capture.metrics().one("db.client.operation.duration").points[0].count, 1);
}

#[tokio::test]
async fn an_error_among_the_rows_has_the_code_of_the_database() {
    let capture = Capture::new();
    let database = Database::new("sqlite");
    let rows = stream::iter([Ok(1), Err(Locked)]);
    let code = |_: &Locked| Some(String::from("5"));
    let rows = database.query("SELECT a FROM b").stream_with_code(rows, code);
    assert_eq!(capture.run(rows).collect::<Vec<_>>().await.len(), 2);
    capture.spans().assert_snapshot(
        r#"
        SELECT b [client] error
        | db.query.summary = "SELECT b"
        | db.query.text = "SELECT a FROM b"
        | db.response.status_code = "5"
        | db.system.name = "sqlite"
        | error.type = "5"
        | ! exception
        |   exception.type = "database::Locked"
        "#,
    );
    capture.metrics().assert_snapshot(
        r#"
        db.client.operation.duration [histogram] s
        | 1 times {db.query.summary = "SELECT b", db.response.status_code = "5", db.system.name = "sqlite", error.type = "5"}
        "#,
    );
}

#[tokio::test]
async fn long_names_and_texts_of_a_call_are_cut_and_marked() {
    let capture = Capture::new();
    let database = Database::new("mongodb");
    let long = "x".repeat(5000);
    let call = database.operation(long.clone()).collection(long.clone()).summary(long.clone());
    let call = call.raw_query_text(long.clone()).attribute(long.clone(), long);
    capture.run(call.run(answer(Ok(1)))).await.unwrap();
    let (name, text) = ("x".repeat(253) + "…", "x".repeat(4093) + "…");
    capture.spans().assert_snapshot(&format!(
        r#"
        {name} [client]
        | db.collection.name = "{name}"
        | db.operation.name = "{name}"
        | db.query.summary = "{name}"
        | db.query.text = "{text}"
        | db.system.name = "mongodb"
        | {name} = "{text}"
        "#
    ));
}

#[tokio::test]
async fn without_a_provider_a_call_is_just_made() {
    let database = Database::new("sqlite");
    assert_eq!(database.query("SELECT 1").run(answer(Ok(7))).await.unwrap(), 7);
    assert!(database.query("SELECT 1").run(answer(Err(Locked))).await.is_err());
    let rows = stream::iter([Ok(1), Err(Locked)]);
    let rows = database.query("SELECT 1").stream(rows).collect::<Vec<_>>().await;
    assert_eq!(rows.len(), 2);
}

#[tokio::test]
async fn a_call_that_is_dropped_or_panics_is_measured_once() {
    let capture = Capture::new();
    let database = Database::new("sqlite");
    capture.in_scope(|| {
        drop(database.query("SELECT never").run(answer(Ok(1))));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let mut dropped = Box::pin(database.query("BEGIN").run(answer(Ok(1))));
        assert!(dropped.as_mut().poll(&mut cx).is_pending());
        drop(dropped);
        let broken = async { if true { panic!("broken") } else { Ok::<u8, Locked>(1) } };
        let mut panics = Box::pin(database.query("COMMIT").run(broken));
        let polled = catch_unwind(AssertUnwindSafe(|| panics.as_mut().poll(&mut cx).is_ready()));
        assert!(polled.is_err());
    });
    capture.spans().assert_tree("BEGIN [client]\nCOMMIT [client] error");
    capture.metrics().assert_snapshot(
        r#"
        db.client.operation.duration [histogram] s
        | 1 times {db.query.summary = "BEGIN", db.system.name = "sqlite"}
        | 1 times {db.query.summary = "COMMIT", db.system.name = "sqlite", error.type = "panic"}
        "#,
    );
}

/// An error as drivers write them, with values in it.
#[derive(Debug)]
enum Refused {
    Duplicate,
    Unreachable,
    NotFound,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Duplicate => "Duplicate entry 'ada@example.com' for key 'email'",
            Self::Unreachable => "cannot connect: user=ada password=hunter2 host=db",
            Self::NotFound => "no rows",
        })
    }
}

fn kind(error: &Refused) -> ErrorKind {
    match error {
        Refused::Duplicate => ErrorKind::code(Some("1062")),
        Refused::Unreachable => ErrorKind::Named("connect"),
        Refused::NotFound => ErrorKind::Expected,
    }
}

/// All that is exported of calls that fail in every way.
async fn exported(database: &Database) -> String {
    let capture = Capture::new();
    let work = async {
        for error in [Refused::Duplicate, Refused::Unreachable] {
            let call = async { Err::<u8, _>(error) };
            assert!(database.query("SELECT a FROM b").run(call).await.is_err());
        }
        let rows = stream::iter([Err::<u8, _>(Refused::Duplicate), Err(Refused::Unreachable)]);
        let rows = database.query("SELECT a FROM b").stream_with_kind(rows, kind);
        assert_eq!(rows.collect::<Vec<_>>().await.len(), 2);
        // A message where a code should be.
        let call = async { Err::<u8, _>(Refused::Duplicate) };
        let call =
            database.operation("insert").run_with_code(call, |error| Some(error.to_string()));
        assert!(call.await.is_err());
        // An error that is text.
        let call = async { Err::<u8, _>(Refused::Duplicate.to_string()) };
        assert!(database.operation("insert").run(call).await.is_err());
    };
    capture.run(work).await;
    capture.in_scope(|| {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let unwrap =
            async { if true { panic!("{}", Refused::Unreachable) } else { Ok::<u8, Locked>(1) } };
        let mut panics = Box::pin(database.operation("find").run(unwrap));
        let polled = catch_unwind(AssertUnwindSafe(|| panics.as_mut().poll(&mut cx).is_ready()));
        assert!(polled.is_err());
    });
    format!("{:?} {:?}", capture.spans(), capture.metrics())
}

#[tokio::test]
async fn what_an_error_says_is_exported_only_if_asked_for() {
    let database = Database::new("mysql");
    let quiet = exported(&database).await;
    for value in ["ada", "hunter2", "exception.message", "Duplicate"] {
        assert!(!quiet.contains(value), "{value}: {quiet}");
    }
    let loud = exported(&database.export_error_messages()).await;
    assert!(loud.contains("Duplicate entry 'ada@example.com'"), "{loud}");
    assert!(loud.contains("cannot connect: user=ada"), "{loud}");
    // A credential is none of the values that were asked for.
    assert!(loud.contains("password=REDACTED"), "{loud}");
    assert!(!loud.contains("hunter2"), "{loud}");
}

#[tokio::test]
async fn an_expected_error_is_none() {
    let capture = Capture::new();
    let database = Database::new("mysql");
    let calls = async {
        for error in [Refused::NotFound, Refused::Unreachable, Refused::Duplicate] {
            let call = database
                .query("SELECT a FROM b")
                .run_with_kind(async { Err::<u8, _>(error) }, kind);
            assert!(call.await.is_err());
        }
        let rows = stream::iter([Err::<u8, _>(Refused::NotFound), Ok(1)]);
        let rows = database.query("SELECT a FROM b").stream_with_kind(rows, kind);
        assert_eq!(rows.collect::<Vec<_>>().await.len(), 2);
    };
    capture.run(calls).await;
    capture.spans().assert_tree(
        "
        SELECT b [client]
        SELECT b [client] error
        SELECT b [client] error
        SELECT b [client]
        ",
    );
    capture.metrics().assert_snapshot(
        r#"
        db.client.operation.duration [histogram] s
        | 1 times {db.query.summary = "SELECT b", db.response.status_code = "1062", db.system.name = "mysql", error.type = "1062"}
        | 1 times {db.query.summary = "SELECT b", db.system.name = "mysql", error.type = "connect"}
        | 2 times {db.query.summary = "SELECT b", db.system.name = "mysql"}
        "#,
    );
}

#[tokio::test]
async fn a_panic_that_is_polled_again_leaves_the_outer_span_alone() {
    let capture = Capture::new();
    let database = Database::new("sqlite");
    capture.in_scope(|| {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        span("outer").in_scope(|| {
            let broken = std::future::poll_fn(|_| -> std::task::Poll<Result<u8, Locked>> {
                panic!("broken")
            });
            let mut call = Box::pin(database.query("COMMIT").run(broken));
            for _ in 0..2 {
                let polled =
                    catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(&mut cx).is_ready()));
                assert!(polled.is_err());
            }
        });
    });
    capture.spans().assert_tree("outer\n  COMMIT [client] error");
}

#[tokio::test]
async fn debug_output_and_addresses_hold_no_credential_and_no_literal() {
    let capture = Capture::new();
    for address in [
        "ada:hunter2@db.internal",
        "mysql://ada:hunter2@db.internal:3307/shop?password=hunter2",
        "user=ada password=hunter2 host=db.internal",
        "Server=db.internal;User Id=ada;Password=hunter2",
        "ada:hunter2@tcp(db.internal:3307)/shop",
        "ada:hunter/2@db.internal",
        "ada:hunter2",
    ] {
        let database = Database::new("mysql").server(address, None);
        let call = || {
            let call =
                database.query("SELECT a FROM b WHERE c = 'hunter2'").raw_query_text("'hunter2'");
            call.attribute("own", "hunter2")
        };
        let debug = format!("{database:?} {:?} {:?}", call(), call().run(answer(Ok(1))));
        assert!(!debug.contains("hunter2") && !debug.contains("ada"), "{debug}");
        capture.run(database.operation("ping").run(answer(Ok(1)))).await.unwrap();
    }
    let exported = format!("{:?} {:?}", capture.spans(), capture.metrics());
    assert!(!exported.contains("hunter") && !exported.contains("ada"), "{exported}");
    assert!(exported.contains("db.internal") && exported.contains("3307"), "{exported}");
}

#[tokio::test]
async fn a_system_that_is_not_sql_has_only_the_text_that_is_given_as_safe() {
    let capture = Capture::new();
    let redis = Database::new("redis");
    let calls = async {
        redis.query("SET user:1 hunter2").run(answer(Ok(1))).await.unwrap();
        let safe = redis.query("SET user:1 hunter2").raw_query_text("SET user:? ?");
        safe.run(answer(Ok(1))).await.unwrap();
    };
    capture.run(calls).await;
    capture.spans().assert_snapshot(
        r#"
        redis [client]
        | db.system.name = "redis"
        redis [client]
        | db.query.text = "SET user:? ?"
        | db.system.name = "redis"
        "#,
    );
}
