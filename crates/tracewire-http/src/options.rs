//! The options that every layer and middleware has, written once.

/// Methods that pass on to the [`Instrumentation`](crate::Instrumentation) inside a builder.
///
/// The type they stand in has a method `instrument(self, impl FnOnce(Instrumentation) ->
/// Instrumentation) -> Self`.
#[doc(hidden)]
#[macro_export]
macro_rules! instrumentation_options {
    () => {
        /// Starts spans with this provider instead of the global one.
        #[must_use]
        pub fn tracer_provider<P>(self, provider: P) -> Self
        where
            P: $crate::__private::ObjectSafeTracerProvider + Send + Sync + 'static,
        {
            self.instrument(|settings| settings.tracer_provider(provider))
        }

        /// Measures with this provider instead of the global one.
        #[must_use]
        pub fn meter_provider<P>(self, provider: P) -> Self
        where
            P: $crate::__private::MeterProvider + Send + Sync + 'static,
        {
            self.instrument(|settings| settings.meter_provider(provider))
        }

        /// Reads and writes headers with this propagator instead of the process's default.
        #[must_use]
        pub fn propagator(self, propagator: impl $crate::__private::Propagator + 'static) -> Self {
            self.instrument(|settings| settings.propagator(propagator))
        }

        /// Records these methods by name, every other one as `_OTHER`.
        ///
        /// Default: `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`, else the conventions' ten.
        #[must_use]
        pub fn known_methods(self, methods: $crate::KnownMethods) -> Self {
            self.instrument(|settings| settings.known_methods(methods))
        }

        /// Redacts the values of these query keys in URLs.
        ///
        /// Default: signatures of the large clouds and the usual names of credentials.
        #[must_use]
        pub fn sensitive_keys(self, keys: $crate::SensitiveKeys) -> Self {
            self.instrument(|settings| settings.sensitive_keys(keys))
        }

        /// Cuts text from outside to this many bytes an attribute. Default: 4096.
        #[must_use]
        pub fn value_limit(self, bytes: usize) -> Self {
            self.instrument(|settings| settings.value_limit(bytes))
        }

        /// Counts the exchanges under way in an up-down counter. Default: no.
        #[must_use]
        pub fn active_requests(self, count: bool) -> Self {
            self.instrument(|settings| settings.active_requests(count))
        }

        /// Measures the sizes of request and response bodies, in histograms and on the span.
        /// Default: no.
        ///
        /// Sizes are bytes as transferred: those of a request are what `Content-Length` declares,
        /// and a declaration of more than 1 TiB is not recorded.
        #[must_use]
        pub fn body_sizes(self, measure: bool) -> Self {
            self.instrument(|settings| settings.body_sizes(measure))
        }

        /// Describes the span to the sampler even under a remote parent that is not sampled.
        ///
        /// Default: no, because samplers that follow the parent drop such a span whatever its
        /// attributes. Turn it on for a sampler of another kind.
        #[must_use]
        pub fn describe_unsampled(self, describe: bool) -> Self {
            self.instrument(|settings| settings.describe_unsampled(describe))
        }

        /// The bucket boundaries of the duration histogram, in seconds.
        ///
        /// Default: the conventions' fourteen, from 5 ms to 10 s.
        #[must_use]
        pub fn duration_boundaries(self, seconds: impl Into<Vec<f64>>) -> Self {
            self.instrument(|settings| settings.duration_boundaries(seconds))
        }

        /// Captures these request headers as attributes of the span.
        ///
        /// Default: none, or what `OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS`
        /// (`…_CLIENT_…` on clients) names.
        #[must_use]
        pub fn capture_request_headers(self, headers: $crate::HeaderSelector) -> Self {
            self.instrument(|settings| settings.capture_request_headers(headers))
        }

        /// Captures these response headers as attributes of the span.
        ///
        /// Default: none, or what `OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_RESPONSE_HEADERS`
        /// (`…_CLIENT_…` on clients) names.
        #[must_use]
        pub fn capture_response_headers(self, headers: $crate::HeaderSelector) -> Self {
            self.instrument(|settings| settings.capture_response_headers(headers))
        }

        /// Lets `classify` judge whether an exchange ended in an error.
        ///
        /// It is asked once an exchange, when it ends; if it panics, the conventions' verdict
        /// stands.
        #[must_use]
        pub fn classify(
            self,
            classify: impl Fn(&$crate::Ending<'_>) -> $crate::Verdict + Send + Sync + 'static,
        ) -> Self {
            self.instrument(|settings| settings.classify(classify))
        }

        /// Takes the time from this clock. Default: the system's.
        #[must_use]
        pub fn clock(self, clock: impl $crate::Clock + 'static) -> Self {
            self.instrument(|settings| settings.clock(clock))
        }
    };
}

/// Methods that pass on to the [`ClientSettings`](crate::ClientSettings) inside a builder.
///
/// The type they stand in has a method `configure(self, impl FnOnce(ClientSettings) ->
/// ClientSettings) -> Self`.
#[doc(hidden)]
#[macro_export]
macro_rules! client_options {
    () => {
        /// Sends trace context and baggage there.
        ///
        /// Default: trace context everywhere; baggage to hosts nearby, which are loopback and
        /// private addresses, names of one label, and names that end in `.internal`, `.local`,
        /// `.localhost` or `.svc`. [`Destinations::all`]($crate::Destinations::all) opens both.
        #[must_use]
        pub fn destinations(self, destinations: $crate::Destinations) -> Self {
            self.configure(|settings| settings.destinations(destinations))
        }

        /// Finds `url.template`, and the name of the span, by these rules. Default: none.
        ///
        /// A template in the request's [`CallOptions`]($crate::CallOptions) goes before them.
        #[must_use]
        pub fn url_templates(self, templates: $crate::UrlTemplates) -> Self {
            self.configure(|settings| settings.url_templates(templates))
        }

        /// Does not trace calls to these URLs, such as those of a metadata service. Default: none.
        ///
        /// The environment variable `TRACEWIRE_EXCLUDED_URLS`, a comma-separated list of patterns,
        /// adds to them. Such a call has no span and no duration of ours. The trace around it is
        /// sent on; where there is none, the next service is told not to record one.
        #[must_use]
        pub fn exclude_urls<I, T>(self, patterns: I) -> Self
        where
            I: IntoIterator<Item = T>,
            T: Into<Box<str>>,
        {
            self.configure(|settings| settings.exclude_urls($crate::Urls::new(patterns)))
        }

        /// Ends the call with the body of the response instead of its head. Default: no.
        ///
        /// The duration then covers the body, and a body that fails is an error. Spans of
        /// responses whose body is kept and never read end only when it is dropped.
        #[must_use]
        pub fn end_at_body(self, end_at_body: bool) -> Self {
            self.configure(|settings| settings.end_at_body(end_at_body))
        }

        /// Decides which responses are streams, where a call
        /// [ends with the body](Self::end_at_body); `None` leaves the default.
        ///
        /// Default: responses of content type `text/event-stream`, `multipart/x-mixed-replace` and
        /// `application/grpc`. The duration of a stream is recorded at the response's head.
        #[must_use]
        pub fn is_stream(
            self,
            is_stream: impl Fn(&$crate::ClientResponse<'_>) -> Option<bool> + Send + Sync + 'static,
        ) -> Self {
            self.configure(|settings| settings.is_stream(is_stream))
        }

        $crate::instrumentation_options!();

        fn instrument(
            self,
            set: impl FnOnce($crate::Instrumentation) -> $crate::Instrumentation,
        ) -> Self {
            self.configure(|settings| settings.instrument(set))
        }
    };
}
