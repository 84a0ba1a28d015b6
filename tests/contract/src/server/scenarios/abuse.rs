//! Hostile requests: made-up names, oversized and malformed headers.

use crate::server::{Client, Running, ServerUnderTest, bodies};
use http::{HeaderValue, header};
use opentelemetry::{Array, Value};
use std::collections::BTreeSet;
use tracewire_http::{HeaderSelector, ProxyHeaders, TrustedProxies};
use tracewire_testing::Span;

/// Bytes of the longest attribute value.
const LIMIT: usize = 4096;

/// Sends requests that differ in everything a client controls, and an ordinary one after them.
async fn storm(running: &Running, count: usize, client_address: &'static str) {
    let mut client = running.connect().await;
    for n in 0..count {
        hostile(&mut client, n).await;
    }
    client.get("/redirect").await;

    let spans = running.ended(count + 1).await;
    let names: BTreeSet<_> = spans.iter().map(|span| &*span.name).collect();
    let few = BTreeSet::from(["GET", "GET /redirect", "HTTP", "HTTP /redirect"]);
    assert!(names.is_subset(&few), "{names:?}");
    let metrics = running.capture.metrics();
    for metric in metrics.iter() {
        assert!(metric.points.len() <= 10, "{metrics}");
    }
    let ordinary = running.expected(client.address, "/redirect").route("/redirect").status(302);
    ordinary.set("client.address", client_address).check(&spans.one("GET /redirect"));
    let duration = metrics.one("http.server.request.duration");
    let ordinary = duration.points.iter().find(|point| {
        let has = |key, value: &str| {
            let mut attributes = point.attributes.iter();
            attributes.any(|own| own.key.as_str() == key && own.value.as_str() == value)
        };
        has("http.request.method", "GET") && has("http.route", "/redirect")
    });
    assert_eq!(ordinary.expect("the ordinary route is still seen").count, 1);
}

async fn hostile(client: &mut Client, n: usize) {
    let target =
        if n.is_multiple_of(2) { format!("/{n}/..%2f?q{n}={n}") } else { "/redirect".into() };
    let mut request = client.request(&format!("M{n}"), &target).body(bodies::empty()).unwrap();
    let host = format!("host-{n}.example:{}", n % 65536);
    let headers = request.headers_mut();
    if headers.contains_key(header::HOST) {
        headers.insert(header::HOST, host.parse().unwrap());
    }
    for (name, value) in [
        ("user-agent", format!("agent {n}")),
        ("forwarded", format!("for=10.0.{}.{};proto=scheme{n};host=f-{n}", n / 256, n % 256)),
        ("x-forwarded-for", format!("10.1.{}.{}", n / 256, n % 256)),
        ("x-forwarded-proto", format!("scheme{n}")),
        ("x-forwarded-host", format!("x-{n}.example")),
        ("traceparent", format!("00-{:032x}-{:016x}-01", n + 1, n + 1)),
        ("baggage", format!("key{n}=value{n}")),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    if !request.headers().contains_key(header::HOST) {
        *request.uri_mut() = format!("http://{host}{target}").parse().unwrap();
    }
    client.ask(request).await;
}

pub async fn hostile_requests_leave_few_series_and_names<S: ServerUnderTest>() {
    storm(&Running::start::<S>().await, 3000, "127.0.0.1").await;
}

/// The worst case: whatever they say of themselves is believed.
pub async fn hostile_proxies_leave_few_series_and_names<S: ServerUnderTest>() {
    for headers in [ProxyHeaders::Forwarded, ProxyHeaders::XForwarded { proto: true, host: true }] {
        let proxies = TrustedProxies::all().headers(headers);
        let believing = Running::with::<S>(|setup| setup.trusted_proxies = proxies).await;
        let client = if headers == ProxyHeaders::Forwarded { "127.0.0.1" } else { "1.1.1.1" };
        storm(&believing, 300, client).await;
    }
}

/// The longest text among the span's attributes, in bytes.
fn longest(span: &Span) -> usize {
    let lengths = span.attributes.iter().map(|own| match &own.value {
        Value::Array(Array::String(values)) => {
            values.iter().map(|value| value.as_str().len()).sum()
        }
        value => value.as_str().len(),
    });
    lengths.max().unwrap_or(0)
}

pub async fn bytes_that_are_not_utf8_are_replaced<S: ServerUnderTest>() {
    let running = Running::with::<S>(|setup| {
        setup.capture_request_headers = HeaderSelector::new(["x-*"]);
    })
    .await;
    let mut client = running.connect().await;
    let mut request = client.request("GET", "/redirect").body(bodies::empty()).unwrap();
    request.headers_mut().remove("x-forwarded-for");
    for name in ["user-agent", "x-test", "traceparent", "baggage", "forwarded"] {
        let value = HeaderValue::from_bytes(b"caf\xe9\xff=\x80").unwrap();
        request.headers_mut().insert(name, value);
    }
    client.ask(request).await;
    let text = "caf\u{fffd}\u{fffd}=\u{fffd}";
    let expected = running.expected(client.address, "/redirect").route("/redirect").status(302);
    expected
        .set("user_agent.original", text)
        .set("http.request.header.x-test", Value::Array(Array::String(vec![text.into()])))
        .check(&running.only().await);
}

pub async fn query_of_secrets_and_nonsense_is_cut<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    let query = format!("sig=4711&%%%&&=&X-Amz-Signature=4711&{}&sig=4711", "a".repeat(8000));
    client.get(&format!("/redirect?{query}")).await;
    let span = running.only().await;
    let shown = span.attribute("url.query").unwrap().as_str().into_owned();
    assert!(shown.starts_with("sig=REDACTED&%%%&&=&X-Amz-Signature=REDACTED&aaa"), "{shown}");
    assert!(shown.ends_with('…'));
    assert_eq!(longest(&span), LIMIT);
}

/// Sends a raw request, and gives its only span.
async fn raw<S: ServerUnderTest>(request: String) -> Span {
    let running = Running::with::<S>(|setup| {
        setup.capture_request_headers = HeaderSelector::new(["x-*"]);
    })
    .await;
    let mut raw = running.connect_raw().await;
    raw.write(request).await;
    assert_eq!(raw.read().await.status, 302);
    running.only().await
}

pub async fn two_hosts_are_one_request<S: ServerUnderTest>() {
    let request = "GET /redirect HTTP/1.1\r\nHost: a:1\r\nHost: b:2\r\n\r\n";
    raw::<S>(request.into()).await.has("server.address", "a").has("server.port", 1);
}

pub async fn huge_targets_are_cut<S: ServerUnderTest>() {
    let (target, host) = ("x".repeat(60_000), "h".repeat(8000));
    let request = format!("GET /redirect?{target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let span = raw::<S>(request).await;
    assert_eq!(longest(&span), LIMIT);
    for key in ["url.query", "server.address"] {
        assert!(span.attribute(key).unwrap().as_str().ends_with('…'), "{span:?}");
    }

    let running = Running::start::<S>().await;
    let mut raw = running.connect_raw().await;
    raw.write(format!("GET /{target} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
    assert_eq!(raw.read().await.status, 404);
    let span = running.only().await;
    assert_eq!((&*span.name, longest(&span)), ("GET", LIMIT));
}

pub async fn huge_headers_are_cut<S: ServerUnderTest>() {
    let value = "v".repeat(60_000);
    let request = format!(
        "GET /redirect HTTP/1.1\r\nHost: a\r\nUser-Agent: {value}\r\nX-Test: {value}\r\n\
         traceparent: {value}\r\ntracestate: {value}\r\nbaggage: {value}\r\n\r\n"
    );
    let span = raw::<S>(request).await;
    assert_eq!(longest(span.is_root()), LIMIT);
    for key in ["user_agent.original", "http.request.header.x-test"] {
        assert!(span.attribute(key).unwrap().to_string().contains("v…"), "{key}");
    }
}

pub async fn many_lines_of_one_header_are_cut<S: ServerUnderTest>() {
    let lines = format!("X-Test: {}\r\n", "v".repeat(3000)).repeat(90);
    let span = raw::<S>(format!("GET /redirect HTTP/1.1\r\nHost: a\r\n{lines}\r\n")).await;
    assert!(longest(&span) <= LIMIT, "{}", longest(&span));
    let shown = span.attribute("http.request.header.x-test").unwrap().to_string();
    assert!(shown.contains("v…"), "{shown}");
}

pub async fn garbage_is_no_request<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    for garbage in
        ["\r\n\r\nGARBAGE\r\n\r\n", "GET / HTTP/1.1\r\nbad header\r\n\r\n", "\0\u{1}\r\n"]
    {
        let mut raw = running.connect_raw().await;
        raw.write(garbage).await;
        assert_eq!(raw.read().await.status, 400);
        assert!(raw.closed().await);
    }
    assert!(running.capture.spans().is_empty());
    assert!(running.capture.metrics().is_empty());
}
