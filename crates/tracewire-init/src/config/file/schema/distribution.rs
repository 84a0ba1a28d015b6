//! `distribution.tracewire`: settings that only this crate has.

use std::time::Duration;

use crate::ConsoleFormat;
use crate::builder::Exceptions;
use crate::config::file::position::{Place, Spanned};
use crate::config::file::read::{Cursor, boolean, text};
use crate::config::http::{is_path_pattern, is_service_peer};
use crate::config::own_metrics::OwnMetrics;

/// `distribution.tracewire`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tracewire {
    pub(crate) place: Place,
    /// As `TRACEWIRE_CONSOLE`. Default: the tree.
    pub(crate) console: Option<Spanned<ConsoleFormat>>,
    /// As `TRACEWIRE_LOG`. Default: none.
    pub(crate) log: Option<Spanned<LogLines>>,
    /// As `TRACEWIRE_METRICS`. Default: none of them.
    pub(crate) metrics: Option<Spanned<Vec<OwnMetrics>>>,
    /// As `TRACEWIRE_EXCLUDED_PATHS`.
    pub(crate) excluded_paths: Vec<Spanned<String>>,
    /// As `TRACEWIRE_EXCLUDED_URLS`.
    pub(crate) excluded_urls: Vec<Spanned<String>>,
    /// As `OTEL_INSTRUMENTATION_COMMON_PEER_SERVICE_MAPPING`.
    pub(crate) service_peers: Vec<Spanned<String>>,
    /// As `OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN`. Default: none.
    pub(crate) exceptions: Option<Spanned<Exceptions>>,
    /// As `TRACEWIRE_METADATA_TIMEOUT`. Default: a second.
    pub(crate) metadata_timeout: Option<Spanned<Duration>>,
    /// Whether the file is watched, and what can change while the process runs is changed. Default: false.
    pub(crate) reload: Option<Spanned<bool>>,
}

/// What a subscriber for `tracing` writes to stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogLines {
    None,
    Text,
    Json,
}

/// Reads `distribution`. What other distributions have there is theirs.
pub(super) fn distribution(cursor: Cursor<'_>) -> Option<Tracewire> {
    let mut count = 0;
    let fields = cursor.open_fields(&["tracewire"], |_, cursor| {
        count += 1;
        cursor.expect_mapping();
    })?;
    let ours = fields.optional("tracewire", |cursor| {
        count += 1;
        tracewire(cursor)
    });
    if count == 0 {
        cursor.problem("is empty; expected at least one distribution, such as `tracewire`");
    }
    ours
}

fn tracewire(cursor: Cursor<'_>) -> Option<Tracewire> {
    const KNOWN: [&str; 9] = [
        "console",
        "log",
        "metrics",
        "excluded_paths",
        "excluded_urls",
        "service_peers",
        "exceptions",
        "metadata_timeout",
        "reload",
    ];
    let fields = cursor.fields(&KNOWN)?;
    let texts = |key, read: fn(Cursor<'_>) -> Option<Spanned<String>>| {
        fields.optional(key, |cursor| cursor.items(0, read)).unwrap_or_default()
    };
    Some(Tracewire {
        place: cursor.place(),
        console: fields.setting("console", |cursor| {
            cursor.choice(&[("tree", ConsoleFormat::Tree), ("json", ConsoleFormat::Json)])
        }),
        log: fields.setting("log", log),
        metrics: fields.setting("metrics", metrics),
        excluded_paths: texts("excluded_paths", path),
        excluded_urls: texts("excluded_urls", text),
        service_peers: texts("service_peers", peer),
        exceptions: fields.setting("exceptions", exceptions),
        metadata_timeout: fields.setting("metadata_timeout", |cursor| cursor.milliseconds(1)),
        reload: fields.setting("reload", boolean),
    })
}

fn log(cursor: Cursor<'_>) -> Option<Spanned<LogLines>> {
    let words = [("none", LogLines::None), ("text", LogLines::Text), ("json", LogLines::Json)];
    let found = cursor.choice(&words)?;
    let is_there = *found == LogLines::None || cursor.needs(cfg!(feature = "tracing"), "tracing");
    is_there.then_some(found)
}

/// Where exceptions are recorded.
fn exceptions(cursor: Cursor<'_>) -> Option<Spanned<Exceptions>> {
    let all = [Exceptions::SpanEvents, Exceptions::LogRecords, Exceptions::Both];
    let found = cursor.choice(&all.map(|one| (one.name(), one)))?;
    let is_there = *found == Exceptions::SpanEvents || cursor.needs(cfg!(feature = "logs"), "logs");
    is_there.then_some(found)
}

/// A host and the name of the service there.
fn peer(cursor: Cursor<'_>) -> Option<Spanned<String>> {
    let pair = cursor.text()?;
    if is_service_peer(&pair) {
        return Some(pair);
    }
    cursor.unexpected("a host and a name, as in stock.internal=stock or 10.0.0.7:5432=orders-db");
    None
}

/// The groups that are on; an empty list is none.
fn metrics(cursor: Cursor<'_>) -> Option<Spanned<Vec<OwnMetrics>>> {
    let groups = cursor.items(0, |cursor| {
        let group = cursor.choice(&OwnMetrics::WORDS)?;
        let missing = group.missing_feature();
        missing.is_none_or(|feature| cursor.needs(false, feature)).then_some(*group)
    })?;
    Some(cursor.spanned(groups))
}

/// A pattern that some path matches.
fn path(cursor: Cursor<'_>) -> Option<Spanned<String>> {
    let pattern = cursor.text()?;
    if is_path_pattern(&pattern) {
        return Some(pattern);
    }
    cursor.unexpected("a pattern that begins with a slash, as in /healthz");
    None
}
