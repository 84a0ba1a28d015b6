//! What the published crates stand on.
#![allow(missing_docs)] // a test's library

pub mod count;
pub mod dependencies;
