//! What exchanges are measured with.

#[cfg(feature = "bound-instruments")]
mod bound;
mod duration;
mod instruments;
mod limit;

#[cfg(feature = "bound-instruments")]
pub(crate) use self::bound::{BoundDurations, Series};
pub(crate) use self::{
    duration::{DurationHistogram, Keeping, Sampled},
    instruments::{Instruments, Optional},
    limit::SeriesLimit,
};
