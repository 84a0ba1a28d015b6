//! What these crates say themselves: how it is written, where to, and what of it may be shown.

pub mod log;
pub(crate) mod output;
pub(crate) mod quiet;
pub mod shown;
pub(crate) mod unreachable;
