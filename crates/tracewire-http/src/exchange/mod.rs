//! One request and its response: the object that owns the span, the clock and the gauge.

mod body;
#[cfg(feature = "bound-instruments")]
mod bound;
mod finish;
mod measure;
mod messages;
mod record;
mod scope;
mod series;
mod start;
mod stream;

#[cfg(feature = "bound-instruments")]
pub(crate) use self::bound::BoundDurations;
pub use self::{
    body::ExchangeBody,
    scope::{Scope, Scoped, Traced},
    stream::is_event_stream,
};
pub(crate) use self::{
    record::{Record, Shared},
    series::SeriesLimit,
};

use self::{
    messages::Messages,
    start::{note_unknown_peer, span_name},
};
use crate::{
    ClientRequest, ExchangeHandle, Instrumentation, Origin, Outcome, ServerRequest,
    conventions as c,
    method::OTHER,
    repeated,
    server::version_name,
    text::{address, limited_shared},
};
use bytes::Buf;
use http::{HeaderMap, Method, StatusCode, Version};
use http_body::Frame;
use opentelemetry::{
    Context, KeyValue, StringValue,
    trace::{SpanKind, TraceContextExt},
};
use std::{borrow::Cow, net::SocketAddr, sync::Arc};
use tracewire_propagation::outgoing;

/// The largest size of a body that is believed, in bytes: 1 TiB. Anybody can declare more.
const LARGEST: u64 = 1 << 40;

/// One HTTP request and its response.
///
/// An exchange starts its span when it is made and ends once: by [`end`](Self::end), or, when it is
/// dropped before, as [`Outcome::Cancelled`]. At that end the span ends, the duration is recorded
/// and the gauge goes down, all with the same attributes and the same clock. Durations are recorded
/// whether or not the span is sampled.
#[derive(Debug)]
pub struct Exchange {
    context: Context,
    recording: bool,
    /// How many more attributes the span may get from headers and hooks.
    room: usize,
    rpc: bool,
    messages: Messages,
    sized: bool,
    response_sized: bool,
    handed_over: bool,
    // None where nobody records anything.
    shared: Option<Arc<Shared>>,
}

impl Exchange {
    /// Starts the exchange of a server that received `request`, from `origin`.
    pub fn serve(
        instrumentation: &Instrumentation,
        origin: impl Into<Origin>,
        request: &ServerRequest<'_>,
    ) -> Self {
        let Origin { parent, link } = origin.into();
        let resolved = instrumentation.resolve();
        if !resolved.records {
            return Self::unrecorded(outgoing(&parent));
        }
        if request.peer.is_none() {
            note_unknown_peer();
        }
        let method = method_name(instrumentation, request.method);
        let route = request.route.filter(|route| !route.is_empty());
        let mut record = Record::new(instrumentation.side, resolved, method);
        record.scheme = request.scheme;
        record.version = version_name(request.version);
        record.route = route.map(|route| repeated::text(route).into());
        record.named = request.name.is_some();
        record.synthetic = request.synthetic(instrumentation);
        record.rpc = request.rpc(instrumentation);
        record.start(instrumentation, &parent, SpanKind::Server, link, |record| {
            let route = record.route.as_ref();
            let name = match (request.name, &record.rpc) {
                (Some(name), _) => Cow::Owned(name.to_owned()),
                (None, Some(call)) => Cow::Owned(call.name().to_owned()),
                (None, None) => span_name(&record.method, route.map(StringValue::as_str)),
            };
            (name, request.describe(instrumentation, record))
        });
        Self::new(record)
    }

    /// Starts the exchange of a client that is about to send `request`, under `parent`.
    pub fn call(
        instrumentation: &Instrumentation,
        parent: &Context,
        request: &ClientRequest<'_>,
    ) -> Self {
        let resolved = instrumentation.resolve();
        if !resolved.records {
            return Self::unrecorded(outgoing(parent));
        }
        let method = method_name(instrumentation, request.method);
        let mut record = Record::new(instrumentation.side, resolved, method);
        record.scheme = request.scheme;
        record.server = Some(request.host)
            .filter(|host| !host.is_empty())
            .map(|host| (limited_shared(host.into(), instrumentation.value_limit), request.port));
        record.rpc = request.rpc(instrumentation);
        record.start(instrumentation, parent, SpanKind::Client, None, |record| {
            let name = match (request.name, &record.rpc) {
                (Some(name), _) => Cow::Owned(name.to_owned()),
                (None, Some(call)) => Cow::Owned(call.name().to_owned()),
                (None, None) => span_name(&record.method, request.template),
            };
            (name, request.describe(instrumentation, record))
        });
        Self::new(record)
    }

    /// An exchange of which nothing is recorded. It carries the context it came from.
    pub fn unrecorded(origin: impl Into<Origin>) -> Self {
        Self {
            context: origin.into().into_context(),
            recording: false,
            room: 0,
            rpc: false,
            messages: Messages::default(),
            sized: false,
            response_sized: false,
            handed_over: false,
            shared: None,
        }
    }

    /// Whether anything is recorded of it: not if it is [`unrecorded`](Self::unrecorded), or nothing
    /// that could record had an effect when it started.
    pub fn is_recorded(&self) -> bool {
        self.shared.is_some()
    }

    /// The context that carries the exchange's span: attach it to whatever works on the request,
    /// inject it into what is sent.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Notes the status code that was sent or received.
    pub fn respond(&mut self, status: StatusCode) {
        self.note(|record| {
            record.status = Some(status);
            if record.rpc.is_some() {
                record.answered = Some(record.elapsed());
            }
        });
    }

    /// Notes the response's headers: those of them that are to be captured, and gRPC's status
    /// where the head has it.
    pub fn response_headers(&mut self, instrumentation: &Instrumentation, headers: &HeaderMap) {
        self.trailers(headers);
        if self.recording {
            let span = self.context.span();
            let limit = instrumentation.value_limit;
            let room = self.room;
            let add = |attribute| {
                self.room -= 1;
                span.set_attribute(attribute);
            };
            let prefix = if self.rpc { c::RPC_RESPONSE_METADATA } else { c::HTTP_RESPONSE_HEADER };
            instrumentation.response_headers.capture(headers, prefix, limit, room, add);
        }
    }

    /// Notes the response's trailers, which carry gRPC's status.
    pub fn trailers(&mut self, trailers: &HeaderMap) {
        if self.rpc {
            self.note(|record| record.trailers(trailers));
        }
    }

    /// Notes a frame of the response's body, of so many bytes of data.
    pub(crate) fn response_frame<D: Buf>(&mut self, frame: &Frame<D>, size: u64) {
        self.add_response_size(size);
        if let Some(trailers) = frame.trailers_ref() {
            self.trailers(trailers);
        }
        if self.rpc
            && !self.messages.are_several()
            && let Some(data) = frame.data_ref()
        {
            self.messages.read(data);
            if self.messages.are_several() {
                self.note_stream();
            }
        }
    }

    /// Whether the sizes of bodies are measured; where they are not, noting them does nothing.
    pub fn measures_sizes(&self) -> bool {
        self.sized
    }

    /// Notes the size of the request's body, in bytes as transferred. More than 1 TiB is not noted:
    /// such a size was only declared.
    pub fn request_size(&mut self, bytes: u64) {
        if self.sized && bytes <= LARGEST {
            self.note(|record| record.request_size = Some(bytes));
        }
    }

    /// Leaves the size of the response's body out, where what is read of it is not what was
    /// transferred.
    pub fn omit_response_size(&mut self) {
        self.response_sized = false;
    }

    /// Notes that so many more bytes of the response's body were transferred. More than 1 TiB at
    /// once is not noted: such a size was only declared.
    pub fn add_response_size(&mut self, bytes: u64) {
        if self.response_sized && bytes <= LARGEST {
            self.note(|record| {
                let size = record.response_size.unwrap_or(0).saturating_add(bytes);
                record.response_size = Some(size);
            });
        }
    }

    /// A handle for those who answer the request.
    pub fn handle(&self) -> ExchangeHandle {
        ExchangeHandle::new(self.shared.clone())
    }

    /// Leaves the exchange to those who hold its [handle](Self::handle): it is complete when the
    /// last of them drops it.
    ///
    /// This is for connections that outlive their response, as a WebSocket does. Such a response is
    /// a [stream](Self::set_stream).
    pub fn hand_over(mut self) {
        self.set_stream(true);
        self.handed_over = true;
    }

    /// Adds attributes to the span. Where it would have more than 112 with them, the last are left
    /// out, so that there is room for what the conventions want at the end.
    pub fn add_attributes(&mut self, mut attributes: Vec<KeyValue>) {
        attributes.truncate(self.room);
        self.room -= attributes.len();
        if self.recording && !attributes.is_empty() {
            self.context.span().set_attributes(attributes);
        }
    }

    /// Adds attributes to the duration metric. Every new value is a new time series.
    pub fn add_metric_attributes(&mut self, attributes: Vec<KeyValue>) {
        if !attributes.is_empty() {
            self.note(|record| record.metric_attributes.extend(attributes));
        }
    }

    /// Notes the protocol version that was negotiated.
    pub fn negotiated(&mut self, version: Version) {
        let version = version_name(version);
        self.note(|record| record.version = version);
        if self.recording
            && !self.rpc
            && let Some(version) = version
        {
            let version = KeyValue::new(c::NETWORK_PROTOCOL_VERSION, version);
            self.context.span().set_attribute(version);
        }
    }

    /// Notes the other end of the socket.
    pub fn peer(&mut self, peer: SocketAddr) {
        if self.recording {
            let span = self.context.span();
            span.set_attribute(KeyValue::new(c::NETWORK_PEER_ADDRESS, address(peer.ip())));
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
    /// is the status code if that is the error, else the [`ErrorType`](crate::ErrorType). A call
    /// over gRPC is judged by gRPC's status code first.
    pub fn end(self, outcome: Outcome) {
        self.end_once(outcome);
    }

    /// Whether this is a call over gRPC, recorded by the conventions for remote procedure calls.
    pub fn is_rpc(&self) -> bool {
        self.rpc
    }

    fn new(record: Record) -> Self {
        Self {
            context: record.context.clone(),
            recording: record.recording,
            room: record.room,
            rpc: record.rpc.is_some(),
            messages: Messages::default(),
            sized: record.measures_sizes(),
            response_sized: record.measures_sizes(),
            handed_over: false,
            shared: Some(Arc::new(Shared::new(record))),
        }
    }

    fn note(&self, note: impl FnOnce(&mut Record)) {
        if let Some(shared) = &self.shared {
            shared.note(note);
        }
    }

    fn end_once(&self, outcome: Outcome) {
        if let Some(shared) = &self.shared {
            shared.end(outcome);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.handed_over {
            self.end_once(Outcome::Cancelled);
        }
    }
}

fn method_name(instrumentation: &Instrumentation, method: &Method) -> StringValue {
    instrumentation.known_methods.name(method).unwrap_or_else(|| OTHER.into())
}
