//! What every instrumented client does, whatever it is made of: the scenarios of OpenTelemetry's
//! own contract for HTTP clients.

use super::{
    recorded::{
        self, Attributes, client_span, client_spans, duration, measured, parent, unanswered, work,
    },
    server::{Received, Server, Transport, closed_port},
};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header::AUTHORIZATION};
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use opentelemetry::{
    Context, KeyValue, SpanId, StringValue, Value,
    baggage::BaggageExt,
    trace::{FutureExt, SpanContext, Status, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use std::{error::Error, future::Future, time::Duration};
use tracewire_testing::{Capture, MetricKind, Span, Spans};

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;
pub(crate) type Answer = Result<Response<UnsyncBoxBody<Bytes, BoxError>>, BoxError>;

/// How long a client with [`Setup::limited`] waits.
pub(crate) const LIMIT: Duration = Duration::from_millis(500);

/// A host to which a client with [`Setup::limited`] finds no way, and no end of searching.
pub(crate) const UNROUTABLE: &str = "unroutable.invalid";

/// How a client under test is set up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Setup {
    /// The call ends with the body.
    pub(crate) end_at_body: bool,
    /// `x-test-request` and `x-test-response` are captured.
    pub(crate) capture: bool,
    /// Our layer stands there twice.
    pub(crate) nested: bool,
    /// The sizes of bodies are measured.
    pub(crate) body_sizes: bool,
    /// Calls under way are counted.
    pub(crate) active_requests: bool,
    /// Connecting and waiting for the head take [`LIMIT`] at most.
    pub(crate) limited: bool,
}

/// What redirects look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Redirects {
    /// One span covers them all.
    OneSpan,
    /// Each hop is a span with its number.
    Numbered,
    /// Each hop is a span.
    Hops,
}

/// A client under test.
pub(crate) trait Caller: Clone + Send + Sync + 'static {
    const REDIRECTS: Redirects;

    fn new(capture: &Capture, server: &Server, setup: Setup) -> Self;

    fn call(&self, request: Request<Bytes>) -> impl Future<Output = Answer> + Send;
}

/// Everything one scenario needs.
pub(crate) struct Stage<C> {
    capture: Capture,
    server: Server,
    client: C,
}

impl<C: Caller> Stage<C> {
    async fn new(transport: Transport) -> Self {
        Self::set_up(transport, Setup::default()).await
    }

    async fn set_up(transport: Transport, setup: Setup) -> Self {
        let (capture, server) = (Capture::new(), Server::over(transport).await);
        let client = C::new(&capture, &server, setup);
        Self { capture, server, client }
    }

    fn request(&self, path: &str) -> Request<Bytes> {
        Request::get(self.server.url(path)).body(Bytes::new()).unwrap()
    }

    /// Asks for `path` and reads the response to its end.
    async fn get(&self, path: &str) -> StatusCode {
        self.send(self.request(path)).await
    }

    async fn send(&self, request: Request<Bytes>) -> StatusCode {
        let response = self.client.call(request).await.unwrap();
        let status = response.status();
        response.into_body().collect().await.unwrap();
        status
    }

    /// The attributes of a GET for `path` that was answered with `status`.
    fn answered(&self, path: &str, status: u16) -> Attributes {
        let mut all = recorded::answered(self.server.port(), &self.server.url(path), status);
        let version = if self.server.transport() == Transport::Http1 { "1.1" } else { "2" };
        all.insert("network.protocol.version", version.into());
        all
    }

    /// The same for a request that was sent before.
    fn resent(&self, path: &str, status: u16, count: u32) -> Attributes {
        let mut all = self.answered(path, status);
        if C::REDIRECTS == Redirects::Numbered && count > 0 {
            all.insert("http.request.resend_count", i64::from(count).into());
        }
        all
    }

    #[track_caller]
    fn span(&self) -> Span {
        client_span(&self.capture)
    }

    fn spans(&self) -> Spans {
        client_spans(&self.capture)
    }

    #[track_caller]
    fn assert_recorded(&self, expected: impl IntoIterator<Item = Attributes>) {
        recorded::assert_recorded(&self.capture, expected);
    }
}

/// The server's request came from this span.
fn assert_child(received: &Received, span: &Span) {
    let ids = format!("00-{}-{}-", span.trace_id, span.span_id);
    let traceparent = received.header("traceparent").unwrap();
    assert!(traceparent.starts_with(&ids), "{traceparent} is not from {ids}");
}

fn span_id(context: &Context) -> SpanId {
    context.span().span_context().span_id()
}

pub(crate) async fn a_call_is_a_root_with_the_server_below<C: Caller>(over: Transport) {
    for path in ["/success", "/success?with=params"] {
        let stage = Stage::<C>::new(over).await;
        assert_eq!(stage.get(path).await, 200);
        let span = stage.span();
        assert_eq!(span.name, "GET");
        span.is_status(Status::Unset);
        span.is_root();
        span.has_exactly(stage.answered(path, 200));
        assert_child(&stage.server.only_received(), &span);
    }
}

pub(crate) async fn an_unknown_method_is_other<C: Caller>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    let mut request = stage.request("/success");
    *request.method_mut() = Method::from_bytes(b"TEST").unwrap();
    assert_eq!(stage.send(request).await, 405);
    let span = stage.span();
    let mut expected = stage.answered("/success", 405);
    expected.insert("http.request.method", "_OTHER".into());
    expected.insert("http.request.method_original", "TEST".into());
    assert_eq!(span.name, "HTTP");
    span.has_exactly(expected);
}

pub(crate) async fn a_call_is_a_child_of_its_caller<C: Caller>(over: Transport) {
    for method in [Method::PUT, Method::POST] {
        let stage = Stage::<C>::new(over).await;
        let parent = parent(&stage.capture);
        let mut request = stage.request("/success");
        *request.method_mut() = method.clone();
        *request.body_mut() = Bytes::from_static(b"content");
        stage.send(request).with_context(parent.clone()).await;
        let span = stage.span();
        assert_eq!(span.parent_span_id, Some(span_id(&parent)));
        assert_eq!(span.name, method.as_str());
        let received = stage.server.only_received();
        assert_child(&received, &span);
        assert_eq!((received.method, &*received.body), (method, &b"content"[..]));
    }
}

pub(crate) async fn an_unsampled_caller_makes_no_span<C: Caller>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    let (trace_id, flags) = (TraceId::from(7), TraceFlags::default());
    let unsampled =
        SpanContext::new(trace_id, SpanId::from(7), flags, false, TraceState::default());
    let parent = Context::new().with_remote_span_context(unsampled);
    stage.get("/success").with_context(parent).await;
    assert!(stage.capture.spans().is_empty());
    let received = stage.server.only_received();
    let traceparent = received.header("traceparent").unwrap();
    assert!(traceparent.starts_with(&format!("00-{trace_id}-")), "{traceparent}");
    assert!(traceparent.ends_with("00"), "{traceparent}");
}

pub(crate) async fn nested_instrumentation_makes_one_span<C: Caller>(over: Transport) {
    let setup = Setup { nested: true, ..Setup::default() };
    let stage = Stage::<C>::set_up(over, setup).await;
    stage.get("/success").await;
    let span = stage.span();
    span.has_exactly(stage.answered("/success", 200));
    assert_child(&stage.server.only_received(), &span);
    assert_eq!(duration(&stage.capture).count, 1);
}

pub(crate) async fn work_after_the_call_is_its_callers<C: Caller>(over: Transport) {
    for path in ["/success", "/error"] {
        let stage = Stage::<C>::new(over).await;
        let parent = parent(&stage.capture);
        let work = async {
            stage.get(path).await;
            work(&stage.capture, "callback");
        };
        work.with_context(parent.clone()).await;
        assert_eq!(stage.capture.spans().one("callback").parent_span_id, Some(span_id(&parent)));
    }
}

pub(crate) async fn work_after_a_call_without_caller_is_a_root<C: Caller>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    stage.get("/success").await;
    work(&stage.capture, "callback");
    let (callback, call) = (stage.capture.spans().one("callback"), stage.span());
    callback.is_root();
    assert_ne!(callback.trace_id, call.trace_id);
}

pub(crate) async fn one_redirect<C: Caller>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    assert_eq!(stage.get("/redirect").await, 200);
    let expected = match C::REDIRECTS {
        Redirects::OneSpan => vec![stage.answered("/redirect", 200)],
        _ => vec![stage.answered("/redirect", 302), stage.resent("/success", 200, 1)],
    };
    stage.assert_recorded(expected);
    assert_eq!(stage.server.received().len(), 2);
}

pub(crate) async fn two_redirects<C: Caller>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    assert_eq!(stage.get("/another-redirect").await, 200);
    let expected = match C::REDIRECTS {
        Redirects::OneSpan => vec![stage.answered("/another-redirect", 200)],
        _ => vec![
            stage.answered("/another-redirect", 302),
            stage.resent("/redirect", 302, 1),
            stage.resent("/success", 200, 2),
        ],
    };
    stage.assert_recorded(expected);
    let spans = stage.spans();
    for (n, received) in stage.server.received().iter().enumerate() {
        let span = if C::REDIRECTS == Redirects::OneSpan { &spans[0] } else { &spans[n] };
        assert_child(received, span);
    }
    let paths: Vec<_> = stage.server.received().into_iter().map(|sent| sent.path).collect();
    assert_eq!(paths, ["/another-redirect", "/redirect", "/success"]);
}

pub(crate) async fn redirects_without_end<C: Caller>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    let parent = parent(&stage.capture);
    let answer = stage.client.call(stage.request("/circular-redirect"));
    let answer = answer.with_context(parent).await;
    let spans = stage.spans();
    let (last, followed) = spans.split_last().unwrap();
    match C::REDIRECTS {
        Redirects::Hops => assert_eq!(answer.unwrap().status(), 302),
        _ => {
            answer.unwrap_err();
            last.has("error.type", "redirect").is_status(Status::error(""));
        }
    }
    let hops = if C::REDIRECTS == Redirects::OneSpan { 0 } else { 10 };
    assert_eq!(followed.len(), hops);
    for (n, span) in followed.iter().enumerate() {
        let count = u32::try_from(n).unwrap();
        let mut expected = stage.answered("/circular-redirect", 302);
        if count > 0 {
            // The URL is the same each time, so it is a resend however it is followed.
            expected.insert("http.request.resend_count", i64::from(count).into());
        }
        if C::REDIRECTS == Redirects::Hops {
            expected.remove("http.request.resend_count");
        }
        span.has_exactly(expected);
    }
    assert_eq!(stage.server.received().len(), 11);
}

pub(crate) async fn headers_of_the_caller_survive_a_redirect<C: Caller>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    let mut request = stage.request("/to-secured");
    request.headers_mut().insert(AUTHORIZATION, "me".parse().unwrap());
    assert_eq!(stage.send(request).await, 200);
}

pub(crate) async fn status_codes_from_400_are_errors<C: Caller>(over: Transport) {
    for (path, status) in [("/client-error", 400), ("/missing", 404), ("/error", 500)] {
        let stage = Stage::<C>::new(over).await;
        assert_eq!(stage.get(path).await, status);
        let span = stage.span();
        span.is_status(Status::error(""));
        span.has_exactly(stage.answered(path, status));
    }
}

pub(crate) async fn a_request_sent_again_is_a_new_trace<C: Caller>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    let request = stage.request("/success");
    stage.send(request.clone()).await;
    stage.send(request).await;
    let spans = stage.spans();
    assert_eq!(spans.len(), 2);
    assert_ne!(spans[0].trace_id, spans[1].trace_id);
    stage.assert_recorded([stage.answered("/success", 200), stage.answered("/success", 200)]);
}

pub(crate) async fn headers_of_the_trace_are_replaced<C: Caller>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    let mut request = stage.request("/success");
    for name in ["traceparent", "tracestate", "baggage"] {
        for value in ["first=1", "second=2"] {
            request.headers_mut().append(name, value.parse().unwrap());
        }
    }
    let caller = parent(&stage.capture).with_baggage([KeyValue::new("user", "Ada")]);
    assert_eq!(stage.send(request).with_context(caller).await, 200);
    let received = stage.server.only_received();
    assert_child(&received, &stage.span());
    assert_eq!(received.header("tracestate"), None);
    assert_eq!(received.header("baggage"), Some("user=Ada"));
}

pub(crate) async fn chosen_headers_are_captured<C: Caller>(over: Transport) {
    let setup = Setup { capture: true, ..Setup::default() };
    let stage = Stage::<C>::set_up(over, setup).await;
    let mut request = stage.request("/success");
    request.headers_mut().insert("x-test-request", "value".parse().unwrap());
    stage.send(request).await;
    let mut expected = stage.answered("/success", 200);
    let values = Value::Array(vec![StringValue::from("value")].into());
    expected.insert("http.request.header.x-test-request", values.clone());
    expected.insert("http.response.header.x-test-response", values);
    stage.assert_recorded([expected]);
}

pub(crate) async fn a_refused_connection_is_an_error<C: Caller>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    let (parent, port) = (parent(&stage.capture), closed_port());
    let url = stage.server.url("/").replace(&stage.server.port().to_string(), &port.to_string());
    let request = Request::get(&url).body(Bytes::new()).unwrap();
    let work = async {
        stage.client.call(request).await.unwrap_err();
        work(&stage.capture, "callback");
    };
    work.with_context(parent.clone()).await;
    let span = stage.span();
    assert_eq!(span.parent_span_id, Some(span_id(&parent)));
    span.is_status(Status::error(""));
    span.has_exactly(unanswered(port, &url, Some("connect")));
    assert_eq!(stage.capture.spans().one("callback").parent_span_id, Some(span_id(&parent)));
}

pub(crate) async fn a_host_out_of_reach_is_a_timeout<C: Caller>(over: Transport) {
    let setup = Setup { limited: true, ..Setup::default() };
    let stage = Stage::<C>::set_up(over, setup).await;
    let scheme = if over == Transport::Tls { "https" } else { "http" };
    let url = format!("{scheme}://{UNROUTABLE}/");
    let request = Request::head(&url).body(Bytes::new()).unwrap();
    stage.client.call(request).await.unwrap_err();
    let span = stage.span();
    assert_eq!(span.name, "HEAD");
    span.is_status(Status::error(""));
    let port: i64 = if over == Transport::Tls { 443 } else { 80 };
    let expected = Attributes::from([
        ("error.type", "timeout".into()),
        ("http.request.method", "HEAD".into()),
        ("server.address", UNROUTABLE.into()),
        ("server.port", port.into()),
        ("url.full", url.into()),
    ]);
    span.has_exactly(expected);
}

pub(crate) async fn a_silent_server_is_a_timeout<C: Caller>(over: Transport) {
    let setup = Setup { limited: true, ..Setup::default() };
    let stage = Stage::<C>::set_up(over, setup).await;
    stage.client.call(stage.request("/silence")).await.unwrap_err();
    let span = stage.span();
    span.is_status(Status::error(""));
    let url = stage.server.url("/silence");
    span.has_exactly(unanswered(stage.server.port(), &url, Some("timeout")));
    assert_child(&stage.server.only_received(), &span);
}

pub(crate) async fn the_duration_is_measured<C: Caller>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    stage.get("/success?id=1").await;
    let metrics = stage.capture.metrics();
    let metric = metrics.one("http.client.request.duration");
    assert_eq!(metric.kind, MetricKind::Histogram);
    assert_eq!((&*metric.unit, &*metric.description), ("s", "Duration of HTTP client requests."));
    let mut expected = stage.answered("/success", 200);
    expected.retain(|key, _| !key.starts_with("network.peer.") && *key != "url.full");
    let duration = measured(&stage.capture, &metric.name, expected);
    assert_eq!(duration.count, 1);
    assert!(duration.value > 0.0);
}

pub(crate) async fn calls_at_the_same_time_keep_their_own_spans<C: Caller>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    let calls = (0..50).map(|n| {
        let (client, parent) = (stage.client.clone(), parent(&stage.capture));
        let mut request = stage.request("/success");
        request.headers_mut().insert("x-call", n.into());
        let call = async move {
            let response = client.call(request).await.unwrap();
            response.into_body().collect().await.unwrap();
            span_id(&Context::current())
        };
        (parent.clone(), tokio::spawn(call.with_context(parent)))
    });
    let calls: Vec<_> = calls.collect();
    let mut parents = Vec::new();
    for (parent, call) in calls {
        assert_eq!(call.await.unwrap(), span_id(&parent));
        parents.push(parent);
    }
    let spans = stage.spans();
    assert_eq!((spans.len(), stage.server.received().len()), (50, 50));
    for received in stage.server.received() {
        let n: usize = received.header("x-call").unwrap().parse().unwrap();
        let of_this = |span: &&Span| span.parent_span_id == Some(span_id(&parents[n]));
        assert_child(&received, spans.iter().find(of_this).unwrap());
    }
}

pub(crate) async fn calls_over_one_connection_keep_their_own_spans<C: Caller>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    for _ in 0..20 {
        stage.get("/success").await;
    }
    assert_eq!(stage.server.connections(), 1);
    let spans = stage.spans();
    assert_eq!(spans.len(), 20);
    for (received, span) in stage.server.received().iter().zip(spans.iter()) {
        assert_child(received, span);
    }
}

pub(crate) async fn a_call_ends_with_the_head<C: Caller>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    let response = stage.client.call(stage.request("/long-request")).await.unwrap();
    stage.assert_recorded([stage.answered("/long-request", 200)]);
    stage.server.release();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(&*body, b"HelloWorld");
    assert_eq!(stage.spans().len(), 1);
}

pub(crate) async fn a_call_can_end_with_the_body<C: Caller>(over: Transport) {
    let stage = Stage::<C>::set_up(over, Setup { end_at_body: true, ..Setup::default() }).await;
    let response = stage.client.call(stage.request("/long-request")).await.unwrap();
    assert!(stage.spans().is_empty());
    stage.server.release();
    let mut body = response.into_body();
    let mut read = 0;
    while read < 10 {
        read += body.frame().await.unwrap().unwrap().into_data().unwrap().len();
    }
    // The last byte is the end, also for those who do not ask again.
    stage.assert_recorded([stage.answered("/long-request", 200)]);
}

pub(crate) async fn a_response_without_a_body_ends_at_once<C: Caller>(over: Transport) {
    let stage = Stage::<C>::set_up(over, Setup { end_at_body: true, ..Setup::default() }).await;
    let response = stage.client.call(stage.request("/missing")).await.unwrap();
    stage.assert_recorded([stage.answered("/missing", 404)]);
    drop(response);
}

pub(crate) async fn a_broken_body_is_an_error<C: Caller>(over: Transport) {
    let stage = Stage::<C>::set_up(over, Setup { end_at_body: true, ..Setup::default() }).await;
    let response = stage.client.call(stage.request("/broken-body")).await.unwrap();
    stage.server.release();
    response.into_body().collect().await.unwrap_err();
    let mut expected = stage.answered("/broken-body", 200);
    expected.insert("error.type", "body".into());
    stage.assert_recorded([expected]);
    stage.span().is_status(Status::error(""));
}

pub(crate) async fn a_dropped_body_is_no_error<C: Caller>(over: Transport) {
    let stage = Stage::<C>::set_up(over, Setup { end_at_body: true, ..Setup::default() }).await;
    drop(stage.client.call(stage.request("/long-request")).await.unwrap());
    stage.assert_recorded([stage.answered("/long-request", 200)]);
    stage.span().is_status(Status::Unset);
}

pub(crate) async fn a_dropped_call_is_no_error<C: Caller>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    tokio::select! {
        _ = stage.client.call(stage.request("/silence")) => unreachable!("nobody answers"),
        () = stage.server.arrived() => {}
    }
    let url = stage.server.url("/silence");
    let expected = unanswered(stage.server.port(), &url, None);
    stage.assert_recorded([expected]);
    stage.span().is_status(Status::Unset);
}

pub(crate) async fn calls_under_way_are_counted<C: Caller>(over: Transport) {
    let setup = Setup { active_requests: true, ..Setup::default() };
    let stage = Stage::<C>::set_up(over, setup).await;
    let scheme = if over == Transport::Tls { "https" } else { "http" };
    let all = Attributes::from([
        ("http.request.method", "GET".into()),
        ("server.address", "127.0.0.1".into()),
        ("server.port", i64::from(stage.server.port()).into()),
        ("url.scheme", scheme.into()),
    ]);
    let assert_active = |count: f64| {
        let active = measured(&stage.capture, "http.client.active_requests", all.clone());
        assert_eq!((active.value, active.integer), (count, true));
    };
    let under_way = async {
        stage.server.arrived().await;
        assert_active(1.0);
    };
    tokio::select! {
        _ = stage.client.call(stage.request("/silence")) => unreachable!("nobody answers"),
        () = under_way => {}
    }
    assert_active(0.0);
    stage.get("/error").await;
    assert_active(0.0);
}

pub(crate) async fn suppressed_telemetry_leaves_the_call_alone<C: Caller>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    let suppressed = parent(&stage.capture).with_telemetry_suppressed();
    stage.get("/success").with_context(suppressed).await;
    assert!(stage.spans().is_empty());
    assert!(stage.capture.metrics().is_empty());
    assert_eq!(stage.server.only_received().header("traceparent"), None);
}

pub(crate) async fn bodies_are_measured<C: Caller>(over: Transport) {
    let setup = Setup { body_sizes: true, ..Setup::default() };
    let stage = Stage::<C>::set_up(over, setup).await;
    let mut request = stage.request("/success");
    *request.method_mut() = Method::POST;
    *request.body_mut() = Bytes::from_static(b"content");
    stage.send(request).await;
    let mut expected = stage.answered("/success", 200);
    expected.insert("http.request.method", "POST".into());
    expected.insert("http.request.body.size", 7.into());
    expected.insert("http.response.body.size", 8.into());
    stage.assert_recorded([expected]);
    let (metrics, series) = (stage.capture.metrics(), duration(&stage.capture).attributes);
    for (name, size) in
        [("http.client.request.body.size", 7.0), ("http.client.response.body.size", 8.0)]
    {
        let measured = metrics.one(name).only();
        assert_eq!((&measured.attributes, measured.count, measured.value), (&series, 1, size));
    }
}

pub(crate) async fn what_was_read_of_a_body_is_measured<C: Caller>(over: Transport) {
    let setup = Setup { body_sizes: true, end_at_body: true, ..Setup::default() };
    let stage = Stage::<C>::set_up(over, setup).await;
    let response = stage.client.call(stage.request("/long-request")).await.unwrap();
    let mut body = response.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "Hello");
    drop(body);
    let mut expected = stage.answered("/long-request", 200);
    expected.insert("http.response.body.size", 5.into());
    stage.assert_recorded([expected]);
    let metrics = stage.capture.metrics();
    assert!(metrics.iter().all(|metric| metric.name != "http.client.request.body.size"));
}

/// Makes a module of tests for one client over one transport.
macro_rules! contract {
    ($($module:ident: $caller:ty, $transport:ident;)*) => {
        $(mod $module {
            $crate::support::contract::scenarios! {
                $caller, $crate::support::server::Transport::$transport;
                a_broken_body_is_an_error,
                a_call_can_end_with_the_body,
                a_call_ends_with_the_head,
                a_call_is_a_child_of_its_caller,
                a_call_is_a_root_with_the_server_below,
                a_dropped_body_is_no_error,
                a_dropped_call_is_no_error,
                a_host_out_of_reach_is_a_timeout,
                a_refused_connection_is_an_error,
                a_request_sent_again_is_a_new_trace,
                a_response_without_a_body_ends_at_once,
                a_silent_server_is_a_timeout,
                an_unknown_method_is_other,
                an_unsampled_caller_makes_no_span,
                bodies_are_measured,
                calls_at_the_same_time_keep_their_own_spans,
                calls_over_one_connection_keep_their_own_spans,
                calls_under_way_are_counted,
                chosen_headers_are_captured,
                headers_of_the_caller_survive_a_redirect,
                headers_of_the_trace_are_replaced,
                nested_instrumentation_makes_one_span,
                one_redirect,
                redirects_without_end,
                status_codes_from_400_are_errors,
                suppressed_telemetry_leaves_the_call_alone,
                the_duration_is_measured,
                two_redirects,
                what_was_read_of_a_body_is_measured,
                work_after_a_call_without_caller_is_a_root,
                work_after_the_call_is_its_callers,
            }
        })*
    };
}
pub(crate) use contract;

macro_rules! scenarios {
    ($caller:ty, $transport:expr; $($scenario:ident,)*) => {
        $(#[tokio::test]
        async fn $scenario() {
            $crate::support::contract::$scenario::<$caller>($transport).await;
        })*
    };
}
pub(crate) use scenarios;
