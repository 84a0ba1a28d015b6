//! What is known of an exchange under way, in one allocation that all who add to it share.

use crate::{
    ErrorType, Instrumentation, Outcome, Scheme, conventions as c,
    header_capture::MOST_HEADERS,
    instrumentation::Resolved,
    instruments::Side,
    rpc::{GrpcStatus, RpcCall},
};
use http::{HeaderMap, StatusCode};
use opentelemetry::{Context, KeyValue, StringValue};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
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
    pub(super) started_at: SystemTime,
    pub(super) method: StringValue,
    pub(super) scheme: Scheme,
    pub(super) version: Option<&'static str>,
    pub(super) server: Option<(StringValue, u16)>,
    pub(super) route: Option<StringValue>,
    pub(super) synthetic: Option<&'static str>,
    pub(super) rpc: Option<RpcCall>,
    pub(crate) metric_attributes: Vec<KeyValue>,
    /// What those who answer made of the exchange, in place of the conventions.
    pub(crate) verdict: Option<Option<ErrorType>>,
    pub(super) named: bool,
    pub(super) request_size: Option<u64>,
    pub(super) response_size: Option<u64>,
    pub(super) status: Option<StatusCode>,
    /// Whether the response is a stream, where that is known.
    pub(super) stream: Option<bool>,
    /// When the response's head was there, where that may matter.
    pub(super) answered: Option<Duration>,
    /// Whether the duration is recorded already.
    pub(super) measured: bool,
}

impl Record {
    pub(super) fn new(side: Side, resolved: Arc<Resolved>, method: StringValue) -> Self {
        Self {
            side,
            context: Context::new(),
            recording: false,
            room: 0,
            started: resolved.clock.now(),
            started_at: resolved.clock.wall(),
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
            request_size: None,
            response_size: None,
            status: None,
            stream: None,
            answered: None,
            measured: false,
            resolved,
        }
    }

    pub(crate) fn method(&self) -> &StringValue {
        &self.method
    }

    pub(crate) fn route(&self) -> Option<&StringValue> {
        self.route.as_ref()
    }

    pub(crate) fn server(&self) -> Option<&(StringValue, u16)> {
        self.server.as_ref()
    }

    /// Adds those of the request's headers that are to be captured.
    pub(crate) fn capture_request_headers(
        &self,
        instrumentation: &Instrumentation,
        headers: Option<&HeaderMap>,
        attributes: &mut Vec<KeyValue>,
    ) {
        let prefix = match self.rpc {
            Some(_) => c::RPC_REQUEST_METADATA,
            None => c::HTTP_REQUEST_HEADER,
        };
        if let Some(headers) = headers {
            let limit = instrumentation.value_limit;
            let add = |attribute| attributes.push(attribute);
            instrumentation.request_headers.capture(headers, prefix, limit, MOST_HEADERS, add);
        }
    }

    pub(crate) fn rpc(&self) -> Option<&RpcCall> {
        self.rpc.as_ref()
    }

    /// Whether anybody wants to know how large the bodies are.
    pub(super) fn measures_sizes(&self) -> bool {
        self.resolved.instruments.body_sizes.is_some()
    }

    pub(super) fn trailers(&mut self, trailers: &HeaderMap) {
        if let Some(call) = &mut self.rpc {
            call.status = GrpcStatus::of(trailers).or(call.status);
        }
    }
}

/// The record of an exchange, which ends once.
///
/// If nobody ends it, because the exchange was handed over, it is complete when the last who
/// shares it is gone.
#[derive(Debug)]
pub(crate) struct Shared {
    ended: AtomicBool,
    record: Mutex<Record>,
}

impl Shared {
    pub(super) fn new(record: Record) -> Self {
        Self { ended: AtomicBool::new(false), record: Mutex::new(record) }
    }

    /// Notes something on the record; nothing once the exchange has ended.
    pub(crate) fn note(&self, note: impl FnOnce(&mut Record)) {
        // Whoever is called at the end holds no lock up by asking for a note.
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
