//! What people hang into the layer.

use crate::recorded::{active_requests, duration, layer, server_span};
use axum::{Router, body::Body, routing::get};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanKind, Status, TraceContextExt, TraceId},
};
use opentelemetry_sdk::trace::{SamplingResult, ShouldSample};
use std::{
    borrow::Cow,
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};
use tower::ServiceExt;
use tracewire_testing::Capture;
use tracewire_tower::{
    ServerLayer,
    server::{Clock, ErrorType, HeaderSelector, Verdict},
};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async fn get_path(layer: ServerLayer, path: &str) -> http::response::Parts {
    let app = Router::new()
        .route("/users/{id}", get(async || ([("x-reply", "yes")], "Ada")))
        .route("/boom", get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .layer(layer);
    let request = Request::get(path).header("traceparent", PARENT).header("x-shop", "1");
    let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    body.collect().await.unwrap();
    head
}

#[tokio::test]
async fn attributes_are_asked_for_only_where_something_records() {
    let asked = |layer: ServerLayer| async {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (request, response) = (asked.clone(), asked.clone());
        let layer = layer
            .on_request(move |_, _| request.lock().unwrap().push("request"))
            .on_response(move |_, _| response.lock().unwrap().push("response"));
        get_path(layer, "/users/1").await;
        asked.lock().unwrap().clone()
    };
    // No test of this process sets the process's own providers.
    assert_eq!(asked(ServerLayer::new()).await, [""; 0]);
    assert_eq!(asked(layer(&Capture::new())).await, ["request", "response"]);
    let meters = ServerLayer::new().meter_provider(Capture::new().meter_provider());
    assert_eq!(asked(meters).await, ["request", "response"]);
}

#[tokio::test]
async fn filtered_request_has_no_span_but_its_context_goes_on() {
    let capture = Capture::new();
    let seen = Arc::new(Mutex::new(String::new()));
    let store = seen.clone();
    let handler = async move || {
        *store.lock().unwrap() = Context::current().span().span_context().trace_id().to_string();
    };
    let app = Router::new()
        .route("/healthz", get(handler))
        .layer(layer(&capture).filter(|request| request.uri.path() != "/healthz"));
    let request = Request::get("/healthz").header("traceparent", PARENT);
    app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();

    assert!(capture.spans().is_empty());
    assert!(capture.metrics().is_empty());
    assert_eq!(*seen.lock().unwrap(), "0af7651916cd43dd8448eb211c80319c");
}

#[tokio::test]
async fn excluded_paths_are_not_traced() {
    let capture = Capture::new();
    let layer = layer(&capture).exclude_paths(["/boom", "/internal/*"]);
    get_path(layer.clone(), "/boom?deep=1").await;
    get_path(layer.clone(), "/internal/metrics").await;
    assert!(capture.spans().is_empty());
    get_path(layer, "/users/1").await;
    capture.spans().one("GET /users/{id}");
}

#[tokio::test]
async fn span_and_route_can_be_named() {
    let capture = Capture::new();
    let layer = layer(&capture)
        .span_name(|_| Some(Cow::Borrowed("lookup")))
        .route(|_| Some(Cow::Borrowed("/lookup")));
    get_path(layer, "/users/1").await;
    let span = server_span(&capture);
    assert_eq!(span.name, "lookup");
    span.has("http.route", "/lookup");
    assert_eq!(duration(&capture).attribute("http.route"), Some(&"/lookup".into()));
}

#[tokio::test]
async fn hooks_add_to_the_span_and_to_the_metric_apart() {
    let capture = Capture::new();
    let layer = layer(&capture)
        .on_request(|request, added| {
            added.span(KeyValue::new("shop.headers", request.headers.len() as i64));
            added.metric(KeyValue::new("shop.tier", "gold"));
        })
        .on_response(|response, added| {
            added.span(KeyValue::new("shop.reply", response.headers.contains_key("x-reply")));
            added.metric(KeyValue::new("shop.ok", response.status.is_success()));
        });
    get_path(layer, "/users/1").await;
    let (span, duration) = (server_span(&capture), duration(&capture));
    span.has("shop.headers", 2).has("shop.reply", true).has_no("shop.tier").has_no("shop.ok");
    assert_eq!(duration.attribute("shop.tier"), Some(&"gold".into()));
    assert_eq!(duration.attribute("shop.ok"), Some(&true.into()));
    assert_eq!(duration.attribute("shop.headers"), None);
    assert_eq!(duration.attribute("shop.reply"), None);
}

#[tokio::test]
async fn hooks_that_panic_break_nothing() {
    let capture = Capture::new();
    let layer = layer(&capture)
        .filter(|_| panic!("on purpose"))
        .trust_by(|_| panic!("on purpose"))
        .span_name(|_| panic!("on purpose"))
        .route(|_| panic!("on purpose"))
        .on_request(|_, _| panic!("on purpose"))
        .on_response(|_, _| panic!("on purpose"))
        .classify(|_| panic!("on purpose"));
    let head = get_path(layer, "/users/1").await;
    assert_eq!(head.status, 200);
    let span = server_span(&capture);
    assert_eq!(span.name, "GET /users/{id}");
    assert_eq!(span.status, Status::Unset);
}

#[tokio::test]
async fn classifier_overrules_the_conventions() {
    let capture = Capture::new();
    let layer = layer(&capture).classify(|ending| match ending.status {
        Some(StatusCode::NOT_FOUND) => Verdict::Error(ErrorType::Named("missing")),
        Some(StatusCode::INTERNAL_SERVER_ERROR) => Verdict::Unset,
        _ => ending.verdict,
    });
    get_path(layer.clone(), "/nowhere").await;
    server_span(&capture).has("error.type", "missing");
    assert_eq!(duration(&capture).attribute("error.type"), Some(&"missing".into()));

    get_path(layer, "/boom").await;
    capture.spans().one("GET /boom").is_status(Status::Unset).has_no("error.type");
}

#[tokio::test]
async fn named_headers_are_captured_and_no_others() {
    let capture = Capture::new();
    let layer = layer(&capture)
        .capture_request_headers(HeaderSelector::new(["X-*"]))
        .capture_response_headers(HeaderSelector::new(["x-reply"]));
    get_path(layer, "/users/1").await;
    capture.spans().assert_snapshot(
        r#"
        GET /users/{id} [server] (parent elsewhere)
        | http.request.header.x-shop = ["1"]
        | http.request.method = "GET"
        | http.response.header.x-reply = ["yes"]
        | http.response.status_code = 200
        | http.route = "/users/{id}"
        | network.protocol.version = "1.1"
        | url.path = "/users/1"
        | url.scheme = "http"
        "#,
    );
}

#[tokio::test]
async fn caller_is_told_the_trace_only_by_option() {
    let capture = Capture::new();
    let head = get_path(layer(&capture), "/users/1").await;
    assert!(!head.headers.contains_key("traceresponse"));

    let head = get_path(layer(&capture).send_trace_to_caller(true), "/users/1").await;
    let span = &capture.spans()[1];
    let expected = format!("00-{}-{}-01", span.trace_id, span.span_id);
    assert_eq!(head.headers["traceresponse"], expected);
    let timing = format!("trace;desc={expected}, traceparent;desc=\"{expected}\"");
    assert_eq!(head.headers["server-timing"], timing);
}

/// A clock that goes on by a second whenever it is asked.
#[derive(Debug)]
struct Ticking(Mutex<Instant>);

impl Clock for Ticking {
    fn now(&self) -> Instant {
        let mut now = self.0.lock().unwrap();
        *now += Duration::from_secs(1);
        *now
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

#[tokio::test]
async fn span_and_metric_agree_on_the_given_clock() {
    let capture = Capture::new();
    let clock = Ticking(Mutex::new(Instant::now()));
    get_path(layer(&capture).clock(clock), "/users/1").await;
    let span = server_span(&capture);
    assert_eq!(span.start_time, SystemTime::UNIX_EPOCH);
    assert_eq!(span.end_time, SystemTime::UNIX_EPOCH + Duration::from_secs(1));
    assert_eq!(duration(&capture).value, 1.0);
}

#[tokio::test]
async fn synthetic_agents_are_told_by_option() {
    let capture = Capture::new();
    let app = Router::new()
        .route("/", get(async || ""))
        .layer(layer(&capture).synthetic_user_agents(true));
    let request = Request::get("/").header("user-agent", "Mozilla/5.0 (compatible; GoogleBot/2.1)");
    let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    response.into_body().collect().await.unwrap();
    server_span(&capture).has("user_agent.synthetic.type", "bot");
    assert_eq!(duration(&capture).attribute("user_agent.synthetic.type"), Some(&"bot".into()));
}

/// A span holds 128 attributes; what comes later is dropped.
#[tokio::test]
async fn captured_headers_and_hooks_leave_room_for_the_conventions_attributes() {
    let many = |prefix: &'static str| {
        (0..200).map(move |n| KeyValue::new(format!("{prefix}.{n}"), i64::from(n)))
    };
    for (status, error) in [(200, None), (503, Some("503"))] {
        let capture = Capture::new();
        let respond = async move || {
            let mut response = axum::response::Response::new(Body::from("Ada"));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            for n in 0..400 {
                let name = format!("x-{n}").parse::<http::HeaderName>().unwrap();
                response.headers_mut().append(name, "1".parse().unwrap());
            }
            response
        };
        let layer = layer(&capture)
            .body_sizes(true)
            .capture_request_headers(HeaderSelector::new(["x-*"]))
            .capture_response_headers(HeaderSelector::new(["x-*"]))
            .on_request(move |_, attributes| many("request").for_each(|own| attributes.span(own)))
            .on_response(move |_, attributes| {
                many("response").for_each(|own| attributes.span(own))
            });
        let app = Router::new().route("/users/{id}", get(respond)).layer(layer);
        let mut request = Request::get("/users/1?q=1")
            .header("host", "shop.example:80")
            .header("user-agent", "curl/8")
            .header("content-length", "0");
        for n in 0..455 {
            request = request.header(format!("x-{n}"), "");
        }
        let request = request.body(Body::empty()).unwrap();
        app.oneshot(request).await.unwrap().into_body().collect().await.unwrap();

        let span = server_span(&capture);
        span.has("http.response.status_code", i64::from(status))
            .has("http.route", "/users/{id}")
            .has("user_agent.original", "curl/8")
            .has("http.request.body.size", 0)
            .has("http.response.body.size", 3);
        assert_eq!(span.attribute("error.type"), error.map(Into::into).as_ref());
        assert!(span.attributes.len() <= 128, "{}", span.attributes.len());
        let count = |prefix: &str| {
            let names = span.attributes.iter().map(|own| own.key.as_str());
            names.filter(|name| name.starts_with(prefix)).count()
        };
        assert_eq!(count("http.request.header."), 32);
        assert!(count("request.") >= 60);
    }
}

#[test]
fn nothing_secret_is_in_a_debug_text() {
    let request = Request::get("http://u:SECRET@h/SECRET?token=SECRET")
        .header("authorization", "Bearer SECRET")
        .extension("SECRET")
        .body(())
        .unwrap();
    let debug = Arc::new(Mutex::new(String::new()));
    let (at_request, at_response) = (debug.clone(), debug.clone());
    let capture = Capture::new();
    let layer = layer(&capture)
        .on_request(move |head, _| at_request.lock().unwrap().push_str(&format!("{head:?}")))
        .on_response(move |head, _| at_response.lock().unwrap().push_str(&format!("{head:?}")));
    let mut text = format!("{layer:?}");
    let mut service = tower::Layer::layer(
        &layer,
        tower::service_fn(async |_: Request<()>| {
            let response = http::Response::builder().header("set-cookie", "SECRET");
            Ok::<_, std::convert::Infallible>(response.body(String::new()).unwrap())
        }),
    );
    text += &format!("{service:?}");
    let future = tower::Service::call(&mut service, request);
    let _ = futures_util::FutureExt::now_or_never(future).unwrap().unwrap();
    text += &debug.lock().unwrap();
    assert!(text.contains("RequestHead") && text.contains("ResponseHead"), "{text}");
    assert!(!text.contains("SECRET"), "{text}");
}

/// A sampler that fails at every request.
#[derive(Clone, Debug)]
struct Broken;

impl ShouldSample for Broken {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        panic!("on purpose")
    }
}

#[tokio::test]
async fn request_goes_on_where_the_sampler_panics() {
    let capture = Capture::with(|spans| spans.with_sampler(Broken));
    let head = get_path(layer(&capture).active_requests(true), "/users/1").await;
    assert_eq!(head.status, 200);
    assert!(capture.spans().is_empty());
    assert_eq!(duration(&capture).attribute("http.route"), Some(&"/users/{id}".into()));
    assert_eq!(active_requests(&capture), 0.0);
}
