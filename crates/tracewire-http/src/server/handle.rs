//! A handle on an exchange that is under way, for those who answer it.

use crate::{ErrorType, Exchange, Outcome};
use opentelemetry::{KeyValue, StringValue};
use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

/// What those who answer a request can add to its exchange.
///
/// Server layers put one into the request's extensions; with axum take it as
/// `Extension<ExchangeHandle>`. Attributes of the span alone need no handle: the span is the
/// current one.
///
/// What is added after the exchange has ended is ignored.
#[derive(Clone, Debug, Default)]
pub struct ExchangeHandle(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    route: OnceLock<StringValue>,
    notes: Mutex<Notes>,
    /// An exchange that was handed over: it ends with the last handle.
    exchange: Mutex<Option<Exchange>>,
}

/// What was noted on the way.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) attributes: Vec<KeyValue>,
    pub(crate) verdict: Option<Option<ErrorType>>,
}

impl ExchangeHandle {
    /// Tells which route matched: the template, never the path. The first one told stays.
    pub fn set_route(&self, route: &str) {
        if !route.is_empty() {
            self.0.route.get_or_init(|| StringValue::from(Arc::<str>::from(route)));
        }
    }

    /// Adds an attribute to the duration metric.
    ///
    /// Every new value is a new time series: add only what takes few values, and never text that
    /// a stranger chose.
    pub fn add_metric_attribute(&self, attribute: KeyValue) {
        self.note(|notes| notes.attributes.push(attribute));
    }

    /// Makes the exchange end in this error, whatever its status code.
    pub fn fail(&self, error: ErrorType) {
        self.note(|notes| notes.verdict = Some(Some(error)));
    }

    /// Makes the exchange end without an error, whatever its status code.
    pub fn succeed(&self) {
        self.note(|notes| notes.verdict = Some(None));
    }

    fn note(&self, note: impl FnOnce(&mut Notes)) {
        note(&mut lock(&self.0.notes));
    }

    pub(crate) fn take_over(&self, exchange: Exchange) {
        *lock(&self.0.exchange) = Some(exchange);
    }

    pub(crate) fn route(&self) -> Option<&StringValue> {
        self.0.route.get()
    }

    pub(crate) fn take_notes(&self) -> Notes {
        mem::take(&mut lock(&self.0.notes))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(mut exchange) = lock(&self.exchange).take() {
            let notes = mem::take(&mut *lock(&self.notes));
            exchange.finish_with(Outcome::Complete, self.route.take(), &notes);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
