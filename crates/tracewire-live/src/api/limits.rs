//! How much one answer may hold.

use std::time::Duration;

/// Traces in one list.
pub(super) const MOST_TRACES: usize = 500;
/// Traces in one list, if nothing else was asked for.
pub(super) const TRACES: usize = 200;
/// Changed traces in one message.
pub(super) const MOST_CHANGES: usize = 100;
/// How long one search may take.
pub(super) const SEARCH: Duration = Duration::from_millis(50);
/// Events marked in a waterfall.
pub(super) const MOST_EVENTS: usize = 5_000;
/// Services named in one row of the list.
pub(super) const MOST_SERVICES: usize = 8;
/// Running requests in one list, the longest ones.
pub(super) const MOST_RUNNING: usize = 500;
/// Rows in a table that others fill.
pub(super) const MOST_ROWS: usize = 2_000;
