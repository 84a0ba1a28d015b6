//! One request and its response: the object that owns the span, the clock and the gauge.

mod body;
mod exception;
mod finish;
mod measure;
mod record;
mod remaining;
mod scope;
mod series;
pub(crate) mod span_id;
mod start;
mod stream;

pub use self::{
    body::ExchangeBody,
    scope::{Scope, Scoped, Traced},
};
pub(crate) use self::{
    record::{Record, Shared},
    remaining::{Remaining, RequestKind, declared_length, length_in},
    start::Below,
    stream::{is_event_stream, says_stream},
};

use crate::{
    conventions as c,
    outcome::Outcome,
    settings::Resolved,
    sync,
    values::{address, version_name},
};
use bytes::Buf;
use http::{HeaderMap, Method, StatusCode, Version};
use http_body::Frame;
use opentelemetry::{Context, KeyValue, trace::TraceContextExt};
use std::{borrow::Cow, net::SocketAddr, sync::Arc};

/// The largest size of a body that is believed, in bytes: 1 TiB. Anyone can declare more.
const LARGEST: u64 = 1 << 40;

/// One HTTP request and its response.
///
/// An exchange starts its span when it is made and ends once: by [`end`](Self::end), or, when it is
/// dropped before, as [`Outcome::Cancelled`]. At that end the span ends, the duration is recorded
/// and the gauge goes down, all with the same attributes and the same clock. Durations are recorded
/// whether or not the span is sampled.
///
/// ```
/// use http::Request;
/// use std::sync::Arc;
/// use tracewire_http::Outcome;
/// use tracewire_http::wiring::{Exchange, ServerCall, ServerSettings};
///
/// fn size_known(exchange: &mut Exchange, bytes: u64) {
///     if exchange.measures_sizes() {
///         exchange.set_request_size(bytes);
///     }
/// }
///
/// let settings = Arc::new(ServerSettings::new("my-server", "1.0.0").body_sizes(true));
/// let (mut scope, _handle) = ServerCall::begin(&settings, &Request::new(()));
/// if let Some(exchange) = scope.exchange() {
///     size_known(exchange, 512);
/// }
/// scope.end(Outcome::Complete);
/// ```
#[derive(Debug)]
pub struct Exchange {
    context: Context,
    // None where nothing is recorded, and once it is handed over.
    shared: Option<sync::Arc<Shared>>,
}

impl Exchange {
    /// An exchange of which nothing is recorded. It carries `context`.
    pub fn unrecorded(context: Context) -> Self {
        Self { context, shared: None }
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
    pub fn set_status(&mut self, status: StatusCode) {
        self.note(|record| record.set_status(status));
    }

    /// Notes the head of the response: the status code, those of its headers that are to be captured,
    /// and gRPC's status where the head has it.
    pub fn set_response(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.note(|record| {
            record.set_status(status);
            record.set_trailers(headers);
            record.capture_response_headers(headers);
        });
    }

    /// Notes the response's trailers, which carry gRPC's status.
    pub fn set_trailers(&mut self, trailers: &HeaderMap) {
        if self.is_rpc() {
            self.note(|record| record.set_trailers(trailers));
        }
    }

    /// Notes a frame of the response's body, of so many bytes of data.
    pub(crate) fn response_frame<D: Buf>(&mut self, frame: &Frame<D>, size: u64) {
        self.add_response_size(size);
        if let Some(trailers) = frame.trailers_ref() {
            self.set_trailers(trailers);
        }
        if self.is_rpc()
            && let Some(data) = frame.data_ref()
            && self.shared.as_ref().is_some_and(|shared| shared.reads_second_message(data))
        {
            self.note_stream();
        }
    }

    /// Whether the sizes of bodies are measured; where they are not, noting them does nothing.
    pub fn measures_sizes(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.sized)
    }

    /// Notes the size of the request's body, in bytes as transferred. More than 1 TiB is not noted:
    /// such a size was only declared.
    pub fn set_request_size(&mut self, bytes: u64) {
        if self.measures_sizes() && bytes <= LARGEST {
            self.note(|record| record.request_size = Some(bytes));
        }
    }

    /// Leaves the size of the response's body out, where what is read of it is not what was
    /// transferred.
    pub fn omit_response_size(&mut self) {
        if self.measures_sizes() {
            self.note(|record| record.omits_response_size = true);
        }
    }

    /// Notes that so many more bytes of the response's body were transferred. More than 1 TiB at
    /// once is not noted: such a size was only declared.
    pub fn add_response_size(&mut self, bytes: u64) {
        if self.measures_sizes() && bytes <= LARGEST {
            self.note(|record| record.add_response_size(bytes));
        }
    }

    /// Leaves the exchange to those who hold its [handle](Self::handle): it is complete when the
    /// last handle is dropped.
    ///
    /// This is for connections that outlive their response, as a WebSocket does. Such a response is
    /// a [stream](Self::set_stream).
    pub fn hand_over(mut self) {
        self.set_stream(true);
        self.shared = None;
    }

    /// Adds attributes to the span. Where it would have more than 112 with them, the last are left
    /// out, so that there is room for what the conventions want at the end.
    pub fn add_attributes(&mut self, mut attributes: Vec<KeyValue>) {
        if !self.records_span() || attributes.is_empty() {
            return;
        }
        self.note(|record| {
            attributes.truncate(record.room);
            record.room -= attributes.len();
        });
        self.context.span().set_attributes(attributes);
    }

    /// Adds attributes to the duration metric. Every new value is a new time series.
    pub fn add_metric_attributes(&mut self, attributes: Vec<KeyValue>) {
        if !attributes.is_empty() {
            self.note(|record| record.metric_attributes.extend(attributes));
        }
    }

    /// Notes the protocol version that was negotiated.
    pub fn set_version(&mut self, version: Version) {
        let version = version_name(version);
        self.note(|record| record.version = version);
        self.show_version(version);
    }

    fn show_version(&self, version: Option<&'static str>) {
        if self.records_span()
            && !self.is_rpc()
            && let Some(version) = version
        {
            let version = KeyValue::new(c::NETWORK_PROTOCOL_VERSION, version);
            self.context.span().set_attribute(version);
        }
    }

    /// Notes the head of the response to a client: the version that was negotiated, and what
    /// [`set_response`](Self::set_response) notes.
    pub(crate) fn set_answer(&mut self, version: Version, status: StatusCode, headers: &HeaderMap) {
        let version = version_name(version);
        self.note(|record| {
            record.version = version;
            record.set_status(status);
            record.set_trailers(headers);
            record.capture_response_headers(headers);
        });
        self.show_version(version);
    }

    /// Notes the other end of the socket.
    pub fn set_peer(&mut self, peer: SocketAddr) {
        if self.records_span() {
            let span = self.context.span();
            span.set_attribute(KeyValue::new(c::NETWORK_PEER_ADDRESS, address(peer.ip())));
            span.set_attribute(KeyValue::new(c::NETWORK_PEER_PORT, i64::from(peer.port())));
        }
    }

    /// Notes how often the request was sent again, where that was not known when it started. A call
    /// over gRPC has no attribute for it.
    pub fn set_resend_count(&mut self, count: u32) {
        if self.records_span() && !self.is_rpc() {
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
        self.shared.as_ref().is_some_and(|shared| shared.rpc)
    }

    /// Starts the exchange of a request with this method, `below` others: `note` says what is known
    /// of it, and `describe` what its span is called and has.
    pub(crate) fn start(
        resolved: &Arc<Resolved>,
        method: &Method,
        below: Below<'_>,
        note: impl FnOnce(&mut Record),
        describe: impl Fn(&Record) -> (Cow<'static, str>, Vec<KeyValue>),
    ) -> Self {
        // Made where it stays: it is too large to be moved for nothing.
        let mut shared = sync::Arc::new(Shared::new(resolved, method));
        let own = sync::Arc::get_mut(&mut shared).expect("nobody else has it yet");
        let context = own.begin(|record| {
            note(record);
            record.start(below, describe);
        });
        Self { context, shared: Some(shared) }
    }

    /// Whether there is a span that records.
    fn records_span(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.recording)
    }

    /// What those who add to the exchange share, if anything is recorded.
    pub(crate) fn shared(&self) -> Option<&sync::Arc<Shared>> {
        self.shared.as_ref()
    }

    fn note(&self, note: impl FnOnce(&mut Record)) {
        if let Some(shared) = &self.shared {
            shared.note(note);
        }
    }

    /// Ends the exchange, unless it has ended.
    pub(crate) fn end_once(&self, outcome: Outcome) {
        if let Some(shared) = &self.shared {
            shared.end(outcome);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.end_once(Outcome::Cancelled);
    }
}
