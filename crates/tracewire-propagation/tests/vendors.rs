//! What client spans of other vendors' and languages' tracers really send, as captured.
#![cfg(all(
    feature = "tracecontext",
    feature = "baggage",
    feature = "b3",
    feature = "jaeger",
    feature = "xray",
    feature = "datadog",
    feature = "elastic",
))]

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{Context, baggage::BaggageExt, trace::TraceContextExt};
use std::collections::BTreeMap;
use tracewire_propagation::{Propagator, from_names};

struct Capture {
    sender: &'static str,
    /// The propagators that the sender had.
    names: &'static str,
    headers: &'static [(&'static str, &'static str)],
    trace_id: &'static str,
    span_id: &'static str,
    /// The baggage entry `user`, decoded.
    user: Option<&'static str>,
    /// The headers that are sent on in another form than they came in.
    rewritten: &'static [(&'static str, &'static str)],
}

const CAPTURES: &[Capture] = &[
    Capture {
        sender: "OpenTelemetry Python, W3C",
        names: "tracecontext,baggage",
        headers: &[
            ("traceparent", "00-0f89447be2f2385b8b4031e5be4163b7-408f317080df4ebe-03"),
            ("baggage", "user=Ada+L%2C+%C3%A9t%C3%A9+100%25"),
        ],
        trace_id: "0f89447be2f2385b8b4031e5be4163b7",
        span_id: "408f317080df4ebe",
        user: Some("Ada+L,+été+100%"),
        rewritten: &[],
    },
    Capture {
        sender: "OpenTelemetry Python, B3",
        names: "b3",
        headers: &[("b3", "a315dcf40a78eb9a742c898be340bcc7-39113509733c1a72-1")],
        trace_id: "a315dcf40a78eb9a742c898be340bcc7",
        span_id: "39113509733c1a72",
        user: None,
        rewritten: &[],
    },
    Capture {
        sender: "OpenTelemetry Python, B3 multi",
        names: "b3multi",
        headers: &[
            ("x-b3-traceid", "ea5018753e5659142e78abb52860b48f"),
            ("x-b3-spanid", "1f99a00e6534cdaf"),
            ("x-b3-sampled", "1"),
        ],
        trace_id: "ea5018753e5659142e78abb52860b48f",
        span_id: "1f99a00e6534cdaf",
        user: None,
        rewritten: &[],
    },
    Capture {
        sender: "OpenTelemetry Python, Jaeger",
        names: "jaeger",
        headers: &[
            (
                "uber-trace-id",
                "c1939db8c60c544a34f9eb4c073b28e7:895fe9a5c7b7341c:d66a89f1aacd8aa5:03",
            ),
            ("uberctx-user", "Ada%20L%2C%20%C3%A9t%C3%A9%20100%25"),
        ],
        trace_id: "c1939db8c60c544a34f9eb4c073b28e7",
        span_id: "895fe9a5c7b7341c",
        user: Some("Ada L, été 100%"),
        rewritten: &[("uber-trace-id", "c1939db8c60c544a34f9eb4c073b28e7:895fe9a5c7b7341c:0:03")],
    },
    Capture {
        sender: "OpenTelemetry Python, X-Ray",
        names: "xray",
        headers: &[(
            "x-amzn-trace-id",
            "Root=1-06e932ff-4a3517b8a2d3b2db74b19fa0;Parent=dcb066d5b482b5b5;Sampled=1",
        )],
        trace_id: "06e932ff4a3517b8a2d3b2db74b19fa0",
        span_id: "dcb066d5b482b5b5",
        user: None,
        rewritten: &[],
    },
    Capture {
        sender: "OpenTelemetry JavaScript, W3C",
        names: "tracecontext,baggage",
        headers: &[
            ("traceparent", "00-befd5f05912cabc18a9deb4a0ad8d422-e68666cda5cc7693-01"),
            ("baggage", "user=Ada%20L%2C%20%C3%A9t%C3%A9%20100%25"),
        ],
        trace_id: "befd5f05912cabc18a9deb4a0ad8d422",
        span_id: "e68666cda5cc7693",
        user: Some("Ada L, été 100%"),
        rewritten: &[],
    },
    Capture {
        sender: "OpenTelemetry JavaScript, B3",
        names: "b3",
        headers: &[("b3", "c6254f05d5a3c99b9fe8271880a7b195-ed697fe40e7120c7-1")],
        trace_id: "c6254f05d5a3c99b9fe8271880a7b195",
        span_id: "ed697fe40e7120c7",
        user: None,
        rewritten: &[],
    },
    Capture {
        sender: "OpenTelemetry JavaScript, B3 multi",
        names: "b3multi",
        headers: &[
            ("x-b3-traceid", "162f57493974a0616ea7828348ea843e"),
            ("x-b3-spanid", "1508486674119053"),
            ("x-b3-sampled", "1"),
        ],
        trace_id: "162f57493974a0616ea7828348ea843e",
        span_id: "1508486674119053",
        user: None,
        rewritten: &[],
    },
    Capture {
        sender: "OpenTelemetry JavaScript, Jaeger",
        names: "jaeger",
        headers: &[
            ("uber-trace-id", "a0f21cdd36bfa62652310588e6bdc504:a217be2d80a74b88:0:01"),
            ("uberctx-user", "Ada%20L%2C%20%C3%A9t%C3%A9%20100%25"),
        ],
        trace_id: "a0f21cdd36bfa62652310588e6bdc504",
        span_id: "a217be2d80a74b88",
        user: Some("Ada L, été 100%"),
        rewritten: &[],
    },
    Capture {
        sender: "OpenTelemetry JavaScript, X-Ray",
        names: "xray",
        headers: &[(
            "x-amzn-trace-id",
            "Root=1-f3d51299-be4b49ed96d2c5b6eceb8f88;Parent=fdc5af0fcf19d9bc;Sampled=1",
        )],
        trace_id: "f3d51299be4b49ed96d2c5b6eceb8f88",
        span_id: "fdc5af0fcf19d9bc",
        user: None,
        rewritten: &[],
    },
    Capture {
        sender: "Datadog Python",
        names: "datadog,tracecontext,baggage",
        headers: &[
            ("baggage", "user=Ada%20L%2C%20%C3%A9t%C3%A9%20100%"),
            ("x-datadog-trace-id", "2860401407279412605"),
            ("x-datadog-parent-id", "15795710991645304232"),
            ("x-datadog-sampling-priority", "1"),
            ("x-datadog-tags", "_dd.p.dm=-0,_dd.p.tid=6b00b29a00000000"),
            ("traceparent", "00-6b00b29a0000000027b22fecc3eab57d-db35a37527c065a8-01"),
            (
                "tracestate",
                "dd=p:db35a37527c065a8;s:1;t.dm:-0;t.tid:6b00b29a00000000,ot=rv:b62e74cb27bcbe;th:0",
            ),
        ],
        trace_id: "6b00b29a0000000027b22fecc3eab57d",
        span_id: "db35a37527c065a8",
        user: Some("Ada L, été 100%"),
        rewritten: &[
            ("baggage", "user=Ada%20L%2C%20%C3%A9t%C3%A9%20100%25"),
            ("x-datadog-tags", "_dd.p.tid=6b00b29a00000000,_dd.p.dm=-0"),
        ],
    },
    Capture {
        sender: "Datadog Python, its own headers alone",
        names: "datadog",
        headers: &[
            ("x-datadog-trace-id", "4432667903378363748"),
            ("x-datadog-parent-id", "5651374305674552556"),
            ("x-datadog-sampling-priority", "1"),
            ("x-datadog-tags", "_dd.p.dm=-0,_dd.p.tid=6b00b29a00000000"),
        ],
        trace_id: "6b00b29a000000003d83fff90c249564",
        span_id: "4e6db6fd1e8064ec",
        user: None,
        rewritten: &[("x-datadog-tags", "_dd.p.tid=6b00b29a00000000,_dd.p.dm=-0")],
    },
    Capture {
        sender: "Datadog JavaScript",
        names: "datadog,tracecontext,baggage",
        headers: &[
            ("baggage", "user=Ada%20L%2C%20%C3%A9t%C3%A9%20100%25"),
            ("x-datadog-trace-id", "8391788277196946613"),
            ("x-datadog-parent-id", "1257418693778466964"),
            ("x-datadog-sampling-priority", "1"),
            ("x-datadog-tags", "_dd.p.tid=6b00b29b00000000,_dd.p.dm=-0"),
            ("traceparent", "00-6b00b29b0000000074759ef9fc9c7cb5-11733fa3d099e894-01"),
            (
                "tracestate",
                "dd=t.dm:-0;t.tid:6b00b29b00000000;s:1;p:11733fa3d099e894,ot=rv:dc645c82adbb2a;th:0",
            ),
        ],
        trace_id: "6b00b29b0000000074759ef9fc9c7cb5",
        span_id: "11733fa3d099e894",
        user: Some("Ada L, été 100%"),
        rewritten: &[],
    },
    Capture {
        sender: "Datadog JavaScript, its own headers alone",
        names: "datadog",
        headers: &[
            ("x-datadog-trace-id", "6554132481758758189"),
            ("x-datadog-parent-id", "4327998640011795115"),
            ("x-datadog-sampling-priority", "1"),
            ("x-datadog-tags", "_dd.p.tid=6b00b29b00000000,_dd.p.dm=-0"),
        ],
        trace_id: "6b00b29b000000005af4f4c45214852d",
        span_id: "3c1023d51646daab",
        user: None,
        rewritten: &[],
    },
    Capture {
        sender: "Elastic Python",
        names: "elastic",
        headers: &[
            ("traceparent", "00-4b783bff676962f17cf331bc37298c3b-be724c72ab8f3014-01"),
            ("elastic-apm-traceparent", "00-4b783bff676962f17cf331bc37298c3b-be724c72ab8f3014-01"),
            ("tracestate", "es=s:1.0"),
        ],
        trace_id: "4b783bff676962f17cf331bc37298c3b",
        span_id: "be724c72ab8f3014",
        user: None,
        rewritten: &[],
    },
    Capture {
        sender: "Elastic JavaScript",
        names: "elastic",
        headers: &[
            ("traceparent", "00-387fdea974868da143098085bf25db34-9fd18f7884b97829-01"),
            ("elastic-apm-traceparent", "00-387fdea974868da143098085bf25db34-9fd18f7884b97829-01"),
            ("tracestate", "es=s:1"),
        ],
        trace_id: "387fdea974868da143098085bf25db34",
        span_id: "9fd18f7884b97829",
        user: None,
        rewritten: &[],
    },
];

fn header_map(capture: &Capture) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    capture.headers.iter().map(pair).collect()
}

fn check(capture: &Capture, context: &Context) {
    let span = context.span().span_context().clone();
    assert_eq!(span.trace_id().to_string(), capture.trace_id, "{}", capture.sender);
    assert_eq!(span.span_id().to_string(), capture.span_id, "{}", capture.sender);
    assert!(span.is_sampled() && span.is_remote(), "{}", capture.sender);
    let user = context.baggage().get("user").map(|value| value.as_str());
    assert_eq!(user, capture.user, "{}", capture.sender);
}

#[test]
fn the_sender_s_own_formats_read_and_write_its_headers() {
    for capture in CAPTURES {
        let propagator = from_names(capture.names).unwrap().propagator();
        let context = propagator.extract(&header_map(capture), &Context::new());
        check(capture, &context);

        let mut outgoing = HeaderMap::new();
        propagator.inject(&context, &mut outgoing);
        let sent: BTreeMap<_, _> =
            outgoing.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        let mut expected: BTreeMap<_, _> = capture.headers.iter().copied().collect();
        expected.extend(capture.rewritten.iter().copied());
        assert_eq!(sent, expected, "{}", capture.sender);
    }
}

#[test]
fn the_default_set_reads_the_headers_of_every_sender() {
    let propagator = from_names("").unwrap().propagator();
    for capture in CAPTURES {
        check(capture, &propagator.extract(&header_map(capture), &Context::new()));
    }
}
