//! Requests and calls that are recorded, with defaults and with every option.

use http::{Extensions, HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::Empty;
use opentelemetry::Context;
use std::{borrow::Cow, net::SocketAddr, sync::Arc};
use tracewire_http::{
    ClientRequest, ClientResponse, ErrorType, HeaderSelector, Outcome, RequestHead, RpcMethods,
    Scheme, ServicePeers,
    wiring::{ClientCall, ClientSettings, IncomingRequest, ServerCall, ServerSettings},
};
use tracewire_span::database::{ConnectionPool, Database, ErrorKind, PoolState};
use tracewire_testing::Capture;

/// A request that a router has matched, from a peer that is known.
struct Routed(Request<()>);

impl IncomingRequest for Routed {
    fn head(&self) -> RequestHead<'_> {
        self.0.head()
    }

    fn peer(&self) -> Option<SocketAddr> {
        Some(SocketAddr::from(([192, 0, 2, 7], 4711)))
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        Some("/users/{id}".into())
    }
}

/// How a request is sent: over HTTP, with a method that nobody knows, or over gRPC.
const REQUESTS: [(&str, &str, Option<&str>); 3] = [
    ("GET", "/users/1?q=a", None),
    ("PURGE", "/users/1", None),
    ("POST", "/s.S/M", Some("application/grpc")),
];

fn headers(content_type: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("host", "shop.example:8080"),
        ("content-length", "7"),
        ("user-agent", "Googlebot/2.1"),
        ("x-tenant", "a"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(content_type) = content_type {
        headers.insert("content-type", content_type.parse().unwrap());
    }
    headers
}

/// A response, over gRPC with its status: one that ends well and one that does not.
fn answers(is_grpc: bool) -> [(StatusCode, HeaderMap); 2] {
    [("0", StatusCode::OK), ("13", StatusCode::INTERNAL_SERVER_ERROR)].map(|(code, status)| {
        let mut headers = HeaderMap::new();
        headers.insert("x-cache", HeaderValue::from_static("hit"));
        if is_grpc {
            headers.insert("grpc-status", HeaderValue::from_static(code));
        }
        (if is_grpc { StatusCode::OK } else { status }, headers)
    })
}

/// What servers record, by defaults or with every option.
pub(crate) fn servers(capture: &Capture, with_options: bool) {
    let mut settings = ServerSettings::new("conventions", "1")
        .tracer_provider(capture.tracer_provider())
        .meter_provider(capture.meter_provider())
        .grpc(RpcMethods::any());
    if with_options {
        settings = settings
            .active_requests(true)
            .body_sizes(true)
            .grpc(RpcMethods::new(["other.Service/Method"]))
            .client_port(true)
            .synthetic_user_agents(true)
            .capture_request_headers(HeaderSelector::new(["x-tenant"]))
            .capture_response_headers(HeaderSelector::new(["x-cache"]));
    }
    let settings = Arc::new(settings);
    for (method, path, content_type) in REQUESTS {
        for (status, answer) in answers(content_type.is_some()) {
            let mut request = Request::new(());
            *request.method_mut() = method.parse().unwrap();
            *request.uri_mut() = path.parse().unwrap();
            *request.headers_mut() = headers(content_type);
            let (mut scope, _) = ServerCall::begin(&settings, &Routed(request));
            scope.exchange().unwrap().add_response_size(7);
            let mut response = Response::new(Empty::<bytes::Bytes>::new());
            (*response.status_mut(), *response.headers_mut()) = (status, answer);
            drop(ServerCall::respond(scope, response));
        }
    }
}

/// What clients record, by defaults or with every option.
pub(crate) fn clients(capture: &Capture, with_options: bool) {
    let mut settings = ClientSettings::new("conventions", "1")
        .tracer_provider(capture.tracer_provider())
        .meter_provider(capture.meter_provider())
        .grpc(RpcMethods::any());
    if with_options {
        settings = settings
            .active_requests(true)
            .body_sizes(true)
            .grpc(RpcMethods::new(["other.Service/Method"]))
            .service_peers(ServicePeers::new([("h.example", "shop")]))
            .capture_request_headers(HeaderSelector::new(["x-tenant"]))
            .capture_response_headers(HeaderSelector::new(["x-cache"]));
    }
    let settings = Arc::new(settings);
    for (method, path, content_type) in REQUESTS {
        for (status, answer) in answers(content_type.is_some()) {
            let (method, url) =
                (method.parse::<Method>().unwrap(), format!("http://h.example{path}"));
            let sent = headers(content_type);
            let mut request = ClientRequest::new(&method, &url, Scheme::Http, "h.example", 80);
            request.headers = Some(&sent);
            request.body_size = Some(7);
            request.template = with_options.then_some("/users/{id}");
            request.resend_count = u32::from(with_options);
            let mut extensions = Extensions::new();
            let call = ClientCall::start(&settings, &Context::new(), request, &mut extensions);
            let mut call = call.unwrap();
            let mut response = ClientResponse::new(status, Version::HTTP_11, &answer);
            response.peer = Some(SocketAddr::from(([192, 0, 2, 7], 80)));
            response.body_size = Some(7);
            call.set_response(&response);
            call.end(Outcome::Complete);
        }
    }
}

/// What calls to a database and its pool record. The pool's metrics are there as long as it is.
pub(crate) async fn databases() -> ConnectionPool {
    let database = Database::new("postgresql").server("db.internal", Some(5433)).namespace("shop");
    let fine = async { Ok::<_, String>(()) };
    let _ = database.query("SELECT name FROM users WHERE id = $1").run(fine).await;
    let failed = async { "duplicate".parse::<i32>() };
    let kind = |_: &std::num::ParseIntError| ErrorKind::Code("23505".into());
    let _ = database.query("INSERT INTO users VALUES ($1)").run_with_kind(failed, kind).await;

    let state = || PoolState { idle: 3, used: 7, max: 10, min_idle: 1 };
    let pool = ConnectionPool::new(&database, state);
    let (_, lease) =
        pool.acquire(async { Ok::<_, String>(()) }, |_| ErrorKind::Other).await.unwrap();
    drop(lease);
    let late = async { Err::<(), _>(String::from("late")) };
    let _ = pool.acquire(late, |_| ErrorKind::Named("timeout")).await;
    pool
}

/// Ends a server's and a client's exchange by an error, over HTTP and over gRPC.
pub(crate) fn failures(capture: &Capture) {
    let server = ServerSettings::new("conventions", "1")
        .tracer_provider(capture.tracer_provider())
        .grpc(RpcMethods::any());
    let client = ClientSettings::new("conventions", "1")
        .tracer_provider(capture.tracer_provider())
        .grpc(RpcMethods::any());
    let (server, client) = (Arc::new(server), Arc::new(client));
    for content_type in [None, Some("application/grpc")] {
        let mut request = Request::new(());
        *request.uri_mut() = "/s.S/M".parse().unwrap();
        *request.headers_mut() = headers(content_type);
        let (scope, _) = ServerCall::begin(&server, &request);
        ServerCall::fail(scope, &std::io::Error::other("disk full"));

        let (method, sent) = (Method::POST, headers(content_type));
        let url = "http://h.example/s.S/M";
        let mut request = ClientRequest::new(&method, url, Scheme::Http, "h.example", 80);
        request.headers = Some(&sent);
        let mut extensions = Extensions::new();
        let call = ClientCall::start(&client, &Context::new(), request, &mut extensions);
        call.unwrap().end(Outcome::Failed(ErrorType::Connect));
    }
}
