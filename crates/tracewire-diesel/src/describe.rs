//! Which database a URL leads to, without its credentials.

use tracewire_span::database::Database;
use url::Url;

/// Describes the database of this URL. What may hold a secret is left out.
pub fn database(url: &str) -> Database {
    let system = match url.split_once("://").map(|(scheme, _)| scheme) {
        Some("postgres" | "postgresql") => "postgresql",
        Some("mysql") => "mysql",
        Some("sqlite" | "file") | None if !url.contains('=') || url.starts_with("file:") => {
            return sqlite(url);
        }
        // `host=db user=ada password=…`, as libpq reads it.
        None => return Database::new("postgresql"),
        Some(_) => return Database::new("other_sql"),
    };
    let database = Database::new(system);
    // A password may hold a slash, and a query an at sign: then nothing tells which this is.
    let is_unclear = |(user, _): (&str, &str)| user.contains(['/', '?', '#']);
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    if rest.rsplit_once('@').is_some_and(is_unclear) {
        return database;
    }
    let Ok(parsed) = Url::parse(url) else { return database };
    let database = match parsed.host_str() {
        Some(host) => database.server(host, parsed.port()),
        None => database,
    };
    match parsed.path().strip_prefix('/') {
        Some(name) if is_name(name) => database.dynamic_namespace(name),
        _ => database,
    }
}

/// The file's name, without its folder.
fn sqlite(url: &str) -> Database {
    let database = Database::new("sqlite");
    let path = url.split('?').next().unwrap_or_default();
    match path.rsplit(['/', '\\']).next() {
        Some(name) if is_name(name) => database.dynamic_namespace(name),
        // In memory, or what no file is called.
        _ => database,
    }
}

/// Whether this is what databases are called, and no part of a URL that was read wrongly.
fn is_name(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_.$-".contains(&byte);
    (1..=128).contains(&name.len()) && name.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_server_and_name_are_found() {
        let plain = Database::new;
        for (url, expected) in [
            (
                "postgres://ada:hunter2@db.internal:5433/shop?sslmode=require",
                plain("postgresql").server("db.internal", Some(5433)).dynamic_namespace("shop"),
            ),
            (
                "postgresql://db/shop",
                plain("postgresql").server("db", None).dynamic_namespace("shop"),
            ),
            (
                "mysql://root@[::1]:3306/shop",
                plain("mysql").server("::1", Some(3306)).dynamic_namespace("shop"),
            ),
            ("host=db user=ada password=hunter2 dbname=shop", plain("postgresql")),
            ("/var/lib/shop.db", plain("sqlite").dynamic_namespace("shop.db")),
            ("sqlite://folder/shop.db", plain("sqlite").dynamic_namespace("shop.db")),
            ("file:shop.db?mode=ro&key=hunter2", plain("sqlite")),
            (":memory:", plain("sqlite")),
            ("", plain("sqlite")),
            ("mssql://sa:hunter2@db/shop", plain("other_sql")),
        ] {
            assert_eq!(format!("{:?}", database(url)), format!("{expected:?}"), "{url}");
        }
    }

    #[test]
    fn a_password_that_breaks_the_url_is_not_exported() {
        for url in [
            "postgres://ada:hunter2/x@db/shop",
            "postgres://ada:12/hunter2@db/shop",
            "postgres://ada:hunter2#@db/shop",
            "mysql://ada:hunter2?@db/shop",
            "postgres://ada:/hunter2?x@db/shop",
            "postgres://ada:12/hunter2#x@db/shop",
            "user=ada;password=hunter2;path=/db",
            "sqlite://ada:hunter2@file",
        ] {
            let said = format!("{:?}", database(url));
            assert!(!said.contains("hunter2"), "{url}: {said}");
        }
    }
}
