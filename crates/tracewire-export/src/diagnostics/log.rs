//! What the crate itself has to say: warnings, and with `OTEL_LOG_LEVEL=debug` each setting.

use crate::diagnostics::output::Output;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};
use tracewire_propagation::current;
use tracewire_text::printable;
use tracing::subscriber::NoSubscriber;

/// Says `message` at level WARN: through `tracing` when a subscriber is set, else on stderr.
pub fn warn(message: &str) {
    say(Level::Warn, message);
}

/// Says `message` at level INFO, through `tracing` alone: a program without a subscriber wants its
/// terminal for itself.
pub fn info(message: &str) {
    say(Level::Info, message);
}

/// Says `message` at level INFO: through `tracing` when a subscriber is set, else on stderr. For what
/// was asked for and has to be seen.
pub fn announce(message: &str) {
    if Level::Info as u8 > LEVEL.load(Ordering::Relaxed) {
        return;
    }
    let message = &*printable(message);
    if !(somebody_listens() && traced(Level::Info, message)) {
        write(format!("tracewire: {message}\n"));
    }
}

/// Says `message` at level DEBUG, likewise on stderr without a subscriber.
pub fn debug(message: &str) {
    say(Level::Debug, message);
}

/// The target of what is said through `tracing`.
pub const TARGET: &str = "tracewire";

/// How much is said, as `OTEL_LOG_LEVEL` has it. Errors are returned, not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    Off,
    /// Warnings: telemetry that was lost, settings that have no effect.
    Warn,
    /// What is worth knowing once.
    Info,
    /// Each setting, and where it came from.
    Debug,
}

/// Sets how much is said from now on.
pub fn set_level(level: Level) {
    LEVEL.store(level as u8, Ordering::Relaxed);
}

static LEVEL: AtomicU8 = AtomicU8::new(Level::Info as u8);

fn say(level: Level, message: &str) {
    if level as u8 > LEVEL.load(Ordering::Relaxed) {
        return;
    }
    let message = &*printable(message);
    if somebody_listens() && traced(level, message) {
        return;
    }
    match level {
        Level::Info => {}
        Level::Debug => write(format!("tracewire: {message}\n")),
        _ => write(format!("tracewire: warning: {message}\n")),
    }
}

/// Says `message` at level WARN on stderr, whatever subscriber there is: of the subscriber itself.
pub fn warn_on_stderr(message: &str) {
    if Level::Warn as u8 <= LEVEL.load(Ordering::Relaxed) {
        write(format!("tracewire: warning: {}\n", printable(message)));
    }
}

fn write(line: String) {
    let stderr = Output::stderr();
    stderr.send(line);
    // A program that ends at once still shows it; a stream that nobody reads holds up nobody.
    stderr.wait_briefly();
}

/// Says `message` through `tracing`, and whether that was possible.
///
/// A thread that ends has destroyed thread-locals that subscribers need. They panic then, and this may
/// be said in a destructor, where a panic would abort the process.
fn traced(level: Level, message: &str) -> bool {
    let say = || match level {
        Level::Debug => tracing::debug!(target: TARGET, "{message}"),
        Level::Info => tracing::info!(target: TARGET, "{message}"),
        _ => tracing::warn!(target: TARGET, "{message}"),
    };
    current::is_reachable() && catch_unwind(AssertUnwindSafe(say)).is_ok()
}

/// Whether a subscriber takes what `tracing` is told here and now.
///
/// `has_been_set` would not do: it stays true once anybody has set a subscriber for a moment.
fn somebody_listens() -> bool {
    tracing::dispatcher::get_default(|dispatch| !dispatch.is::<NoSubscriber>())
}

/// Lets one message through at once and then at most one per period.
///
/// What is held back is counted, so that the next message can say how much it stands for.
#[derive(Debug)]
pub struct Limited {
    period: Duration,
    state: Mutex<LimitedState>,
}

#[derive(Debug, Default)]
struct LimitedState {
    last: Option<Instant>,
    held_back: u64,
}

impl Limited {
    /// Lets one message through per period.
    pub fn new(period: Duration) -> Self {
        Self { period, state: Mutex::default() }
    }

    /// The amount to speak of, `amount` and all that was held back, if it is time to speak.
    pub fn admit(&self, amount: u64, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.held_back += amount;
        let due = state.last.is_none_or(|last| now.duration_since(last) >= self.period);
        due.then(|| {
            state.last = Some(now);
            std::mem::take(&mut state.held_back)
        })
    }

    /// What was held back and never spoken of, if there is any.
    pub fn held_back(&self) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Some(std::mem::take(&mut state.held_back)).filter(|&amount| amount > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limited_speaks_once_a_period_and_counts_what_it_held_back() {
        let limited = Limited::new(Duration::from_secs(10));
        let start = Instant::now();
        assert_eq!(limited.admit(3, start), Some(3));
        assert_eq!(limited.admit(4, start + Duration::from_secs(1)), None);
        assert_eq!(limited.admit(5, start + Duration::from_secs(9)), None);
        assert_eq!(limited.admit(6, start + Duration::from_secs(10)), Some(15));
        assert_eq!(limited.admit(1, start + Duration::from_secs(20)), Some(1));
    }
}
