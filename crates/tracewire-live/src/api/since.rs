//! What a browser knows already.

use std::fmt;

/// What a browser knows: which start of the process, and which generation of its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Since {
    pub(crate) instance: u64,
    pub(crate) generation: u64,
}

impl Since {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (instance, generation) = text.split_once('-')?;
        let instance = u64::from_str_radix(instance, 16).ok()?;
        Some(Self { instance, generation: generation.parse().ok()? })
    }
}

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.instance, self.generation)
    }
}
