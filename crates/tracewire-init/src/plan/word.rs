//! Values of the plan, in the words that their variables take.

use std::time::Duration;

use opentelemetry_sdk::metrics::Temporality;
use tracewire_export::wiring::log::Level;
use tracewire_export::{Compression, ConsoleFormat};

use crate::builder::{HistogramAggregation, LogFormat, LogNames};
use crate::config::extraction::Extraction;

/// A value that has a word of its own.
pub(crate) trait Word {
    fn word(&self) -> String;
}

/// For types whose `Debug` is that word, but for capitals.
macro_rules! words_as_debug {
    ($($kind:ty),*) => {
        $(impl Word for $kind {
            fn word(&self) -> String {
                format!("{self:?}").to_ascii_lowercase()
            }
        })*
    };
}

// A duration has its unit: `5s` where a variable has `5000`.
words_as_debug!(
    bool,
    Extraction,
    LogNames,
    u16,
    u32,
    usize,
    Duration,
    Compression,
    ConsoleFormat,
    LogFormat,
    Temporality
);

impl Word for Level {
    fn word(&self) -> String {
        match self {
            Self::Off => "none".to_owned(),
            level => format!("{level:?}").to_ascii_lowercase(),
        }
    }
}

impl<T: Word> Word for Option<T> {
    fn word(&self) -> String {
        self.as_ref().map_or_else(|| "none".to_owned(), T::word)
    }
}

impl Word for HistogramAggregation {
    fn word(&self) -> String {
        let word = Self::WORDS.iter().find(|(_, aggregation)| aggregation == self);
        word.map_or_else(|| format!("{self:?}"), |(word, _)| (*word).to_owned())
    }
}
