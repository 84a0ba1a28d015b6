//! The server side: a layer that gives every request a span and a duration.
//!
//! ```
//! # #[cfg(feature = "axum")]
//! # fn app() -> axum::Router {
//! use axum::{Router, routing::get};
//! use tracewire_tower::ServerLayer;
//!
//! Router::new()
//!     .route("/users/{id}", get(|| async { "Ada" }))
//!     .layer(ServerLayer::new())
//! # }
//! ```
//!
//! # What is recorded
//!
//! A span of kind server, named `GET /users/{id}`, or `GET` where no route matched. Its parent is
//! what the request's headers carry, else the current context.
//!
//! | attribute | when | from |
//! |---|---|---|
//! | `http.request.method` | always | the method, `_OTHER` if it is not a known one |
//! | `http.request.method_original` | method is `_OTHER` | the method as sent |
//! | `url.scheme` | always | a trusted proxy, else [the layer's setting](ServerLayer::scheme); never the request target |
//! | `url.path` | always | the original path even inside nested routers, sensitive parameters redacted |
//! | `url.query` | there is one | the query, sensitive values redacted |
//! | `http.route` | a route matched | `MatchedPath` |
//! | `server.address`, `server.port` | known and valid | a trusted proxy, else `:authority`, else `Host` |
//! | `client.address` | known | a trusted proxy, else the peer |
//! | `network.peer.address`, `network.peer.port` | known | [`PeerAddress`], else `ConnectInfo` |
//! | `network.protocol.version` | known | the connection |
//! | `user_agent.original` | sent | `User-Agent` |
//! | `http.response.status_code` | a response was made | the response |
//! | `error.type` | it ended in an error | the status code from 500, else a name from [`ErrorType`] |
//!
//! `http.server.request.duration`, a histogram of seconds, has `http.request.method`,
//! `url.scheme`, `http.route`, `http.response.status_code`, `error.type` and
//! `network.protocol.version`. `http.server.active_requests` is there
//! [by option](ServerLayer::active_requests).
//!
//! Opt-in, each by an option of the layer: `client.port`, `user_agent.synthetic.type`, captured
//! headers (`http.request.header.<name>`, `http.response.header.<name>`, arrays of strings), and
//! body sizes (`http.request.body.size`, `http.response.body.size`, on the span and as histograms).
//! A captured value that is marked sensitive is shown as `REDACTED`; mark a request's outside this
//! layer and a response's inside it, or the mark comes too late.
//!
//! # When it ends
//!
//! Each exchange ends once: its span ends, its duration is recorded, and the gauge of active requests
//! goes down.
//!
//! | response | the span ends | the duration is recorded | if the caller leaves |
//! |---|---|---|---|
//! | none yet | when the service fails (`service`, or `timeout` if an I/O error says so) or panics (`panic`) | with the span | `cancelled` |
//! | with a body | after its last frame: trailers, the end of the stream, or the last byte that `Content-Length` declares; or when it fails (`body`) | with the span | `cancelled` |
//! | without one: `HEAD`, 1xx, 204, 304, 2xx to `CONNECT`, an empty body | with the response head | with the span | no error |
//! | [stream](ServerLayer::is_stream): `text/event-stream`, `multipart/x-mixed-replace`, `application/grpc` | with the stream, or when it fails (`body`) | at the response head | no error |
//! | gRPC call, with the option [`grpc`](ServerLayer::grpc) | after its trailers | with the span; if it is a stream, as long as the head took | no error |
//! | upgraded connection | with the response head | with the span | no error |
//! | upgraded connection, [followed](ServerLayer::follow_upgrades) | when the last [`ExchangeHandle`] is dropped | at the response head | no error |
//!
//! - The span's status is `Error` exactly where there is an `error.type`. A
//!   [classifier](ServerLayer::classify), or a handler with its [`ExchangeHandle`], decides otherwise.
//! - `http.server.active_requests` counts an exchange until its span ends, so it counts open streams
//!   and followed connections. Their durations say how long the response took to begin.
//! - What happens to a stream after its head is on its span alone: its error, and the gRPC status.
//! - A body with fewer or more bytes than `Content-Length` declares has failed (`body`).
//! - A gRPC call shows that it is a stream by a second message, or by a caller who leaves after the
//!   head. The duration has no `rpc.response.status_code` then.
//!
//! The service's future and body are dropped inside the request's context, before its span ends. So
//! what a guard in a handler logs or starts when it is dropped belongs to the request, even if the
//! caller hung up. Nothing of this panics while a thread ends.
//!
//! # WebSockets
//!
//! By default the span of a WebSocket ends with the response that grants it: 101 over HTTP/1.1, or the
//! 200 to an extended `CONNECT` over HTTP/2. With [`follow_upgrades`](ServerLayer::follow_upgrades) it
//! stays open for as long as the task that owns the connection keeps the request's
//! [`ExchangeHandle`]. That task does not run inside the request: carry the request's span into it,
//! and the spans of its messages are children of the connection's.
//!
//! ```
//! # #[cfg(feature = "axum")]
//! # mod example {
//! use axum::{Extension, extract::{WebSocketUpgrade, ws::{Message, WebSocket}}, response::Response};
//! use tracewire_span::{current, span};
//! use tracewire_tower::server::ExchangeHandle;
//!
//! async fn chat(upgrade: WebSocketUpgrade, Extension(handle): Extension<ExchangeHandle>) -> Response {
//!     let request = current();
//!     upgrade.on_upgrade(move |socket| request.carry(talk(socket, handle)))
//! }
//!
//! async fn talk(mut socket: WebSocket, _handle: ExchangeHandle) {
//!     while let Some(Ok(message)) = socket.recv().await {
//!         if !matches!(message, Message::Text(_) | Message::Binary(_)) {
//!             continue; // axum answers pings and closes
//!         }
//!         if span("message").run(socket.send(message)).await.is_err() {
//!             break;
//!         }
//!     }
//! }
//! # }
//! ```
//!
//! # Where to put it
//!
//! | placed | route | sees |
//! |---|---|---|
//! | [`Router::layer`](axum::Router::layer), added last | known from the start | every request that reaches the router |
//! | [`wrap_router`] the router | known at the end | requests that other layers around it answer or rewrite, too |
//! | inside another layer of ours | passed to the outer one | starts no second span |
//!
//! - **Add the layer after the routes.** `Router::layer` wraps the routes that are there when it is
//!   called; requests to routes that are added later are not traced.
//! - **Routers in routers** have their whole template, such as `/api/items/{id}`, whether the layer is
//!   on the outer router or on the inner one. Only a router inside `nest_service`,
//!   `fallback_service` or `route_service` keeps its routes to itself: add a layer to it as well. It
//!   starts no second span, and tells the outer layer the route unless that knows one already.
//! - **Call [`wrap_router`] last**, on the router that is served. axum cannot merge two routers with
//!   fallbacks, which is what `wrap_router` returns, and does not always reach one that is nested.
//! - **The client's address** needs axum's
//!   `app.into_make_service_with_connect_info::<SocketAddr>()`, or a [`PeerAddress`] in the request's
//!   extensions. Without either, spans have no `client.address`, and one debug line says so.
//!
//! Layers that catch panics or time out may stand inside or outside. Inside, the response they make
//! is what is recorded; outside, the exchange ends as `panic` or `cancelled`.
//!
//! # Behind proxies
//!
//! Callers are believed with their trace, sampling and baggage, unless [`Trust`] says otherwise. No
//! forwarding header is, unless it comes from [`TrustedProxies`]: without them `client.address` is
//! the socket's peer. Say which headers your proxies write, because one that they leave alone is the
//! client's:
//!
//! | your proxy | [`ProxyHeaders`] |
//! |---|---|
//! | appends to, or overwrites, `X-Forwarded-For` | the default |
//! | also sets `X-Forwarded-Proto` in every request | `XForwarded { proto: true, host: false }` |
//! | also sets `X-Forwarded-Host` in every request | `XForwarded { proto: true, host: true }` |
//! | appends to, or overwrites, `Forwarded` | `Forwarded` |
//!
//! ```
//! use tracewire_tower::{ServerLayer, server::{ProxyHeaders, TrustedProxies}};
//!
//! # fn layer() -> Result<ServerLayer, tracewire_tower::server::InvalidNetwork> {
//! let proxies = TrustedProxies::networks(["10.0.0.0/8"])?
//!     .headers(ProxyHeaders::XForwarded { proto: true, host: false });
//! let layer = ServerLayer::new().trusted_proxies(proxies);
//! # Ok(layer)
//! # }
//! ```
//!
//! For nginx that is `proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;` and
//! `proxy_set_header X-Forwarded-Proto $scheme;`. nginx escapes nothing: do not put a variable that
//! holds the client's `Host` into `Forwarded`.
//!
//! The peer needs axum's `into_make_service_with_connect_info::<SocketAddr>()`, or a
//! [`PeerAddress`].
//!
//! # Requests that are not traced
//!
//! [`exclude_paths`](ServerLayer::exclude_paths) and the environment variable
//! `TRACEWIRE_EXCLUDED_PATHS`, a comma-separated list such as `/healthz,/internal/*`, leave out
//! requests by path, and [`filter`](ServerLayer::filter) by anything else. With the sampler that
//! `tracewire::init` installs, nothing below them is traced either: client, database and custom
//! spans, also in tasks that carry the context; and the next service is told. To drop the span and
//! keep the duration, use a sampler instead.
//!
//! # How many time series
//!
//! What a client can choose freely is in no metric attribute. It does choose among known methods and
//! protocol versions, so `http.server.request.duration` has at most
//!
//! ```text
//! (routes + 1) × (known methods + 1) × versions served × outcomes
//! ```
//!
//! series, where an outcome is a status code with its `error.type`. The first 1,000 series of a layer
//! have all attributes. Of any further one the method is `_OTHER` and the version is left out, so
//! that at most `(routes + 1) × outcomes` are added: a client that tries all methods and versions
//! cannot hide the errors of other routes in the SDK's overflow series, which begins at 2,000.
//! Attributes that your own code adds to the metric multiply these numbers.
//!
//! # gRPC
//!
//! With the option [`grpc`](ServerLayer::grpc), calls over gRPC are recorded by the
//! conventions for remote procedure calls: a span named `package.Service/Method` with
//! `rpc.system.name`, `rpc.method` (`_OTHER` and `rpc.method_original` for methods that were not
//! listed), `rpc.response.status_code`, `server.*` and `network.peer.*` as above, and no `client.*`,
//! as the conventions have it since 1.41; measured by `rpc.server.call.duration`. `UNKNOWN`,
//! `DEADLINE_EXCEEDED`, `UNIMPLEMENTED`, `INTERNAL`, `UNAVAILABLE` and `DATA_LOSS` are errors; the
//! other codes are the caller's affair.

mod future;
mod layer;
mod request;
#[cfg(feature = "tower-http")]
mod request_span;
mod route;
#[cfg(feature = "axum")]
mod router;
mod service;

#[cfg(feature = "tower-http")]
pub use self::request_span::RequestSpan;
#[cfg(feature = "axum")]
pub use self::router::wrap_router;
pub use self::{future::ResponseFuture, layer::ServerLayer, service::ServerService};
pub use tracewire_http::{
    Attributes, Clock, Ending, ErrorType, ExchangeHandle, Exemplars, HeaderSelector,
    InvalidNetwork, KnownMethods, Outcome, PeerAddress, ProxyHeaders, RequestHead, ResponseHead,
    RpcMethods, Scheme, SensitiveKeys, Trust, TrustedProxies, Verdict,
    wiring::ServerBody as ResponseBody,
};
