//! Target rates that change the probability, so that counts stay true.

mod clock;
mod estimator;
mod target;

pub use self::{
    clock::{Clock, SystemClock},
    target::{RateStatus, RateTarget},
};
