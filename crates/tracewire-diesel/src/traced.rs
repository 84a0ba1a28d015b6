//! Spans from the events of a connection.

use crate::{describe, error::kind, text::text};
use diesel::connection::{DebugQuery, Instrumentation, InstrumentationEvent};
use opentelemetry::{Context, trace::TraceContextExt};
use std::{collections::VecDeque, fmt};
use tracewire_span::database::{Begun, Database, ErrorKind};

/// How many queries of a connection may be under way at once; those of dropped futures count until then.
const MOST: usize = 64;

/// Traces the connections that are established from now on, as diesel's default instrumentation.
///
/// ```
/// diesel::connection::set_default_instrumentation(tracewire_diesel::instrumentation)?;
/// # Ok::<(), diesel::result::Error>(())
/// ```
pub fn instrumentation() -> Option<Box<dyn Instrumentation>> {
    Some(Box::new(Traced::default()))
}

/// Traces one connection.
///
/// ```no_run
/// use diesel::{Connection, sqlite::SqliteConnection};
/// use tracewire_diesel::Traced;
/// use tracewire_span::database::Database;
///
/// # fn main() -> diesel::ConnectionResult<()> {
/// let mut connection = SqliteConnection::establish("shop.db")?;
/// connection.set_instrumentation(Traced::new(Database::new("sqlite").namespace("shop.db")));
/// # Ok(())
/// # }
/// ```
pub struct Traced {
    database: Database,
    /// Whether the URL says what the database is.
    by_url: bool,
    connecting: Option<Begun>,
    /// Oldest first. A connection has several under way if diesel-async pipelines them.
    queries: VecDeque<(String, Begun)>,
}

impl Traced {
    /// Traces the queries of a connection to this database.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database, by_url: false, connecting: None, queries: VecDeque::new() }
    }

    fn connect(&mut self, url: &str) {
        if self.by_url {
            self.database = describe::database(url);
        }
        // A pool connects on threads of its own, where a span would be a trace of its own.
        let is_traced = Context::current().has_active_span();
        self.connecting = is_traced.then(|| self.database.operation("CONNECT").begin());
    }

    fn start(&mut self, query: &dyn DebugQuery) {
        let text = text(&query);
        let begun = self.database.query(&text).begin();
        if self.queries.len() >= MOST {
            self.queries.pop_front();
        }
        self.queries.push_back((text, begun));
    }

    fn finish(&mut self, query: &dyn DebugQuery, error: Option<&diesel::result::Error>) {
        if self.queries.len() > 1 {
            // Those before it are of futures that were dropped.
            let text = text(&query);
            let at = self.queries.iter().position(|(own, _)| *own == text);
            self.queries.drain(..at.unwrap_or(0));
        }
        if let Some((_, begun)) = self.queries.pop_front() {
            match error {
                None => begun.end(),
                Some(error) => begun.fail(error, kind(error)),
            }
        }
    }
}

/// Traces a connection that is yet to be established, whose URL says what the database is.
impl Default for Traced {
    fn default() -> Self {
        Self { by_url: true, ..Self::new(Database::new("other_sql")) }
    }
}

impl Instrumentation for Traced {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartEstablishConnection { url, .. } => self.connect(url),
            InstrumentationEvent::FinishEstablishConnection { error, .. } => {
                match (self.connecting.take(), error) {
                    (Some(begun), Some(error)) => begun.fail(error, ErrorKind::Other),
                    (Some(begun), None) => begun.end(),
                    (None, _) => {}
                }
            }
            InstrumentationEvent::StartQuery { query, .. } => self.start(query),
            InstrumentationEvent::FinishQuery { query, error, .. } => self.finish(query, error),
            // Each of them is a query as well.
            _ => {}
        }
    }
}

impl fmt::Debug for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traced").field("database", &self.database).finish_non_exhaustive()
    }
}
