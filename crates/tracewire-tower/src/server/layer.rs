//! Configures: the layer and its options.

use super::{Attributes, RequestHead, ResponseHead, ServerService, hooks::Hooks};
use std::{borrow::Cow, sync::Arc};
use tower_layer::Layer;
use tracewire_http::{
    Instrumentation, Paths, Scheme, Trust, TrustedProxies, instrumentation_options,
};

/// Gives every request a server span and a duration.
///
/// Add it after the routes, with [`Router::layer`](axum::Router::layer), or put it
/// [around](crate::server::around) the whole router; serve the router with
/// `into_make_service_with_connect_info::<SocketAddr>()`, so that the client's address is known. The
/// module docs say [where to put it](crate::server#where-to-put-it) in other cases.
///
/// See the [module docs](crate::server) for what is recorded. A layer inside another one of ours
/// starts no second span: it only tells the outer one which route matched.
///
/// Clones share everything, and [`layer`](Layer::layer) allocates nothing. Hooks run for every
/// request: keep them short. One that panics counts as absent, except
/// [`trust_by`](Self::trust_by), and the request goes on.
#[derive(Clone, Debug)]
pub struct ServerLayer {
    config: Arc<Config>,
}

/// What the service reads; absent options cost nothing.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) instrumentation: Instrumentation,
    pub(super) scheme: Scheme,
    pub(super) trust: Trust,
    pub(super) proxies: TrustedProxies,
    /// By code, and by environment.
    pub(super) excluded: [Paths; 2],
    pub(super) response_headers: bool,
    pub(super) follow_upgrades: bool,
    pub(super) hooks: Hooks,
}

impl ServerLayer {
    /// A layer with the defaults: the process's providers and propagator, looked up at the first
    /// request.
    #[must_use]
    pub fn new() -> Self {
        let instrumentation =
            Instrumentation::server(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        Self {
            config: Arc::new(Config {
                instrumentation,
                scheme: Scheme::Http,
                trust: Trust::default(),
                proxies: TrustedProxies::none(),
                excluded: [Paths::default(), Paths::from_env("TRACEWIRE_EXCLUDED_PATHS")],
                response_headers: false,
                follow_upgrades: false,
                hooks: Hooks::default(),
            }),
        }
    }

    /// Sets the scheme of requests of which no trusted proxy says another. Default: `http`.
    ///
    /// Set it where this server itself terminates TLS. The scheme that a request's target names is
    /// not used, because the client writes it.
    #[must_use]
    pub fn scheme(self, scheme: Scheme) -> Self {
        self.set(|config| config.scheme = scheme)
    }

    /// What to make of the trace that callers send. Default: [`Trust::Continue`].
    ///
    /// At the edge, where anybody can call, [`Trust::Link`] keeps strangers from choosing the
    /// trace, its sampling, and your baggage.
    #[must_use]
    pub fn trust(self, trust: Trust) -> Self {
        self.set(|config| config.trust = trust)
    }

    /// Decides request by request what to make of the trace that its caller sends.
    ///
    /// If it panics, what the caller sends is ignored.
    #[must_use]
    pub fn trust_by(
        self,
        trust: impl Fn(&RequestHead<'_>) -> Trust + Send + Sync + 'static,
    ) -> Self {
        self.set(|config| config.hooks.trust = Some(Arc::new(trust)))
    }

    /// Says whose forwarding headers to believe, and which. Default: none.
    ///
    /// They decide `client.address` and, where [`ProxyHeaders`](crate::server::ProxyHeaders) says
    /// so, `url.scheme`, `server.address` and `server.port`.
    #[must_use]
    pub fn trusted_proxies(self, proxies: TrustedProxies) -> Self {
        self.set(|config| config.proxies = proxies)
    }

    /// Does not trace requests to these paths, such as health checks. Default: none.
    ///
    /// In a pattern `*` stands for any run of characters, slashes included. A path of more than
    /// 1,024 bytes is never excluded. The environment variable `TRACEWIRE_EXCLUDED_PATHS`, a
    /// comma-separated list of patterns, adds to these. What such a request leaves is described at
    /// [`filter`](Self::filter).
    ///
    /// ```
    /// use tracewire_tower::ServerLayer;
    ///
    /// let layer = ServerLayer::new().exclude_paths(["/healthz", "/internal/*"]);
    /// # let _ = layer;
    /// ```
    #[must_use]
    pub fn exclude_paths<I, T>(self, patterns: I) -> Self
    where
        I: IntoIterator<Item = T>,
        T: Into<Box<str>>,
    {
        self.set(|config| config.excluded[0] = Paths::new(patterns))
    }

    /// Traces only the requests for which `admit` says yes. Default: all.
    ///
    /// A request that is not traced has no span and no duration of ours, and neither a span nor the
    /// next service starts a trace of its own below it. The caller's trace goes on unchanged with
    /// outgoing calls; without a caller they send a trace that is not sampled. Our clients start no
    /// span below it, and record their metrics all the same. Other spans, custom ones included, are
    /// dropped by the sampler that `tracewire::init` installs. Another sampler that follows the
    /// parent drops them too where there is no caller, and otherwise decides as the caller did.
    ///
    /// Work that is spawned carries this with its context, as it carries a span. A new root leaves it
    /// behind.
    ///
    /// A layer inside this one does not change the decision for the same request.
    ///
    /// ```
    /// use tracewire_tower::ServerLayer;
    ///
    /// let layer = ServerLayer::new().filter(|request| request.uri.path() != "/healthz");
    /// # let _ = layer;
    /// ```
    #[must_use]
    pub fn filter(self, admit: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.set(|config| config.hooks.filter = Some(Arc::new(admit)))
    }

    /// Names the span; `None` leaves the usual `{method} {route}`.
    ///
    /// The name must be one of few: never the path, never a header's text.
    #[must_use]
    pub fn span_name(
        self,
        name: impl Fn(&RequestHead<'_>) -> Option<Cow<'static, str>> + Send + Sync + 'static,
    ) -> Self {
        self.set(|config| config.hooks.span_name = Some(Arc::new(name)))
    }

    /// Finds the route of requests for which the router tells none, or another one.
    ///
    /// The route must be one of few: never the path. `None` leaves the router's.
    #[must_use]
    pub fn route(
        self,
        route: impl Fn(&RequestHead<'_>) -> Option<Cow<'static, str>> + Send + Sync + 'static,
    ) -> Self {
        self.set(|config| config.hooks.route = Some(Arc::new(route)))
    }

    /// Adds attributes when the request has arrived. Not asked while there is neither a tracer nor a
    /// meter to add them to.
    ///
    /// They come after the conventions' own. Where a span would have more than 112 attributes, the
    /// last ones are left out: an SDK keeps 128, and the end of the request needs the others.
    #[must_use]
    pub fn on_request(
        self,
        hook: impl Fn(&RequestHead<'_>, &mut Attributes) + Send + Sync + 'static,
    ) -> Self {
        self.set(|config| config.hooks.on_request = Some(Arc::new(hook)))
    }

    /// Adds attributes when the response's head is known. Not asked while there is neither a tracer
    /// nor a meter to add them to. The limit of [`on_request`](Self::on_request) holds for both
    /// together.
    #[must_use]
    pub fn on_response(
        self,
        hook: impl Fn(&ResponseHead<'_>, &mut Attributes) + Send + Sync + 'static,
    ) -> Self {
        self.set(|config| config.hooks.on_response = Some(Arc::new(hook)))
    }

    /// Decides which responses are streams; `None` leaves the default.
    ///
    /// Default: responses of content type `text/event-stream`, `multipart/x-mixed-replace` and
    /// `application/grpc`.
    ///
    /// A stream lives for as long as its reader likes. So its duration metric is recorded at the
    /// response head, its span ends with the stream, and a reader who leaves is no error. See the
    /// [table](crate::server#when-it-ends).
    ///
    /// ```
    /// use tracewire_tower::ServerLayer;
    ///
    /// let layer = ServerLayer::new().is_stream(|response| {
    ///     let content_type = response.headers.get("content-type")?;
    ///     (content_type == "application/x-ndjson").then_some(true)
    /// });
    /// # let _ = layer;
    /// ```
    #[must_use]
    pub fn is_stream(
        self,
        is_stream: impl Fn(&ResponseHead<'_>) -> Option<bool> + Send + Sync + 'static,
    ) -> Self {
        self.set(|config| config.hooks.is_stream = Some(Arc::new(is_stream)))
    }

    /// Tells callers the trace in the response's headers: `traceresponse`, and
    /// `Server-Timing: traceparent;desc="…"` for scripts in browsers. Default: no.
    ///
    /// Scripts of another origin read them only if CORS exposes them.
    #[must_use]
    pub fn response_headers(self, send: bool) -> Self {
        self.set(|config| config.response_headers = send)
    }

    /// Follows an upgraded connection, such as a WebSocket, to its end. Default: no.
    ///
    /// By default the exchange ends with the response: 101 over HTTP/1.1, or the 200 to an extended
    /// `CONNECT` over HTTP/2. With this option its span stays open until every clone of the
    /// request's [`ExchangeHandle`](crate::server::ExchangeHandle) is dropped, so the task that owns
    /// the connection must keep one. If nothing keeps one, the exchange ends with the response.
    ///
    /// The connection is a [stream](Self::is_stream): its duration metric is recorded at the
    /// response. See [WebSockets](crate::server#websockets) for spans per message.
    #[must_use]
    pub fn follow_upgrades(self, follow: bool) -> Self {
        self.set(|config| config.follow_upgrades = follow)
    }

    /// Records `client.port`, except of gRPC calls. Default: no.
    #[must_use]
    pub fn client_port(self, record: bool) -> Self {
        self.instrument(|settings| settings.client_port(record))
    }

    /// Records `user_agent.synthetic.type` (`bot` or `test`) of agents that say what they are in
    /// the first 512 bytes. Default: no.
    #[must_use]
    pub fn synthetic_user_agents(self, record: bool) -> Self {
        self.instrument(|settings| settings.synthetic_user_agents(record))
    }

    /// Records gRPC calls by the conventions for remote procedure calls instead of HTTP's.
    ///
    /// Requests of content type `application/grpc` become spans named `package.Service/Method`
    /// with `rpc.*` attributes, measured by `rpc.server.call.duration`; they end with the trailers.
    /// Methods that are not among `methods` are recorded as `_OTHER`, because a caller can ask for
    /// any name. Other requests stay HTTP.
    #[cfg(feature = "grpc")]
    #[must_use]
    pub fn grpc(self, methods: tracewire_http::RpcMethods) -> Self {
        self.instrument(|settings| settings.grpc(methods))
    }

    instrumentation_options!();

    fn instrument(self, set: impl FnOnce(Instrumentation) -> Instrumentation) -> Self {
        self.set(|config| config.instrumentation = set(config.instrumentation.clone()))
    }

    fn set(mut self, set: impl FnOnce(&mut Config)) -> Self {
        set(Arc::make_mut(&mut self.config));
        self
    }
}

impl Default for ServerLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for ServerLayer {
    type Service = ServerService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ServerService::new(inner, self.config.clone())
    }
}
