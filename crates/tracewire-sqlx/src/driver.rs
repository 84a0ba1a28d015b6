//! The drivers of sqlx, and what their connect options say.

use sqlx::Connection;
use tracewire_span::database::Database;

/// A driver of sqlx whose pools [`pool`](crate::pool) accepts: `Postgres`, `MySql` and `Sqlite`, each with
/// the feature of its name.
///
/// ```no_run
/// use tracewire_sqlx::{Driver, Pool};
///
/// /// Traces the pool of whichever database the program was built for.
/// fn traced<DB: Driver>(pool: sqlx::Pool<DB>) -> Pool<DB> {
///     tracewire_sqlx::pool(pool)
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a database driver that is enabled for tracing",
    note = "enable the feature `postgres`, `mysql` or `sqlite` of `tracewire-sqlx` (`sqlx-postgres`, \
            `sqlx-mysql` or `sqlx-sqlite` of `tracewire`)",
    note = "or describe the database yourself with `Pool::new`"
)]
pub trait Driver: sqlx::Database {
    /// Describes the database that these options connect to, without credentials.
    fn describe(options: &<Self::Connection as Connection>::Options) -> Database;

    /// Lets arguments go with a statement that lives shorter than they do, for comments.
    fn shorten<'a, 'q: 'a>(arguments: Self::Arguments<'q>) -> Self::Arguments<'a>;
}

#[cfg(feature = "postgres")]
impl Driver for sqlx::Postgres {
    fn describe(options: &sqlx::postgres::PgConnectOptions) -> Database {
        let socket = options.get_socket().map(std::path::PathBuf::as_path);
        server("postgresql", options.get_host(), options.get_port(), socket, options.get_database())
    }

    fn shorten<'a, 'q: 'a>(arguments: Self::Arguments<'q>) -> Self::Arguments<'a> {
        arguments
    }
}

#[cfg(feature = "mysql")]
impl Driver for sqlx::MySql {
    fn describe(options: &sqlx::mysql::MySqlConnectOptions) -> Database {
        let socket = options.get_socket().map(std::path::PathBuf::as_path);
        server("mysql", options.get_host(), options.get_port(), socket, options.get_database())
    }

    fn shorten<'a, 'q: 'a>(arguments: Self::Arguments<'q>) -> Self::Arguments<'a> {
        arguments
    }
}

#[cfg(feature = "sqlite")]
impl Driver for sqlx::Sqlite {
    fn describe(options: &sqlx::sqlite::SqliteConnectOptions) -> Database {
        let database = Database::new("sqlite");
        let name = options.get_filename().file_name().map(|name| name.to_string_lossy());
        match name {
            // In memory: a number that sqlx counts up, or nothing.
            Some(name) if !name.starts_with("file:") && name != ":memory:" => {
                database.dynamic_namespace(name)
            }
            _ => database,
        }
    }

    fn shorten<'a, 'q: 'a>(arguments: Self::Arguments<'q>) -> Self::Arguments<'a> {
        arguments
    }
}

/// A database on a server, reached by host and port or by a socket.
#[cfg(any(feature = "mysql", feature = "postgres"))]
fn server(
    system: &'static str,
    host: &str,
    port: u16,
    socket: Option<&std::path::Path>,
    namespace: Option<&str>,
) -> Database {
    let database = match socket {
        Some(socket) => Database::new(system).server(socket.to_string_lossy(), None),
        // A path in place of a host is the folder of the socket.
        None if host.starts_with('/') => Database::new(system).server(host, None),
        None => Database::new(system).server(host, Some(port)),
    };
    match namespace {
        Some(namespace) => database.dynamic_namespace(namespace),
        None => database,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "sqlite")]
    #[test]
    fn sqlite_is_described_by_the_name_of_its_file() {
        for (url, expected) in [
            ("sqlite:///home/ada/shop.db", Some("shop.db")),
            ("sqlite:shop.db", Some("shop.db")),
            ("sqlite::memory:", None),
            ("sqlite://", None),
        ] {
            let options: sqlx::sqlite::SqliteConnectOptions = url.parse().unwrap();
            let described = format!("{:?}", sqlx::Sqlite::describe(&options));
            match expected {
                Some(name) => assert!(described.contains(name), "{url}: {described}"),
                None => assert!(described.contains("own_namespace: None"), "{url}: {described}"),
            }
            assert!(!described.contains("ada"), "{described}");
        }
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn postgres_is_described_without_credentials() {
        for (url, expected) in [
            ("postgres://ada:secret@db.internal:6543/shop", &["db.internal", "6543", "shop"][..]),
            ("postgres://ada:secret@[::1]/shop", &["::1", "5432"]),
            ("postgres://ada:secret@%2Fvar%2Frun%2Fpostgresql/shop", &["/var/run/postgresql"]),
            ("postgres://ada:secret@localhost/shop?host=/tmp/pg", &["/tmp/pg"]),
        ] {
            let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
            let described = format!("{:?}", sqlx::Postgres::describe(&options));
            for expected in expected {
                assert!(described.contains(expected), "{url}: {described}");
            }
            assert!(!described.contains("secret") && !described.contains("ada"), "{described}");
        }
    }

    #[cfg(feature = "mysql")]
    #[test]
    fn mysql_is_described_without_credentials() {
        let url = "mysql://ada:secret@db.internal:3307/shop";
        let options: sqlx::mysql::MySqlConnectOptions = url.parse().unwrap();
        let described = format!("{:?}", sqlx::MySql::describe(&options));
        for expected in ["\"mysql\"", "db.internal", "3307", "shop"] {
            assert!(described.contains(expected), "{described}");
        }
        assert!(!described.contains("secret") && !described.contains("ada"), "{described}");
    }
}
