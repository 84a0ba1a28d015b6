//! Queries through diesel, against SQLite.
#![allow(clippy::unwrap_used, missing_docs)] // a test may, and `table!` documents nothing

use diesel::{
    connection::{InstrumentationEvent, SimpleConnection, set_default_instrumentation},
    prelude::*,
    sql_types::Text,
};
use libsqlite3_sys as _; // the one that is bundled
use proptest::prelude::*;
use tracewire_diesel::Traced;
use tracewire_span::{database::Database, span};
use tracewire_testing::Capture;

diesel::table! {
    items (id) { id -> Integer, name -> Text, price -> Integer }
}

fn connection() -> SqliteConnection {
    set_default_instrumentation(tracewire_diesel::instrumentation).unwrap();
    let mut connection = SqliteConnection::establish(":memory:").unwrap();
    connection
        .batch_execute("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, price INTEGER NOT NULL)")
        .unwrap();
    connection
}

fn insert(connection: &mut SqliteConnection, name: &str) -> QueryResult<usize> {
    diesel::insert_into(items::table)
        .values((items::name.eq(name), items::price.eq(25)))
        .execute(connection)
}

#[test]
fn each_query_is_a_client_span_below_the_current_one() {
    let mut connection = connection();
    let capture = Capture::new();
    capture.in_scope(|| {
        span("request").in_scope(|| {
            connection.transaction(|connection| insert(connection, "lamp")).unwrap();
            let price = items::table.filter(items::name.eq("lamp")).select(items::price);
            assert_eq!(price.first::<i32>(&mut connection), Ok(25));
        });
    });
    capture.spans().assert_snapshot(
        r#"
        request
          BEGIN [client]
          | db.query.summary = "BEGIN"
          | db.query.text = "BEGIN"
          | db.system.name = "sqlite"
          INSERT items [client]
          | db.query.summary = "INSERT items"
          | db.query.text = "INSERT INTO `items` (`name`, `price`) VALUES (?, ?)"
          | db.system.name = "sqlite"
          COMMIT [client]
          | db.query.summary = "COMMIT"
          | db.query.text = "COMMIT"
          | db.system.name = "sqlite"
          SELECT items [client]
          | db.query.summary = "SELECT items"
          | db.query.text = "SELECT `items`.`price` FROM `items` WHERE (`items`.`name` = ?) LIMIT ?"
          | db.system.name = "sqlite"
        "#,
    );
    let metrics = capture.metrics();
    let durations = metrics.one("db.client.operation.duration");
    assert_eq!(durations.points.iter().map(|point| point.count).sum::<u64>(), 4);
}

#[test]
fn a_failure_has_a_name_and_no_message() {
    let mut connection = connection();
    let capture = Capture::new();
    capture.in_scope(|| {
        insert(&mut connection, "SECRET").unwrap();
        insert(&mut connection, "SECRET").unwrap_err();
        connection.batch_execute("SELECT FROM 'SECRET' 'SECRET'").unwrap_err();
        let missing = items::table.filter(items::name.eq("none")).select(items::price);
        assert_eq!(missing.first::<i32>(&mut connection), Err(diesel::NotFound));
    });
    let spans = capture.spans();
    let errors: Vec<_> =
        spans.iter().map(|span| span.attribute("error.type").map(ToString::to_string)).collect();
    assert_eq!(errors[..2], [None, Some("unique_violation".to_owned())]);
    assert!(errors[2].is_some() && errors[3].is_none(), "{errors:?}");
    assert!(!format!("{spans:?}{}", capture.metrics()).contains("SECRET"));
}

#[test]
fn connecting_is_a_span_where_one_is_current() {
    set_default_instrumentation(tracewire_diesel::instrumentation).unwrap();
    let capture = Capture::new();
    capture.in_scope(|| {
        SqliteConnection::establish(":memory:").unwrap();
        span("request").in_scope(|| {
            SqliteConnection::establish("/no/such/folder/shop.db").map(drop).unwrap_err();
        });
    });
    let spans = capture.spans();
    let connect = spans.iter().find(|span| span.name.starts_with("CONNECT")).unwrap();
    assert_eq!(connect.attribute("error.type").unwrap().as_str(), "ConnectionError");
    assert_eq!(connect.attribute("db.namespace").unwrap().as_str(), "shop.db");
    assert_eq!(spans.iter().filter(|span| span.name.starts_with("CONNECT")).count(), 1);
}

#[test]
fn one_connection_can_be_traced_by_a_description_and_beside_another_instrumentation() {
    let mut connection = SqliteConnection::establish(":memory:").unwrap();
    let mut traced = Traced::new(Database::new("sqlite").namespace("shop"));
    let (tell, told) = std::sync::mpsc::channel();
    connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        tell.send(()).unwrap();
        diesel::connection::Instrumentation::on_connection_event(&mut traced, event);
    });
    let capture = Capture::new();
    capture.in_scope(|| connection.batch_execute("SELECT 1").unwrap());
    assert_eq!(capture.spans()[0].attribute("db.namespace").unwrap().as_str(), "shop");
    assert!(told.try_iter().count() >= 2);
}

#[test]
fn a_storm_of_connections_ends() {
    set_default_instrumentation(tracewire_diesel::instrumentation).unwrap();
    let capture = Capture::new();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                capture.in_scope(|| {
                    for _ in 0..50 {
                        let mut connection = SqliteConnection::establish(":memory:").unwrap();
                        connection.batch_execute("SELECT 1").unwrap();
                    }
                });
            });
        }
    });
    assert_eq!(capture.spans().len(), 400);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_literal_and_no_bound_value_is_exported(
        before in "(SELECT |INSERT INTO t VALUES \\(|[a-z =,()?]){0,4}",
        text in "[a-z0-9 ;$]{0,8}SECRET[a-z0-9 ;$'-]{0,8}",
        after in "[a-z =,()'\"$;/*-]{0,12}",
        value in "[a-z'\n]{0,8}SECRET[a-z'\"\n]{0,8}",
    ) {
        let mut connection = connection();
        let statement = format!("{before} '{}'{after}", text.replace('\'', "''"));
        let capture = Capture::new();
        capture.in_scope(|| {
            let _ = connection.batch_execute(&statement);
            let _ = diesel::sql_query(&statement).bind::<Text, _>(&value).execute(&mut connection);
            let _ = insert(&mut connection, &value);
            let _ = items::table
                .filter(items::name.eq_any([&value, &text]))
                .select(items::name)
                .load::<String>(&mut connection);
        });
        let captured = format!("{:?}{}", capture.spans(), capture.metrics());
        prop_assert!(captured.contains("sqlite"));
        prop_assert!(!captured.contains("SECRET"), "{statement}\n{captured}");
    }
}
