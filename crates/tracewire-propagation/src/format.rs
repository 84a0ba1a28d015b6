//! The formats by name, and which of them are compiled in.

use crate::Propagator;
use std::{fmt, sync::Arc};

/// A header format, compiled in or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// W3C Trace Context.
    TraceContext,
    /// W3C Baggage.
    Baggage,
    /// B3, one header.
    B3,
    /// B3, several headers.
    B3Multi,
    /// Jaeger's `uber-trace-id`.
    Jaeger,
    /// AWS X-Ray.
    XRay,
    /// Datadog.
    Datadog,
    /// Elastic APM's older `elastic-apm-traceparent`.
    Elastic,
}

impl Format {
    /// Every format, compiled in or not.
    pub const ALL: [Self; 8] = [
        Self::TraceContext,
        Self::Baggage,
        Self::B3,
        Self::B3Multi,
        Self::Jaeger,
        Self::XRay,
        Self::Datadog,
        Self::Elastic,
    ];

    /// The word for it in `OTEL_PROPAGATORS`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TraceContext => "tracecontext",
            Self::Baggage => "baggage",
            Self::B3 => "b3",
            Self::B3Multi => "b3multi",
            Self::Jaeger => "jaeger",
            Self::XRay => "xray",
            Self::Datadog => "datadog",
            Self::Elastic => "elastic",
        }
    }

    /// The cargo feature that compiles it in.
    #[must_use]
    pub const fn feature(self) -> &'static str {
        match self {
            Self::B3Multi => "b3",
            other => other.name(),
        }
    }

    /// The formats that are compiled in, in the order of [`ALL`](Self::ALL).
    pub fn enabled() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|format| format.is_enabled())
    }

    /// Whether it is compiled in.
    #[must_use]
    pub fn is_enabled(self) -> bool {
        match self {
            Self::TraceContext => cfg!(feature = "tracecontext"),
            Self::Baggage => cfg!(feature = "baggage"),
            Self::B3 | Self::B3Multi => cfg!(feature = "b3"),
            Self::Jaeger => cfg!(feature = "jaeger"),
            Self::XRay => cfg!(feature = "xray"),
            Self::Datadog => cfg!(feature = "datadog"),
            Self::Elastic => cfg!(feature = "elastic"),
        }
    }

    /// Its propagator, or `None` if it is not compiled in.
    #[must_use]
    pub fn propagator(self) -> Option<Arc<dyn Propagator>> {
        match self {
            #[cfg(feature = "tracecontext")]
            Self::TraceContext => Some(Arc::new(crate::TraceContext::new())),
            #[cfg(feature = "baggage")]
            Self::Baggage => Some(Arc::new(crate::Baggage::new())),
            #[cfg(feature = "b3")]
            Self::B3 => Some(Arc::new(crate::B3::single())),
            #[cfg(feature = "b3")]
            Self::B3Multi => Some(Arc::new(crate::B3::multi())),
            #[cfg(feature = "jaeger")]
            Self::Jaeger => Some(Arc::new(crate::Jaeger::new())),
            #[cfg(feature = "xray")]
            Self::XRay => Some(Arc::new(crate::XRay::new())),
            #[cfg(feature = "datadog")]
            Self::Datadog => Some(Arc::new(crate::Datadog::new())),
            #[cfg(feature = "elastic")]
            Self::Elastic => Some(Arc::new(crate::Elastic::new())),
            #[allow(unreachable_patterns)] // reachable unless every format is compiled in
            _ => None,
        }
    }

    /// The format of this name, in any case.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The formats used when nobody names any, in the order in which they are tried.
///
/// W3C's come last, so that `traceparent` wins over a vendor's header. B3 is written in its single
/// form, and read in both.
pub(crate) fn default_set(enabled: &[Format]) -> Vec<Format> {
    const ORDER: [Format; 7] = [
        Format::Datadog,
        Format::XRay,
        Format::Jaeger,
        Format::B3,
        Format::Elastic,
        Format::TraceContext,
        Format::Baggage,
    ];
    ORDER.into_iter().filter(|format| enabled.contains(format)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_has_a_default_set_in_order() {
        for bits in 0..1 << Format::ALL.len() {
            let enabled: Vec<_> = (0..Format::ALL.len())
                .filter(|at| bits & (1 << at) != 0)
                .map(|at| Format::ALL[at])
                .collect();
            let set = default_set(&enabled);
            let wanted = enabled.iter().filter(|&&format| format != Format::B3Multi);
            assert_eq!(set.len(), wanted.clone().count(), "{enabled:?}");
            assert!(wanted.clone().all(|format| set.contains(format)), "{enabled:?}");
            let at = |format| set.iter().position(|&other| other == format);
            if let Some(w3c) = at(Format::TraceContext) {
                let after = &set[w3c + 1..];
                assert!(matches!(after, [] | [Format::Baggage]), "{set:?}");
            }
            // The same formats in another order make the same set.
            let reversed: Vec<_> = enabled.into_iter().rev().collect();
            assert_eq!(default_set(&reversed), set);
        }
    }

    #[test]
    fn names_and_features_are_those_of_the_manifest() {
        let manifest = include_str!("../Cargo.toml");
        for format in Format::ALL.into_iter().filter(|format| format.is_enabled()) {
            assert!(manifest.contains(&format!("\n{} = [", format.feature())), "{format}");
            assert_eq!(Format::from_name(&format.name().to_uppercase()), Some(format));
        }
        assert_eq!(Format::from_name("ottrace"), None);
    }

    #[test]
    fn what_is_compiled_in_has_a_propagator() {
        for format in Format::ALL {
            assert_eq!(format.propagator().is_some(), format.is_enabled(), "{format}");
        }
    }
}
