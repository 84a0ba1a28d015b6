//! What an exporter keeps in memory, and what it sends, while its collector does not do its part.

mod collector;
mod flush;
mod load;

pub use collector::{Behavior, Collector};
pub use flush::{beside, threads_left};
pub use load::{Shape, Wire, hold, push};
