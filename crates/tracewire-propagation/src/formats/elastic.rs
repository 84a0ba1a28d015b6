//! Elastic APM: W3C's headers, and the older `elastic-apm-traceparent`.

use super::w3c::{self, traceparent};
use crate::{
    propagator::Propagator,
    tools::{malformed::Malformed, write},
};
use http::{HeaderMap, HeaderName};
use opentelemetry::{Context, trace::TraceContextExt};

/// Elastic APM: `traceparent`, `tracestate`, and the older name `elastic-apm-traceparent`.
///
/// A valid `traceparent` wins over the older header, which has the same grammar. Both are written,
/// since agents of every age read one of them. Elastic's member `es=s:<rate>` of `tracestate`
/// travels on with the other members; nothing is added to it here, because the rate is known to
/// the sampler of the service where the trace began.
///
/// Follows Elastic's "Distributed Tracing" agent specification.
///
/// # Examples
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use opentelemetry::{Context, trace::TraceContextExt};
/// use tracewire_propagation::{Elastic, Propagator};
///
/// let value = "00-4b783bff676962f17cf331bc37298c3b-be724c72ab8f3014-01";
/// let mut headers = HeaderMap::new();
/// headers.insert("elastic-apm-traceparent", HeaderValue::from_static(value));
/// let context = Elastic::new().extract(&headers, &Context::new());
/// assert!(context.span().span_context().is_sampled());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Elastic(());

impl Elastic {
    /// Creates the format.
    pub const fn new() -> Self {
        Self(())
    }
}

impl Propagator for Elastic {
    fn extract(&self, headers: &HeaderMap, parent: &Context) -> Context {
        w3c::extract(headers, parent)
            .or_else(|| w3c::extract_from(headers, OLD_NAME, &MALFORMED, parent))
            .unwrap_or_else(|| parent.clone())
    }

    fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        let span = context.span();
        if span.span_context().is_valid() {
            let value = traceparent::header_value(context, span.span_context());
            write::set(headers, OLD_NAME, &value);
            w3c::inject(context, headers);
        }
    }

    fn header_names(&self) -> &[HeaderName] {
        &NAMES
    }
}

static NAMES: [HeaderName; 3] = [
    HeaderName::from_static("elastic-apm-traceparent"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
];
static OLD_NAME: &HeaderName = &NAMES[0];
static MALFORMED: Malformed = Malformed::new("elastic-apm-traceparent");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::with_random_trace_id;
    use proptest::prelude::*;

    const OLD: &str = "00-4b783bff676962f17cf331bc37298c3b-be724c72ab8f3014-01";
    const W3C: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

    /// What a service that only passes the context on sends.
    fn relay(pairs: &[(&'static str, &str)]) -> Vec<(String, String)> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        sent(&Elastic::new().extract(&headers, &Context::new()))
    }

    fn sent(context: &Context) -> Vec<(String, String)> {
        let mut headers = HeaderMap::new();
        Elastic::new().inject(context, &mut headers);
        let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
        let mut sent: Vec<_> =
            headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        sent.sort();
        sent
    }

    fn expected(traceparent: &str, tracestate: Option<&str>) -> Vec<(String, String)> {
        let both = [("elastic-apm-traceparent", traceparent), ("traceparent", traceparent)];
        let list = tracestate.map(|list| ("tracestate", list));
        both.into_iter().chain(list).map(|(name, value)| (name.into(), value.into())).collect()
    }

    #[test]
    fn both_headers_are_read_and_w3c_s_wins() {
        assert_eq!(relay(&[("elastic-apm-traceparent", OLD)]), expected(OLD, None));
        let both = [("elastic-apm-traceparent", OLD), ("traceparent", W3C)];
        assert_eq!(relay(&both), expected(W3C, None));
        let broken = [("elastic-apm-traceparent", OLD), ("traceparent", "broken")];
        assert_eq!(relay(&broken), expected(OLD, None));
        assert_eq!(relay(&[("elastic-apm-traceparent", &OLD[1..])]), []);
        assert_eq!(relay(&[]), []);
    }

    #[test]
    fn the_sample_rate_travels_in_tracestate() {
        for rate in ["es=s:1.0", "es=s:1"] {
            let headers =
                [("elastic-apm-traceparent", OLD), ("traceparent", OLD), ("tracestate", rate)];
            assert_eq!(relay(&headers), expected(OLD, Some(rate)));
            let old = [("elastic-apm-traceparent", OLD), ("tracestate", rate)];
            assert_eq!(relay(&old), expected(OLD, Some(rate)));
        }
    }

    #[test]
    fn both_headers_carry_the_random_flag() {
        let mut headers = HeaderMap::new();
        headers.insert("elastic-apm-traceparent", OLD.parse().unwrap());
        let context = Elastic::new().extract(&headers, &Context::new());
        let random = format!("{}3", &OLD[..54]);
        assert_eq!(sent(&with_random_trace_id(&context)), expected(&random, None));
    }

    proptest! {
        #[test]
        fn what_is_sent_on_is_stable(
            old in "(00|cc)-[0-9a-f]{31,32}-[0-9a-f]{16}-0[0-3]",
            new in "(00|cc)-[0-9a-f]{31,32}-[0-9a-f]{16}-0[0-3]",
        ) {
            let first = relay(&[("elastic-apm-traceparent", &old), ("traceparent", &new)]);
            prop_assert_eq!(first.is_empty(), old.len() < 55 && new.len() < 55);
            if let Some((_, value)) = first.first() {
                let again = relay(&[("elastic-apm-traceparent", value)]);
                prop_assert_eq!(&again, &first);
            }
        }
    }
}
