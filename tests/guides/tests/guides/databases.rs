//! docs/databases.md

mod postgres {
    use sqlx::{PgPool, Postgres, query, query_scalar};
    use tracewire::sqlx::Pool;

    pub(super) async fn pool(url: String) -> Result<Pool<Postgres>, sqlx::Error> {
        let pool = tracewire::sqlx::pool(PgPool::connect(&url).await?);
        Ok(pool)
    }

    pub(super) async fn raise_price(pool: Pool<Postgres>) -> Result<(), sqlx::Error> {
        let price: i64 = query_scalar("SELECT price FROM items WHERE name = $1")
            .bind("lamp")
            .fetch_one(&pool)
            .await?;

        let mut tx = pool.begin().await?;
        query("UPDATE items SET price = $1").bind(price + 1).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

mod described {
    pub(super) fn pool(pool: sqlx::Pool<sqlx::Sqlite>) -> tracewire::sqlx::Pool<sqlx::Sqlite> {
        use tracewire::span::database::Database;

        let database = Database::new("mariadb").server("db.internal", Some(3306)).namespace("shop");
        let pool = tracewire::sqlx::Pool::new(pool, database);
        pool
    }
}

mod comments {
    pub(super) fn pool(pool: sqlx::Pool<sqlx::Sqlite>) -> tracewire::sqlx::Pool<sqlx::Sqlite> {
        use tracewire::sqlx::Comment;

        let pool =
            tracewire::sqlx::pool(pool).comment(Comment::Static).comment_tag("application", "shop");
        pool
    }
}

mod redis_connection {
    use redis::{AsyncCommands, Client, RedisResult};

    pub(super) async fn price(client: Client) -> RedisResult<i64> {
        let connection = client.get_multiplexed_async_connection().await?;
        let mut redis = tracewire::redis::connection(connection).info(client.get_connection_info());
        redis.get("lamp").await
    }
}

mod diesel_connections {
    pub(super) fn start() -> Result<(), Box<dyn std::error::Error>> {
        diesel::connection::set_default_instrumentation(tracewire::diesel::instrumentation)?;
        Ok(())
    }
}

mod postgres_call {
    use tokio_postgres::{Client, Error};
    use tracewire::span::database::Database;

    pub(super) async fn price(client: Client, name: &str) -> Result<i64, Error> {
        static DB: Database = Database::new("postgresql").namespace("shop");

        let sql = "SELECT price FROM items WHERE name = $1";
        let row = DB
            .query(sql)
            .run_with_code(client.query_one(sql, &[&name]), |error| {
                error.code().map(|state| state.code().to_owned()) // tokio-postgres' SQLSTATE
            })
            .await?;
        Ok(row.get(0))
    }
}

mod any_pool {
    use std::{future::ready, io::Error, sync::Arc};

    pub(super) struct Pool;

    impl Pool {
        fn idle(&self) -> u32 {
            1
        }

        fn used(&self) -> u32 {
            2
        }

        fn get(&self) -> impl Future<Output = Result<u8, Error>> {
            ready(Ok(7))
        }
    }

    pub(super) async fn acquire(pool: Arc<Pool>, shared: Arc<Pool>) -> Result<u8, Error> {
        use tracewire::span::database::{ConnectionPool, Database, ErrorKind, PoolState};

        let database = Database::new("postgresql").server("db.internal", Some(5432));
        let measured = ConnectionPool::new(&database, move || PoolState {
            idle: shared.idle(),
            used: shared.used(),
            max: 10,
            min_idle: 0,
        });
        let (connection, lease) = measured.acquire(pool.get(), |_| ErrorKind::Other).await?;
        drop(lease);
        Ok(connection)
    }
}

use sqlx::{query, query_scalar, sqlite::SqlitePoolOptions};
use std::sync::Arc;
use tracewire_testing::Capture;

async fn sqlite() -> sqlx::Pool<sqlx::Sqlite> {
    // One connection, because each has a memory of its own.
    SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap()
}

#[tokio::test]
async fn the_driver_reports_an_address_that_it_cannot_read() {
    assert!(postgres::pool("nonsense".into()).await.is_err());
    let _ = postgres::raise_price; // needs a real database: tests/interop has one
}

#[tokio::test]
async fn a_redis_server_that_is_not_there_is_an_error() {
    let client = redis::Client::open("redis://127.0.0.1:1/").unwrap();
    assert!(redis_connection::price(client).await.is_err());
}

#[test]
fn connections_of_diesel_are_traced_by_default() {
    diesel_connections::start().unwrap();
    let _ = postgres_call::price; // needs a real database: tests/interop has one
}

#[tokio::test]
async fn a_pool_can_be_described() {
    let capture = Capture::new();
    let pool = described::pool(sqlite().await);
    capture.run(query("SELECT 1").execute(&pool)).await.unwrap();
    let spans = capture.finished().await;
    let span = spans.without("wait for connection").only();
    span.has("db.system.name", "mariadb").has("server.address", "db.internal");
}

#[tokio::test]
async fn a_comment_goes_to_the_database() {
    let pool = comments::pool(sqlite().await);
    let sql = "SELECT 'lamp'";
    assert_eq!(query_scalar::<_, String>(sql).fetch_one(&pool).await.unwrap(), "lamp");
}

#[tokio::test]
async fn any_pool_is_measured() {
    let capture = Capture::new();
    let pool = Arc::new(any_pool::Pool);
    assert_eq!(capture.run(any_pool::acquire(Arc::clone(&pool), pool)).await.unwrap(), 7);
    assert_eq!(capture.metrics().one("db.client.connection.wait_time").only().count, 1);
}
