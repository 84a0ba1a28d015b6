//! The trace in a response, for callers that want to know it.

use crate::{formats::w3c::traceparent, tools::write};
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{Context, trace::TraceContextExt};

/// Writes the span in `context` into the headers of a response.
///
/// Two headers carry it: `traceresponse`, which replaces what is there, and a further line of
/// `Server-Timing`, which scripts in a browser can read. That line has two entries: `trace;desc=…`, as
/// drafts of Trace Context have it in place of `traceresponse`, and `traceparent;desc="…"`, as vendors'
/// agents for browsers look for it. A context without a valid span writes nothing. It is not called by
/// default, because callers need not know the ids of internal traces.
///
/// Follows W3C Trace Context level 2, section "traceresponse", and W3C Server Timing.
///
/// # Examples
///
/// ```
/// use http::HeaderMap;
/// use opentelemetry::Context;
/// use tracewire_propagation::inject_response;
///
/// let mut headers = HeaderMap::new();
/// inject_response(&Context::new(), &mut headers);
/// assert!(headers.is_empty()); // there is no span
/// ```
pub fn inject_response(context: &Context, headers: &mut HeaderMap) {
    let span = context.span();
    let span_context = span.span_context();
    if !span_context.is_valid() {
        return;
    }
    let value = traceparent::header_value(context, span_context);
    write::set(headers, &TRACERESPONSE, &value);
    let timing =
        [b"trace;desc=", &value[..], br#", traceparent;desc=""#, &value[..], br#"""#].concat();
    if let Ok(timing) = HeaderValue::try_from(timing) {
        let _ = headers.try_append(&SERVER_TIMING, timing);
    }
}

static TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");
static SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::remote::remote_span;
    use opentelemetry::trace::{TraceFlags, TraceState};

    #[test]
    fn both_headers_name_the_span() {
        let span = remote_span([0xab; 16], [0xcd; 8], TraceFlags::SAMPLED, TraceState::NONE);
        let context = Context::new().with_remote_span_context(span.unwrap());
        let mut headers = HeaderMap::new();
        headers.insert("traceresponse", HeaderValue::from_static("old"));
        headers.insert("server-timing", HeaderValue::from_static("db;dur=53"));
        inject_response(&context, &mut headers);

        let value = "00-abababababababababababababababab-cdcdcdcdcdcdcdcd-01";
        assert_eq!(headers.get_all("traceresponse").iter().collect::<Vec<_>>(), [value]);
        let timing: Vec<_> = headers.get_all("server-timing").iter().collect();
        let ours = format!("trace;desc={value}, traceparent;desc=\"{value}\"");
        assert_eq!(timing, ["db;dur=53", &ours]);
        assert_eq!(headers.len(), 3);
    }
}
