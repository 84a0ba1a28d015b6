//! What is known of an exchange under way, in one allocation that all who add to it share.

use super::exception::Thrown;
use crate::{
    conventions as c,
    grpc::{GrpcStatus, Messages, RpcCall},
    outcome::{ErrorType, Outcome},
    settings::{Common, Resolved},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    values::{MOST_HEADERS, OTHER, Route, Scheme, Side},
};
use bytes::Buf;
use http::{HeaderMap, Method, StatusCode};
use opentelemetry::{Context, KeyValue, StringValue, trace::TraceContextExt};
use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant, SystemTime},
};
use tracewire_propagation::current;

/// What is known of an exchange under way.
#[derive(Debug)]
pub(crate) struct Record {
    pub(super) side: Side,
    pub(super) resolved: Arc<Resolved>,
    pub(super) context: Context,
    pub(super) recording: bool,
    /// How many more attributes the span may get from headers and hooks.
    pub(super) room: usize,
    pub(super) started: Instant,
    /// The same on the wall clock, where there is a span.
    pub(super) started_at: SystemTime,
    pub(crate) method: StringValue,
    pub(crate) scheme: Scheme,
    pub(crate) version: Option<&'static str>,
    pub(crate) server: Option<(StringValue, u16)>,
    pub(crate) route: Option<Route>,
    pub(crate) synthetic: Option<&'static str>,
    pub(crate) rpc: Option<Box<RpcCall>>,
    pub(crate) metric_attributes: Vec<KeyValue>,
    /// What those who answer made of the exchange, in place of the conventions.
    pub(crate) verdict: Option<Option<ErrorType>>,
    pub(crate) named: bool,
    /// The error that is about to end it, where exceptions are log records.
    pub(super) thrown: Option<Box<Thrown>>,
    pub(super) request_size: Option<u64>,
    pub(super) response_size: Option<u64>,
    /// What is read of the response's body is not what was transferred.
    pub(super) omits_response_size: bool,
    /// The messages of the response's body so far, over gRPC.
    pub(super) messages: Messages,
    pub(super) status: Option<StatusCode>,
    /// Whether the response is a stream, where that is known.
    pub(super) stream: Option<bool>,
    /// When the response's head was there, where that may matter.
    pub(super) answered: Option<Duration>,
    /// Whether the duration is recorded already.
    pub(super) measured: bool,
}

impl Record {
    /// The record of a request of `method` that arrives, or is sent, now.
    #[inline(always)] // made where it stays
    pub(crate) fn new(resolved: &Arc<Resolved>, method: &Method) -> Self {
        let resolved = resolved.clone();
        let method = resolved.options.known_methods.name(method).unwrap_or_else(|| OTHER.into());
        Self {
            side: resolved.options.side,
            context: Context::new(),
            recording: false,
            room: 0,
            started: resolved.options.clock.now(),
            started_at: SystemTime::UNIX_EPOCH,
            method,
            scheme: Scheme::Http,
            version: None,
            server: None,
            route: None,
            synthetic: None,
            rpc: None,
            metric_attributes: Vec::new(),
            verdict: None,
            named: false,
            thrown: None,
            request_size: None,
            response_size: None,
            omits_response_size: false,
            messages: Messages::default(),
            status: None,
            stream: None,
            answered: None,
            measured: false,
            resolved,
        }
    }

    pub(crate) fn options(&self) -> &Common {
        &self.resolved.options
    }

    /// Adds those of the request's headers that are to be captured.
    pub(crate) fn capture_request_headers(
        &self,
        headers: Option<&HeaderMap>,
        attributes: &mut Vec<KeyValue>,
    ) {
        let prefix = match self.rpc {
            Some(_) => c::RPC_REQUEST_METADATA,
            None => c::HTTP_REQUEST_HEADER,
        };
        let Common { request_headers, value_limit, .. } = self.options();
        if let Some(headers) = headers.filter(|_| !request_headers.is_empty()) {
            let add = |attribute| attributes.push(attribute);
            request_headers.capture(headers, prefix, *value_limit, MOST_HEADERS, add);
        }
    }

    /// Adds those of the response's headers that are to be captured to the span, which has `room`
    /// for so many.
    pub(super) fn capture_response_headers(&mut self, headers: &HeaderMap) {
        if !self.recording || self.options().response_headers.is_empty() {
            return;
        }
        let prefix = match self.rpc {
            Some(_) => c::RPC_RESPONSE_METADATA,
            None => c::HTTP_RESPONSE_HEADER,
        };
        let Common { response_headers, value_limit, .. } = self.options();
        let span = self.context.span();
        let most = self.room;
        let mut added = 0;
        let add = |attribute| {
            added += 1;
            span.set_attribute(attribute);
        };
        response_headers.capture(headers, prefix, *value_limit, most, add);
        self.room = most.saturating_sub(added);
    }

    /// Notes that so many more bytes of the response's body were transferred.
    pub(super) fn add_response_size(&mut self, bytes: u64) {
        if !self.omits_response_size {
            let size = self.response_size.unwrap_or(0).saturating_add(bytes);
            self.response_size = Some(size);
        }
    }

    /// Returns whether the sizes of bodies are measured.
    pub(super) fn measures_sizes(&self) -> bool {
        self.resolved.instruments.body_sizes.is_some()
    }

    pub(super) fn set_status(&mut self, status: StatusCode) {
        self.status = Some(status);
        if self.rpc.is_some() {
            self.answered = Some(self.elapsed());
        }
    }

    pub(super) fn set_trailers(&mut self, trailers: &HeaderMap) {
        if let Some(call) = &mut self.rpc {
            call.status = GrpcStatus::of(trailers).or(call.status);
        }
    }
}

/// The record of an exchange, which ends once.
///
/// If nothing ends it, because the exchange was handed over, it is complete when the last handle is
/// dropped.
#[derive(Debug)]
pub(crate) struct Shared {
    ended: AtomicBool,
    /// Whether there is a span that records.
    pub(super) recording: bool,
    /// Whether it is a call over gRPC.
    pub(super) rpc: bool,
    /// Whether the sizes of bodies are measured.
    pub(super) sized: bool,
    record: Mutex<Record>,
}

impl Shared {
    #[inline(always)] // made where it stays
    pub(super) fn new(resolved: &Arc<Resolved>, method: &Method) -> Self {
        Self {
            ended: AtomicBool::new(false),
            recording: false,
            rpc: false,
            sized: resolved.instruments.body_sizes.is_some(),
            record: Mutex::new(Record::new(resolved, method)),
        }
    }

    /// Begins the exchange, before anybody shares it. Returns the context of its span.
    pub(super) fn begin(&mut self, begin: impl FnOnce(&mut Record)) -> Context {
        let record = self.record.get_mut().unwrap_or_else(PoisonError::into_inner);
        begin(record);
        (self.recording, self.rpc) = (record.recording, record.rpc.is_some());
        record.context.clone()
    }

    /// Reads on in the body of a call over gRPC, and says whether its second message has begun there.
    pub(super) fn reads_second_message(&self, data: &impl Buf) -> bool {
        let messages = &mut self.lock().messages;
        if messages.are_several() {
            return false;
        }
        messages.read(data);
        messages.are_several()
    }

    /// Notes something on the record; nothing once the exchange has ended.
    pub(crate) fn note(&self, note: impl FnOnce(&mut Record)) {
        // What is called at the end may ask for a note while the lock is held.
        if !self.has_ended() {
            note(&mut self.lock());
        }
    }

    /// Ends the exchange, unless it has ended.
    pub(super) fn end(&self, outcome: Outcome) {
        if !self.ended.swap(true, Ordering::Relaxed) {
            current::finish(|| self.lock().finish(outcome));
        }
    }

    /// Whether the exchange has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.end(Outcome::Complete);
    }
}
