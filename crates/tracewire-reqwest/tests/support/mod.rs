//! What the tests of every client share: a server, what is expected, and the contract they all keep.

pub(crate) mod contract;
pub(crate) mod recorded;
pub(crate) mod server;
