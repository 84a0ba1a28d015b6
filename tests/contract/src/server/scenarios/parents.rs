//! Whose child the server span is: what callers send, and how far it is trusted.

use crate::server::{Client, Running, ServerUnderTest, Setup, bodies};
use opentelemetry::{Context, KeyValue, baggage::BaggageExt, trace::Span as _};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Sampler, Span, SpanData, SpanProcessor},
};
use std::time::Duration;
use tracewire_http::Trust;
use tracewire_testing::{Capture, MetricKind};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";
const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Asks for `target` with these headers.
async fn get(client: &mut Client, target: &str, headers: &[(&str, &str)]) -> String {
    let mut request = client.request("GET", target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    client.ask(request.body(bodies::empty()).unwrap()).await.body
}

pub async fn callers_trace_is_continued<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    get(&mut client, "/success", &[("traceparent", TRACEPARENT)]).await;
    let spans = running.ended(2).await;
    let server = spans.one("GET /success");
    assert_eq!(server.trace_id.to_string(), TRACE);
    assert_eq!(server.parent_span_id.unwrap().to_string(), PARENT);
    assert!(server.parent_is_remote);
    spans.one("controller").is_child_of(&server);
    running.expected(client.address, "/success").route("/success").check(&server);
}

pub async fn header_names_are_read_in_any_case<S: ServerUnderTest>() {
    for name in ["tracePARENT", "TRACEPARENT"] {
        let running = Running::start::<S>().await;
        let mut raw = running.connect_raw().await;
        raw.write(format!("GET /redirect HTTP/1.1\r\nHost: a\r\n{name}: {TRACEPARENT}\r\n\r\n"))
            .await;
        assert_eq!(raw.read().await.status, 302);
        let server = running.only().await;
        assert_eq!(server.trace_id.to_string(), TRACE);
        assert_eq!(server.parent_span_id.unwrap().to_string(), PARENT);
    }
}

pub async fn malformed_parents_start_a_new_trace<S: ServerUnderTest>() {
    let long = format!("00-{TRACE}-{PARENT}-01{}", "x".repeat(8000));
    let malformed = [
        "",
        "00-1-1-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-00",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c1-b7ad6b7169203331-01",
        "+0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        &long,
    ];
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    for header in malformed {
        get(&mut client, "/redirect", &[("traceparent", header)]).await;
    }
    // Two are as good as none.
    let both = [("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT)];
    get(&mut client, "/redirect", &both).await;
    for span in running.ended(malformed.len() + 1).await.iter() {
        assert_ne!(span.is_root().trace_id.to_string(), TRACE);
    }
}

pub async fn repeated_parents_of_one_trace_are_linked<S: ServerUnderTest>() {
    for trust in [Trust::Continue, Trust::Link, Trust::Resample] {
        let running = Running::with::<S>(|setup| setup.trust = trust).await;
        let mut client = running.connect().await;
        let both = [("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT)];
        get(&mut client, "/redirect", &both).await;
        let server = running.only().await;
        assert_ne!(server.is_root().trace_id.to_string(), TRACE);
        let [link] = &server.links[..] else { panic!("{trust:?}: {server:?}") };
        assert_eq!(
            (link.trace_id.to_string(), link.span_id.to_string()),
            (TRACE.into(), PARENT.into())
        );
    }
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    let other = TRACEPARENT.replace("0af7", "1111");
    get(&mut client, "/redirect", &[("traceparent", TRACEPARENT), ("traceparent", &other)]).await;
    assert!(running.only().await.is_root().links.is_empty());
}

pub async fn callers_refusal_to_sample_can_be_overruled<S: ServerUnderTest>() {
    let refusal = format!("00-{TRACE}-{PARENT}-00");
    // The caller, what is decided here about a trace that begins, and whether there is a span.
    for (traceparent, root, is_kept) in [
        (&*refusal, Sampler::AlwaysOn, true),
        (&*refusal, Sampler::AlwaysOff, false),
        (TRACEPARENT, Sampler::AlwaysOff, true),
    ] {
        let sampler = tracewire_sampling::Sampler::parent_based(root);
        let capture = Capture::with(|spans| spans.with_sampler(sampler));
        let configure = |setup: &mut Setup| setup.trust = Trust::Resample;
        let running = Running::capturing::<S>(capture, configure).await;
        let mut client = running.connect().await;
        let headers = [("traceparent", traceparent), ("baggage", "k1=v1")];
        assert_eq!(get(&mut client, "/baggage", &headers).await, "k1=v1");
        if !is_kept {
            assert!(running.capture.spans().is_empty());
            continue;
        }
        let server = running.only().await;
        assert_eq!(server.trace_id.to_string(), TRACE);
        assert_eq!(server.parent_span_id.unwrap().to_string(), PARENT);
        running.expected(client.address, "/baggage").route("/baggage").check(&server);
    }
}

/// Copies baggage to the span as it starts, so that a test can see what was known by then.
#[derive(Debug)]
struct CopyBaggage;

impl SpanProcessor for CopyBaggage {
    fn on_start(&self, span: &mut Span, context: &Context) {
        for (key, (value, _)) in context.baggage() {
            let key = format!("baggage.{}", key.as_str());
            span.set_attribute(KeyValue::new(key, value.as_str().to_owned()));
        }
    }

    fn on_end(&self, _span: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

fn capture_with_baggage() -> Capture {
    Capture::with(|spans| spans.with_span_processor(CopyBaggage))
}

pub async fn one_baggage_header_reaches_the_span_and_the_handler<S: ServerUnderTest>() {
    let running = Running::capturing::<S>(capture_with_baggage(), |_| ()).await;
    let mut client = running.connect().await;
    assert_eq!(get(&mut client, "/baggage", &[("baggage", "k1=v1")]).await, "k1=v1");
    let expected = running.expected(client.address, "/baggage").route("/baggage");
    expected.set("baggage.k1", "v1").check(&running.only().await);
}

pub async fn two_baggage_headers_are_one<S: ServerUnderTest>() {
    let running = Running::capturing::<S>(capture_with_baggage(), |_| ()).await;
    let mut client = running.connect().await;
    let headers = [("baggage", "k1=v1"), ("baggage", "k2=v2;p=1")];
    assert_eq!(get(&mut client, "/baggage", &headers).await, "k1=v1,k2=v2");
    let expected = running.expected(client.address, "/baggage").route("/baggage");
    expected.set("baggage.k1", "v1").set("baggage.k2", "v2").check(&running.only().await);
}

pub async fn oversized_baggage_is_cut_to_whole_members<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    // Too many members over two lines, one line too long, and nonsense.
    let line = |from: u32| (from..from + 50).map(|n| format!("k{n}=v,")).collect::<String>();
    let many = [("baggage", &*line(0)), ("baggage", &*line(50))];
    assert_eq!(get(&mut client, "/baggage", &many).await.split(',').count(), 64);
    let long = format!("a=1,b={},c=2", "x".repeat(9000));
    let kept = get(&mut client, "/baggage", &[("baggage", &long)]).await;
    assert!(kept.len() < 8192 && kept.contains("a=1") && !kept.contains("xx"), "{kept}");
    let nonsense = [("baggage", "=,;=;,k=v;p=%0A%2Crole%3Dadmin, ,%%%")];
    assert_eq!(get(&mut client, "/baggage", &nonsense).await, "k=v");
    running.ended(3).await;
}

pub async fn linked_callers_are_no_parents<S: ServerUnderTest>() {
    let running = Running::with::<S>(|setup| setup.trust = Trust::Link).await;
    let mut client = running.connect().await;
    let headers = [("traceparent", TRACEPARENT), ("baggage", "k1=v1")];
    assert_eq!(get(&mut client, "/baggage", &headers).await, "");
    let server = running.only().await;
    assert_ne!(server.is_root().trace_id.to_string(), TRACE);
    let [link] = &server.links[..] else { panic!("{server:?}") };
    assert_eq!(link.trace_id.to_string(), TRACE);
    assert_eq!(link.span_id.to_string(), PARENT);
    running.expected(client.address, "/baggage").route("/baggage").check(&server);
}

pub async fn ignored_callers_leave_no_trace<S: ServerUnderTest>() {
    let running = Running::with::<S>(|setup| setup.trust = Trust::Ignore).await;
    let mut client = running.connect().await;
    let headers = [("traceparent", TRACEPARENT), ("baggage", "k1=v1")];
    assert_eq!(get(&mut client, "/baggage", &headers).await, "");
    let server = running.only().await;
    assert_ne!(server.is_root().trace_id.to_string(), TRACE);
    assert!(server.links.is_empty());
}

pub async fn trust_can_depend_on_the_request<S: ServerUnderTest>() {
    let running = Running::with::<S>(|setup| {
        setup.trust_by = Some(|headers| match headers.get("authorization") {
            Some(_) => Trust::Continue,
            None => Trust::Link,
        });
    })
    .await;
    let mut client = running.connect().await;
    let anonymous = [("traceparent", TRACEPARENT)];
    get(&mut client, "/redirect", &anonymous).await;
    get(&mut client, "/redirect", &[anonymous[0], ("authorization", "Bearer x")]).await;
    let spans = running.ended(2).await;
    let [first, second] = &spans[..] else { panic!("{spans}") };
    assert_eq!(first.is_root().links.len(), 1);
    assert_eq!(second.trace_id.to_string(), TRACE);
    assert!(second.links.is_empty());
}

pub async fn filtered_requests_pass_their_context_on<S: ServerUnderTest>() {
    let running = Running::with::<S>(|setup| setup.nothing_traced = true).await;
    let mut client = running.connect().await;
    get(&mut client, "/success", &[("traceparent", TRACEPARENT)]).await;
    let spans = running.ended(1).await;
    let controller = spans.one("controller");
    assert_eq!(controller.trace_id.to_string(), TRACE);
    assert_eq!(controller.parent_span_id.unwrap().to_string(), PARENT);
    assert_eq!(get(&mut client, "/baggage", &[("baggage", "k1=v1")]).await, "k1=v1");
}

pub async fn unsampled_requests_are_measured<S: ServerUnderTest>() {
    let capture = Capture::with(|spans| spans.with_sampler(Sampler::AlwaysOff));
    let running = Running::capturing::<S>(capture, |_| ()).await;
    let mut client = running.connect().await;
    get(&mut client, "/error-status", &[]).await;
    check_unsampled(&running);
}

pub async fn parents_that_are_not_sampled_are_obeyed<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    let traceparent = format!("00-{TRACE}-{PARENT}-00");
    get(&mut client, "/error-status", &[("traceparent", &traceparent)]).await;
    check_unsampled(&running);
}

pub async fn linked_callers_do_not_decide_about_sampling<S: ServerUnderTest>() {
    let running = Running::with::<S>(|setup| setup.trust = Trust::Link).await;
    let mut client = running.connect().await;
    let traceparent = format!("00-{TRACE}-{PARENT}-00");
    get(&mut client, "/redirect", &[("traceparent", &traceparent)]).await;
    assert_eq!(running.only().await.is_root().links.len(), 1);

    let unsampled = Sampler::ParentBased(Box::new(Sampler::AlwaysOff));
    let capture = Capture::with(|spans| spans.with_sampler(unsampled));
    let running = Running::capturing::<S>(capture, |setup| setup.trust = Trust::Link).await;
    let mut client = running.connect().await;
    get(&mut client, "/error-status", &[("traceparent", TRACEPARENT)]).await;
    check_unsampled(&running);
}

pub async fn callers_who_make_the_trust_hook_panic_are_ignored<S: ServerUnderTest>() {
    let running = Running::with::<S>(|setup| {
        setup.trust_by = Some(|headers| match headers["x-who"].to_str().unwrap() {
            "friend" => Trust::Continue,
            _ => Trust::Link,
        });
    })
    .await;
    let mut client = running.connect().await;
    let headers = [("x-who", "caf\u{e9}"), ("traceparent", TRACEPARENT), ("baggage", "k1=v1")];
    assert_eq!(get(&mut client, "/baggage", &headers).await, "");
    let server = running.only().await;
    assert_ne!(server.is_root().trace_id.to_string(), TRACE);
    running.expected(client.address, "/baggage").route("/baggage").check(&server);
}

pub async fn samplers_that_ignore_the_parent_get_a_whole_span<S: ServerUnderTest>() {
    let capture = Capture::with(|spans| spans.with_sampler(Sampler::AlwaysOn));
    let running = Running::capturing::<S>(capture, |_| ()).await;
    let mut client = running.connect().await;
    let traceparent = format!("00-{TRACE}-{PARENT}-00");
    get(&mut client, "/redirect", &[("traceparent", &traceparent)]).await;
    let expected = running.expected(client.address, "/redirect").route("/redirect");
    expected.status(302).check(&running.only().await);
}

/// No span, and a duration with every attribute all the same.
fn check_unsampled(running: &Running) {
    assert!(running.capture.spans().is_empty());
    let metrics = running.capture.metrics();
    let duration = metrics.one("http.server.request.duration");
    assert_eq!(duration.kind, MetricKind::Histogram);
    let attributes = [
        KeyValue::new("error.type", "500"),
        KeyValue::new("http.request.method", "GET"),
        KeyValue::new("http.response.status_code", 500),
        KeyValue::new("http.route", "/error-status"),
        KeyValue::new(
            "network.protocol.version",
            match running.protocol {
                crate::server::Protocol::Http1 => "1.1",
                crate::server::Protocol::Http2 => "2",
            },
        ),
        KeyValue::new("url.scheme", "http"),
    ];
    let [point] = &duration.points[..] else { panic!("{metrics}") };
    assert_eq!(point.attributes, attributes);
    assert_eq!(point.count, 1);
    assert_eq!(running.active(), 0.0);
}
