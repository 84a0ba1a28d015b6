//! What goes in comes out: the headers of outgoing calls, in both modes.

use crate::process::{Service, Witness, values};
use std::thread;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// The head of the call that `GET /relay` makes when it is asked with these header lines.
pub(crate) fn relayed(service: &Service, lines: &str) -> String {
    let witness = Witness::new();
    let request = format!("GET /relay?to={} HTTP/1.1\n{lines}", witness.url());
    thread::scope(|scope| {
        let head = scope.spawn(|| witness.next());
        let answer = service.send(&request);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.ends_with("ok"), "{answer}");
        head.join().unwrap()
    })
}

#[test]
fn relay_continues_the_trace_and_hands_baggage_on() {
    let service = Service::start(&[]);
    let head = relayed(
        &service,
        &format!("traceparent: 00-{TRACE}-{PARENT}-03\ntracestate: a=1,b=2\nbaggage: user=Ada"),
    );
    let parents = values(&head, "traceparent");
    assert_eq!(parents.len(), 1, "{head}");
    let (rest, flags) = parents[0].rsplit_once('-').unwrap();
    assert_eq!(flags, "03");
    assert!(rest.starts_with(&format!("00-{TRACE}-")) && !rest.ends_with(PARENT), "{rest}");
    assert_eq!(values(&head, "tracestate"), ["a=1,b=2"]);
    assert_eq!(values(&head, "baggage"), ["user=ada"]);
}

#[test]
fn malformed_parent_starts_a_new_random_trace() {
    let service = Service::start(&[]);
    let head = relayed(&service, "traceparent: 00-1-1-01\ntracestate: a=1");
    let parents = values(&head, "traceparent");
    assert_eq!(parents.len(), 1, "{head}");
    assert!(!parents[0].contains("00000000000000"), "{head}");
    assert!(parents[0].ends_with("-03"), "sampled, and random: {head}");
    assert_eq!(values(&head, "tracestate"), [""; 0]);
}

/// The lines of a head that carry a trace in any format, without their values.
fn carriers(head: &str) -> Vec<&str> {
    let ours =
        ["traceparent", "tracestate", "baggage", "b3", "uber-trace-id", "elastic-apm-traceparent"];
    let mut names: Vec<_> = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name)
        .filter(|name| ours.contains(name) || name.starts_with("x-"))
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn w3c_alone_is_spoken_unless_told_otherwise() {
    let service = Service::start(&[]);
    let head = relayed(&service, &format!("b3: {TRACE}-{PARENT}-1"));
    assert_eq!(carriers(&head), ["traceparent"]);
    assert!(!head.contains(TRACE), "{head}");
}

#[test]
fn every_format_is_read_and_written_by_its_name() {
    let datadog = "x-datadog-trace-id: 9532127138774266268\nx-datadog-parent-id: 13235353014750950193\n\
                   x-datadog-sampling-priority: 1\nx-datadog-tags: _dd.p.tid=0af7651916cd43dd";
    let datadog_names = [
        "x-datadog-parent-id",
        "x-datadog-sampling-priority",
        "x-datadog-tags",
        "x-datadog-trace-id",
    ];
    let cases: [(&str, String, &[&str]); 8] = [
        ("tracecontext", format!("traceparent: 00-{TRACE}-{PARENT}-01"), &["traceparent"]),
        ("b3", format!("b3: {TRACE}-{PARENT}-1"), &["b3"]),
        (
            "b3multi",
            format!("x-b3-traceid: {TRACE}\nx-b3-spanid: {PARENT}\nx-b3-sampled: 1"),
            &["x-b3-sampled", "x-b3-spanid", "x-b3-traceid"],
        ),
        ("jaeger", format!("uber-trace-id: {TRACE}:{PARENT}:0:1"), &["uber-trace-id"]),
        (
            "xray",
            format!(
                "x-amzn-trace-id: Root=1-{}-{};Parent={PARENT};Sampled=1",
                &TRACE[..8],
                &TRACE[8..]
            ),
            &["x-amzn-trace-id"],
        ),
        ("gcp", format!("x-cloud-trace-context: {TRACE}/7;o=1"), &["x-cloud-trace-context"]),
        ("datadog", datadog.to_owned(), &datadog_names),
        (
            "elastic",
            format!("elastic-apm-traceparent: 00-{TRACE}-{PARENT}-01"),
            &["elastic-apm-traceparent", "traceparent"],
        ),
    ];
    for (format, lines, expected) in cases {
        let service = Service::start(&[("OTEL_PROPAGATORS", format)]);
        let head = relayed(&service, &lines);
        assert_eq!(carriers(&head), expected, "{format}: {head}");
        let kept = match format {
            "xray" => head.contains(&format!("1-{}-{}", &TRACE[..8], &TRACE[8..])),
            "datadog" => head.contains("9532127138774266268") && head.contains("0af7651916cd43dd"),
            _ => head.contains(TRACE),
        };
        assert!(kept, "{format}: {head}");
    }
}

#[test]
fn disabled_sdk_still_hands_the_trace_on() {
    let service = Service::start(&[("OTEL_SDK_DISABLED", "true")]);
    let head = relayed(&service, &format!("traceparent: 00-{TRACE}-{PARENT}-01"));
    assert_eq!(values(&head, "traceparent"), [format!("00-{TRACE}-{PARENT}-01")]);
}

#[test]
fn test_calls_every_url_with_its_arguments() {
    let service = Service::start(&[]);
    let (first, second) = (Witness::new(), Witness::new());
    let steps = format!(
        r#"[{{"url": "{}", "arguments": []}}, {{"url": "{}", "arguments": [1]}}]"#,
        first.url(),
        second.url()
    );
    let request = format!(
        "POST /test HTTP/1.1\ncontent-type: application/json\n\
         traceparent: 00-{TRACE}-{PARENT}-01\n\n{steps}"
    );
    thread::scope(|scope| {
        let heads = scope.spawn(|| [first.next(), second.next()]);
        let answer = service.send(&request);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        for head in heads.join().unwrap() {
            assert!(head.starts_with("post / http/1.1"), "{head}");
            assert_eq!(values(&head, "content-type"), ["application/json"]);
            assert!(values(&head, "traceparent")[0].contains(TRACE), "{head}");
        }
    });
}

#[test]
fn client_mode_makes_one_call_and_ignores_its_own_headers() {
    let service = Service::start(&[("SERVICE_MODE", "client")]);
    let witness = Witness::new();
    let request = format!(
        "POST /call HTTP/1.1\nx-method: PUT\nx-url: {}\ntraceparent: 00-{TRACE}-{PARENT}-01\n\nhello",
        witness.url()
    );
    thread::scope(|scope| {
        let head = scope.spawn(|| witness.next());
        let answer = service.send(&request);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let head = head.join().unwrap();
        assert!(head.starts_with("put / http/1.1"), "{head}");
        let parents = values(&head, "traceparent");
        assert!(parents.len() == 1 && !parents[0].contains(TRACE), "{head}");
    });
}

#[test]
fn client_mode_answers_when_the_call_fails() {
    let service = Service::start(&[("SERVICE_MODE", "client")]);
    let nobody = crate::process::free_port();
    let request =
        format!("POST /call HTTP/1.1\nx-method: GET\nx-url: http://127.0.0.1:{nobody}/?token=x");
    let answer = service.send(&request);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(!answer.contains("token=x"), "{answer}");
}
