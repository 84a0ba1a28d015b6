//! The options that only servers have, written once.

/// The builder methods of a server.
///
/// The type they stand in has a method
/// `configure(self, impl FnOnce(&mut ServerSettings)) -> Self`. `$new` is the code that makes one,
/// for the examples.
#[doc(hidden)]
#[macro_export]
macro_rules! server_options {
    ($new:literal) => {
        /// Sets the scheme of requests of which no trusted proxy says another. Default: `http`.
        ///
        /// Set it where this server itself terminates TLS. The scheme that a request's target names is
        /// not used, because the client writes it.
        pub fn scheme(self, scheme: $crate::Scheme) -> Self {
            self.configure(|settings| settings.own_mut().scheme = scheme)
        }

        /// Sets what to make of the trace that callers send. Default: [`Trust::Continue`](tracewire_http::Trust::Continue).
        ///
        /// At the edge, where anyone can call, [`Trust::Link`](tracewire_http::Trust::Link) keeps callers from
        /// choosing the trace, its sampling, and your baggage.
        pub fn trust(self, trust: $crate::Trust) -> Self {
            self.configure(|settings| settings.own_mut().trust = trust)
        }

        /// Decides request by request what to make of the trace that its caller sends.
        ///
        /// If it panics, what the caller sends is ignored.
        pub fn trust_by(
            self,
            trust: impl Fn(&$crate::RequestHead<'_>) -> $crate::Trust + Send + Sync + 'static,
        ) -> Self {
            self.configure(|settings| {
                settings.own_mut().hooks.trust = Some($crate::__private::Hook($crate::__private::Arc::new(trust)));
            })
        }

        /// Sets which proxies' forwarding headers to believe, and which headers. Default: none.
        ///
        /// They decide `client.address` and, where [`ProxyHeaders`](tracewire_http::ProxyHeaders) says
        /// so, `url.scheme`, `server.address` and `server.port`.
        pub fn trusted_proxies(self, proxies: $crate::TrustedProxies) -> Self {
            self.configure(|settings| settings.own_mut().proxies = proxies)
        }

        /// Does not trace requests to these paths, such as health checks. Default: none.
        ///
        /// In a pattern `*` stands for any run of characters, slashes included. A path of more than
        /// 1,024 bytes is never excluded. The environment variable `TRACEWIRE_EXCLUDED_PATHS`, a
        /// comma-separated list of patterns, adds to these. What such a request leaves is described at
        /// [`filter`](Self::filter).
        ///
        /// ```
        #[doc = concat!("let layer = ", $new)]
        ///     .exclude_paths(["/healthz", "/internal/*"]);
        /// # let _ = layer;
        /// ```
        pub fn exclude_paths<I, T>(self, patterns: I) -> Self
        where
            I: IntoIterator<Item = T>,
            T: AsRef<str>,
        {
            self.configure(|settings| settings.own_mut().exclude(patterns))
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
        #[doc = concat!("let layer = ", $new)]
        ///     .filter(|request| request.uri.path() != "/healthz");
        /// # let _ = layer;
        /// ```
        pub fn filter(self, admit: impl Fn(&$crate::RequestHead<'_>) -> bool + Send + Sync + 'static) -> Self {
            self.configure(|settings| {
                settings.own_mut().hooks.filter = Some($crate::__private::Hook($crate::__private::Arc::new(admit)));
            })
        }

        /// Names the span; `None` leaves the usual `{method} {route}`.
        ///
        /// The name must be one of few: never the path, never a header's text.
        pub fn span_name(
            self,
            name: impl Fn(&$crate::RequestHead<'_>) -> Option<$crate::__private::Cow<'static, str>> + Send + Sync + 'static,
        ) -> Self {
            self.configure(|settings| {
                settings.own_mut().hooks.span_name = Some($crate::__private::Hook($crate::__private::Arc::new(name)));
            })
        }

        /// Overrides the route, or supplies one where the router reports none.
        ///
        /// The route must be one of few: never the path. `None` leaves the router's.
        pub fn route(
            self,
            route: impl Fn(&$crate::RequestHead<'_>) -> Option<$crate::__private::Cow<'static, str>> + Send + Sync + 'static,
        ) -> Self {
            self.configure(|settings| {
                settings.own_mut().hooks.route = Some($crate::__private::Hook($crate::__private::Arc::new(route)));
            })
        }

        /// Adds attributes when the request has arrived. Not asked while there is neither a tracer nor a
        /// meter to add them to.
        ///
        /// They come after the conventions' own. Where a span would have more than 112 attributes, the
        /// last ones are left out: an SDK keeps 128, and the end of the request needs the others.
        pub fn on_request(
            self,
            hook: impl Fn(&$crate::RequestHead<'_>, &mut $crate::Attributes) + Send + Sync + 'static,
        ) -> Self {
            self.configure(|settings| {
                settings.own_mut().hooks.on_request = Some($crate::__private::Hook($crate::__private::Arc::new(hook)));
            })
        }

        /// Adds attributes when the response's head is known. Not asked while there is neither a tracer
        /// nor a meter to add them to. The limit of [`on_request`](Self::on_request) holds for both
        /// together.
        pub fn on_response(
            self,
            hook: impl Fn(&$crate::ResponseHead<'_>, &mut $crate::Attributes) + Send + Sync + 'static,
        ) -> Self {
            self.configure(|settings| {
                settings.own_mut().hooks.on_response = Some($crate::__private::Hook($crate::__private::Arc::new(hook)));
            })
        }

        /// Decides which responses are streams; `None` leaves the default.
        ///
        /// Default: responses of content type `text/event-stream`, `multipart/x-mixed-replace` and
        /// `application/grpc`.
        ///
        /// A stream lives for as long as its reader likes. So its duration metric is recorded at the
        /// response head, its span ends with the stream, and a reader who leaves is no error.
        ///
        /// ```
        #[doc = concat!("let layer = ", $new)]
        ///     .is_stream(|response| {
        ///     let content_type = response.headers.get("content-type")?;
        ///     (content_type == "application/x-ndjson").then_some(true)
        /// });
        /// # let _ = layer;
        /// ```
        pub fn is_stream(
            self,
            is_stream: impl Fn(&$crate::ResponseHead<'_>) -> Option<bool> + Send + Sync + 'static,
        ) -> Self {
            self.configure(|settings| {
                settings.own_mut().hooks.is_stream = Some($crate::__private::Hook($crate::__private::Arc::new(is_stream)));
            })
        }

        /// Sends the trace back to callers in the response's headers: `traceresponse`, and
        /// `Server-Timing: trace;desc=…, traceparent;desc="…"` for scripts in browsers. Default: no.
        ///
        /// Scripts of another origin read them only if CORS exposes them.
        pub fn send_trace_to_caller(self, send: bool) -> Self {
            self.configure(|settings| settings.own_mut().send_trace_to_caller = send)
        }

        /// Follows an upgraded connection, such as a WebSocket, to its end. Default: no.
        ///
        /// By default the exchange ends with the response: 101 over HTTP/1.1, or the 200 to an extended
        /// `CONNECT` over HTTP/2. With this option its span stays open until every clone of the
        /// request's [`ExchangeHandle`](tracewire_http::ExchangeHandle) is dropped, so the task that owns
        /// the connection must keep one. If nothing keeps one, the exchange ends with the response.
        ///
        /// The connection is a [stream](Self::is_stream): its duration metric is recorded at the
        /// response.
        pub fn follow_upgrades(self, follow: bool) -> Self {
            self.configure(|settings| settings.own_mut().follow_upgrades = follow)
        }

        /// Records `client.port`, except of gRPC calls. Default: no.
        pub fn client_port(self, record: bool) -> Self {
            self.configure(|settings| settings.own_mut().client_port = record)
        }

        /// Records `user_agent.synthetic.type` (`bot` or `test`) of agents that say what they are in
        /// the first 512 bytes. Default: no.
        pub fn synthetic_user_agents(self, record: bool) -> Self {
            self.configure(|settings| settings.own_mut().synthetic_user_agents = record)
        }

        $crate::common_options!();
    };
}
