//! What a custom span and a call to a database cost, beside the same with OpenTelemetry alone.
//!
//! A program measures one [`Case`] and nothing else, because providers are global to a process;
//! [`Work`] is that program's work.

mod sqlx;
mod work;

pub use self::work::Work;

/// One call, in one kind of process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// What is called.
    pub call: Call,
    /// Where it is called.
    pub place: Place,
}

/// What is called, and with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// The work alone, which is ready at once.
    Nothing,
    /// A span with one attribute.
    Span,
    /// The same with OpenTelemetry alone.
    SpanByOpenTelemetry,
    /// A query whose text was seen before.
    Query,
    /// A query whose text is new.
    NewQuery,
    /// A query that fails with a code of the database.
    FailedQuery,
    /// A query whose text is longer than what is remembered.
    LongQuery,
    /// A call without text.
    Operation,
    /// The span and the duration of a query with OpenTelemetry alone, its description ready made.
    QueryByOpenTelemetry,
    /// A query through a traced pool of sqlx, to SQLite in memory.
    SqlxQuery,
    /// The same through sqlx's own pool.
    BareSqlxQuery,
}

/// The process and the parent of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// An SDK that `init` set up, and a parent that is sampled.
    Sampled,
    /// An SDK that `init` set up, and a parent that is not sampled.
    Unsampled,
    /// An SDK that the application set up, and a parent that is sampled.
    OwnSdk,
    /// No SDK, and a parent that another service sampled.
    NoSdk,
}

/// Every case.
pub fn cases() -> impl Iterator<Item = Case> {
    let calls = [
        Call::Nothing,
        Call::Span,
        Call::SpanByOpenTelemetry,
        Call::Query,
        Call::NewQuery,
        Call::FailedQuery,
        Call::LongQuery,
        Call::Operation,
        Call::QueryByOpenTelemetry,
        Call::SqlxQuery,
        Call::BareSqlxQuery,
    ];
    let places = [Place::Sampled, Place::Unsampled, Place::OwnSdk, Place::NoSdk];
    let in_all = move |call| places.into_iter().map(move |place| Case { call, place });
    calls.into_iter().flat_map(in_all)
}

/// The case of this name.
#[must_use]
pub fn find(name: &str) -> Option<Case> {
    cases().find(|case| case.name() == name)
}

impl Case {
    /// What the case is called in the tables: `query, sampled`.
    #[must_use]
    pub fn name(&self) -> String {
        let call = match self.call {
            Call::Nothing => "nothing",
            Call::Span => "span",
            Call::SpanByOpenTelemetry => "span by OpenTelemetry",
            Call::Query => "query",
            Call::NewQuery => "new query",
            Call::FailedQuery => "failed query",
            Call::LongQuery => "long query",
            Call::Operation => "operation",
            Call::QueryByOpenTelemetry => "query by OpenTelemetry",
            Call::SqlxQuery => "sqlx query",
            Call::BareSqlxQuery => "bare sqlx query",
        };
        let place = match self.place {
            Place::Sampled => "sampled",
            Place::Unsampled => "unsampled",
            Place::OwnSdk => "own SDK",
            Place::NoSdk => "no SDK",
        };
        format!("{call}, {place}")
    }
}
