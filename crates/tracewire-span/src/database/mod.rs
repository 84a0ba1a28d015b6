//! Calls to databases as client spans, with their durations.
//!
//! Any async call to any database becomes a span that follows the [database conventions], and a
//! measurement of `db.client.operation.duration`:
//!
//! ```
//! use tracewire_span::database::Database;
//!
//! static DB: Database = Database::new("sqlite").namespace("shop.db");
//! # async fn fetch(_: &str) -> Result<u32, std::io::Error> { Ok(7) }
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let sql = "SELECT price FROM items WHERE name = 'tea'";
//! let price = DB.query(sql).run(fetch(sql)).await;
//! # });
//! ```
//!
//! The span is named `SELECT items`, its kind is client, and it has these attributes:
//!
//! ```text
//! db.system.name   = "sqlite"
//! db.namespace     = "shop.db"
//! db.query.summary = "SELECT items"
//! db.query.text    = "SELECT price FROM items WHERE name = ?"
//! ```
//!
//! # What is exported
//!
//! **Query text** without its literals: each is a `?`, values of an `IN` list beyond the first are left
//! out, and so are comments. The text has at most 4096 bytes, the summary 255, and no more than the first
//! 32 KiB of a query are read. Each system is read by its own rules. Where a query could be read in two ways, the text ends there with `…`:
//!
//! | `db.system.name` | what ends the text early |
//! |---|---|
//! | `postgresql`, `cockroachdb`, `sqlite`, `oracle.db`, `microsoft.sql_server`, `snowflake`, `gcp.bigquery`, `trino`, `derby` | hardly anything |
//! | `mysql`, `mariadb`, `aws.redshift` | an odd number of backslashes in front of a quote, which the server's settings decide about; `/*! … */` with a quote in it |
//! | `cassandra`, `clickhouse`, `hive`, `spark`, `ibm.db2` | comments within comments; data behind ClickHouse's `FORMAT`; what follows Hive's `SET` |
//! | `other_sql`, and any name that is not listed here | all of the above, `#`, `//`, `{`, `%`, Oracle's `q'…'`, dollar quotes, and names in brackets or backticks with more than letters and digits |
//! | `redis`, `mongodb`, `elasticsearch`, `aws.dynamodb`, … | not SQL: nothing of the text is exported. Use [`operation`](Database::operation) |
//!
//! PostgreSQL is read with `standard_conforming_strings` on, its default: with it off, say `other_sql`.
//! In a system that is not listed here, a query is also required to begin like a statement of SQL.
//! Names in `"…"` are hidden like texts where a server may take them for texts: MySQL, SQLite, SQL Server,
//! BigQuery, Hive, Spark. Values that are words end the text as well: Oracle's
//! `IDENTIFIED BY tiger`, `SET role = ada`, `PRAGMA key = secret`, SQL Server's `EXEC greet Ada`. Names of tables and columns are exported.
//!
//! **Errors** by code and type. A driver's message often quotes values (`Duplicate entry
//! 'ada@example.com'`) or connection strings, so neither it nor the message of a panic is exported,
//! unless [`export_error_messages`](Database::export_error_messages) asks for it. A
//! [`span`](crate::span()) around the call does export the message of an `Err` that passes through it: say
//! [`ignore_errors`](crate::SpanBuilder::ignore_errors) there if that is a database's.
//!
//! **`error.type`** is the first of: the database's code, the name from
//! [`ErrorKind::Named`], the name of the error's type without its path, `_OTHER`; and `panic`.
//!
//! [database conventions]: https://opentelemetry.io/docs/specs/semconv/database/

mod address;
mod begun;
mod cache;
mod call;
mod durations;
mod error;
mod known;
mod measure;
mod names;
mod pool;
mod prepared;
mod sql;
mod statement;

use crate::{Tracer, limit, tracer::Library};
pub use begun::Begun;
pub use call::Call;
pub use error::ErrorKind;
use known::Known;
pub use measure::Measured;
use opentelemetry::{KeyValue, StringValue};
pub use pool::{ConnectionPool, Lease, PoolState};
pub(crate) use prepared::Prepared;
use std::{borrow::Cow, sync::Arc};

/// A database that calls are made to.
///
/// ```
/// use tracewire_span::database::Database;
///
/// static ORDERS: Database = Database::new("postgresql").namespace("orders");
///
/// # async fn fetch(sql: &str) -> Result<Vec<u32>, std::io::Error> { Ok(Vec::new()) }
/// # async fn example() -> Result<(), std::io::Error> {
/// let sql = "SELECT price FROM items";
/// let prices = ORDERS.query(sql).run(fetch(sql)).await?; // the span `SELECT items`
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Database {
    target: Target,
    with_messages: bool,
    describe_unsampled: bool,
    tracer: Tracer,
}

/// What spans and metrics say of a database itself.
#[derive(Clone, Debug)]
struct Target {
    library: Library,
    system: &'static str,
    namespace: Option<&'static str>,
    /// A namespace that is known at run time only.
    own_namespace: Option<Arc<str>>,
    server: Option<(Arc<str>, Option<u16>)>,
    known: Known,
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        self.known.is(&other.known)
            || (self.system == other.system
                && self.library == other.library
                && self.namespace() == other.namespace()
                && self.server == other.server)
    }
}

impl Target {
    /// A number that differs between databases. Many of one system may differ in one text alone.
    fn digest(&self) -> u64 {
        self.known.digest((self.system, self.namespace(), &self.server))
    }

    fn namespace(&self) -> Option<&str> {
        self.own_namespace.as_deref().or(self.namespace)
    }

    /// The same as a value that costs nothing to copy.
    fn namespace_value(&self) -> Option<StringValue> {
        match &self.own_namespace {
            Some(name) => Some(name.clone().into()),
            None => self.namespace.map(Into::into),
        }
    }
}

impl Database {
    /// Creates a database of this system. Use the name that the conventions list for `db.system.name`:
    /// `postgresql`, `mysql`, `mariadb`, `sqlite`, `microsoft.sql_server`, `oracle.db`, `mongodb`,
    /// `redis` …
    #[must_use]
    pub const fn new(system: &'static str) -> Self {
        let tracer = crate::tracer!();
        let library = tracer.library();
        Self {
            target: Target {
                library,
                system,
                namespace: None,
                own_namespace: None,
                server: None,
                known: Known::new(),
            },
            with_messages: false,
            describe_unsampled: false,
            tracer,
        }
    }

    /// Sets the name of the database within its server: `db.namespace`.
    #[must_use]
    pub const fn namespace(mut self, namespace: &'static str) -> Self {
        self.target.namespace = Some(namespace);
        self.target.known = Known::new();
        self
    }

    /// Sets the name of the database within its server, if it is known at run time only: `db.namespace`.
    /// It is cut at 256 bytes.
    #[must_use]
    pub fn dynamic_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.target.own_namespace = Some(limit::name(namespace.into().into()).into());
        self.target.known = Known::new();
        self
    }

    /// Sets where the server is: `server.address` and `server.port`.
    ///
    /// The address is a host, an IP address, the path of a socket or a named instance. Of a URL only host
    /// and port are taken. Text that may hold a credential, such as `user=ada password=…`, is no
    /// address: then both attributes are left out.
    ///
    /// ```
    /// # use tracewire_span::database::Database;
    /// let database = Database::new("postgresql").server("db.internal", Some(5432));
    /// let database = Database::new("postgresql").server("postgres://ada:secret@db:5432/shop", None);
    /// assert!(!format!("{database:?}").contains("secret"));
    /// ```
    #[must_use]
    pub fn server(mut self, address: impl AsRef<str>, port: Option<u16>) -> Self {
        let found = address::parse(address.as_ref());
        self.target.server = found.map(|(address, own)| (address.into(), port.or(own)));
        self.target.known = Known::new();
        self
    }

    /// Exports the messages of errors and panics: the status description and `exception.message`.
    ///
    /// **This exports data.** Drivers quote values (`Duplicate entry 'ada@example.com'`), parts of
    /// statements, and connection strings in their messages. Credentials in URLs and behind `password=` are
    /// removed from a message; values are not. Off by default.
    #[must_use]
    pub const fn export_error_messages(mut self) -> Self {
        self.with_messages = true;
        self
    }

    /// Gives samplers the name and the attributes of spans even if their parent is not sampled.
    ///
    /// Set it if your sampler looks at them instead of following the parent. Off by default: below a
    /// parent that is not sampled, samplers see the name of the system alone, and the span gets its name
    /// and attributes if it records after all. If `init` set up the SDK and its sampler follows the
    /// parent, no span is started there, and the call runs in its parent. The duration is measured in
    /// every case.
    #[must_use]
    pub const fn describe_unsampled(mut self, describe: bool) -> Self {
        self.describe_unsampled = describe;
        self
    }

    /// Creates the spans with this tracer. Default: this crate's own.
    #[must_use]
    pub fn tracer(mut self, tracer: Tracer) -> Self {
        self.target.library = tracer.library();
        self.target.known = Known::new();
        self.tracer = tracer;
        self
    }

    /// Describes a call that runs a query, by its text without literals.
    ///
    /// The process remembers the descriptions of up to 512 queries of at most 4096 bytes, so that a text
    /// that comes again is not read again. Pass values as parameters of the query: then there are few texts.
    ///
    /// For a system that is not SQL nothing is taken from the text; see [what is
    /// exported](self#what-is-exported).
    pub fn query(&self, sql: &str) -> Call<'_> {
        Call::query(self, sql)
    }

    /// Describes a call without query text: `GET` of Redis, `find` of MongoDB.
    ///
    /// The name is exported as it is, also with metrics: give the command without its arguments. It is cut
    /// at 256 bytes.
    pub fn operation(&self, name: impl Into<Cow<'static, str>>) -> Call<'_> {
        Call::operation(self, limit::name(name.into()))
    }

    /// What every call to this database has in common.
    fn attributes(&self) -> Vec<KeyValue> {
        let mut attributes = Vec::with_capacity(4);
        attributes.push(KeyValue::new("db.system.name", self.target.system));
        let namespace = self.target.namespace_value();
        attributes.extend(namespace.map(|name| KeyValue::new("db.namespace", name)));
        if let Some((address, port)) = &self.target.server {
            attributes.push(KeyValue::new("server.address", address.clone()));
            attributes.extend(port.map(|port| KeyValue::new("server.port", i64::from(port))));
        }
        attributes
    }

    /// `host:port/namespace`, with what is known of that.
    fn default_pool_name(&self) -> String {
        let server = self.target.server.as_ref().map(|(address, port)| match port {
            Some(port) if address.contains(':') => format!("[{address}]:{port}"),
            Some(port) => format!("{address}:{port}"),
            None => address.to_string(),
        });
        match (server, self.target.namespace()) {
            (Some(server), Some(namespace)) => format!("{server}/{namespace}"),
            (Some(server), None) => server,
            (None, Some(namespace)) => namespace.to_owned(),
            (None, None) => self.target.system.to_owned(),
        }
    }
}
