//! What goes in comes out: the headers of outgoing calls, in both modes.

use crate::process::{Service, Witness, values};
use std::thread;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// The head of the call that `GET /relay` makes when it is asked with these header lines.
fn relayed(service: &Service, lines: &str) -> String {
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

#[test]
fn propagators_are_chosen_by_variable() {
    let service = Service::start(&[("OTEL_PROPAGATORS", "b3")]);
    let head = relayed(&service, &format!("b3: {TRACE}-{PARENT}-1"));
    assert!(values(&head, "traceparent").is_empty(), "{head}");
    let b3 = values(&head, "b3");
    assert_eq!(b3.len(), 1, "{head}");
    assert!(b3[0].starts_with(TRACE) && b3[0].ends_with("-1"), "{head}");
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
