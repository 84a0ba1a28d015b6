//! The header formats, and the table that lists them.
//!
//! A format is a module here, a row in the table, and a cargo feature. Names, features, the default
//! set and its order, and the headers that are removed all come from the table.

#[cfg(feature = "b3")]
mod b3;
#[cfg(feature = "baggage")]
mod baggage;
#[cfg(feature = "datadog")]
mod datadog;
#[cfg(feature = "elastic")]
mod elastic;
#[cfg(feature = "gcp")]
mod gcp;
#[cfg(feature = "grpc-trace-bin")]
mod grpc_trace_bin;
#[cfg(feature = "jaeger")]
mod jaeger;
#[cfg(all(feature = "tracecontext", feature = "baggage"))]
mod pair;
mod table;
#[cfg(feature = "tracecontext")]
mod tracecontext;
// Shared by formats, so a build of few formats leaves some of it unused.
#[allow(dead_code)]
pub(crate) mod w3c;
#[cfg(feature = "xray")]
mod xray;

#[cfg(feature = "b3")]
pub use self::b3::B3;
#[cfg(feature = "baggage")]
pub use self::baggage::Baggage;
#[cfg(feature = "datadog")]
pub use self::datadog::{Datadog, DatadogTrace};
#[cfg(feature = "elastic")]
pub use self::elastic::Elastic;
#[cfg(feature = "gcp")]
pub use self::gcp::GoogleCloud;
#[cfg(feature = "grpc-trace-bin")]
pub use self::grpc_trace_bin::GrpcTraceBin;
#[cfg(feature = "jaeger")]
pub use self::jaeger::Jaeger;
#[cfg(all(feature = "tracecontext", feature = "baggage"))]
pub use self::pair::W3c;
#[cfg(feature = "tracecontext")]
pub use self::tracecontext::TraceContext;
#[cfg(feature = "xray")]
pub use self::xray::XRay;

use opentelemetry::{Context, baggage::BaggageExt};
use std::fmt;

/// Returns whether `context` has baggage to send, read or passed on unread.
///
/// ```
/// use opentelemetry::{Context, KeyValue, baggage::BaggageExt};
/// use tracewire_propagation::carries_baggage;
///
/// assert!(!carries_baggage(&Context::new()));
/// assert!(carries_baggage(&Context::new().with_baggage([KeyValue::new("tenant", "acme")])));
/// ```
#[must_use]
pub fn carries_baggage(context: &Context) -> bool {
    #[cfg(feature = "baggage")]
    if baggage::unread::is_kept(context) {
        return true;
    }
    !context.baggage().is_empty()
}

// Headers are read in this order and the last valid one wins, so W3C's `traceparent` wins over a
// vendor's header. The name is the word for `OTEL_PROPAGATORS`. Of several names with one feature
// the first is in the default set. The headers are those that carry anything of the format, also in
// forms that are not read; `*` stands for any rest of a name.
table::header_formats! {
    /// Google Cloud's `X-Cloud-Trace-Context`.
    GoogleCloud = "gcp", feature "gcp", headers ["x-cloud-trace-context"],
        propagator GoogleCloud::new();
    /// OpenCensus's binary metadata over gRPC.
    GrpcTraceBin = "grpc-trace-bin", feature "grpc-trace-bin",
        headers ["grpc-trace-bin", "grpc-tags-bin"],
        propagator GrpcTraceBin::new();
    /// Datadog.
    Datadog = "datadog", feature "datadog", headers ["x-datadog-*"],
        propagator Datadog::new();
    /// AWS X-Ray.
    XRay = "xray", feature "xray", headers ["x-amzn-trace-id"],
        propagator XRay::new();
    /// Jaeger's `uber-trace-id`.
    Jaeger = "jaeger", feature "jaeger",
        headers ["uber-trace-id", "uberctx-*", "jaeger-baggage", "jaeger-debug-id"],
        propagator Jaeger::new();
    /// B3, one header.
    B3 = "b3", feature "b3", headers ["b3", "x-b3-*"],
        propagator B3::single();
    /// B3, several headers.
    B3Multi = "b3multi", feature "b3", headers ["b3", "x-b3-*"],
        propagator B3::multi();
    /// Elastic APM's older `elastic-apm-traceparent`, with W3C's headers.
    Elastic = "elastic", feature "elastic",
        headers ["elastic-apm-traceparent", "traceparent", "tracestate"],
        propagator Elastic::new();
    /// W3C Trace Context.
    TraceContext = "tracecontext", feature "tracecontext", headers ["traceparent", "tracestate"],
        propagator TraceContext::new();
    /// W3C Baggage.
    Baggage = "baggage", feature "baggage", headers ["baggage"],
        propagator Baggage::new();
}

impl HeaderFormat {
    /// Returns its name in `OTEL_PROPAGATORS`.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// Returns the cargo feature that compiles it in.
    pub const fn feature(self) -> &'static str {
        self.row().feature
    }

    /// Whether it is compiled in.
    pub const fn is_enabled(self) -> bool {
        self.row().is_enabled
    }

    /// Returns the formats that are compiled in, in the order of [`ALL`](Self::ALL).
    pub fn enabled() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|format| format.is_enabled())
    }

    /// The names of headers that carry anything of the format; `*` at the end stands for any rest.
    pub(crate) const fn headers(self) -> &'static [&'static str] {
        self.row().headers
    }

    /// The format of this name, in any case.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.name().eq_ignore_ascii_case(name))
    }

    /// Whether it is the first of the formats that its feature compiles in.
    fn is_first_of_feature(self) -> bool {
        Self::ALL.iter().find(|other| other.feature() == self.feature()) == Some(&self)
    }
}

impl fmt::Display for HeaderFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Returns the formats of `enabled` that are used when nobody names any, in the order in which they
/// are read.
///
/// Of a feature with several names it is the first: B3 is written in its single form, and read in
/// both.
pub(crate) fn default_set(enabled: &[HeaderFormat]) -> Vec<HeaderFormat> {
    let is_default =
        |format: &HeaderFormat| format.is_first_of_feature() && enabled.contains(format);
    HeaderFormat::ALL.iter().copied().filter(is_default).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_has_a_default_set_in_order() {
        for bits in 0..1 << HeaderFormat::ALL.len() {
            let enabled: Vec<_> = (0..HeaderFormat::ALL.len())
                .filter(|at| bits & (1 << at) != 0)
                .map(|at| HeaderFormat::ALL[at])
                .collect();
            let set = default_set(&enabled);
            let wanted = enabled.iter().filter(|&&format| format != HeaderFormat::B3Multi);
            assert_eq!(set.len(), wanted.clone().count(), "{enabled:?}");
            assert!(wanted.clone().all(|format| set.contains(format)), "{enabled:?}");
            let at = |format| set.iter().position(|&other| other == format);
            if let Some(w3c) = at(HeaderFormat::TraceContext) {
                let after = &set[w3c + 1..];
                assert!(matches!(after, [] | [HeaderFormat::Baggage]), "{set:?}");
            }
            // The same formats in another order make the same set.
            let reversed: Vec<_> = enabled.into_iter().rev().collect();
            assert_eq!(default_set(&reversed), set);
        }
    }

    #[test]
    fn names_and_features_are_those_of_the_manifest() {
        let manifest = include_str!("../../Cargo.toml");
        for format in HeaderFormat::enabled() {
            assert!(manifest.contains(&format!("\n{} = [", format.feature())), "{format}");
            assert_eq!(HeaderFormat::from_name(&format.name().to_uppercase()), Some(format));
        }
        assert_eq!(HeaderFormat::from_name("ottrace"), None);
    }

    #[test]
    fn what_is_compiled_in_has_a_propagator() {
        for &format in HeaderFormat::ALL {
            assert_eq!(format.propagator().is_some(), format.is_enabled(), "{format}");
        }
    }
}
