//! Where exchanges take their time from.

use std::{
    fmt,
    time::{Instant, SystemTime},
};

/// The two clocks of an exchange.
///
/// An exchange asks the wall clock once, when it starts, and the monotonic one at its start and
/// its end: the span's end is its start plus what passed on the monotonic clock. The default is
/// the system's; give another one to tests that set the time.
///
/// ```
/// use std::time::SystemTime;
/// use tracewire_http::{Clock, wiring::ServerSettings};
///
/// /// Spans of tests start at the Unix epoch.
/// #[derive(Debug)]
/// struct Epoch;
///
/// impl Clock for Epoch {
///     fn wall(&self) -> SystemTime {
///         SystemTime::UNIX_EPOCH
///     }
/// }
///
/// let settings = ServerSettings::new("my-server", "1.0.0").clock(Epoch); // an option of every layer
/// ```
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time on the monotonic clock.
    fn now(&self) -> Instant {
        Instant::now()
    }

    /// The time on the wall clock.
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// The system's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {}
