//! Where settings come from, apart from code.

#[cfg(feature = "config-file")]
pub(crate) mod file;
