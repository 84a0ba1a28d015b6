//! One request and its response: the object that owns the span, the clock and the gauge.

use crate::{
    ClientRequest, Ending, ErrorType, ExchangeHandle, Instrumentation, Origin, Outcome, Scheme,
    ServerRequest, Verdict, conventions as c,
    instrumentation::Resolved,
    instruments::Side,
    method::OTHER,
    server::{Notes, version_name},
    text::limited,
};
use arrayvec::ArrayVec;
use http::{HeaderMap, Method, StatusCode, Version};
use opentelemetry::{
    Context, KeyValue, StringValue,
    trace::{Link, Span, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt, Tracer},
};
use std::{
    borrow::Cow,
    net::SocketAddr,
    sync::Arc,
    time::{Instant, SystemTime},
};
use tracewire_propagation::{SamplingHint, with_random_trace_id};

/// One HTTP request and its response.
///
/// An exchange starts its span when it is made and ends once: by [`end`](Self::end), or, when it is
/// dropped before, as [`Outcome::Cancelled`]. At that end the span ends, the duration is recorded
/// and the gauge goes down, all with the same attributes and the same clock. Durations are recorded
/// whether or not the span is sampled.
#[derive(Debug)]
pub struct Exchange {
    side: Side,
    resolved: Arc<Resolved>,
    context: Context,
    recording: bool,
    started: Instant,
    started_at: SystemTime,
    method: StringValue,
    scheme: Scheme,
    version: Option<&'static str>,
    server: Option<(StringValue, u16)>,
    route: Option<StringValue>,
    synthetic: Option<&'static str>,
    handle: Option<ExchangeHandle>,
    metric_attributes: Vec<KeyValue>,
    named: bool,
    request_size: Option<u64>,
    response_size: Option<u64>,
    status: Option<StatusCode>,
    ended: bool,
}

impl Exchange {
    /// Starts the exchange of a server that received `request`, from `origin`.
    pub fn serve(
        instrumentation: &Instrumentation,
        origin: impl Into<Origin>,
        request: &ServerRequest<'_>,
    ) -> Self {
        let Origin { parent, link } = origin.into();
        let method = method_name(instrumentation, request.method);
        let route = request
            .route
            .filter(|route| !route.is_empty())
            .map(|route| StringValue::from(Arc::<str>::from(route)));
        let mut exchange = Self::new(instrumentation, method);
        exchange.scheme = request.scheme;
        exchange.version = version_name(request.version);
        exchange.route = route;
        exchange.named = request.name.is_some();
        exchange.synthetic = request.synthetic(instrumentation);
        exchange.start(instrumentation, &parent, SpanKind::Server, link, |exchange| {
            let route = exchange.route.as_ref();
            let name = match request.name {
                Some(name) => Cow::Owned(name.to_owned()),
                None => span_name(&exchange.method, route.map(StringValue::as_str)),
            };
            (name, request.describe(instrumentation, &exchange.method, route))
        });
        exchange
    }

    /// Starts the exchange of a client that is about to send `request`, under `parent`.
    pub fn call(
        instrumentation: &Instrumentation,
        parent: &Context,
        request: &ClientRequest<'_>,
    ) -> Self {
        let method = method_name(instrumentation, request.method);
        // Shared by the span and the metric.
        let host = Some(request.host).filter(|host| !host.is_empty()).map(|host| {
            let host = limited(host.into(), instrumentation.value_limit);
            StringValue::from(Arc::<str>::from(host.as_str()))
        });
        let mut exchange = Self::new(instrumentation, method);
        exchange.scheme = request.scheme;
        exchange.server = host.clone().map(|host| (host, request.port));
        exchange.start(instrumentation, parent, SpanKind::Client, None, |exchange| {
            let name = match request.name {
                Some(name) => Cow::Owned(name.to_owned()),
                None => span_name(&exchange.method, request.template),
            };
            (name, request.describe(instrumentation, &exchange.method, host.as_ref()))
        });
        exchange
    }

    /// The context that carries the exchange's span: attach it to whatever works on the request,
    /// inject it into what is sent.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Notes the status code that was sent or received.
    pub fn respond(&mut self, status: StatusCode) {
        self.status = Some(status);
    }

    /// Notes the response's headers, those of them that are to be captured.
    pub fn response_headers(&self, instrumentation: &Instrumentation, headers: &HeaderMap) {
        if self.recording {
            let span = self.context.span();
            let limit = instrumentation.value_limit;
            let add = |attribute| span.set_attribute(attribute);
            instrumentation.response_headers.capture(headers, c::HTTP_RESPONSE_HEADER, limit, add);
        }
    }

    /// Notes the size of the request's body, in bytes as transferred.
    pub fn request_size(&mut self, bytes: u64) {
        self.request_size = Some(bytes);
    }

    /// Notes that so many more bytes of the response's body were transferred.
    pub fn add_response_size(&mut self, bytes: u64) {
        self.response_size = Some(self.response_size.unwrap_or(0).saturating_add(bytes));
    }

    /// A handle for those who answer the request.
    pub fn handle(&mut self) -> ExchangeHandle {
        self.handle.get_or_insert_default().clone()
    }

    /// Leaves the exchange to those who hold its [handle](Self::handle): it is complete when the
    /// last of them drops it.
    ///
    /// This is for connections that outlive their response, as a WebSocket does.
    pub fn hand_over(mut self) {
        if let Some(handle) = self.handle.take() {
            handle.take_over(self);
        } else {
            self.end(Outcome::Complete);
        }
    }

    /// Adds attributes to the span.
    pub fn add_attributes(&self, attributes: Vec<KeyValue>) {
        if self.recording {
            self.context.span().set_attributes(attributes);
        }
    }

    /// Adds attributes to the duration metric. Every new value is a new time series.
    pub fn add_metric_attributes(&mut self, attributes: Vec<KeyValue>) {
        self.metric_attributes.extend(attributes);
    }

    /// Notes the protocol version that was negotiated.
    pub fn negotiated(&mut self, version: Version) {
        self.version = version_name(version);
        if self.recording
            && let Some(version) = self.version
        {
            let version = KeyValue::new(c::NETWORK_PROTOCOL_VERSION, version);
            self.context.span().set_attribute(version);
        }
    }

    /// Notes the other end of the socket.
    pub fn peer(&mut self, peer: SocketAddr) {
        if self.recording {
            let span = self.context.span();
            let address = peer.ip().to_canonical().to_string();
            span.set_attribute(KeyValue::new(c::NETWORK_PEER_ADDRESS, address));
            span.set_attribute(KeyValue::new(c::NETWORK_PEER_PORT, i64::from(peer.port())));
        }
    }

    /// Notes how often the request was sent again, where that was not known when it started.
    pub fn resent(&mut self, count: u32) {
        if self.recording {
            let count = KeyValue::new(c::HTTP_REQUEST_RESEND_COUNT, i64::from(count));
            self.context.span().set_attribute(count);
        }
    }

    /// Ends the exchange.
    ///
    /// On a server the span's status is `Error` for status codes from 500, for
    /// [`Outcome::Cancelled`] and for [`Outcome::Failed`]. On a client it is `Error` for status
    /// codes from 400 and for `Failed`; a call that its caller cancelled stays unset. `error.type`
    /// is the status code if that is the error, else the [`ErrorType`].
    pub fn end(mut self, outcome: Outcome) {
        self.finish(outcome);
    }

    fn new(instrumentation: &Instrumentation, method: StringValue) -> Self {
        let resolved = instrumentation.resolve();
        Self {
            side: instrumentation.side,
            context: Context::new(),
            recording: false,
            started: resolved.clock.now(),
            started_at: resolved.clock.wall(),
            method,
            scheme: Scheme::Http,
            version: None,
            server: None,
            route: None,
            synthetic: None,
            handle: None,
            metric_attributes: Vec::new(),
            named: false,
            request_size: None,
            response_size: None,
            status: None,
            ended: false,
            resolved,
        }
    }

    /// Starts the span, if there is a tracer, and counts the exchange as active.
    ///
    /// The span is described at its start, so that samplers see the attributes, except under a
    /// remote parent that is not sampled: then only if the span records after all.
    fn start(
        &mut self,
        instrumentation: &Instrumentation,
        parent: &Context,
        kind: SpanKind,
        link: Option<SpanContext>,
        describe: impl Fn(&Self) -> (Cow<'static, str>, Vec<KeyValue>),
    ) {
        if let Some(active_requests) = &self.resolved.instruments.active_requests {
            active_requests.add(1, &self.active_attributes());
        }
        let Some(tracer) = &self.resolved.tracer else {
            self.context = parent.clone();
            return;
        };
        let late = !instrumentation.describe_unsampled && refused_by_caller(parent);
        let (name, attributes) =
            if late { (Cow::Borrowed("HTTP"), Vec::new()) } else { describe(self) };
        let mut builder = SpanBuilder::from_name(name)
            .with_kind(kind)
            .with_start_time(self.started_at)
            .with_attributes(attributes);
        builder.links = link.map(|caller| vec![Link::with_context(caller)]);
        let mut span = tracer.build_with_context(builder, parent);
        self.recording = span.is_recording();
        if late && self.recording {
            let (name, attributes) = describe(self);
            span.update_name(name);
            span.set_attributes(attributes);
        }
        let root = !parent.span().span_context().is_valid();
        self.context = parent.with_span(span);
        if root {
            // OpenTelemetry's generators draw the whole id; the flag asks for its last seven bytes.
            self.context = with_random_trace_id(&self.context);
        }
    }

    fn finish(&mut self, outcome: Outcome) {
        let (route, notes) = match self.handle.take() {
            Some(handle) => (handle.route().cloned(), handle.take_notes()),
            None => (None, Notes::default()),
        };
        self.finish_with(outcome, route, &notes);
    }

    /// Ends the exchange with what was noted on the way.
    pub(crate) fn finish_with(
        &mut self,
        outcome: Outcome,
        route: Option<StringValue>,
        notes: &Notes,
    ) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let elapsed = self.resolved.clock.now().saturating_duration_since(self.started);
        // Exemplars are taken from the current context.
        let _guard = self.context.clone().attach();
        if let Some(route) = route {
            self.fill_in_route(route);
        }
        let error = self.error(outcome, notes);
        if self.recording {
            let span = self.context.span();
            if let Some(status) = self.status {
                let status = i64::from(status.as_u16());
                span.set_attribute(KeyValue::new(c::HTTP_RESPONSE_STATUS_CODE, status));
            }
            if let Some(error) = &error {
                span.set_attribute(KeyValue::new(c::ERROR_TYPE, error.clone()));
                span.set_status(Status::error(""));
            }
            if self.resolved.instruments.body_sizes.is_some() {
                let sizes = [
                    (c::HTTP_REQUEST_BODY_SIZE, self.request_size),
                    (c::HTTP_RESPONSE_BODY_SIZE, self.response_size),
                ];
                for (name, size) in sizes {
                    if let Some(size) = size {
                        span.set_attribute(KeyValue::new(name, size.min(i64::MAX as u64) as i64));
                    }
                }
            }
            span.end_with_timestamp(self.started_at + elapsed);
        }
        let instruments = &self.resolved.instruments;
        if let Some(active_requests) = &instruments.active_requests {
            active_requests.add(-1, &self.active_attributes());
        }
        let attributes = self.duration_attributes(error);
        let added = [&*attributes, &*self.metric_attributes, &*notes.attributes];
        let all;
        let attributes = if added[1].is_empty() && added[2].is_empty() {
            &*attributes
        } else {
            all = added.concat();
            &*all
        };
        instruments.duration.record(elapsed.as_secs_f64(), attributes);
        if let Some(sizes) = &instruments.body_sizes {
            if let Some(size) = self.request_size {
                sizes.request.record(size, attributes);
            }
            if let Some(size) = self.response_size {
                sizes.response.record(size, attributes);
            }
        }
    }

    /// `error.type`, when the exchange ended in an error.
    fn error(&self, outcome: Outcome, notes: &Notes) -> Option<StringValue> {
        if let Some(verdict) = notes.verdict {
            return verdict.map(StringValue::from);
        }
        let mut verdict = self.verdict(outcome);
        if let Some(classifier) = &self.resolved.classifier {
            let route = self.route.as_ref().map(StringValue::as_str);
            verdict = classifier.judge(&Ending { status: self.status, outcome, route, verdict });
        }
        match verdict {
            Verdict::Unset => None,
            Verdict::Status(status) => Some(status.as_str().to_owned().into()),
            Verdict::Error(error) => Some(error.into()),
        }
    }

    /// What the conventions make of this end.
    fn verdict(&self, outcome: Outcome) -> Verdict {
        let first_error = match self.side {
            Side::Server => 500,
            Side::Client => 400,
        };
        if let Some(status) = self.status.filter(|status| status.as_u16() >= first_error) {
            return Verdict::Status(status);
        }
        match (outcome, self.side) {
            (Outcome::Complete, _) | (Outcome::Cancelled, Side::Client) => Verdict::Unset,
            (Outcome::Cancelled, Side::Server) => Verdict::Error(ErrorType::Cancelled),
            (Outcome::Failed(error), _) => Verdict::Error(error),
        }
    }

    /// A route that was found after the span started, by a router inside.
    fn fill_in_route(&mut self, route: StringValue) {
        if self.route.is_some() {
            return;
        }
        if self.recording {
            let span = self.context.span();
            span.set_attribute(KeyValue::new(c::HTTP_ROUTE, route.clone()));
            if !self.named {
                span.update_name(span_name(&self.method, Some(route.as_str())));
            }
        }
        self.route = Some(route);
    }

    /// The gauge goes down with exactly what it went up with, or its series would split.
    fn active_attributes(&self) -> ArrayVec<KeyValue, 4> {
        let mut attributes = ArrayVec::new();
        attributes.push(KeyValue::new(c::HTTP_REQUEST_METHOD, self.method.clone()));
        attributes.push(KeyValue::new(c::URL_SCHEME, self.scheme.as_str()));
        if let Some((host, port)) = &self.server {
            attributes.push(KeyValue::new(c::SERVER_ADDRESS, host.clone()));
            attributes.push(KeyValue::new(c::SERVER_PORT, i64::from(*port)));
        }
        attributes
    }

    fn duration_attributes(&self, error: Option<StringValue>) -> ArrayVec<KeyValue, 8> {
        let mut attributes = ArrayVec::new();
        attributes.push(KeyValue::new(c::HTTP_REQUEST_METHOD, self.method.clone()));
        match &self.server {
            None => attributes.push(KeyValue::new(c::URL_SCHEME, self.scheme.as_str())),
            Some((host, port)) => {
                attributes.push(KeyValue::new(c::SERVER_ADDRESS, host.clone()));
                attributes.push(KeyValue::new(c::SERVER_PORT, i64::from(*port)));
            }
        }
        if let Some(route) = &self.route {
            attributes.push(KeyValue::new(c::HTTP_ROUTE, route.clone()));
        }
        if let Some(status) = self.status {
            let status = i64::from(status.as_u16());
            attributes.push(KeyValue::new(c::HTTP_RESPONSE_STATUS_CODE, status));
        }
        if let Some(error) = error {
            attributes.push(KeyValue::new(c::ERROR_TYPE, error));
        }
        if let Some(version) = self.version {
            attributes.push(KeyValue::new(c::NETWORK_PROTOCOL_VERSION, version));
        }
        if let Some(kind) = self.synthetic {
            attributes.push(KeyValue::new(c::USER_AGENT_SYNTHETIC_TYPE, kind));
        }
        attributes
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.finish(Outcome::Cancelled);
    }
}

fn method_name(instrumentation: &Instrumentation, method: &Method) -> StringValue {
    instrumentation.known_methods.name(method).unwrap_or_else(|| OTHER.into())
}

/// `{method} {target}`, or the method alone; a method that is not known is `HTTP`.
fn span_name(method: &StringValue, target: Option<&str>) -> Cow<'static, str> {
    let method = if method.as_str() == OTHER { "HTTP" } else { method.as_str() };
    let Some(target) = target else {
        return Cow::Owned(method.to_owned());
    };
    let mut name = String::with_capacity(method.len() + 1 + target.len());
    name.push_str(method);
    name.push(' ');
    name.push_str(target);
    Cow::Owned(name)
}

/// Whether the caller, in another process, decided not to sample this trace.
fn refused_by_caller(parent: &Context) -> bool {
    let span = parent.span();
    let parent_span = span.span_context();
    parent_span.is_remote()
        && parent_span.is_valid()
        && !parent_span.is_sampled()
        && !matches!(
            parent.get::<SamplingHint>(),
            Some(SamplingHint::Deferred | SamplingHint::On | SamplingHint::Debug)
        )
}
