//! Calls to databases as client spans, with their durations.
//!
//! Any async call to any database becomes a span as the [database conventions] have it, and a
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
//! That span is called `SELECT items`, of kind client, and has
//!
//! ```text
//! db.system.name   = "sqlite"
//! db.namespace     = "shop.db"
//! db.query.summary = "SELECT items"
//! db.query.text    = "SELECT price FROM items WHERE name = ?"
//! ```
//!
//! Literals never leave: each is a `?` in the text, and comments are left out. An `Err` is recorded as
//! [`run`](crate::SpanBuilder::run) does it.
//!
//! [database conventions]: https://opentelemetry.io/docs/specs/semconv/database/

mod measure;
mod sql;

pub use measure::Measured;

use crate::outcome::error_type;
use crate::value::{IntoValue, attribute};
use crate::{InSpan, SpanBuilder, SpanKind, StreamInSpan, Tracer, limit};
use futures_core::Stream;
use measure::{Clock, Failure, Judge};
use opentelemetry::{Key, KeyValue};
use sql::{Described, Dialect, describe};
use std::borrow::Cow;
use std::fmt::Display;

/// A database that calls are made to.
#[derive(Clone, Debug)]
pub struct Database {
    system: &'static str,
    namespace: Option<&'static str>,
    server: Option<(Cow<'static, str>, Option<u16>)>,
    tracer: Tracer,
}

impl Database {
    /// A database of this system, by the name that the conventions give it in `db.system.name`:
    /// `postgresql`, `mysql`, `mariadb`, `sqlite`, `microsoft.sql_server`, `oracle.db`, `mongodb`,
    /// `redis` …
    pub const fn new(system: &'static str) -> Self {
        Self { system, namespace: None, server: None, tracer: crate::tracer!() }
    }

    /// Names the database within its server: `db.namespace`.
    pub const fn namespace(mut self, namespace: &'static str) -> Self {
        self.namespace = Some(namespace);
        self
    }

    /// Says where the server is: `server.address` and `server.port`.
    pub fn server(mut self, address: impl Into<Cow<'static, str>>, port: Option<u16>) -> Self {
        self.server = Some((address.into(), port));
        self
    }

    /// Makes the spans with this tracer.
    pub fn tracer(mut self, tracer: Tracer) -> Self {
        self.tracer = tracer;
        self
    }

    /// A call that runs a query. It is described by its text, which is exported without literals.
    pub fn query(&self, sql: &str) -> Call<'_> {
        let Described { text, summary } = describe(sql, Dialect::of(self.system));
        let mut call = Call::new(self);
        if !summary.is_empty() {
            call = call.summary(summary);
        }
        call.text = Some(text);
        call
    }

    /// A call without query text: `GET` of Redis, `find` of MongoDB.
    pub fn operation(&self, name: impl Into<Cow<'static, str>>) -> Call<'_> {
        let mut call = Call::new(self);
        call.operation = Some(limit::name(name.into()));
        call
    }
}

/// A call to a database, before it is made.
#[derive(Clone, Debug)]
#[must_use = "a call starts with `run` or `stream`"]
pub struct Call<'a> {
    database: &'a Database,
    operation: Option<Cow<'static, str>>,
    collection: Option<Cow<'static, str>>,
    summary: Option<Cow<'static, str>>,
    text: Option<String>,
    batch_size: Option<usize>,
    more: Vec<KeyValue>,
}

impl<'a> Call<'a> {
    fn new(database: &'a Database) -> Self {
        Self {
            database,
            operation: None,
            collection: None,
            summary: None,
            text: None,
            batch_size: None,
            more: Vec::new(),
        }
    }

    /// Names the one table or collection that the call works on: `db.collection.name`.
    pub fn collection(mut self, collection: impl Into<Cow<'static, str>>) -> Self {
        self.collection = Some(limit::name(collection.into()));
        self
    }

    /// Gives a summary of your own, of few different values, which names the span as well:
    /// `db.query.summary`.
    pub fn summary(mut self, summary: impl Into<Cow<'static, str>>) -> Self {
        self.summary = Some(limit::name(summary.into()));
        self
    }

    /// Exports this text as it is, for a query that has parameters and no secrets in it.
    pub fn text_as_it_is(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Says how many operations are sent at once, if several are: `db.operation.batch.size`.
    pub fn batch_size(mut self, operations: usize) -> Self {
        self.batch_size = Some(operations).filter(|&operations| operations > 1);
        self
    }

    /// Adds an attribute of your own to the span; the metric goes without.
    pub fn attribute(mut self, key: impl Into<Key>, value: impl IntoValue) -> Self {
        self.more.extend(attribute(key, value));
        self
    }

    /// Makes the call: the span lasts from the first poll of the future to its end.
    pub fn run<F, T, E>(self, call: F) -> InSpan<Measured<F, F::Output>>
    where
        F: Future<Output = Result<T, E>>,
        E: Display,
    {
        self.run_with_code(call, |_| None)
    }

    /// As [`run`](Self::run), with the database's own code for an error: `db.response.status_code`,
    /// which is then `error.type` too.
    ///
    /// ```
    /// # use tracewire_span::database::Database;
    /// # static DB: Database = Database::new("postgresql");
    /// # async fn insert() -> Result<(), std::io::Error> { Ok(()) }
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// DB.query("INSERT INTO items VALUES ($1)")
    ///     .run_with_code(insert(), |error| error.raw_os_error().map(|code| code.to_string()))
    ///     .await
    /// # }).unwrap();
    /// ```
    pub fn run_with_code<F, T, E>(
        self,
        call: F,
        code: impl Fn(&E) -> Option<String> + Send + Sync + 'static,
    ) -> InSpan<Measured<F, F::Output>>
    where
        F: Future<Output = Result<T, E>>,
        E: Display,
    {
        let (span, clock) = self.start();
        span.ignore_errors().run(Measured::new(call, clock, judge(code)))
    }

    /// Makes a call that answers with a stream of rows: the span ends with the stream.
    pub fn stream<S, T, E>(self, rows: S) -> StreamInSpan<Measured<S, S::Item>>
    where
        S: Stream<Item = Result<T, E>>,
        E: Display,
    {
        self.stream_with_code(rows, |_| None)
    }

    /// As [`stream`](Self::stream), with the database's own code for an error among the rows, as
    /// [`run_with_code`](Self::run_with_code) has it.
    pub fn stream_with_code<S, T, E>(
        self,
        rows: S,
        code: impl Fn(&E) -> Option<String> + Send + Sync + 'static,
    ) -> StreamInSpan<Measured<S, S::Item>>
    where
        S: Stream<Item = Result<T, E>>,
        E: Display,
    {
        let (span, clock) = self.start();
        span.ignore_errors().stream(Measured::new(rows, clock, judge(code)))
    }

    /// The span with what a sampler should see, and the clock with what the metric has of it.
    fn start(self) -> (SpanBuilder, Clock) {
        let mut shared = Vec::with_capacity(8);
        let mut set = |key: &'static str, value: Option<Cow<'static, str>>| {
            shared.extend(value.map(|value| KeyValue::new(key, value)));
        };
        let name = self.name();
        set("db.system.name", Some(self.database.system.into()));
        set("db.namespace", self.database.namespace.map(Cow::Borrowed));
        set("db.operation.name", self.operation);
        set("db.collection.name", self.collection);
        set("db.query.summary", self.summary);
        if let Some((address, port)) = &self.database.server {
            set("server.address", Some(address.clone()));
            shared.extend(port.map(|port| KeyValue::new("server.port", i64::from(port))));
        }
        let span = self.database.tracer.span(name).kind(SpanKind::Client);
        let span = span
            .attributes(shared.iter().cloned())
            .attribute("db.query.text", self.text)
            .attribute("db.operation.batch.size", self.batch_size)
            .attributes(self.more);
        (span, Clock::new(self.database.tracer.clone(), shared))
    }

    /// The summary; else the operation with what it works on; else the system.
    fn name(&self) -> Cow<'static, str> {
        let database = self.database;
        let target = self.collection.clone().or(database.namespace.map(Cow::Borrowed));
        let target = target.or(database.server.as_ref().map(|(address, _)| address.clone()));
        match (&self.summary, &self.operation, target) {
            (Some(summary), _, _) => summary.clone(),
            (None, Some(operation), Some(target)) => format!("{operation} {target}").into(),
            (None, Some(operation), None) => operation.clone(),
            (None, None, Some(target)) => target,
            (None, None, None) => database.system.into(),
        }
    }
}

/// A function from a result to why it failed.
fn judge<T, E: Display>(
    code: impl Fn(&E) -> Option<String> + Send + Sync + 'static,
) -> Judge<Result<T, E>> {
    Box::new(move |output| {
        let error = output.as_ref().err()?;
        let message = limit::display(error);
        Some(Failure { message, kind: error_type::<E>(), code: code(error) })
    })
}
