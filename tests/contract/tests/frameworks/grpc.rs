//! gRPC over real sockets: tonic's server and tonic's channel, traced by our two layers.

use futures_util::{StreamExt, stream};
use http::uri::PathAndQuery;
use opentelemetry::trace::{SpanKind, Status as SpanStatus};
use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::net::TcpListener;
use tonic::{
    Code, Request, Response, Status, Streaming,
    body::Body,
    server::NamedService,
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};
use tonic_prost::ProstCodec;
use tower::{Layer, Service, service_fn};
use tracewire_propagation::TraceContext;
use tracewire_testing::Capture;
use tracewire_tower::{ClientLayer, ServerLayer, client::ClientService, server::RpcMethods};

type Traced = ClientService<Channel>;
type Codec = ProstCodec<String, String>;

/// Repeats, counts and fails, as its request asks.
#[derive(Clone)]
struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = "test.v1.Echo";
}

impl Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(Codec::default());
            Ok(match request.uri().path() {
                "/test.v1.Echo/Say" => {
                    let say = service_fn(async |request: Request<String>| {
                        Ok::<_, Status>(Response::new(request.into_inner()))
                    });
                    grpc.unary(say, request).await
                }
                "/test.v1.Echo/Count" => {
                    let count = service_fn(async |_: Request<String>| {
                        let numbers = (1..=3).map(|n| Ok::<_, Status>(n.to_string()));
                        Ok::<_, Status>(Response::new(stream::iter(numbers)))
                    });
                    grpc.server_streaming(count, request).await
                }
                "/test.v1.Echo/Watch" => {
                    let watch = service_fn(async |_: Request<String>| {
                        let numbers = (1..=3).map(|n| Ok::<_, Status>(n.to_string()));
                        Ok::<_, Status>(Response::new(
                            stream::iter(numbers).chain(stream::pending()),
                        ))
                    });
                    grpc.server_streaming(watch, request).await
                }
                "/test.v1.Echo/Chat" => {
                    let chat = service_fn(async |request: Request<Streaming<String>>| {
                        Ok::<_, Status>(Response::new(request.into_inner()))
                    });
                    grpc.streaming(chat, request).await
                }
                "/test.v1.Echo/Fail" => {
                    let fail = service_fn(async |request: Request<String>| {
                        let code = request.into_inner().parse::<i32>().unwrap();
                        Err::<Response<String>, _>(Status::new(Code::from_i32(code), "asked to"))
                    });
                    grpc.unary(fail, request).await
                }
                _ => Status::unimplemented("no such method").into_http(),
            })
        })
    }
}

/// A client of a listening echo server, and what both record.
async fn start() -> (Capture, tonic::client::Grpc<Traced>) {
    let capture = Capture::new();
    let methods =
        ["Say", "Count", "Watch", "Chat", "Fail"].map(|method| format!("test.v1.Echo/{method}"));
    let server = ServerLayer::new()
        .tracer_provider(capture.tracer_provider())
        .meter_provider(capture.meter_provider())
        .propagator(TraceContext::new())
        .grpc(RpcMethods::new(methods));
    let client = ClientLayer::new()
        .tracer_provider(capture.tracer_provider())
        .meter_provider(capture.meter_provider())
        .propagator(TraceContext::new())
        .grpc(RpcMethods::any());

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = Server::builder()
        .layer(server)
        .add_service(Echo)
        .serve_with_incoming(TcpIncoming::from(listener));
    tokio::spawn(serving);
    let origin: http::Uri = format!("http://{address}").parse().unwrap();
    let channel = Channel::builder(origin.clone()).connect_lazy();
    // The channel adds host and port below our layer: only `with_origin` tells them above it.
    (capture, tonic::client::Grpc::with_origin(client.layer(channel), origin))
}

async fn unary(
    grpc: &mut tonic::client::Grpc<Traced>,
    method: &'static str,
    text: &str,
) -> Result<String, Status> {
    grpc.ready().await.unwrap();
    let path = PathAndQuery::from_static(method);
    let request = Request::new(text.to_owned());
    grpc.unary(request, path, Codec::default()).await.map(Response::into_inner)
}

#[tokio::test]
async fn call_is_one_trace_of_client_and_server() {
    let (capture, mut grpc) = start().await;
    assert_eq!(unary(&mut grpc, "/test.v1.Echo/Say", "hello").await.unwrap(), "hello");

    let spans = capture.ended(2).await;
    let [client, server] = [SpanKind::Client, SpanKind::Server].map(|kind| {
        let found = spans.named("test.v1.Echo/Say");
        found.into_iter().find(|span| span.kind == kind).unwrap()
    });
    client.is_root().is_status(SpanStatus::Unset);
    server.is_child_of(&client).is_status(SpanStatus::Unset);
    for span in [&client, &server] {
        span.has("rpc.system.name", "grpc")
            .has("rpc.method", "test.v1.Echo/Say")
            .has("rpc.response.status_code", "OK")
            .has("server.address", "127.0.0.1")
            .has_no("http.request.method")
            .has_no("error.type");
    }
    for metric in ["rpc.client.call.duration", "rpc.server.call.duration"] {
        capture.metrics().one(metric);
    }
}

#[tokio::test]
async fn stream_is_open_until_its_trailers() {
    let (capture, mut grpc) = start().await;
    grpc.ready().await.unwrap();
    let path = PathAndQuery::from_static("/test.v1.Echo/Count");
    let request = Request::new(String::new());
    let mut numbers: Streaming<String> =
        grpc.server_streaming(request, path, Codec::default()).await.unwrap().into_inner();
    let clients = |capture: &Capture| {
        let spans = capture.spans();
        spans.iter().filter(|span| span.kind == SpanKind::Client).count()
    };
    assert_eq!(numbers.message().await.unwrap().as_deref(), Some("1"));
    assert_eq!(clients(&capture), 0);
    while numbers.message().await.unwrap().is_some() {}

    let spans = capture.ended(2).await;
    for span in spans.iter() {
        span.has("rpc.response.status_code", "OK");
    }
}

/// How often the duration of a side is recorded.
fn durations(capture: &Capture, side: &str) -> u64 {
    let (metrics, name) = (capture.metrics(), format!("rpc.{side}.call.duration"));
    let points = metrics.iter().filter(|metric| metric.name == name).flat_map(|m| &m.points);
    points.map(|point| point.count).sum()
}

#[tokio::test]
async fn caller_who_leaves_a_stream_is_no_error() {
    for messages in [0, 1, 3] {
        let (capture, mut grpc) = start().await;
        grpc.ready().await.unwrap();
        let path = PathAndQuery::from_static("/test.v1.Echo/Watch");
        let request = Request::new(String::new());
        let mut numbers: Streaming<String> =
            grpc.server_streaming(request, path, Codec::default()).await.unwrap().into_inner();
        for _ in 0..messages {
            numbers.message().await.unwrap().unwrap();
        }
        assert!(capture.spans().is_empty());
        // Several messages show that it is a stream, which is measured while it is open.
        if messages == 3 {
            assert_eq!((durations(&capture, "server"), durations(&capture, "client")), (1, 1));
        }
        drop(numbers);
        for span in capture.ended(2).await.iter() {
            span.is_status(SpanStatus::Unset).has_no("error.type");
        }
        assert_eq!((durations(&capture, "server"), durations(&capture, "client")), (1, 1));
    }
}

#[tokio::test]
async fn stream_that_its_caller_ends_is_complete() {
    let (capture, mut grpc) = start().await;
    grpc.ready().await.unwrap();
    let path = PathAndQuery::from_static("/test.v1.Echo/Chat");
    let words = stream::iter(["a", "b"].map(str::to_owned));
    let mut answers: Streaming<String> =
        grpc.streaming(Request::new(words), path, Codec::default()).await.unwrap().into_inner();
    let mut count = 0;
    while answers.message().await.unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 2);
    drop(answers);
    for span in capture.ended(2).await.iter() {
        span.is_status(SpanStatus::Unset).has_no("error.type");
        span.has("rpc.response.status_code", "OK");
    }
}

#[tokio::test]
async fn each_side_judges_a_code_by_its_own_list() {
    let (capture, mut grpc) = start().await;
    let not_found = unary(&mut grpc, "/test.v1.Echo/Fail", "5").await.unwrap_err();
    assert_eq!(not_found.code(), Code::NotFound);
    let spans = capture.ended(2).await;
    for span in spans.iter() {
        span.has("rpc.response.status_code", "NOT_FOUND");
        match span.kind {
            SpanKind::Client => span.is_error().has("error.type", "NOT_FOUND"),
            _ => span.is_status(SpanStatus::Unset).has_no("error.type"),
        };
    }

    capture.clear();
    unary(&mut grpc, "/test.v1.Echo/Fail", "13").await.unwrap_err();
    for span in capture.ended(2).await.iter() {
        span.is_error().has("error.type", "INTERNAL");
    }
}

#[tokio::test]
async fn unknown_method_is_unimplemented_and_other() {
    let (capture, mut grpc) = start().await;
    unary(&mut grpc, "/test.v1.Echo/Hack", "").await.unwrap_err();
    let spans = capture.ended(2).await;
    let server = spans.one("grpc");
    server
        .is_kind(SpanKind::Server)
        .is_error()
        .has("rpc.method", "_OTHER")
        .has("rpc.method_original", "test.v1.Echo/Hack")
        .has("error.type", "UNIMPLEMENTED");
}

/// `error.type` of a call through this channel, which fails.
async fn failure(endpoint: Endpoint, timeout: Option<Duration>) -> String {
    let capture = Capture::new();
    let layer = ClientLayer::new()
        .tracer_provider(capture.tracer_provider())
        .meter_provider(capture.meter_provider())
        .propagator(TraceContext::new())
        .grpc(RpcMethods::any());
    let mut grpc = tonic::client::Grpc::new(layer.layer(endpoint.connect_lazy()));
    grpc.ready().await.unwrap();
    let mut request = Request::new(String::new());
    if let Some(timeout) = timeout {
        request.set_timeout(timeout);
    }
    let path = PathAndQuery::from_static("/test.v1.Echo/Say");
    let result: Result<Response<String>, _> = grpc.unary(request, path, Codec::default()).await;
    result.unwrap_err();
    let span = capture.spans().one("test.v1.Echo/Say");
    span.is_error().attribute("error.type").unwrap().to_string()
}

#[tokio::test]
async fn a_channel_that_cannot_connect_says_why() {
    // Bound and not listening, so no other process gets the port.
    let unused = tokio::net::TcpSocket::new_v4().unwrap();
    unused.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let refused = format!("http://{}", unused.local_addr().unwrap());
    assert_eq!(failure(Endpoint::from_shared(refused).unwrap(), None).await, "connect");

    // No resolver takes a label of 64 letters.
    let unknown = format!("http://{}.invalid:80", "x".repeat(64));
    assert_eq!(failure(Endpoint::from_shared(unknown).unwrap(), None).await, "dns");

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    let endpoint = Endpoint::from_shared(silent).unwrap();
    let limit = Duration::from_millis(50);
    assert_eq!(failure(endpoint.clone().timeout(limit), None).await, "timeout");
    assert_eq!(failure(endpoint, Some(limit)).await, "timeout");
}
