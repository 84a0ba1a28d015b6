//! What the contract leaves open: kinds of errors, forms of targets, options of one request.

use crate::clients::layer;
use bytes::Bytes;
use contract::client::{
    BoxError, Setup, http_client,
    recorded::{answered, client_span, client_spans, duration, everything},
    server::{Received, Server, Transport, closed_port},
};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{Empty, Full, StreamBody};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use opentelemetry::{
    Context, KeyValue, Value,
    baggage::BaggageExt,
    trace::{FutureExt, TraceContextExt},
};
use std::{
    convert::Infallible,
    future::ready,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn, util::BoxCloneSyncService};
use tower_http::follow_redirect::FollowRedirectLayer;
use tracewire_testing::{Capture, Span};
use tracewire_tower::{
    ClientLayer,
    client::{CallOptions, Destinations, ErrorType, ServicePeers},
    server::PeerAddress,
};

/// What is recorded of a request to a service that does not touch the network.
async fn recorded<T, E: 'static>(
    request: Request<Empty<Bytes>>,
    answer: impl AsyncFn() -> Result<Response<T>, E> + Clone,
) -> Span
where
    T: http_body::Body,
{
    let capture = Capture::new();
    let service = service_fn(move |_: Request<Empty<Bytes>>| {
        let answer = answer.clone();
        async move { answer().await }
    });
    let _ = layer(&capture).layer(service).oneshot(request).await;
    client_span(&capture)
}

async fn ok() -> Result<Response<Empty<Bytes>>, Infallible> {
    Ok(Response::new(Empty::new()))
}

fn get(uri: &str) -> Request<Empty<Bytes>> {
    Request::get(uri).body(Empty::new()).unwrap()
}

#[tokio::test]
async fn services_are_named_by_their_hosts() {
    let peers = ServicePeers::new([("stock.internal", "stock"), ("stock.internal:81", "canary")]);
    for (uri, expected) in [
        ("http://stock.internal/", Some("stock")),
        ("http://STOCK.internal:81/", Some("canary")),
        ("http://other.internal/", None),
    ] {
        let capture = Capture::new();
        let service = service_fn(|_: Request<Empty<Bytes>>| ok());
        let layer = layer(&capture).service_peers(peers.clone());
        layer.layer(service).oneshot(get(uri)).await.unwrap();
        let span = client_span(&capture);
        let name = span.attribute("service.peer.name").map(ToString::to_string);
        assert_eq!(name.as_deref(), expected, "{uri}");
        assert_eq!(duration(&capture).attribute("service.peer.name"), None);
    }
}

#[tokio::test]
async fn a_target_without_a_host_takes_the_host_header_for_the_span_alone() {
    let capture = Capture::new();
    let service = service_fn(|_: Request<Empty<Bytes>>| ok());
    for host in ["made-up.example", "shop.example:81"] {
        let mut request = get("/users/1?token=SECRET");
        request.headers_mut().insert("host", host.parse().unwrap());
        layer(&capture).layer(service).oneshot(request).await.unwrap();
    }
    let duration = duration(&capture);
    assert_eq!((duration.count, duration.attribute("server.address")), (2, None));
    client_spans(&capture)[1].has_exactly::<Value>([
        ("http.request.method", "GET".into()),
        ("http.response.status_code", 200.into()),
        ("network.protocol.version", "1.1".into()),
        ("server.address", "shop.example".into()),
        ("server.port", 81.into()),
        ("url.full", "http://shop.example:81/users/1?token=REDACTED".into()),
    ]);
}

#[tokio::test]
async fn a_host_header_that_a_gateway_passes_on_names_no_server() {
    let mut request = get("http://inventory:8080/users/1");
    request.headers_mut().insert("host", "shop.example:81".parse().unwrap());
    let span = recorded(request, ok).await;
    span.has("server.address", "inventory").has("server.port", 8080);
    span.has("url.full", "http://inventory:8080/users/1");
}

#[tokio::test]
async fn a_target_without_any_host_has_no_server() {
    let span = recorded(get("/users/1"), ok).await;
    span.has_exactly::<Value>([
        ("http.request.method", "GET".into()),
        ("http.response.status_code", 200.into()),
        ("network.protocol.version", "1.1".into()),
        ("url.full", "http:///users/1".into()),
    ]);
}

#[tokio::test]
async fn a_peer_can_be_named_by_any_client() {
    let answer = async || {
        let mut response = Response::new(Empty::<Bytes>::new());
        let peer = SocketAddr::from(([10, 0, 0, 1], 5));
        response.extensions_mut().insert(PeerAddress(peer));
        Ok::<_, Infallible>(response)
    };
    let span = recorded(get("https://h/"), answer).await;
    span.has("network.peer.address", "10.0.0.1").has("network.peer.port", 5);
    span.has("server.port", 443);
}

#[tokio::test]
async fn errors_have_a_kind_each() {
    async fn kind<E: 'static>(error: impl Fn() -> E + Clone) -> String {
        let answer = async move || Err::<Response<Empty<Bytes>>, E>(error());
        let span = recorded(get("http://h/"), answer).await;
        span.attribute("error.type").unwrap().to_string()
    }
    let boxed = |kind: io::ErrorKind| move || BoxError::from(io::Error::from(kind));
    assert_eq!(kind(boxed(io::ErrorKind::ConnectionRefused)).await, "connect");
    assert_eq!(kind(boxed(io::ErrorKind::TimedOut)).await, "timeout");
    assert_eq!(kind(boxed(io::ErrorKind::ConnectionReset)).await, "request");
    assert_eq!(kind(|| io::Error::from(io::ErrorKind::TimedOut)).await, "timeout");
    assert_eq!(kind(|| BoxError::from("http://ada:SECRET@h/")).await, "request");
    assert_eq!(kind(|| "of no known type").await, "request");
    let elapsed = || BoxError::from(tower::timeout::error::Elapsed::new());
    assert_eq!(kind(elapsed).await, ErrorType::Timeout.as_str());
}

#[tokio::test]
async fn errors_of_hyper_util_have_a_kind_each() {
    let (plain, trusted) = (Server::start().await, Server::over(Transport::Tls).await);
    let untrusted = Server::over(Transport::Tls).await;
    let refused = format!("http://127.0.0.1:{}/", closed_port());
    let cases = [
        ("http://nobody.invalid/".to_owned(), &plain, "dns"),
        (refused, &plain, "connect"),
        (untrusted.url("/success"), &trusted, "tls"),
        (plain.url("/success").replace("http:", "https:"), &trusted, "tls"),
    ];
    for (url, server, kind) in cases {
        let capture = Capture::new();
        let client = layer(&capture).layer(http_client(server, Setup::default()));
        let request = Request::get(url).body(Full::default()).unwrap();
        client.oneshot(request).await.unwrap_err();
        client_span(&capture).has("error.type", kind);
    }
}

#[tokio::test]
async fn an_upload_that_fails_is_body() {
    let (capture, server) = (Capture::new(), Server::start().await);
    for http2 in [false, true] {
        let frames =
            [Ok(Frame::data(Bytes::from_static(b"part"))), Err(io::Error::other("SECRET"))];
        let body = StreamBody::new(futures_util::stream::iter(frames));
        let request = Request::post(server.url("/silence")).body(body).unwrap();
        let client = Client::builder(TokioExecutor::new()).http2_only(http2).build_http();
        layer(&capture).layer(client).oneshot(request).await.unwrap_err();
        client_spans(&capture).last().unwrap().has("error.type", "body");
    }
    assert!(!everything(&capture).contains("SECRET"));
}

#[tokio::test]
async fn credentials_and_sensitive_values_are_never_exported() {
    let (capture, server) = (Capture::new(), Server::start().await);
    for port in [server.port(), closed_port()] {
        let url = format!("http://ada:SECRET@127.0.0.1:{port}/success?token=SECRET&id=1");
        let client = layer(&capture).layer(http_client(&server, Setup::default()));
        let request = Request::get(url).body(Full::default()).unwrap();
        let _ = client.oneshot(request).await;
        let spans = client_spans(&capture);
        spans.last().unwrap().has(
            "url.full",
            format!("http://REDACTED:REDACTED@127.0.0.1:{port}/success?token=REDACTED&id=1"),
        );
    }
    assert_eq!(client_spans(&capture).len(), 2);
    assert!(!everything(&capture).contains("SECRET"));
}

/// Sends a request with baggage through `layer`, to `uri` with this `Host`.
async fn headers(layer: ClientLayer, uri: &str, host: &str) -> http::HeaderMap {
    let service = service_fn(async |request: Request<Empty<Bytes>>| {
        let mut response = Response::new(Empty::<Bytes>::new());
        *response.headers_mut() = request.headers().clone();
        Ok::<_, Infallible>(response)
    });
    let mut request = get(uri);
    request.headers_mut().insert("host", host.parse().unwrap());
    let context = Context::new().with_baggage([KeyValue::new("user", "Ada")]);
    let response = layer.layer(service).oneshot(request).with_context(context);
    response.await.unwrap().headers().clone()
}

#[tokio::test]
async fn baggage_goes_by_the_host_that_is_connected_to() {
    let cases = [
        ("http://inventory/", "shop.example", true),
        ("http://shop.example/", "inventory", false),
        ("http://[::1]:80/", "shop.example", true),
        // Only the inner service knows where these go.
        ("/users/1", "inventory:8080", false),
        ("/users/1", "localhost", false),
        ("/users/1", "127.0.0.1", false),
        ("/users/1", "shop.example", false),
    ];
    for (uri, host, sent) in cases {
        let capture = Capture::new();
        let sent_headers = headers(layer(&capture), uri, host).await;
        assert_eq!(sent_headers.contains_key("baggage"), sent, "{uri} {host}");
        assert!(sent_headers.contains_key("traceparent"));
    }
    for uri in ["http://shop.example/", "/users/1"] {
        let open = layer(&Capture::new()).destinations(Destinations::all());
        assert!(headers(open, uri, "shop.example").await.contains_key("baggage"), "{uri}");
    }
}

/// The baggage of each request, with the host it was sent to. `inventory` redirects to
/// `shop.example`.
type Sent = Arc<Mutex<Vec<(String, Option<String>)>>>;

fn network(
    sent: &Sent,
) -> BoxCloneSyncService<Request<Empty<Bytes>>, Response<Empty<Bytes>>, Infallible> {
    let sent = sent.clone();
    BoxCloneSyncService::new(service_fn(move |request: Request<Empty<Bytes>>| {
        assert!(request.headers().contains_key("traceparent"));
        let host = request.uri().host().unwrap().to_owned();
        let mut response = Response::new(Empty::<Bytes>::new());
        if host == "inventory" {
            *response.status_mut() = http::StatusCode::FOUND;
            let location = "http://shop.example/".parse().unwrap();
            response.headers_mut().insert("location", location);
        }
        let baggage = request.headers().get("baggage").map(|all| all.to_str().unwrap().to_owned());
        sent.lock().unwrap().push((host, baggage));
        ready(Ok(response))
    }))
}

fn baggage() -> Context {
    Context::new().with_baggage([KeyValue::new("user", "Ada")])
}

#[tokio::test]
async fn redirects_outside_take_no_baggage_to_another_host() {
    let (capture, sent) = (Capture::new(), Sent::default());
    let inside = ServiceBuilder::new()
        .layer(FollowRedirectLayer::new())
        .layer(layer(&capture))
        .service(network(&sent));
    inside.clone().oneshot(get("http://inventory/")).with_context(baggage()).await.unwrap();
    let both = layer(&capture).layer(inside);
    both.oneshot(get("http://inventory/")).with_context(baggage()).await.unwrap();
    for hops in sent.lock().unwrap().chunks(2) {
        let near = ("inventory".to_owned(), Some("user=Ada".to_owned()));
        assert_eq!(hops, [near, ("shop.example".to_owned(), None)]);
    }
    assert_eq!(sent.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn a_target_changed_between_two_of_ours_takes_no_baggage_along() {
    let (capture, sent) = (Capture::new(), Sent::default());
    let client = ServiceBuilder::new()
        .layer(layer(&capture))
        .map_request(|mut request: Request<Empty<Bytes>>| {
            *request.uri_mut() = "http://shop.example/".parse().unwrap();
            request
        })
        .layer(layer(&capture))
        .service(network(&sent));
    client.oneshot(get("http://inventory/")).with_context(baggage()).await.unwrap();
    assert_eq!(*sent.lock().unwrap(), [("shop.example".to_owned(), None)]);
    client_span(&capture);
}

/// A gateway passes on what its own callers sent, also where the connection is made elsewhere.
#[tokio::test]
async fn a_host_header_makes_no_series() {
    for (uri, address) in [("http://inventory/", Some("inventory")), ("/users/1", None)] {
        let capture = Capture::new();
        let layer = layer(&capture).active_requests(true);
        for n in 0..30 {
            headers(layer.clone(), uri, &format!("h{n}.example:{n}")).await;
        }
        let metrics = capture.metrics();
        let duration = metrics.one("http.client.request.duration").only();
        assert_eq!(duration.count, 30);
        assert_eq!(duration.attribute("server.address"), address.map(Into::into).as_ref());
        metrics.one("http.client.active_requests").only();
    }
}

/// A server may answer with any status code in any version.
#[tokio::test]
async fn one_hostile_server_leaves_few_series_and_other_hosts_errors_visible() {
    let capture = Capture::new();
    let layer = layer(&capture);
    let send = async |uri: &str, status: u16, version: http::Version| {
        let service = service_fn(|_: Request<Empty<Bytes>>| async move {
            let response = Response::builder().status(status).version(version);
            Ok::<_, Infallible>(response.body(Empty::<Bytes>::new()).unwrap())
        });
        layer.layer(service).oneshot(get(uri)).await.unwrap();
    };
    for version in [http::Version::HTTP_10, http::Version::HTTP_11, http::Version::HTTP_2] {
        for status in 100..1000 {
            send("http://evil.example/", status, version).await;
        }
    }
    send("http://inventory/", 503, http::Version::HTTP_11).await;
    let metrics = capture.metrics();
    let duration = metrics.one("http.client.request.duration");
    assert!(duration.points.len() <= 1_010, "{}", duration.points.len());
    let honest = duration.points.iter().find(|point| {
        point.attribute("server.address") == Some(&"inventory".into())
            && point.attribute("error.type") == Some(&"_OTHER".into())
    });
    assert_eq!(honest.expect("the error is still seen").count, 1);
}

/// Names of tenants differ in the middle alone.
#[tokio::test]
async fn hosts_that_look_alike_are_as_few_series_as_others() {
    let capture = Capture::new();
    let layer = layer(&capture);
    for tenant in 0..1_500 {
        let service =
            service_fn(async |_: Request<Empty<Bytes>>| Ok::<_, Infallible>(Response::new(())));
        let uri = format!("http://tenant-{tenant:05}.internal/");
        for version in [http::Version::HTTP_11, http::Version::HTTP_2] {
            let mut request = get(&uri);
            *request.version_mut() = version;
            let service = service.map_response(move |response: Response<()>| {
                let (mut head, _) = response.into_parts();
                head.version = version;
                Response::from_parts(head, Empty::<Bytes>::new())
            });
            layer.layer(service).oneshot(request).await.unwrap();
        }
    }
    let metrics = capture.metrics();
    let duration = metrics.one("http.client.request.duration");
    let exact = duration
        .points
        .iter()
        .filter(|point| point.attribute("network.protocol.version").is_some());
    assert_eq!(exact.count(), 1_000);
}

#[tokio::test]
async fn options_of_one_request_hold_for_it() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let client = layer(&capture).layer(http_client(&server, Setup::default()));
    let url = server.url("/success");
    let send = async |options: CallOptions| {
        let mut request = Request::get(&url).body(Full::default()).unwrap();
        request.extensions_mut().insert(options);
        client.clone().oneshot(request).await.unwrap();
        server.received().pop().unwrap()
    };
    let received: Received = send(CallOptions::new().untraced()).await;
    assert_eq!(received.header("traceparent"), None);
    assert!(client_spans(&capture).is_empty());

    let options = CallOptions::new().template("/{page}").attribute(KeyValue::new("page", 1));
    let received = send(options.propagate(false)).await;
    assert_eq!(received.header("traceparent"), None);
    let span = client_span(&capture);
    let mut expected = answered(server.port(), &url, 200);
    expected.insert("url.template", "/{page}".into());
    expected.insert("page", 1.into());
    assert_eq!(span.name, "GET /{page}");
    span.has_exactly(expected);
}

#[tokio::test]
async fn the_inner_service_runs_inside_the_span() {
    let capture = Capture::new();
    let seen = service_fn(|_: Request<Empty<Bytes>>| {
        let at_call = Context::current().span().span_context().span_id();
        async move {
            let at_poll = Context::current().span().span_context().span_id();
            assert_eq!(at_call, at_poll);
            let mut response = Response::new(Empty::<Bytes>::new());
            response.extensions_mut().insert(at_poll);
            Ok::<_, Infallible>(response)
        }
    });
    let response = layer(&capture).layer(seen).oneshot(get("http://h/")).await.unwrap();
    let span_id = client_span(&capture).span_id;
    assert_eq!(response.extensions().get(), Some(&span_id));
    assert!(!Context::current().has_active_span());
}
