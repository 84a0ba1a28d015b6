//! A call to a database, as a span and a duration.

use super::{
    Database,
    error::{ErrorKind, Failure},
    measure::{Clock, Judge, Measured},
    sql::{Described, describe},
};
use crate::{
    InSpan, SpanBuilder, SpanKind, StreamInSpan, limit,
    value::{IntoValue, attribute},
};
use futures_core::Stream;
use opentelemetry::{Key, KeyValue};
use std::{
    borrow::Cow,
    fmt::{self, Display},
};

/// A call to a database, before it is made.
#[derive(Clone)]
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

    pub(super) fn query(database: &'a Database, sql: &str) -> Self {
        let Described { text, summary } = describe(sql, database.system);
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        Self { summary: some(summary).map(Cow::Owned), text: some(text), ..Self::new(database) }
    }

    pub(super) fn operation(database: &'a Database, name: Cow<'static, str>) -> Self {
        Self { operation: Some(name), ..Self::new(database) }
    }

    /// Sets the table or collection that the call works on, if it is only one: `db.collection.name`.
    pub fn collection(mut self, collection: impl Into<Cow<'static, str>>) -> Self {
        self.collection = Some(limit::name(collection.into()));
        self
    }

    /// Sets a summary, which is also the name of the span: `db.query.summary`. It should have few
    /// different values.
    pub fn summary(mut self, summary: impl Into<Cow<'static, str>>) -> Self {
        self.summary = Some(limit::name(summary.into()));
        self
    }

    /// Exports this query text unchanged: `db.query.text`. Use it for systems that are not SQL, or for
    /// queries with parameters and without secrets.
    ///
    /// Literals in the text are exported. It is cut at 4096 bytes.
    pub fn raw_query_text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Sets how many operations are sent at once: `db.operation.batch.size`. It is left out for one.
    pub fn batch_size(mut self, operations: usize) -> Self {
        self.batch_size = Some(operations).filter(|&operations| operations > 1);
        self
    }

    /// Adds an attribute to the span, but not to the metric.
    pub fn attribute(mut self, key: impl Into<Key>, value: impl IntoValue) -> Self {
        self.more.extend(attribute(key, value));
        self
    }

    /// Returns the query text that will be exported, if any.
    #[must_use]
    pub fn query_text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Makes the call: the span lasts from the first poll of the future to its end.
    ///
    /// An `Err` is recorded by its type; see [what is exported](super#what-is-exported).
    pub fn run<F, T, E>(self, call: F) -> InSpan<Measured<F, F::Output>>
    where
        F: Future<Output = Result<T, E>>,
        E: Display,
    {
        self.run_with_kind(call, |_| ErrorKind::Other)
    }

    /// Makes the call as [`run`](Self::run) does, and records the database's own code of an error:
    /// `db.response.status_code` and `error.type`.
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
        self.run_with_kind(call, move |error| ErrorKind::code(code(error)))
    }

    /// Makes the call as [`run`](Self::run) does, and asks `kind` what an error means.
    pub fn run_with_kind<F, T, E>(
        self,
        call: F,
        kind: impl Fn(&E) -> ErrorKind + Send + Sync + 'static,
    ) -> InSpan<Measured<F, F::Output>>
    where
        F: Future<Output = Result<T, E>>,
        E: Display,
    {
        let judge = judge(kind, self.database.with_messages);
        let (span, clock) = self.start();
        span.ignore_errors().run(Measured::new(call, clock, judge))
    }

    /// Makes a call that returns a stream of rows: the span ends with the stream.
    pub fn stream<S, T, E>(self, rows: S) -> StreamInSpan<Measured<S, S::Item>>
    where
        S: Stream<Item = Result<T, E>>,
        E: Display,
    {
        self.stream_with_kind(rows, |_| ErrorKind::Other)
    }

    /// Makes the call as [`stream`](Self::stream) does, and records the database's own code of an error
    /// as [`run_with_code`](Self::run_with_code) does.
    pub fn stream_with_code<S, T, E>(
        self,
        rows: S,
        code: impl Fn(&E) -> Option<String> + Send + Sync + 'static,
    ) -> StreamInSpan<Measured<S, S::Item>>
    where
        S: Stream<Item = Result<T, E>>,
        E: Display,
    {
        self.stream_with_kind(rows, move |error| ErrorKind::code(code(error)))
    }

    /// Makes the call as [`stream`](Self::stream) does, and asks `kind` what an error means.
    pub fn stream_with_kind<S, T, E>(
        self,
        rows: S,
        kind: impl Fn(&E) -> ErrorKind + Send + Sync + 'static,
    ) -> StreamInSpan<Measured<S, S::Item>>
    where
        S: Stream<Item = Result<T, E>>,
        E: Display,
    {
        let judge = judge(kind, self.database.with_messages);
        let (span, clock) = self.start();
        span.ignore_errors().stream(Measured::new(rows, clock, judge))
    }

    /// The span with what a sampler should see, and the clock with what the metric has of it.
    fn start(self) -> (SpanBuilder, Clock) {
        let mut shared = Vec::with_capacity(8);
        let mut set = |key: &'static str, value: Option<Cow<'static, str>>| {
            shared.extend(value.map(|value| KeyValue::new(key, value)));
        };
        let name = self.name();
        set("db.system.name", Some(self.database.system.into()));
        set("db.namespace", self.database.namespace_text());
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
        let clock = Clock::new(self.database.tracer.clone(), shared, self.database.with_messages);
        (span, clock)
    }

    /// The summary; else the operation with what it works on; else the system.
    fn name(&self) -> Cow<'static, str> {
        let database = self.database;
        let target = self.collection.clone().or(database.namespace_text());
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

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Text and attributes may hold what the application declared safe to export, not to log.
        f.debug_struct("Call")
            .field("system", &self.database.system)
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

/// A function from a result to why it failed.
fn judge<T, E: Display>(
    kind: impl Fn(&E) -> ErrorKind + Send + Sync + 'static,
    with_message: bool,
) -> Judge<Result<T, E>> {
    Box::new(move |output| {
        let error = output.as_ref().err()?;
        Failure::new(error, kind(error), with_message)
    })
}
