//! No literal and no bound value leaves the process, whatever the statement.
#![cfg(feature = "sqlite")]

use proptest::prelude::*;
use sqlx::{Executor, sqlite::SqlitePoolOptions};
use std::time::Duration;
use tokio::runtime::Runtime;
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
