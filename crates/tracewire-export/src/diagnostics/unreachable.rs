//! A collector that is not there: said once for all signals, with what to do about it.

use crate::diagnostics::log;
use std::{
    io::{self, ErrorKind},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use url::Url;

/// How long until the same is said again.
const PERIOD: Duration = Duration::from_secs(60);
/// How every reason of this kind begins.
const NOTHING: &str = "nothing answers at ";

/// The reason that an endpoint, as it may be shown, cannot be reached. It names the collector and
/// not the path, so that it is the same for every signal.
pub(crate) fn reason(endpoint: &str, cause: &str) -> String {
    let origin = Url::parse(endpoint).map(|url| url.origin().ascii_serialization());
    // The system's own number for the error tells nobody anything.
    let cause = cause.split(" (os error").next().unwrap_or(cause);
    format!("{NOTHING}{}: {cause}", origin.as_deref().unwrap_or(endpoint))
}

/// Whether there was nobody to send anything to.
pub(crate) fn is_unreached(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable
    ) || is_unknown_host(error)
}

/// Whether the name of the host was not found, for which the standard library has no kind.
pub(crate) fn is_unknown_host(error: &io::Error) -> bool {
    error.to_string().starts_with("failed to lookup address information")
}

pub(crate) fn is_reason(text: &str) -> bool {
    text.starts_with(NOTHING)
}

/// What one telemetry says of lost items, for all of its signals and exporters.
#[derive(Debug, Default)]
pub(crate) struct Voice {
    /// What to do about a collector that is missing; empty is nothing.
    hint: &'static str,
    has_hinted: AtomicBool,
    /// Shutdown has begun: its report says it all.
    quiet: AtomicBool,
    last: Mutex<Option<(String, Instant)>>,
}

impl Voice {
    pub(crate) fn with_hint(hint: &'static str) -> Self {
        Self { hint, ..Self::default() }
    }

    /// Warns that items were lost for this reason.
    pub(crate) fn lost(&self, line: &str, reason: &str) {
        if !self.quiet.load(Ordering::Relaxed) && self.is_news(reason, Instant::now()) {
            log::warn(&self.explained(line, reason));
        }
    }

    /// `line`, and what to do if this is the first time that a collector is missing.
    pub(crate) fn explained(&self, line: &str, reason: &str) -> String {
        if is_reason(reason)
            && !self.hint.is_empty()
            && !self.has_hinted.swap(true, Ordering::Relaxed)
        {
            format!("{line}. {}", self.hint)
        } else {
            line.to_owned()
        }
    }

    /// From now on only the report speaks.
    pub(crate) fn hush(&self) {
        self.quiet.store(true, Ordering::Relaxed);
    }

    /// Every signal fails alike where the collector is missing: the first one says it.
    fn is_news(&self, reason: &str, now: Instant) -> bool {
        if !is_reason(reason) {
            return true;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = last
            .as_ref()
            .is_some_and(|(said, at)| said == reason && now.duration_since(*at) < PERIOD);
        if !is_old {
            *last = Some((reason.to_owned(), now));
        }
        !is_old
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_collector_is_named_without_the_path() {
        let refused = "Connection refused (os error 111)";
        let expected = "nothing answers at http://localhost:4318: Connection refused";
        for path in ["v1/traces", "v1/metrics", ""] {
            assert_eq!(reason(&format!("http://localhost:4318/{path}"), refused), expected);
        }
        assert!(is_reason(expected) && !is_reason("HTTP 503 from http://localhost:4318"));
    }

    #[test]
    fn a_host_that_is_not_found_is_not_reached() {
        use std::net::ToSocketAddrs;
        let error = ("collector.invalid", 4318).to_socket_addrs().unwrap_err();
        assert!(is_unreached(&error), "{error:?}");
        assert!(is_unreached(&ErrorKind::ConnectionRefused.into()));
        assert!(!is_unreached(&ErrorKind::ConnectionReset.into()));
    }

    #[test]
    fn it_is_said_once_a_period_for_all_signals_and_other_reasons_each_time() {
        let voice = Voice::default();
        let gone = reason("http://c", "refused");
        let start = Instant::now();
        assert!(voice.is_news(&gone, start));
        assert!(!voice.is_news(&gone, start + PERIOD / 2));
        assert!(voice.is_news("HTTP 400", start) && voice.is_news("HTTP 400", start));
        assert!(voice.is_news(&reason("http://d", "refused"), start));
        assert!(voice.is_news(&gone, start + PERIOD));
    }

    #[test]
    fn the_hint_is_given_once() {
        let voice = Voice::with_hint("Start one");
        let gone = reason("http://c", "refused");
        assert_eq!(voice.explained("lost", "HTTP 400"), "lost");
        assert_eq!(voice.explained("lost", &gone), "lost. Start one");
        assert_eq!(voice.explained("lost", &gone), "lost");
        assert_eq!(Voice::default().explained("lost", &gone), "lost");
    }
}
