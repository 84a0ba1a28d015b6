//! actix-web, traced by the adapter in `examples/actix-web-server`, through `tracewire-http` alone.

use ::actix_web::{
    App as ActixApp, HttpMessage, HttpRequest, HttpResponse, HttpServer,
    body::{BodySize, MessageBody},
    dev::ServerHandle,
    http::header::{HeaderName as ActixName, HeaderValue as ActixValue},
    rt, web,
};
use actix_web_server::ServerMiddleware;
use bytes::Bytes;
use contract::server::{
    App, Protocol, ServerUnderTest, Setup,
    app::{Endpoint, ROUTES},
    bodies::{self, Body},
};
use futures_util::StreamExt;
use http::{HeaderName, HeaderValue, Request, Response, header::CONTENT_LENGTH};
use http_body::Body as _;
use http_body_util::channel::Channel;
use std::{
    future::pending,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    thread,
};
use tokio::{net::TcpListener, sync::oneshot};
use tracewire_http::ExchangeHandle;

contract::server_tests! {
    ActixWeb {
        http1: yes,
        http2: "built with HTTP/1.1 alone",
        upgrades: "actix-web has no upgrade that a middleware sees",
        trailers: "actix-web's bodies have no trailers",
        middleware: "these are layers of Tower",
        panics: yes,
        departures: yes,
    } except {
        caller_gone_in_the_middle_of_an_upload_ends_it: "actix-web drops the handler: it is cancelled",
        huge_headers_are_cut: "actix-web refuses heads of more than 128 KiB",
        many_lines_of_one_header_are_cut: "actix-web refuses heads of more than 128 KiB",
        two_hosts_are_one_request: "actix-web refuses a second `Host`",
    }
}

struct ActixWeb;

impl ServerUnderTest for ActixWeb {
    const PROTOCOL: Protocol = Protocol::Http1;
    const SCOPE: &'static str = "actix-web-server";

    async fn serve(listener: TcpListener, app: Arc<App>, setup: Setup) {
        let (tell, started) = oneshot::channel();
        let listener = listener.into_std().unwrap();
        thread::spawn(move || {
            let traced = contract::configured_server!(ServerMiddleware::default(), &setup);
            let server = HttpServer::new(move || {
                let app = app.clone();
                ROUTES
                    .into_iter()
                    .fold(ActixApp::new(), |router, (route, endpoint)| {
                        let app = app.clone();
                        router.route(
                            route,
                            web::to(move |request: HttpRequest, body: web::Payload| {
                                answer(app.clone(), endpoint, request, body)
                            }),
                        )
                    })
                    .wrap(traced.clone())
            });
            let server = server.workers(2).disable_signals().h1_allow_half_closed(false);
            let server = server.listen(listener).unwrap().run();
            let _ = tell.send(Stop(server.handle()));
            rt::System::new().block_on(server).unwrap();
        });
        let _stop = started.await.unwrap();
        pending().await
    }
}

/// Stops the server when it is dropped.
struct Stop(ServerHandle);

impl Drop for Stop {
    fn drop(&mut self) {
        drop(self.0.stop(false));
    }
}

/// Answers as the application does, in actix-web's types.
async fn answer(
    app: Arc<App>,
    endpoint: Endpoint,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse<Chunks> {
    let mut asked = Request::new(received(payload));
    *asked.method_mut() = request.method().as_str().parse().unwrap();
    *asked.uri_mut() = request.uri().to_string().parse().unwrap();
    for (name, value) in request.headers() {
        let name: HeaderName = name.as_str().parse().unwrap();
        asked.headers_mut().append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    if let Some(handle) = request.extensions().get::<ExchangeHandle>() {
        asked.extensions_mut().insert(handle.clone());
    }
    sent(app.answer(endpoint, asked).await)
}

/// A request's body: actix-web's stay on their thread, the application's may leave it.
fn received(mut payload: web::Payload) -> Body {
    let (mut sender, body) = Channel::<Bytes, io::Error>::new(1);
    rt::spawn(async move {
        while let Some(chunk) = payload.next().await {
            match chunk {
                Ok(chunk) => {
                    if sender.send_data(chunk).await.is_err() {
                        return;
                    }
                }
                Err(error) => return sender.abort(io::Error::other(error.to_string())),
            }
        }
    });
    bodies::boxed(body)
}

fn sent(response: Response<Body>) -> HttpResponse<Chunks> {
    let (mut head, body) = response.into_parts();
    let declared = head.headers.remove(CONTENT_LENGTH);
    let declared = declared.and_then(|length| length.to_str().ok()?.parse().ok());
    let size = match body.size_hint().exact().or(declared) {
        Some(length) => BodySize::Sized(length),
        None => BodySize::Stream,
    };
    let status = head.status.as_u16().try_into().unwrap();
    let mut response = HttpResponse::with_body(status, Chunks { size, body });
    for (name, value) in &head.headers {
        let name: ActixName = name.as_str().parse().unwrap();
        response.headers_mut().append(name, ActixValue::from_bytes(value.as_bytes()).unwrap());
    }
    response
}

/// A body of the application's.
struct Chunks {
    size: BodySize,
    body: Body,
}

impl MessageBody for Chunks {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, io::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default())))
    }
}
