//! No literal and no bound value leaves the process, whatever the statement.
#![cfg(feature = "sqlite")]

use proptest::prelude::*;
use sqlx::{Executor, Row, SqlitePool, raw_sql, sqlite::SqlitePoolOptions};
use std::time::Duration;
use tokio::runtime::Runtime;
use tracewire_span::database::Database;
use tracewire_testing::Capture;

/// Runs a statement as it is and with a bound value, and returns all that was captured.
fn captured(runtime: &Runtime, statement: &str, value: &str) -> String {
    runtime.block_on(async {
        let options = SqlitePoolOptions::new().max_connections(1);
        let pool =
            tracewire_sqlx::pool(options.connect_lazy("sqlite::memory:").expect("it is a URL"));
        let pool = pool.wait_spans_from(Duration::ZERO);
        let capture = Capture::new();
        let work = async {
            let _ = pool.fetch_all(statement).await;
            let _ = sqlx::query(statement).bind(value).fetch_optional(&pool).await;
            let _ = pool.prepare(statement).await;
            if let Ok(mut tx) = pool.begin().await {
                let _ = sqlx::query("SELECT ?").bind(value).execute(&mut *tx).await;
                let _ = tx.commit().await;
            }
        };
        capture.run(work).await;
        format!("{:?}{}", capture.finished().await, capture.metrics())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_literal_and_no_bound_value_is_exported(
        before in "(SELECT |INSERT INTO t VALUES \\(|[a-z =,()?]){0,4}",
        text in "[a-z0-9 ;$]{0,8}SECRET[a-z0-9 ;$'-]{0,8}",
        after in "[a-z =,()'\"$;/*-]{0,12}",
        value in "[a-z']{0,8}SECRET[a-z'\"]{0,8}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let statement = format!("{before} '{}'{after}", text.replace('\'', "''"));
        let captured = captured(&runtime, &statement, &value);
        prop_assert!(captured.contains("sqlite"));
        prop_assert!(!captured.contains("SECRET"), "{statement}\n{captured}");
    }
}

/// Texts in quotes of every form, closed or not, with whatever may mean something in between.
fn quoted() -> impl Strategy<Value = String> {
    let quotes = prop::sample::select(vec![
        ("'", "'"),
        ("\"", "\""),
        ("`", "`"),
        ("[", "]"),
        ("E'", "'"),
        ("x'", "'"),
        ("$$", "$$"),
        ("'", ""),
        ("", ""),
        ("/*", "*/"),
        ("--", "\n"),
    ]);
    let pieces = prop::sample::select(vec![
        "SECRET", "SECRET", "SECRET", "'", "''", "\"", "\"\"", "`", "]", "\\", "\\'", "--", "/*",
        "*/", "$$", "\n", " ", ";", "?", "1", "é", "\u{1}",
    ]);
    (quotes, prop::collection::vec(pieces, 1..5))
        .prop_map(|((open, close), pieces)| format!("{open}{}{close}", pieces.concat()))
}

fn statement() -> impl Strategy<Value = String> {
    let between =
        prop::sample::select(vec![", ", " || ", ",", "\n", " /* ' */ , ", ", -- '\n", "; SELECT "]);
    prop::collection::vec((quoted(), between), 1..4).prop_map(|items| {
        let items: String =
            items.iter().map(|(item, between)| format!("{item}{between}")).collect();
        format!("SELECT {items} 1")
    })
}

/// The values that SQLite reads in a statement. There is no table, so all of them are literals.
fn values(runtime: &Runtime, pool: &SqlitePool, statement: &str) -> String {
    runtime.block_on(async {
        let rows = pool.fetch_all(raw_sql(statement)).await.unwrap_or_default();
        let text = |row: &sqlx::sqlite::SqliteRow| {
            (0..row.len())
                .map(|at| row.try_get_unchecked::<String, _>(at).unwrap_or_default())
                .collect::<String>()
        };
        rows.iter().map(text).collect()
    })
}

/// The database says what a literal is.
#[test]
fn no_text_that_sqlite_takes_for_a_value_is_exported() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let options = SqlitePoolOptions::new().max_connections(1);
    let pool = runtime.block_on(options.connect("sqlite::memory:")).unwrap();
    let database = Database::new("sqlite");
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(10_000));
    let found = std::cell::Cell::new(0);
    let property = |statement: String| {
        if values(&runtime, &pool, &statement).contains("SECRET") {
            found.set(found.get() + 1);
            let call = format!("{:?}", database.query(&statement));
            prop_assert!(!call.contains("SECRET"), "{statement}\n{call}");
        }
        Ok(())
    };
    runner.run(&statement(), property).unwrap();
    assert!(found.get() > 100, "{}", found.get());
}
