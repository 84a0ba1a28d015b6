//! Redirects that lead to another origin: no credential goes along, wherever it came from.

use crate::clients::Clients;
use contract::client::{
    recorded::{answered, client_span, client_spans},
    server::{Received, Server, Transport},
};
use http::{Extensions, HeaderMap, HeaderValue, Method, header};
use opentelemetry::{
    Context, KeyValue,
    baggage::BaggageExt,
    trace::{FutureExt, Status},
};
use reqwest::{Certificate, Request, Response, Url, cookie::Jar, redirect::Policy};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next, Result};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tracewire_reqwest::{ClientMiddleware, Redirected, Redirects};
use tracewire_testing::Capture;

const CREDENTIALS: [&str; 6] =
    ["authorization", "cookie", "cookie2", "proxy-authorization", "x-api-key", "x-auth-token"];

/// Adds a credential to each request, and says of which redirect it was.
#[derive(Clone)]
struct Auth {
    careful: bool,
    seen: Arc<Mutex<Vec<Option<Redirected>>>>,
}

impl Auth {
    fn new(careful: bool) -> Self {
        Self { careful, seen: Arc::default() }
    }

    fn seen(&self) -> Vec<Option<(usize, bool)>> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|seen| seen.map(|hop| (hop.count(), hop.is_cross_origin()))).collect()
    }
}

#[async_trait::async_trait]
impl Middleware for Auth {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let redirected = extensions.get::<Redirected>().copied();
        self.seen.lock().unwrap().push(redirected);
        if !(self.careful && redirected.is_some_and(Redirected::is_cross_origin)) {
            request.headers_mut().insert(header::AUTHORIZATION, secret());
        }
        next.run(request, extensions).await
    }
}

fn secret() -> HeaderValue {
    HeaderValue::from_static("SECRET")
}

/// A client of reqwest's that finds `other.example` at `other`, and holds a cookie for `server`.
fn plain(server: &Server, other: &Server, default_headers: HeaderMap) -> reqwest::ClientBuilder {
    let jar = Jar::default();
    jar.add_cookie_str("id=SECRET", &server.url("/").parse().unwrap());
    let address = SocketAddr::from(([127, 0, 0, 1], other.port()));
    let mut client = reqwest::Client::builder()
        .no_proxy()
        .referer(false)
        .redirect(Policy::none())
        .cookie_provider(Arc::new(jar))
        .default_headers(default_headers)
        .resolve("other.example", address);
    let certificates = [server, other].into_iter().filter_map(Server::certificate);
    let certificates = certificates.map(|der| Certificate::from_der(der).unwrap());
    let certificates: Vec<_> = certificates.collect();
    if !certificates.is_empty() {
        client = client.tls_certs_only(certificates);
    }
    client
}

fn all_credentials() -> HeaderMap {
    CREDENTIALS.into_iter().map(|name| (name.parse().unwrap(), secret())).collect()
}

fn build(
    client: reqwest::ClientBuilder,
    middleware: ClientMiddleware,
    auth: &Auth,
) -> ClientWithMiddleware {
    ClientBuilder::new(client.build().unwrap()).with(middleware).with(auth.clone()).build()
}

/// A request with a credential in its URL, its headers and, if it has one, its body.
fn request(method: Method, url: &str) -> Request {
    let mut url: Url = url.parse().unwrap();
    url.set_username("SECRET").unwrap();
    url.set_password(Some("SECRET")).unwrap();
    url.set_fragment(Some("SECRET"));
    let has_body = method != Method::GET;
    let mut request = Request::new(method, url);
    *request.headers_mut() = all_credentials();
    if has_body {
        *request.body_mut() = Some("client_secret=SECRET".into());
    }
    request
}

fn shows_secret(received: &Received) -> bool {
    format!("{received:?}").contains("SECRET")
}

#[tokio::test]
async fn by_default_another_origin_gets_nothing_and_the_caller_the_response() {
    for over in [Transport::Http1, Transport::Tls] {
        let (server, other) = (Server::over(over).await, Server::start().await);
        let secure = Server::over(Transport::Tls).await;
        let elsewhere = [
            format!("http://other.example:{}/success", other.port()),
            format!("//other.example:{}/success", other.port()),
            format!("HTTP://OTHER.Example:{}/success", other.port()),
            format!("http://ada:pw@other.example:{}/success", other.port()),
            other.url("/success"),
            secure.url("/success"),
            format!("http://localhost:{}/success", server.port()),
        ];
        for location in elsewhere {
            for (code, method) in
                [(301, Method::GET), (302, Method::POST), (303, Method::PUT), (307, Method::POST)]
            {
                let (capture, auth) = (Capture::new(), Auth::new(false));
                let middleware = capture.middleware().redirects(Redirects::default());
                let client = build(plain(&server, &other, all_credentials()), middleware, &auth);
                let url = server.url(&format!("/elsewhere/{code}?{location}"));
                let before = server.received().len();
                let response = client.execute(request(method, &url)).await.unwrap();
                assert_eq!(response.status(), code);
                assert_eq!(response.headers()["location"], location);
                assert_eq!(server.received().len() - before, 1, "{location}");
                client_span(&capture)
                    .is_status(Status::Unset)
                    .has("http.response.status_code", i64::from(code));
            }
        }
        assert!(other.received().is_empty() && secure.received().is_empty());
    }
}

#[tokio::test]
async fn where_it_is_asked_for_another_origin_gets_the_request_without_credentials() {
    let (server, other) = (Server::start().await, Server::start().await);
    let url = server.url(&format!("/elsewhere/302?http://other.example:{}/success", other.port()));
    let (capture, auth) = (Capture::new(), Auth::new(true));
    let redirects = Redirects::default().follow_cross_origin(true);
    let middleware = capture.middleware().redirects(redirects);
    let client = build(plain(&server, &other, HeaderMap::new()), middleware, &auth);
    let context = Context::new().with_baggage([KeyValue::new("user", "SECRET")]);
    let response = client.execute(request(Method::POST, &url)).with_context(context).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(shows_secret(&server.only_received()));
    let received = other.only_received();
    assert!(!shows_secret(&received), "{received:?}");
    assert_eq!(received.header("referer"), None);
    assert_eq!(auth.seen(), [None, Some((1, true))]);
    for span in client_spans(&capture).iter() {
        assert!(!format!("{span:?}").contains("SECRET"), "{span:?}");
    }
}

#[tokio::test]
async fn another_origin_gets_what_reqwest_would_send_there() {
    let (server, other) = (Server::start().await, Server::start().await);
    let url = server.url(&format!("/elsewhere/302?http://other.example:{}/success", other.port()));
    let request = || {
        let mut request = Request::new(Method::GET, url.parse().unwrap());
        for name in ["authorization", "cookie", "cookie2", "proxy-authorization", "x-other"] {
            request.headers_mut().insert(name, secret());
        }
        request
    };
    let following = plain(&server, &other, HeaderMap::new()).redirect(Policy::default());
    following.build().unwrap().execute(request()).await.unwrap();
    let capture = Capture::new();
    let redirects = Redirects::default().follow_cross_origin(true);
    let middleware = capture.middleware().redirects(redirects);
    let client = plain(&server, &other, HeaderMap::new()).build().unwrap();
    let client = ClientBuilder::new(client).with(middleware).build();
    client.execute(request()).await.unwrap();
    let [reqwests, mut ours] = <[Received; 2]>::try_from(other.received()).unwrap();
    assert!(ours.headers.remove("traceparent").is_some());
    assert_eq!(ours.headers, reqwests.headers);
}

#[tokio::test]
async fn a_body_and_a_downgrade_never_go_to_another_origin() {
    let (server, other) = (Server::over(Transport::Tls).await, Server::start().await);
    let secure = Server::over(Transport::Tls).await;
    let cases = [
        (server.url(&format!("/elsewhere/302?{}", other.url("/success"))), Method::GET),
        (server.url(&format!("/elsewhere/307?{}", secure.url("/success"))), Method::POST),
        (server.url(&format!("/elsewhere/308?{}", secure.url("/success"))), Method::PUT),
        (server.url(&format!("/elsewhere/302?{}", secure.url("/success"))), Method::PATCH),
    ];
    for (url, method) in cases {
        let (capture, auth) = (Capture::new(), Auth::new(true));
        let redirects = Redirects::default().follow_cross_origin(true);
        let middleware = capture.middleware().redirects(redirects);
        let client = build(plain(&server, &secure, HeaderMap::new()), middleware, &auth);
        let response = client.execute(request(method, &url)).await.unwrap();
        assert!(response.status().is_redirection(), "{url}");
    }
    assert!(other.received().is_empty() && secure.received().is_empty());
}

#[tokio::test]
async fn what_left_its_origin_stays_a_stranger_when_it_is_led_back() {
    let (server, other) = (Server::start().await, Server::start().await);
    let back =
        format!("http://other.example:{}/elsewhere/302?{}", other.port(), server.url("/redirect"));
    let url = server.url(&format!("/elsewhere/302?{back}"));
    let (capture, auth) = (Capture::new(), Auth::new(true));
    let redirects = Redirects::default().follow_cross_origin(true);
    let middleware = capture.middleware().redirects(redirects);
    let client = build(plain(&server, &other, HeaderMap::new()), middleware, &auth);
    client.execute(request(Method::GET, &url)).await.unwrap();
    assert_eq!(auth.seen(), [None, Some((1, true)), Some((2, true)), Some((3, true))]);
    let received = server.received();
    assert_eq!(received.len(), 3);
    for received in &received[1..] {
        assert_eq!(received.header("authorization"), None);
        // The jar's own cookie is for this server.
        assert_eq!(received.header("cookie"), Some("id=SECRET"));
    }
}

#[tokio::test]
async fn inside_one_origin_credentials_stay_and_middlewares_are_told() {
    let (server, other) = (Server::start().await, Server::start().await);
    let (capture, auth) = (Capture::new(), Auth::new(true));
    let middleware = capture.middleware().redirects(Redirects::default());
    let client = build(plain(&server, &other, HeaderMap::new()), middleware, &auth);
    let mut extensions = Extensions::new();
    for _ in 0..2 {
        let request = request(Method::GET, &server.url("/redirect"));
        let response = client.execute_with_extensions(request, &mut extensions).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(extensions.get::<Redirected>(), None);
    }
    assert_eq!(auth.seen(), [None, Some((1, false)), None, Some((1, false))]);
    for received in server.received() {
        assert_eq!(received.header("authorization"), Some("SECRET"));
        assert_eq!(received.header("x-api-key"), Some("SECRET"));
        assert_eq!(received.header("referer"), None);
    }
}

#[tokio::test]
async fn a_call_dropped_after_a_redirect_leaves_no_mark() {
    let (server, other) = (Server::start().await, Server::start().await);
    let (capture, auth) = (Capture::new(), Auth::new(true));
    let middleware = capture.middleware().redirects(Redirects::default());
    let client = build(plain(&server, &other, HeaderMap::new()), middleware, &auth);
    let mut extensions = Extensions::new();
    let request = request(Method::GET, &server.url("/elsewhere/302?/silence"));
    let silence = async {
        while server.received().len() < 2 {
            server.arrived().await;
        }
    };
    tokio::select! {
        _ = client.execute_with_extensions(request, &mut extensions) => unreachable!(),
        () = silence => {}
    }
    assert_eq!(extensions.get::<Redirected>(), None);
}

#[tokio::test]
async fn a_url_changed_between_two_of_ours_takes_no_baggage_along() {
    struct Elsewhere(Url);
    #[async_trait::async_trait]
    impl Middleware for Elsewhere {
        async fn handle(
            &self,
            mut request: Request,
            extensions: &mut Extensions,
            next: Next<'_>,
        ) -> Result<Response> {
            *request.url_mut() = self.0.clone();
            next.run(request, extensions).await
        }
    }
    let (capture, server, other) = (Capture::new(), Server::start().await, Server::start().await);
    let elsewhere = format!("http://other.example:{}/success", other.port());
    let client = plain(&server, &other, HeaderMap::new()).build().unwrap();
    let client = ClientBuilder::new(client)
        .with(capture.middleware())
        .with(Elsewhere(elsewhere.parse().unwrap()))
        .with(capture.middleware())
        .build();
    let context = Context::new().with_baggage([KeyValue::new("user", "Ada")]);
    client.get(server.url("/success")).send().with_context(context).await.unwrap();
    let received = other.only_received();
    assert_eq!(received.header("baggage"), None);
    let span = client_span(&capture);
    assert!(received.header("traceparent").unwrap().contains(&span.span_id.to_string()));
}

#[tokio::test]
async fn a_fragment_that_a_redirect_brings_is_not_recorded() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let middleware = capture.middleware().redirects(Redirects::default());
    let client = plain(&server, &server, HeaderMap::new()).build().unwrap();
    let client = ClientBuilder::new(client).with(middleware).build();
    client.get(server.url("/fragment")).send().await.unwrap();
    let spans = client_spans(&capture);
    let hop = server.url("/success?x=1");
    spans[1].has_exactly({
        let mut expected = answered(server.port(), &hop, 200);
        expected.insert("http.request.resend_count", 1.into());
        expected
    });
}
