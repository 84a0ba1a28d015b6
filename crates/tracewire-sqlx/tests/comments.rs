//! Comments behind statements, as the database sees them.
#![cfg(feature = "sqlite")]

use sqlx::{Connection as _, Executor, Sqlite, query, query_scalar, sqlite::SqlitePoolOptions};
use tracewire_span::span;
use tracewire_sqlx::{Comment, Pool};
use tracewire_testing::Capture;

async fn pool() -> Pool<Sqlite> {
    let options = SqlitePoolOptions::new().max_connections(1);
    tracewire_sqlx::pool(options.connect("sqlite::memory:").await.expect("it runs"))
}

/// The text of a view as the database got it: SQLite keeps it with its comments.
async fn seen(pool: &Pool<Sqlite>, view: &str) -> String {
    (&**pool).execute("DROP VIEW IF EXISTS v").await.expect("it runs");
    pool.execute(view).await.expect("it runs");
    query_scalar("SELECT sql FROM sqlite_master WHERE name = 'v'")
        .fetch_one(&**pool)
        .await
        .expect("it runs")
}

#[tokio::test]
async fn nothing_is_commented_by_default() {
    let pool = pool().await.comment_tag("application", "shop");
    assert_eq!(seen(&pool, "CREATE VIEW v AS SELECT 1").await, "CREATE VIEW v AS SELECT 1");
}

#[tokio::test]
async fn pairs_follow_the_statement() {
    let pool = pool().await.comment_tag("route", "/a b").comment(Comment::Static);
    let pool = pool.comment_tag("application", "o'shop");
    assert_eq!(
        seen(&pool, "CREATE VIEW v AS SELECT 1").await,
        "CREATE VIEW v AS SELECT 1 /*application='o%27shop',route='%2Fa%20b'*/"
    );
    let own = "CREATE VIEW v AS SELECT 1 /* mine */";
    assert_eq!(seen(&pool, own).await, own);
}

#[tokio::test]
async fn a_sampled_call_is_named_to_the_database_and_no_other() {
    let pool = pool().await.comment(Comment::Trace);
    let view = "CREATE VIEW v AS SELECT 1";
    assert_eq!(seen(&pool, view).await, view);
    let capture = Capture::new();
    let text = capture.run(seen(&pool, view)).await;
    let call = capture.finished().await.one("CREATE VIEW v SELECT");
    let ids = format!("00-{}-{}-03", call.trace_id, call.span_id); // sampled, and a random id
    assert_eq!(text, format!("{view} /*traceparent='{ids}'*/"));
    call.has("db.query.text", "CREATE VIEW v AS SELECT ?");
}

#[tokio::test]
async fn bound_values_and_rows_pass_with_a_comment() {
    let pool = pool().await.comment(Comment::Trace).comment_tag("application", "shop");
    let capture = Capture::new();
    let work = async {
        let name = String::from("it's");
        let one: String = query_scalar("SELECT ?").bind(&name).fetch_one(&pool).await.unwrap();
        assert_eq!(one, name);
        let all = query("SELECT ? UNION ALL SELECT ?;").bind(1).bind(name).fetch_all(&pool).await;
        assert_eq!(all.unwrap().len(), 2);
        let mut tx = pool.begin().await.unwrap();
        let two: i64 = query_scalar("SELECT ?").bind(2).fetch_one(&mut *tx).await.unwrap();
        assert_eq!(two, 2);
        tx.commit().await.unwrap();
    };
    capture.run(work).await;
    let spans = capture.finished().await;
    assert!(!spans.snapshot().contains("shop"), "{spans}");
}

#[tokio::test]
async fn only_a_traceparent_costs_the_prepared_statement() {
    for (comment, sampled, expected) in [
        (Comment::Static, true, 1),
        (Comment::Static, false, 1),
        (Comment::Trace, false, 1),
        (Comment::Trace, true, 0),
    ] {
        let pool = pool().await.comment(comment).comment_tag("application", "shop");
        let mut connection = pool.acquire().await.unwrap();
        connection.untraced().clear_cached_statements().await.unwrap();
        let work = span("work").run(async {
            for _ in 0..3 {
                query("SELECT ?").bind(1).execute(&mut *connection).await?;
            }
            Ok::<_, sqlx::Error>(connection.untraced().cached_statements_size())
        });
        let cached = if sampled { Capture::new().run(work).await } else { work.await };
        assert_eq!(cached.unwrap(), expected, "{comment:?} {sampled}");
    }
}
