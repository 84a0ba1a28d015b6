//! The headers of every known format, compiled in or not.

use http::{HeaderMap, HeaderName};

/// Names that carry a trace or baggage.
const NAMES: [&str; 9] = [
    "b3",
    "baggage",
    "elastic-apm-traceparent",
    "jaeger-baggage",
    "jaeger-debug-id",
    "traceparent",
    "tracestate",
    "uber-trace-id",
    "x-amzn-trace-id",
];

/// Beginnings of names that do; the last two are OpenTracing's.
const PREFIXES: [&str; 5] = ["uberctx-", "x-b3-", "x-datadog-", "ot-baggage-", "ot-tracer-"];

/// Removes the headers of every known format, compiled in or not.
///
/// These are the headers of W3C Trace Context, W3C Baggage, B3, Jaeger, X-Ray, Datadog, Elastic and
/// OpenTracing, those that begin with `uberctx-`, `x-b3-`, `x-datadog-`, `ot-baggage-` and
/// `ot-tracer-` among them. Do this before [`inject`](crate::Propagator::inject) where headers may
/// come from somewhere else, such as the request that a gateway passes on: formats that are not
/// written, and baggage under other keys, would go on as they came.
///
/// # Examples
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use tracewire_propagation::remove_known;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("uberctx-user", HeaderValue::from_static("ada"));
/// headers.insert("x-b3-sampled", HeaderValue::from_static("1"));
/// headers.insert("x-request-id", HeaderValue::from_static("7"));
/// remove_known(&mut headers);
/// assert_eq!(headers.len(), 1);
/// ```
pub fn remove_known(headers: &mut HeaderMap) {
    // Most requests have none of them; then nothing is allocated.
    let known: Vec<HeaderName> =
        headers.keys().filter(|name| is_known(name.as_str())).cloned().collect();
    for name in known {
        headers.remove(name);
    }
}

fn is_known(name: &str) -> bool {
    // The first letter rules out most others.
    matches!(name.as_bytes().first(), Some(b'b' | b'e' | b'j' | b'o' | b't' | b'u' | b'x'))
        && (NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Format;

    #[test]
    fn everything_that_a_format_writes_is_known() {
        for format in Format::ALL {
            let Some(propagator) = format.propagator() else { continue };
            for name in propagator.header_names() {
                assert!(is_known(name.as_str()), "{name}");
            }
        }
    }

    #[test]
    fn headers_of_every_format_are_removed_and_no_others() {
        let mut headers = HeaderMap::new();
        let known = NAMES.into_iter().chain([
            "uberctx-user",
            "uberctx-",
            "x-b3-traceid",
            "x-b3-parentspanid",
            "x-datadog-origin",
            "x-datadog-tags",
            "ot-baggage-user",
            "ot-tracer-traceid",
        ]);
        let others =
            ["accept", "x-request-id", "x-b3", "b3x", "x-datadog", "traceparents", "user-agent"];
        for name in known.chain(others) {
            for _ in 0..2 {
                headers.append(HeaderName::from_static(name), http::HeaderValue::from_static("1"));
            }
        }
        remove_known(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        let mut expected = others.to_vec();
        left.sort_unstable();
        expected.sort_unstable();
        assert_eq!(left, expected);
    }
}
