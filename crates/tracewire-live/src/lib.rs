//! A bounded store of recent traces, and the page that shows them.
mod store;
pub use store::*;
