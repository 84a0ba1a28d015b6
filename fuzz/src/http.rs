//! Requests of any text, to a server and from a client.

use crate::propagation::headers;
use http::{Extensions, Method, Request, Response, Version};
use http_body_util::BodyExt;
use opentelemetry::Context;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, Span, SpanData, SpanProcessor},
};
use std::{
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context as TaskContext, Waker},
    time::Duration,
};
use tracewire_http::{
    ClientRequest, HeaderSelector, KnownMethods, RpcMethods, Scheme, TrustedProxies, UrlTemplates,
    wiring::{ClientCall, ClientSettings, ServerCall, ServerSettings},
};

const HEADERS: [&str; 12] = [
    "host",
    "user-agent",
    "content-type",
    "content-length",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "traceparent",
    "tracestate",
    "baggage",
    "grpc-status",
    "grpc-encoding",
];

/// Keeps spans that have ended.
#[derive(Clone, Debug, Default)]
pub struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl Kept {
    /// Takes them out.
    pub fn take(&self) -> Vec<SpanData> {
        std::mem::take(&mut self.0.lock().expect("nothing panics with it"))
    }

    fn provider(&self) -> SdkTracerProvider {
        SdkTracerProvider::builder().with_span_processor(self.clone()).build()
    }
}

impl SpanProcessor for Kept {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.0.lock().expect("nothing panics with it").push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Serves one request: the first line is its target, the others are headers, and the body of the
/// response is all of it.
pub fn server(kept: &Kept, data: &[u8]) {
    let Some((&choice, data)) = data.split_first() else { return };
    let end = data.iter().position(|&byte| byte == b'\n').unwrap_or(data.len());
    let methods = [Method::GET, Method::POST, Method::from_bytes(b"BREW").expect("a token")];
    let mut request = Request::new(());
    *request.method_mut() = methods[usize::from(choice) % methods.len()].clone();
    *request.version_mut() = if choice % 2 == 0 { Version::HTTP_11 } else { Version::HTTP_2 };
    let Ok(uri) = data[..end].try_into() else { return };
    *request.uri_mut() = uri;
    *request.headers_mut() = headers(&HEADERS, &data[end..]);
    let settings = ServerSettings::new("fuzz", "1")
        .tracer_provider(kept.provider())
        .grpc(RpcMethods::new(["shop.Cart/Add"]))
        .trusted_proxies(TrustedProxies::hops(1))
        .synthetic_user_agents(true)
        .exclude_paths(["/health*"])
        .capture_request_headers(HeaderSelector::new(["user-*", "x-*", "content-type"]))
        .capture_response_headers(HeaderSelector::new(["*"]))
        .known_methods(KnownMethods::new(["GET", "POST"]))
        .body_sizes(true);
    let (scope, _handle) = ServerCall::begin(&Arc::new(settings), &request);
    let mut response =
        Response::new(http_body_util::Full::new(bytes::Bytes::copy_from_slice(data)));
    *response.headers_mut() = headers(&HEADERS, &data[end..]);
    let response = ServerCall::respond(scope, response);
    let collected = pin!(response.into_body().collect());
    let _ = collected.poll(&mut TaskContext::from_waker(Waker::noop()));
}

/// Calls a URL, the first line, with user information in it; the second line is a template. Returns the
/// template.
pub fn client(kept: &Kept, data: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(data).ok()?;
    let (url, template) = text.split_once('\n')?;
    if text.contains("M4RKED") {
        return None;
    }
    let template = template.lines().next().unwrap_or_default();
    let templates = UrlTemplates::new([template]);
    let settings = ClientSettings::new("fuzz", "1")
        .tracer_provider(kept.provider())
        .url_templates(templates)
        .exclude_urls(["http://*.internal/*"]);
    let host = url.split('/').nth(2).unwrap_or(url);
    let full = format!("http://ada:M4RKED@{host}/?token=M4RKED&{url}");
    let (settings, mut extensions) = (Arc::new(settings), Extensions::new());
    for url in [url, &*full] {
        let request = ClientRequest::new(&Method::GET, url, Scheme::Http, host, 80);
        let call = ClientCall::start(&settings, &Context::new(), request, &mut extensions);
        if let Some(call) = call {
            let mut headers = http::HeaderMap::new();
            call.inject(&mut headers);
            call.end(tracewire_http::Outcome::Complete);
        }
    }
    Some(template.to_owned())
}
