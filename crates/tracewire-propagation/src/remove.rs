//! Removes what earlier hops sent.

use crate::formats::HeaderFormat;
use http::{HeaderMap, HeaderName};

/// Removes the headers of every known format, compiled in or not.
///
/// These are the headers of W3C Trace Context, W3C Baggage, B3, Jaeger, X-Ray, Google Cloud, OpenCensus,
/// Datadog, Elastic and OpenTracing, those that begin with `uberctx-`, `x-b3-`, `x-datadog-`, `ot-baggage-` and
/// `ot-tracer-` among them. Call it before [`inject`](crate::Propagator::inject) if the headers come
/// from another request, as in a gateway: otherwise formats that are not written, and baggage under
/// other keys, are passed on unchanged.
///
/// # Examples
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use tracewire_propagation::remove_propagation_headers;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("uberctx-user", HeaderValue::from_static("ada"));
/// headers.insert("x-b3-sampled", HeaderValue::from_static("1"));
/// headers.insert("x-request-id", HeaderValue::from_static("7"));
/// remove_propagation_headers(&mut headers);
/// assert_eq!(headers.len(), 1);
/// ```
pub fn remove_propagation_headers(headers: &mut HeaderMap) {
    // Most requests have none of them.
    if !headers.keys().any(|name| carries_context(name.as_str())) {
        return;
    }
    let names: Vec<HeaderName> =
        headers.keys().filter(|name| carries_context(name.as_str())).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// OpenTracing's headers, which belong to no format here.
const OPENTRACING: &[&str] = &["ot-baggage-*", "ot-tracer-*"];

/// Whether a header of this name carries a trace or baggage.
fn carries_context(name: &str) -> bool {
    // The first letter rules out most others.
    name.bytes().next().is_some_and(|first| FIRST_LETTERS[usize::from(first)])
        && (HeaderFormat::ALL.iter().any(|format| is_one_of(name, format.headers()))
            || is_one_of(name, OPENTRACING))
}

fn is_one_of(name: &str, patterns: &[&str]) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == *pattern,
    })
}

/// The bytes that a name in the table begins with.
static FIRST_LETTERS: [bool; 256] = {
    let mut letters = first_letters([false; 256], OPENTRACING);
    let mut at = 0;
    while at < HeaderFormat::ALL.len() {
        letters = first_letters(letters, HeaderFormat::ALL[at].headers());
        at += 1;
    }
    letters
};

const fn first_letters(mut letters: [bool; 256], patterns: &[&str]) -> [bool; 256] {
    let mut at = 0;
    while at < patterns.len() {
        letters[patterns[at].as_bytes()[0] as usize] = true;
        at += 1;
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_a_format_writes_carries_context() {
        for format in HeaderFormat::ALL {
            let Some(propagator) = format.propagator() else { continue };
            for name in propagator.header_names() {
                assert!(carries_context(name.as_str()), "{name}");
            }
        }
    }

    #[test]
    fn headers_of_every_format_are_removed_and_no_others() {
        let mut headers = HeaderMap::new();
        let known = [
            "b3",
            "baggage",
            "elastic-apm-traceparent",
            "grpc-tags-bin",
            "grpc-trace-bin",
            "jaeger-baggage",
            "jaeger-debug-id",
            "traceparent",
            "tracestate",
            "uber-trace-id",
            "x-amzn-trace-id",
            "x-cloud-trace-context",
            "uberctx-user",
            "uberctx-",
            "x-b3-traceid",
            "x-b3-parentspanid",
            "x-datadog-origin",
            "x-datadog-tags",
            "ot-baggage-user",
            "ot-tracer-traceid",
        ];
        let others =
            ["accept", "x-request-id", "x-b3", "b3x", "x-datadog", "traceparents", "user-agent"];
        for name in known.into_iter().chain(others) {
            for _ in 0..2 {
                headers.append(HeaderName::from_static(name), http::HeaderValue::from_static("1"));
            }
        }
        remove_propagation_headers(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        let mut expected = others.to_vec();
        left.sort_unstable();
        expected.sort_unstable();
        assert_eq!(left, expected);
    }
}
