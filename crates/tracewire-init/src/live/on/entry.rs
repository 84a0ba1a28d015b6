//! The name and the path of a request that begins.
//!
//! A span processor sees neither without a copy of the whole span. The sampler is shown both, on the
//! same thread and just before the span starts, so they are noted there for the moment in between.

use std::cell::RefCell;
use std::sync::Arc;

use opentelemetry::trace::{Link, SpanKind, TraceContextExt, TraceId};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};
use tracewire_text::cut;

/// Names that a thread remembers, so that requests share them.
const MOST_NAMES: usize = 32;
/// Of a path so many bytes are shown.
const MOST_PATH: usize = 64;
const MOST_NAME: usize = 256;

/// Notes entry spans, and leaves the decision to another sampler.
#[derive(Clone, Debug)]
pub(super) struct Entries<S> {
    inner: S,
}

impl<S> Entries<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S: ShouldSample + Clone + 'static> ShouldSample for Entries<S> {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let result =
            self.inner.should_sample(parent_context, trace_id, name, span_kind, attributes, links);
        if result.decision == SamplingDecision::RecordAndSample && is_entry(parent_context) {
            note(trace_id, name, attributes);
        }
        result
    }
}

fn is_entry(parent: Option<&Context>) -> bool {
    parent.is_none_or(|parent| {
        let span = parent.span();
        let context = span.span_context();
        !context.is_valid() || context.is_remote()
    })
}

#[derive(Default)]
struct Noted {
    /// The trace whose entry span starts next on this thread.
    trace: Option<TraceId>,
    name: Option<Arc<str>>,
    path: String,
    names: Vec<Arc<str>>,
    next: usize,
}

thread_local! {
    static NOTED: RefCell<Noted> = RefCell::default();
}

fn note(trace: TraceId, name: &str, attributes: &[KeyValue]) {
    // A thread that ends has none, and goes without.
    let _ = NOTED.try_with(|noted| {
        let Ok(mut noted) = noted.try_borrow_mut() else { return };
        noted.trace = Some(trace);
        noted.name = Some(noted.shared(name));
        let path = attributes.iter().find(|attribute| attribute.key.as_str() == "url.path");
        noted.path.clear();
        if let Some(KeyValue { value: Value::String(path), .. }) = path {
            let mut end = path.as_str().len().min(MOST_PATH);
            while !path.as_str().is_char_boundary(end) {
                end -= 1;
            }
            noted.path.push_str(&path.as_str()[..end]);
        }
    });
}

/// Calls `begin` with name and path if an entry span of this trace was noted last. Returns whether one
/// was.
pub(super) fn take_entry(trace: TraceId, begin: impl FnOnce(Arc<str>, &str)) -> bool {
    let taken = NOTED.try_with(|noted| {
        let Ok(mut noted) = noted.try_borrow_mut() else { return false };
        if noted.trace != Some(trace) {
            return false;
        }
        noted.trace = None;
        let Some(name) = noted.name.take() else { return false };
        begin(name, &noted.path);
        true
    });
    taken.unwrap_or(false)
}

impl Noted {
    fn shared(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.iter().find(|known| &***known == name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = Arc::from(&*cut(name, MOST_NAME));
        if self.names.len() < MOST_NAMES {
            self.names.push(Arc::clone(&new));
        } else {
            self.names[self.next] = Arc::clone(&new);
            self.next = (self.next + 1) % MOST_NAMES;
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_sdk::trace::Sampler;

    use super::*;

    fn ask(sampler: Sampler, parent: Option<&Context>, trace: u128, path: &str) {
        let attributes = [KeyValue::new("url.path", path.to_owned())];
        let trace = TraceId::from(trace);
        Entries::new(sampler).should_sample(
            parent,
            trace,
            "GET /items",
            &SpanKind::Server,
            &attributes,
            &[],
        );
    }

    fn taken(trace: u128) -> Option<(String, String)> {
        let mut taken = None;
        take_entry(TraceId::from(trace), |name, path| {
            taken = Some((name.to_string(), path.to_owned()));
        });
        taken
    }

    #[test]
    fn an_entry_span_that_is_sampled_is_noted_once() {
        ask(Sampler::AlwaysOn, None, 1, "/items/7");
        assert_eq!(taken(2), None);
        assert_eq!(taken(1), Some(("GET /items".to_owned(), "/items/7".to_owned())));
        assert_eq!(taken(1), None);
        ask(Sampler::AlwaysOff, None, 1, "/items/7");
        assert_eq!(taken(1), None);
        ask(Sampler::AlwaysOn, None, 1, &"ä".repeat(100));
        assert_eq!(taken(1).unwrap().1, "ä".repeat(32));
    }

    #[test]
    fn a_span_below_a_local_one_is_no_entry_and_one_below_a_remote_one_is() {
        use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceState};
        for (is_remote, expected) in [(false, false), (true, true)] {
            let parent = SpanContext::new(
                TraceId::from(1),
                SpanId::from(1),
                TraceFlags::SAMPLED,
                is_remote,
                TraceState::NONE,
            );
            let parent = Context::new().with_remote_span_context(parent);
            ask(Sampler::AlwaysOn, Some(&parent), 1, "/");
            assert_eq!(taken(1).is_some(), expected);
        }
    }
}
