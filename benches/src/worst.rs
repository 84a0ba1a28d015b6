//! Requests that are made to cost a server as much as they can, within what hyper lets through:
//! some 400 KB of headers, and a target of 64 KB.

use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Empty};
use opentelemetry::Context;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{
        PeriodicReader, SdkMeterProvider, Temporality, data::ResourceMetrics,
        exporter::PushMetricExporter,
    },
    trace::{SdkTracerProvider, Span, SpanData, SpanProcessor},
};
use std::{convert::Infallible, fmt, iter, net::SocketAddr, time::Duration};
use tower_layer::Layer;
use tower_service::Service;
use tracewire_propagation::W3c;
use tracewire_tower::{
    ServerLayer,
    server::{HeaderSelector, PeerAddress, ProxyHeaders, RpcMethods, TrustedProxies},
};

/// As much as hyper takes of one head.
const HEADERS: usize = 400_000;
/// As much as `http::Uri` takes.
const TARGET: usize = 60_000;

/// So long that nothing is exported while something is measured.
const INTERVAL: Duration = Duration::from_secs(3600);

/// One request, and a layer that reads what is large in it.
pub struct Case {
    /// What is large in it.
    pub name: &'static str,
    request: Request<()>,
    response: HeaderMap,
    layer: ServerLayer,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Every case. The first one is a normal request.
#[must_use]
pub fn cases() -> Vec<Case> {
    let x_forwarded = ProxyHeaders::XForwarded { proto: true, host: true };
    let behind = |proxies: TrustedProxies, headers| {
        move |layer: ServerLayer| layer.trusted_proxies(proxies.headers(headers))
    };
    let networks = || {
        let networks = ["192.0.2.0/24", "10.0.0.0/8"];
        TrustedProxies::networks(networks).expect("these are networks")
    };
    let captured = |layer: ServerLayer| layer.capture_request_headers(HeaderSelector::new(["x-*"]));
    let excluded = |layer: ServerLayer| layer.exclude_paths(["/*aaab*", "*/aab"]);
    let sized = |layer: ServerLayer| layer.body_sizes(true);
    let synthetic = |layer: ServerLayer| layer.synthetic_user_agents(true);
    let grpc = |layer: ServerLayer| layer.grpc(RpcMethods::any());
    let fill = |text: &str| text.repeat(HEADERS / text.len());
    let target = |text: &str| format!("/{}", text.repeat(TARGET / text.len()));
    let xff = "x-forwarded-for";

    vec![
        Case::new("a normal request", |layer| layer),
        Case::new("X-Forwarded-For of `1,`", behind(TrustedProxies::hops(1), x_forwarded))
            .header(xff, fill("1,")),
        Case::new("X-Forwarded-For of `,`", behind(networks(), x_forwarded)).header(xff, fill(",")),
        Case::new("X-Forwarded-For of proxies", behind(networks(), x_forwarded))
            .header(xff, fill("10.0.0.1, ")),
        Case::new(
            "X-Forwarded-For of proxies, many hops",
            behind(TrustedProxies::hops(1_000_000), x_forwarded),
        )
        .header(xff, fill("10.0.0.1, ")),
        Case::new("X-Forwarded-For, all believed", behind(TrustedProxies::all(), x_forwarded))
            .header(xff, fill(", ")),
        Case::new("X-Forwarded-Host of `a,`", behind(networks(), x_forwarded))
            .header("x-forwarded-host", fill("a,")),
        Case::new("X-Forwarded-Host of `a`", behind(TrustedProxies::all(), x_forwarded))
            .header("x-forwarded-host", fill("a")),
        Case::new("X-Forwarded-Proto of `https,`", behind(networks(), x_forwarded))
            .header("x-forwarded-proto", fill("https,")),
        Case::new("Forwarded of `for=10.0.0.1,`", behind(networks(), ProxyHeaders::Forwarded))
            .header("forwarded", fill("for=10.0.0.1,")),
        Case::new("Forwarded of `\",`", behind(networks(), ProxyHeaders::Forwarded))
            .header("forwarded", fill("\",")),
        Case::new("Forwarded of `x=\"a`", behind(networks(), ProxyHeaders::Forwarded))
            .header("forwarded", fill("x=\"a\\a\\a;,")),
        Case::new("Forwarded of `\\`", behind(TrustedProxies::all(), ProxyHeaders::Forwarded))
            .header("forwarded", format!("for=\"{}", fill("\\a"))),
        Case::new("Host of `:`", |layer| layer).header("host", fill(":")),
        Case::new("Host of `a`", |layer| layer).header("host", "a".repeat(8192)),
        Case::new("User-Agent of `googlebo`", synthetic).header("user-agent", fill("googlebo")),
        Case::new("User-Agent beyond ASCII", synthetic).header("user-agent", fill("\u{e9}")),
        Case::new("455 captured headers", captured).headers("x-", 455, ""),
        Case::new("90 captured headers of 4 KB", captured).headers("x-", 90, &"v".repeat(4_000)),
        Case::new("a captured header of 400 KB", captured).header("x-a", fill("v")),
        Case::new("90 lines of a captured header", captured).lines("x-a", 90, &"v".repeat(4_000)),
        Case::new("Content-Length of zeros", sized).header("content-length", fill("0")),
        Case::new("Content-Type of gRPC", grpc)
            .target(target("s.S/M"))
            .header("content-type", fill("application/grpc+")),
        Case::new("grpc-status of zeros", grpc)
            .header("content-type", "application/grpc".to_owned())
            .answer("grpc-status", fill("0")),
        Case::new("a method of 400 KB", |layer| layer).method(fill("M")),
        Case::new("a path of 60 KB", |layer| layer).target(target("a/")),
        Case::new("a path of 60 KB, some excluded", excluded).target(target("a")),
        Case::new("32 forwarded hops", behind(networks(), x_forwarded))
            .header(xff, vec!["10.0.0.1"; 32].join(", ")),
        Case::new("tracestate of 2, baggage of 2", |layer| layer)
            .header("tracestate", members(2, 8))
            .header("baggage", members(2, 8)),
        Case::new("tracestate of 32 short members", |layer| layer)
            .header("tracestate", members(32, 8)),
        Case::new("tracestate of 32 long members", |layer| layer)
            .header("tracestate", members(32, 256)),
        Case::new("tracestate of 64 KB", |layer| layer).header("tracestate", members(120, 512)),
        Case::new("tracestate of 400 KB of `,`", |layer| layer).header("tracestate", fill(",")),
        Case::new("tracestate of 100 lines", |layer| layer).lines("tracestate", 100, "a=1,b=2"),
        // Longer than what is remembered from one request to the next.
        Case::new("baggage of 64 members", |layer| layer).header("baggage", members(64, 12)),
        Case::new("baggage of 64 members, unsorted", |layer| layer)
            .header("baggage", backwards(members(64, 12))),
        Case::new("baggage of 64 long members", |layer| layer).header("baggage", members(64, 120)),
        Case::new("baggage of 8 KB of `a`", |layer| layer).header("baggage", member(8190)),
        Case::new("baggage of 8 KB of escapes", |layer| layer)
            .header("baggage", format!("a={}", "%c3%a9".repeat(1364))),
        Case::new("baggage of 64 KB", |layer| layer).header("baggage", members(120, 512)),
        Case::new("baggage of 400 KB of `,`", |layer| layer).header("baggage", fill(",")),
        Case::new("baggage of `a=1,`", |layer| layer).header("baggage", fill("a=1,")),
        Case::new("baggage of `a,`", |layer| layer).header("baggage", fill("a,")),
        Case::new("baggage of `a=1;p,`", |layer| layer).header("baggage", fill("a=1;p,")),
        Case::new("baggage of 100 lines", |layer| layer).lines("baggage", 100, "a=1;p=2,b=%"),
        Case::new("a query of `a=&`", |layer| layer).target(format!("/?{}", &target("a=&")[1..])),
        Case::new("a query of `token=a&`", |layer| layer)
            .target(format!("/?{}", &target("token=a&")[1..])),
    ]
}

impl Case {
    fn new(name: &'static str, configure: impl FnOnce(ServerLayer) -> ServerLayer) -> Self {
        let request = Request::get("/users/4711")
            .extension(PeerAddress(SocketAddr::from(([192, 0, 2, 17], 51_712))))
            .header("accept", "*/*");
        let request = request.body(()).expect("its parts are valid");
        let reader = PeriodicReader::builder(Dropping).with_interval(INTERVAL).build();
        let layer = ServerLayer::new()
            .tracer_provider(SdkTracerProvider::builder().with_span_processor(Dropping).build())
            .meter_provider(SdkMeterProvider::builder().with_reader(reader).build())
            .propagator(W3c::new());
        let case = Self { name, request, response: HeaderMap::new(), layer: configure(layer) };
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let case = case.default("traceparent", parent);
        case.default("host", "shop.example:8080").default("user-agent", "curl/8")
    }

    fn default(self, name: &'static str, value: &str) -> Self {
        self.header(name, value.to_owned())
    }

    fn header(mut self, name: &'static str, value: String) -> Self {
        self.request.headers_mut().insert(name, header_value(value));
        self
    }

    fn headers(mut self, prefix: &str, count: usize, value: &str) -> Self {
        for n in 0..count {
            let name: HeaderName = format!("{prefix}{n}").parse().expect("a name");
            self.request.headers_mut().insert(name, header_value(value.to_owned()));
        }
        self
    }

    fn lines(mut self, name: &'static str, count: usize, value: &str) -> Self {
        let value = header_value(value.to_owned());
        for value in iter::repeat_n(value, count) {
            self.request.headers_mut().append(name, value);
        }
        self
    }

    fn target(mut self, target: String) -> Self {
        *self.request.uri_mut() = target.parse().expect("a target");
        self
    }

    fn method(mut self, method: String) -> Self {
        *self.request.method_mut() = Method::from_bytes(method.as_bytes()).expect("a method");
        self
    }

    fn answer(mut self, name: &'static str, value: String) -> Self {
        self.response.insert(name, header_value(value));
        self
    }

    /// A function that makes a request, for one that sends it through the layer.
    ///
    /// To make it costs as much as a server's work before the layer: none of it is measured.
    #[must_use]
    pub fn prepare(&self) -> Prepared {
        let response = self.response.clone();
        let answer = tower::service_fn(move |_: Request<Empty<&'static [u8]>>| {
            let mut answer = Response::new(Empty::<&'static [u8]>::new());
            answer.headers_mut().clone_from(&response);
            std::future::ready(Ok::<_, Infallible>(answer))
        });
        let mut service = self.layer.layer(answer);
        Prepared(Box::new(move |request| {
            let exchange = async {
                let Ok(response) = service.call(request.map(|()| Empty::new())).await;
                let _ = response.into_body().collect().await; // it cannot fail
            };
            exchange.now_or_never().expect("nothing here waits");
        }))
    }

    /// The request.
    #[must_use]
    pub fn request(&self) -> Request<()> {
        self.request.clone()
    }
}

/// A layer around a service that answers at once.
pub struct Prepared(Box<dyn FnMut(Request<()>)>);

impl Prepared {
    /// Sends a request through the layer, and reads the answer.
    ///
    /// Callgrind counts inside this function alone, and finds it by its name.
    #[inline(never)]
    pub fn send(&mut self, request: Request<()>) {
        (self.0)(request);
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").finish_non_exhaustive()
    }
}

/// So many list members, each with a value of so many bytes.
fn members(count: usize, bytes: usize) -> String {
    let value = "v".repeat(bytes);
    (0..count).map(|n| format!("key{n:03}={value}")).collect::<Vec<_>>().join(",")
}

/// A list member of so many bytes.
fn member(bytes: usize) -> String {
    format!("a={}", "a".repeat(bytes - 2))
}

fn backwards(list: String) -> String {
    list.split(',').rev().collect::<Vec<_>>().join(",")
}

fn header_value(text: String) -> HeaderValue {
    HeaderValue::from_maybe_shared(bytes::Bytes::from(text)).expect("no control character in it")
}

/// Drops spans where they would be queued, and metrics where they would be sent.
#[derive(Debug)]
struct Dropping;

impl SpanProcessor for Dropping {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl PushMetricExporter for Dropping {
    async fn export(&self, _: &ResourceMetrics) -> OTelSdkResult {
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}
