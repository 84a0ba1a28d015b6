//! The options that only clients have, written once.

/// The builder methods of a client.
///
/// The type they stand in has a method
/// `configure(self, impl FnOnce(&mut ClientSettings)) -> Self`.
#[doc(hidden)]
#[macro_export]
macro_rules! client_options {
    () => {
        /// Sends trace context and baggage to these hosts.
        ///
        /// Default: trace context everywhere; baggage to internal hosts, which are loopback and
        /// private addresses, names of one label, and names that end in `.internal`, `.local`,
        /// `.localhost` or `.svc`. [`Destinations::all`](tracewire_http::Destinations::all) opens both.
        pub fn destinations(self, destinations: $crate::Destinations) -> Self {
            self.configure(|settings| settings.own_mut().destinations = destinations)
        }

        /// Finds `url.template`, and the name of the span, by these rules. Default: none.
        ///
        /// A template in the request's [`CallOptions`](tracewire_http::CallOptions) goes before them.
        pub fn url_templates(self, templates: $crate::UrlTemplates) -> Self {
            self.configure(|settings| settings.own_mut().url_templates = templates)
        }

        /// Names the services behind hosts: `service.peer.name` on the spans of calls to them.
        ///
        /// Default: the environment variable `OTEL_INSTRUMENTATION_COMMON_PEER_SERVICE_MAPPING`, a
        /// comma-separated list of `host=name` and `host:port=name`; none unless set.
        pub fn service_peers(self, peers: $crate::ServicePeers) -> Self {
            self.configure(|settings| settings.own_mut().service_peers = Some(peers))
        }

        /// Does not trace calls to these URLs, such as those of a metadata service. Default: none.
        ///
        /// The environment variable `TRACEWIRE_EXCLUDED_URLS`, a comma-separated list of patterns,
        /// adds to them. Such a call has no span and no duration of ours. The trace around it is
        /// sent on. Without one, the call carries a trace that is not sampled, so the next service
        /// records none either.
        pub fn exclude_urls<I, T>(self, patterns: I) -> Self
        where
            I: IntoIterator<Item = T>,
            T: AsRef<str>,
        {
            self.configure(|settings| settings.own_mut().excluded = $crate::Urls::new(patterns))
        }

        /// Traces only the calls for which `admit` says yes. Default: all but those to
        /// [excluded URLs](Self::exclude_urls).
        ///
        /// A call that is not traced is treated as one to an excluded URL. `admit` is asked once for
        /// each attempt, before the request is sent; if it panics, the call is traced.
        pub fn filter(
            self,
            admit: impl Fn(&$crate::ClientRequest<'_>) -> bool + Send + Sync + 'static,
        ) -> Self {
            self.configure(|settings| {
                settings.own_mut().filter =
                    Some($crate::__private::Hook($crate::__private::Arc::new(admit)));
            })
        }

        /// Ends the call with the body of the response instead of its head. Default: no.
        ///
        /// The duration then covers the body, and a body that fails is an error. Spans of
        /// responses whose body is kept and never read end only when it is dropped.
        pub fn end_at_body(self, end_at_body: bool) -> Self {
            self.configure(|settings| settings.own_mut().end_at_body = end_at_body)
        }

        /// Decides which responses are streams, where a call
        /// [ends with the body](Self::end_at_body); `None` leaves the default.
        ///
        /// Default: responses of content type `text/event-stream`, `multipart/x-mixed-replace` and
        /// `application/grpc`. The duration of a stream is recorded at the response's head.
        pub fn is_stream(
            self,
            is_stream: impl Fn(&$crate::ClientResponse<'_>) -> Option<bool> + Send + Sync + 'static,
        ) -> Self {
            self.configure(|settings| {
                settings.own_mut().is_stream =
                    Some($crate::__private::Hook($crate::__private::Arc::new(is_stream)));
            })
        }

        $crate::common_options!();
    };
}
