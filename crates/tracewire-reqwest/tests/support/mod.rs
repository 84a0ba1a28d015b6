//! What the tests of every client share: a server, a recorder, and the contract they all keep.

pub(crate) mod contract;
pub(crate) mod recorder;
pub(crate) mod server;
