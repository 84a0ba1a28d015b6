//! A call to a database, as a span and a duration.

use super::{
    Begun, Database,
    cache::described,
    error::{ErrorKind, Failure},
    measure::{Clock, Judge, Measured},
    prepared::{Prepared, Rare},
    statement::{Facts, Source, Statement, shared},
};
use crate::{
    InSpan, StreamInSpan, limit,
    run::Lazy,
    value::{IntoValue, attribute},
};
use futures_core::Stream;
use opentelemetry::{Key, StringValue};
use std::{
    borrow::Cow,
    fmt::{self, Display},
    sync::Arc,
};

/// A call to a database, before it is made.
///
/// ```
/// use tracewire_span::database::Database;
///
/// static ORDERS: Database = Database::new("postgresql");
///
/// # async fn execute(sql: &str) -> Result<u64, std::io::Error> { Ok(1) }
/// # async fn example() -> Result<(), std::io::Error> {
/// let sql = "UPDATE items SET stock = stock - 1 WHERE name = 'lamp'";
/// let call = ORDERS.query(sql).attribute("shop.item", "lamp");
/// assert_eq!(call.query_text(), Some("UPDATE items SET stock = stock - ? WHERE name = ?"));
/// let changed = call.run(execute(sql)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a call starts with `run` or `stream`"]
pub struct Call<'a> {
    database: &'a Database,
    what: What,
    rare: Option<Box<Rare>>,
}

#[derive(Clone)]
enum What {
    Query(Arc<Statement>),
    Operation(Cow<'static, str>),
}

impl<'a> Call<'a> {
    fn new(database: &'a Database, what: What) -> Self {
        Self { database, what, rare: None }
    }

    pub(super) fn query(database: &'a Database, sql: &str) -> Self {
        Self::new(database, What::Query(described(&database.target, Source::Query(sql))))
    }

    pub(super) fn operation(database: &'a Database, name: Cow<'static, str>) -> Self {
        Self::new(database, What::Operation(name))
    }

    /// Sets the table or collection that the call works on, if it is only one: `db.collection.name`.
    pub fn collection(mut self, collection: impl Into<Cow<'static, str>>) -> Self {
        self.rare().collection = Some(limit::name(collection.into()));
        self
    }

    /// Sets a summary, which is also the name of the span: `db.query.summary`. It should have few
    /// different values.
    pub fn summary(mut self, summary: impl Into<Cow<'static, str>>) -> Self {
        self.rare().summary = Some(limit::name(summary.into()));
        self
    }

    /// Exports this query text unchanged: `db.query.text`. Use it for systems that are not SQL, or for
    /// queries with parameters and without secrets.
    ///
    /// Literals in the text are exported. It is cut at 4096 bytes.
    pub fn raw_query_text(mut self, text: impl Into<String>) -> Self {
        self.rare().raw_text = Some(text.into());
        self
    }

    /// Sets how many operations are sent at once: `db.operation.batch.size`. It is left out for one.
    pub fn batch_size(mut self, operations: usize) -> Self {
        self.rare().batch_size = Some(operations).filter(|&operations| operations > 1);
        self
    }

    /// Adds an attribute to the span, but not to the metric.
    pub fn attribute(mut self, key: impl Into<Key>, value: impl IntoValue) -> Self {
        self.rare().more.extend(attribute(key, value));
        self
    }

    /// Returns the query text that will be exported, if any.
    #[must_use]
    pub fn query_text(&self) -> Option<&str> {
        match (self.rare.as_ref().and_then(|rare| rare.raw_text.as_ref()), &self.what) {
            (Some(text), _) => Some(text),
            (None, What::Query(statement)) => statement.text.as_ref().map(StringValue::as_str),
            (None, What::Operation(_)) => None,
        }
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
        let (span, clock) = self.start();
        InSpan::new(span, Measured::new(call, clock, judge(kind)), |_, _| {})
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
        let (span, clock) = self.start();
        StreamInSpan::new(span, Measured::new(rows, clock, judge(kind)), |_, _| {})
    }

    /// Begins the call, for libraries that tell of its beginning and its end instead of returning a future.
    ///
    /// ```
    /// # use tracewire_span::database::{Database, ErrorKind};
    /// # static DB: Database = Database::new("sqlite");
    /// # fn execute(_: &str) -> Result<(), std::io::Error> { Ok(()) }
    /// let sql = "DELETE FROM items";
    /// let call = DB.query(sql).begin();
    /// match execute(sql) {
    ///     Ok(()) => call.end(),
    ///     Err(error) => call.fail(&error, ErrorKind::Other),
    /// }
    /// ```
    pub fn begin(self) -> Begun {
        let (span, clock) = self.start();
        Begun::new(span, clock)
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// The span to start, and the clock of the metric.
    fn start(self) -> (Lazy, Clock) {
        let Database { tracer, with_messages, describe_unsampled, .. } = self.database;
        let (statement, rare) = match self {
            Self { what: What::Query(statement), rare: None, .. } => (statement, None),
            call => (call.statement(), call.rare),
        };
        let clock = Clock::new(statement.clone(), *with_messages);
        let span = Prepared {
            provider: tracer.own_provider().cloned(),
            statement,
            rare,
            describe_unsampled: *describe_unsampled,
        };
        (Lazy::call(span), clock)
    }

    /// What the call is known by: shared with earlier calls, unless it was changed for this one.
    fn statement(&self) -> Arc<Statement> {
        let target = &self.database.target;
        let rare = self.rare.as_ref();
        let collection = rare.and_then(|rare| rare.collection.as_ref());
        let summary = rare.and_then(|rare| rare.summary.as_ref());
        let own = || (collection.cloned().map(shared), summary.cloned().map(shared));
        let facts = match (&self.what, collection, summary) {
            (What::Query(statement), None, None) => return statement.clone(),
            (What::Operation(name), collection, None) => {
                return described(target, Source::Operation(name, collection.map(|own| &**own)));
            }
            (What::Query(statement), ..) => {
                let (collection, summary) = own();
                let summary = summary.or_else(|| statement.summary.clone());
                Facts { collection, summary, text: statement.text.clone(), operation: None }
            }
            (What::Operation(name), ..) => {
                let (collection, summary) = own();
                let operation = Some(shared(name.clone()));
                Facts { collection, summary, operation, text: None }
            }
        };
        Arc::new(Statement::new(target, facts))
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Text and attributes may hold what the application declared safe to export, not to log.
        f.debug_struct("Call")
            .field("system", &self.database.target.system)
            .field("name", &self.statement().name)
            .finish_non_exhaustive()
    }
}

/// A function from a result to why it failed, with the message if that is exported.
fn judge<T, E: Display>(
    kind: impl Fn(&E) -> ErrorKind + Send + Sync + 'static,
) -> Judge<Result<T, E>> {
    Box::new(move |output, with_message| {
        let error = output.as_ref().err()?;
        Failure::new(error, kind(error), with_message)
    })
}
