//! Traces diesel with OpenTelemetry, without touching each query.
//!
//! ```
//! // the one line, before connections are established
//! diesel::connection::set_default_instrumentation(tracewire_diesel::instrumentation)?;
//! # Ok::<(), diesel::result::Error>(())
//! ```
//!
//! # What is recorded
//!
//! Each query is a client span, named by its summary (`SELECT items`), with `db.system.name`, `db.namespace`,
//! `server.address`, `server.port`, `db.query.summary` and `db.query.text`, and a measurement of
//! `db.client.operation.duration`. `BEGIN`, `COMMIT`, `ROLLBACK` and savepoints are queries too. Establishing a
//! connection is a span `CONNECT` where a span is current, as in a request; a pool's own threads have none.
//!
//! **Literals and bound values are never exported**, and neither are credentials of the database's URL. Errors
//! are recorded by a name (`unique_violation`), without their message: diesel does not tell the database's code.
//!
//! # What to know
//!
//! - The parent of a span is what is current on the thread that runs the query. diesel blocks, so its calls run
//!   on other threads than your handler: start them with `tracewire_span::spawn_blocking`, or carry the span
//!   with `Span::carry`. diesel-async runs queries in your task.
//! - The span of a query ends when its execution does. With `load_iter`, rows that are read later are not in it.
//! - A query of diesel-async whose future is dropped ends with the next query of its connection.
//! - diesel has no way to take an instrumentation back, and one alone: to have one of your own as well, call
//!   [`Traced`] from it.
//! - A pool's waits are not visible here: wrap its `get` with `ConnectionPool` of `tracewire_span::database`.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod describe;
mod error;
mod text;
mod traced;

pub use traced::{Traced, instrumentation};

#[doc(hidden)]
pub mod fuzzing {
    //! What `fuzz/` drives: the text of a query, and the database that a URL leads to.

    pub use crate::{describe::database, text::text};
}

/// The version of diesel that fits: types of another version are other types.
pub use diesel;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
