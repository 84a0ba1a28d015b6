//! What exchanges are measured with.

#[cfg(feature = "bound-instruments")]
mod bound;
mod instruments;
mod limit;

#[cfg(feature = "bound-instruments")]
pub(crate) use self::bound::{BoundDurations, Series};
pub(crate) use self::{
    instruments::{Instruments, Optional},
    limit::SeriesLimit,
};
