//! What people hang into the layer: functions that look at a request or a response.

use super::{RequestHead, ResponseHead};
use opentelemetry::KeyValue;
use std::{
    borrow::Cow,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use tracewire_http::Trust;

type Ask<T> = Arc<dyn Fn(&RequestHead<'_>) -> T + Send + Sync>;
type AskResponse<T> = Arc<dyn Fn(&ResponseHead<'_>) -> T + Send + Sync>;
type OnRequest = Arc<dyn Fn(&RequestHead<'_>, &mut Attributes) + Send + Sync>;
type OnResponse = Arc<dyn Fn(&ResponseHead<'_>, &mut Attributes) + Send + Sync>;

/// The hooks of a layer. One that is not there costs nothing; one that panics counts as not there,
/// except that for trust.
#[derive(Clone, Default)]
pub(super) struct Hooks {
    pub(super) filter: Option<Ask<bool>>,
    pub(super) trust: Option<Ask<Trust>>,
    pub(super) span_name: Option<Ask<Option<Cow<'static, str>>>>,
    pub(super) route: Option<Ask<Option<Cow<'static, str>>>>,
    pub(super) is_stream: Option<AskResponse<Option<bool>>>,
    pub(super) on_request: Option<OnRequest>,
    pub(super) on_response: Option<OnResponse>,
}

/// Attributes that a hook adds, to the span and to the metric apart.
#[derive(Default)]
pub struct Attributes {
    pub(super) span: Vec<KeyValue>,
    pub(super) metric: Vec<KeyValue>,
}

/// Leaves out the values, which may be secrets.
impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = |attributes: &[KeyValue]| -> Vec<_> {
            attributes.iter().map(|attribute| attribute.key.clone()).collect()
        };
        f.debug_struct("Attributes")
            .field("span", &keys(&self.span))
            .field("metric", &keys(&self.metric))
            .finish()
    }
}

impl Attributes {
    /// Adds an attribute to the span.
    pub fn span(&mut self, attribute: KeyValue) {
        self.span.push(attribute);
    }

    /// Adds an attribute to the duration metric.
    ///
    /// Every new value is a new time series: add only what takes few values, and never text that
    /// a stranger chose.
    pub fn metric(&mut self, attribute: KeyValue) {
        self.metric.push(attribute);
    }
}

impl Hooks {
    /// Whether the request is to be traced.
    pub(super) fn admits(&self, head: &RequestHead<'_>) -> bool {
        ask(&self.filter, head).unwrap_or(true)
    }

    /// Whether the response is a stream, if the hook says so.
    pub(super) fn is_stream(&self, head: &ResponseHead<'_>) -> Option<bool> {
        let hook = self.is_stream.as_ref()?;
        harmless(|| hook(head)).flatten()
    }

    /// What is to be added when the request has arrived.
    pub(super) fn on_request(&self, head: &RequestHead<'_>) -> Option<Attributes> {
        let hook = self.on_request.as_ref()?;
        let mut attributes = Attributes::default();
        harmless(|| hook(head, &mut attributes));
        Some(attributes)
    }

    /// What is to be added when the response's head is known.
    pub(super) fn on_response(&self, head: &ResponseHead<'_>) -> Option<Attributes> {
        let hook = self.on_response.as_ref()?;
        let mut attributes = Attributes::default();
        harmless(|| hook(head, &mut attributes));
        Some(attributes)
    }
}

/// What `hook` says of `head`, if it is there and does not panic.
pub(super) fn ask<T>(hook: &Option<Ask<T>>, head: &RequestHead<'_>) -> Option<T> {
    let hook = hook.as_ref()?;
    harmless(|| hook(head))
}

/// Runs somebody else's function; a panic in it is none of the request's business.
fn harmless<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("filter", &self.filter.is_some())
            .field("trust", &self.trust.is_some())
            .field("span_name", &self.span_name.is_some())
            .field("route", &self.route.is_some())
            .field("is_stream", &self.is_stream.is_some())
            .field("on_request", &self.on_request.is_some())
            .field("on_response", &self.on_response.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_value_of_an_attribute() {
        let mut attributes = Attributes::default();
        attributes.span(KeyValue::new("tenant", "SECRET"));
        attributes.metric(KeyValue::new("tier", "SECRET"));
        let shown = format!("{attributes:?}");
        assert!(shown.contains("tenant") && shown.contains("tier"), "{shown}");
        assert!(!shown.contains("SECRET"), "{shown}");
    }
}
