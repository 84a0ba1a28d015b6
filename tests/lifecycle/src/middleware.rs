//! Callers whose requests go through reqwest's middlewares, to the same connections as all others.

use crate::{
    caller::finish,
    plan::Wiring,
    service::{ATTEMPT, HOP},
    wire::Wire,
};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Extensions, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use reqwest::{Body, Client};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error, Middleware, Next, Result};
use std::sync::OnceLock;
use tracewire_reqwest::{ClientMiddleware, Redirects};

/// A client that sends requests as `wiring` says, each at most so often.
pub(crate) fn client(
    wiring: Wiring,
    middleware: &ClientMiddleware,
    wire: &Wire,
    attempts: usize,
) -> ClientWithMiddleware {
    // Nothing reaches it.
    static NOBODY: OnceLock<Client> = OnceLock::new();
    let nobody = NOBODY.get_or_init(|| Client::builder().no_proxy().build().unwrap());
    let (builder, ours) = (ClientBuilder::new(nobody.clone()), middleware.clone());
    let builder = match wiring {
        Wiring::Retried => builder.with(Again(attempts)).with(ours),
        Wiring::RetriedInside => builder.with(ours.clone()).with(Again(attempts)).with(ours),
        Wiring::Redirected => builder.with(ours.redirects(Redirects::default())),
        _ => builder.with(ours),
    };
    builder.with(Over(wire.clone())).build()
}

/// Sends a request of any form.
pub(crate) async fn send(
    client: &ClientWithMiddleware,
    request: Request<Full<Bytes>>,
) -> Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let url = format!("http://shop.test{}", head.uri.path()).parse().unwrap();
    let mut request = reqwest::Request::new(head.method, url);
    *request.headers_mut() = head.headers;
    if !body.is_empty() {
        *request.body_mut() = Some(body.into());
    }
    let mut extensions = head.extensions;
    client.execute_with_extensions(request, &mut extensions).await.map(Response::from)
}

/// Sends a request so often, and gives the last response.
struct Again(usize);

#[async_trait]
impl Middleware for Again {
    async fn handle(
        &self,
        first: reqwest::Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<reqwest::Response> {
        let name = first.headers()[ATTEMPT].to_str().unwrap().to_owned();
        let (number, _) = name.split_once('.').unwrap();
        for attempt in 0.. {
            let mut request = first.try_clone().unwrap();
            request.headers_mut().insert(ATTEMPT, format!("{number}.{attempt}").parse().unwrap());
            let sent = next.clone().run(request, extensions);
            if attempt + 1 == self.0 {
                return sent.await;
            }
            finish(async { sent.await.map(Response::<Body>::from) }, 1, true).await;
        }
        unreachable!("there is an attempt")
    }
}

/// Sends requests over a connection in memory instead of a socket.
struct Over(Wire);

#[async_trait]
impl Middleware for Over {
    async fn handle(
        &self,
        request: reqwest::Request,
        _extensions: &mut Extensions,
        _next: Next<'_>,
    ) -> Result<reqwest::Response> {
        let request = Request::<Body>::try_from(request)?;
        let (mut head, body) = request.into_parts();
        let body = body.as_bytes().map(Bytes::copy_from_slice).unwrap_or_default();
        if let Some((_, hop)) = head.uri.query().and_then(|query| query.split_once(HOP)) {
            let name = head.headers[ATTEMPT].to_str().unwrap().to_owned();
            let (number, _) = name.split_once('.').unwrap();
            head.headers.insert(ATTEMPT, format!("{number}.{hop}").parse().unwrap());
        }
        if matches!(self.0, Wire::Http1(_)) {
            let target = head.uri.path_and_query().unwrap().as_str();
            head.headers.insert("host", "shop.test".parse().unwrap());
            head.uri = target.parse::<Uri>().unwrap();
        }
        let request = Request::from_parts(head, Full::new(body));
        let response = self.0.clone().send(request).await.map_err(Error::middleware)?;
        Ok(response.map(Body::wrap).into())
    }
}
