//! Running the programs, comparing what they export, and the page that says so.

pub(crate) mod differences;
pub(crate) mod page;
pub(crate) mod program;
