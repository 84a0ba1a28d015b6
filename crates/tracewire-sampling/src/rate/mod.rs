//! How many traces arrive, and the time that this is measured by.

mod clock;
mod estimator;

pub use self::clock::{MonotonicClock, SystemClock};
pub(crate) use self::estimator::Estimator;
