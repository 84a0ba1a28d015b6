//! A handle on an exchange that is under way, for those who answer it.

use crate::{
    exchange::{Exchange, Record, Shared},
    outcome::ErrorType,
    sync,
};
use opentelemetry::{Context, KeyValue};
use std::sync::{Arc, Weak};

/// What those who answer a request can add to its exchange.
///
/// Server layers put one into the request's extensions; with axum take it as
/// `Extension<ExchangeHandle>`. Attributes of the span alone need no handle: the span is the
/// current one.
///
/// What is added after the exchange has ended is ignored, and so is all of it while there is neither a
/// tracer nor a meter.
///
/// ```
/// use http::Request;
/// use opentelemetry::KeyValue;
/// use tracewire_http::ExchangeHandle;
///
/// fn handler(request: &Request<String>) {
///     if let Some(exchange) = request.extensions().get::<ExchangeHandle>() {
///         exchange.add_metric_attribute(KeyValue::new("shop.plan", "free"));
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct ExchangeHandle {
    of: Of,
    // A request's extensions box the handle, beside about seven other boxes of up to 24 bytes. glibc keeps
    // seven freed blocks of a size at hand, and one more costs 500 instructions. So this is larger.
    _room: [usize; 2],
}

/// What a handle is a handle on.
#[derive(Clone, Debug)]
enum Of {
    Recorded(sync::Arc<Shared>),
    /// Nothing that could record had an effect.
    Unrecorded,
    /// A request that is not traced.
    Untraced(Weak<()>),
}

/// Lives in the context of a request that is not traced.
struct Alive(#[allow(dead_code, reason = "what counts is that it is held")] Arc<()>);

impl ExchangeHandle {
    /// Sets the route that matched: the template, never the path. The first one that is known stays.
    pub fn set_route(&self, route: &str) {
        self.note(|record| record.fill_in_route(route));
    }

    /// Adds an attribute to the duration metric. That of a stream is recorded at its response head.
    ///
    /// Every new value is a new time series: add only what takes few values, and never text that
    /// a client chose.
    pub fn add_metric_attribute(&self, attribute: KeyValue) {
        self.note(|record| record.metric_attributes.push(attribute));
    }

    /// Makes the exchange end in this error, whatever its status code.
    pub fn fail(&self, error: ErrorType) {
        self.note(|record| record.verdict = Some(Some(error)));
    }

    /// Makes the exchange end without an error, whatever its status code.
    pub fn succeed(&self) {
        self.note(|record| record.verdict = Some(None));
    }

    /// Whether the exchange has ended. A layer that finds such a handle in a request starts a new
    /// exchange: the request was kept and is sent again.
    pub fn has_ended(&self) -> bool {
        match &self.of {
            Of::Recorded(shared) => shared.has_ended(),
            Of::Unrecorded => false,
            Of::Untraced(alive) => alive.strong_count() == 0,
        }
    }

    /// A handle on a request that is not traced, and the context for it, made of `context`. The
    /// request has ended when nothing holds that context any more.
    pub(super) fn untraced(context: &Context) -> (Context, Self) {
        let alive = Arc::new(());
        let handle = Self::new(Of::Untraced(Arc::downgrade(&alive)));
        (context.with_value(Alive(alive)), handle)
    }

    fn new(of: Of) -> Self {
        Self { of, _room: [0; 2] }
    }

    fn note(&self, note: impl FnOnce(&mut Record)) {
        if let Of::Recorded(shared) = &self.of {
            shared.note(note);
        }
    }
}

impl Exchange {
    /// Returns a handle for those who answer the request.
    pub fn handle(&self) -> ExchangeHandle {
        ExchangeHandle::new(self.shared().cloned().map_or(Of::Unrecorded, Of::Recorded))
    }
}
