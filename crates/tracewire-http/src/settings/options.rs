//! The options that every layer and middleware has, written once.

/// The builder methods that servers and clients have in common.
///
/// The type they stand in has a method `configure(self, impl FnOnce(&mut Settings<_>)) -> Self`.
#[doc(hidden)]
#[macro_export]
macro_rules! common_options {
    () => {
        /// Starts spans with this provider instead of the global one.
        pub fn tracer_provider(
            self,
            provider: impl $crate::__private::AnyTracerProvider + Send + Sync + 'static,
        ) -> Self {
            self.configure(|settings| {
                settings.common_mut().tracer_provider = Some($crate::__private::Arc::new(provider));
            })
        }

        /// Measures with this provider instead of the global one.
        pub fn meter_provider(
            self,
            provider: impl $crate::__private::MeterProvider + Send + Sync + 'static,
        ) -> Self {
            self.configure(|settings| {
                settings.common_mut().set_meter_provider(provider);
            })
        }

        /// Keeps exemplars of durations in this store, which the exporters of the meter provider read.
        ///
        /// Default: the store of the process, which `init` installs. With a
        /// [`meter_provider`](Self::meter_provider) of your own there are none unless set.
        pub fn exemplars(self, exemplars: $crate::Exemplars) -> Self {
            self.configure(|settings| settings.common_mut().exemplars = Some(exemplars))
        }

        /// Reads and writes headers with this propagator instead of the process's default.
        pub fn propagator(self, propagator: impl $crate::__private::Propagator + 'static) -> Self {
            self.configure(|settings| {
                settings.common_mut().propagator = Some($crate::__private::Arc::new(propagator));
            })
        }

        /// Records these methods by name, every other one as `_OTHER`.
        ///
        /// Default: `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`, else the conventions' ten.
        pub fn known_methods(self, methods: $crate::KnownMethods) -> Self {
            self.configure(|settings| settings.common_mut().set_known_methods(methods))
        }

        /// Redacts the values of these query keys in URLs.
        ///
        /// Default: signatures of the large clouds and the usual names of credentials.
        pub fn sensitive_keys(self, keys: $crate::SensitiveKeys) -> Self {
            self.configure(|settings| settings.common_mut().set_sensitive_keys(keys))
        }

        /// Cuts text from outside to this many bytes an attribute. Default: 4096.
        pub fn value_limit(self, bytes: usize) -> Self {
            self.configure(|settings| settings.common_mut().value_limit = bytes)
        }

        /// Counts the exchanges under way in an up-down counter. Default: no.
        pub fn active_requests(self, count: bool) -> Self {
            self.configure(|settings| settings.common_mut().active_requests = count)
        }

        /// Measures the sizes of request and response bodies, in histograms and on the span.
        /// Default: no.
        ///
        /// The histograms leave [calls over gRPC](Self::grpc) out: the conventions have none for them.
        ///
        /// Sizes are bytes as transferred: those of a request are what `Content-Length` declares,
        /// and a declaration of more than 1 TiB is not recorded. A response that has no body, such as
        /// that to `HEAD`, has 0 bytes, whatever its head declares.
        pub fn body_sizes(self, measure: bool) -> Self {
            self.configure(|settings| settings.common_mut().body_sizes = measure)
        }

        /// Describes the span to the sampler even under a remote parent that is not sampled.
        ///
        /// Default: no, because samplers that follow the parent drop such a span whatever its
        /// attributes. Turn it on for a sampler of another kind. `init` does so for the whole process
        /// if `OTEL_TRACES_SAMPLER` names rules that may keep such spans.
        pub fn describe_unsampled(self, describe: bool) -> Self {
            self.configure(|settings| settings.common_mut().describe_unsampled = describe)
        }

        /// Sets the bucket boundaries of the duration histogram, in seconds.
        ///
        /// Default: the conventions' fourteen, from 5 ms to 10 s.
        pub fn duration_boundaries(self, seconds: impl Into<Vec<f64>>) -> Self {
            self.configure(|settings| settings.common_mut().duration_boundaries = seconds.into())
        }

        /// Captures these request headers as attributes of the span.
        ///
        /// Default: none, or what `OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS`
        /// (`…_CLIENT_…` on clients) names.
        pub fn capture_request_headers(self, headers: $crate::HeaderSelector) -> Self {
            self.configure(|settings| settings.common_mut().set_request_headers(headers))
        }

        /// Captures these response headers as attributes of the span.
        ///
        /// Default: none, or what `OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_RESPONSE_HEADERS`
        /// (`…_CLIENT_…` on clients) names.
        pub fn capture_response_headers(self, headers: $crate::HeaderSelector) -> Self {
            self.configure(|settings| settings.common_mut().set_response_headers(headers))
        }

        /// Records gRPC calls by the conventions for remote procedure calls instead of HTTP's.
        ///
        /// Requests of content type `application/grpc` become spans named `package.Service/Method`
        /// with `rpc.*` attributes, measured by `rpc.server.call.duration` (`rpc.client.…` on
        /// clients); they end with the trailers. Other requests stay HTTP. Default: all do.
        ///
        /// Methods that are not among `methods` are recorded as `_OTHER`. A server's callers can ask
        /// for any name, so list the methods that it has. A client whose own code names what it
        /// calls can take [`RpcMethods::any`](tracewire_http::RpcMethods::any).
        ///
        /// A tonic channel adds host and port below a client's layer. Make the generated client
        /// with `with_origin`, so that `server.address` is known and baggage goes where it may.
        pub fn grpc(self, methods: $crate::RpcMethods) -> Self {
            self.configure(|settings| settings.common_mut().rpc_methods = Some(methods))
        }

        /// Lets `classify` judge whether an exchange ended in an error.
        ///
        /// It is asked once an exchange, when it ends; if it panics, the conventions' verdict
        /// stands.
        pub fn classify(
            self,
            classify: impl Fn(&$crate::Ending<'_>) -> $crate::Verdict + Send + Sync + 'static,
        ) -> Self {
            self.configure(|settings| {
                settings.common_mut().classify =
                    Some($crate::__private::Hook($crate::__private::Arc::new(classify)))
            })
        }

        /// Takes the time from this clock. Default: the system's.
        pub fn clock(self, clock: impl $crate::Clock + 'static) -> Self {
            self.configure(|settings| {
                settings.common_mut().clock = $crate::__private::Arc::new(clock)
            })
        }
    };
}
