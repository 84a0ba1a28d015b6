//! A new span in its context, which may show more than the SDK's own span context does.

use crate::{
    formats::w3c::traceparent::RANDOM,
    random_flag::{has_flag, is_random, with_random_trace_id},
    trace_state::{hand_over, hand_over_flag},
};
use opentelemetry::{
    Context, KeyValue,
    trace::{Span, SpanContext, Status, TraceContextExt, TraceFlags, TraceState},
};
use std::{borrow::Cow, error::Error, mem, time::SystemTime};

/// Returns `parent` with the span that `build` starts under it, with what is known of its trace id, and
/// with the trace state that was kept apart from `parent`; and whether the span records.
///
/// OpenTelemetry's generators draw the whole id of a trace that starts here; the flag asks for its
/// last seven bytes. The span's own context says so, which its children inherit and which needs no
/// allocation, unlike a value in the context. Below a span that is not sampled nothing is
/// inherited, so there the context keeps the mark as well.
pub(crate) fn with_span<S>(
    parent: &Context,
    build: impl FnOnce() -> S,
    apart: &mut Option<TraceState>,
) -> (Context, bool)
where
    S: Span + Send + Sync + 'static,
{
    // A span is large: it is moved once, into the context.
    let inner = build();
    let records = inner.is_recording();
    let Shown { context, leaves, needs_mark } = Shown::of(parent, inner.span_context(), apart);
    let context = match context {
        None => parent.with_span(inner),
        Some(context) => parent.with_span(ShownSpan { inner, context, leaves }),
    };
    (if needs_mark { with_random_trace_id(&context) } else { context }, records)
}

/// What is shown of a span.
struct Shown {
    /// The context to show in place of the span's own.
    context: Option<SpanContext>,
    leaves: Leaves,
    /// The context around it is to say that its trace id is random.
    needs_mark: bool,
}

impl Shown {
    fn of(parent: &Context, own: &SpanContext, apart: &mut Option<TraceState>) -> Self {
        let around = parent.span();
        let around = around.span_context();
        let is_random = is_known_random(parent, around, own);
        let adds_flag = is_random && !has_flag(own);
        // A provider that was shut down makes spans of no trace.
        let apart = if own.trace_id() == around.trace_id() { apart.take() } else { None };
        let leaves = if apart.is_some() || *own.trace_state() != TraceState::NONE {
            Leaves::Context
        } else {
            Leaves::Flag
        };
        let differs = adds_flag || apart.is_some();
        let context = differs.then(|| shown(own, adds_flag, apart));
        Self { context, leaves, needs_mark: is_random && !own.is_sampled() }
    }
}

/// Whether the trace id of a span that was started under `parent`, whose span is `around`, is known to
/// be random.
fn is_known_random(parent: &Context, around: &SpanContext, own: &SpanContext) -> bool {
    // An id that was given from outside may be anything.
    let starts_here = !around.is_valid() && own.trace_id() != around.trace_id();
    own.is_valid()
        && (starts_here || (own.trace_id() == around.trace_id() && is_random(parent, around)))
}

/// The span context `own` with the random flag, and with the trace state that was kept apart.
fn shown(own: &SpanContext, adds_flag: bool, apart: Option<TraceState>) -> SpanContext {
    let flag = if adds_flag { RANDOM } else { 0 };
    let flags = own.trace_flags() | TraceFlags::new(flag);
    let state = match apart {
        None => own.trace_state().clone(),
        Some(state) => with_newer(state, own.trace_state()),
    };
    SpanContext::new(own.trace_id(), own.span_id(), flags, own.is_remote(), state)
}

/// `state` with the members of `newer` in front. There are none, unless the process's sampler was
/// replaced while the span started.
fn with_newer(state: TraceState, newer: &TraceState) -> TraceState {
    let newer: Vec<_> = newer.into_iter().collect();
    let add = |state: TraceState, (key, value): &(&str, &str)| {
        state.insert(*key, *value).unwrap_or(state)
    };
    newer.iter().rev().fold(state, add)
}

/// A span that shows another context than the SDK's span does.
#[derive(Debug)]
struct ShownSpan<S: Span> {
    inner: S,
    context: SpanContext,
    leaves: Leaves,
}

/// What the exported span has yet to get of the context.
#[derive(Debug, PartialEq, Eq)]
enum Leaves {
    Nothing,
    /// The random flag, which is all that differs.
    Flag,
    /// All of it, because its trace state need not be cloned then.
    Context,
}

impl<S: Span> ShownSpan<S> {
    /// Ends the span, and hands what differs over to the process's span processor.
    fn leave(&mut self, end: impl FnOnce(&mut S)) {
        let Self { inner, context, leaves } = self;
        match mem::replace(leaves, Leaves::Nothing) {
            Leaves::Flag if inner.is_recording() => {
                return hand_over_flag(context.span_id(), || end(inner));
            }
            Leaves::Context if inner.is_recording() => {}
            _ => return end(inner),
        }
        let left = SpanContext::new(
            context.trace_id(),
            context.span_id(),
            context.trace_flags(),
            context.is_remote(),
            TraceState::NONE,
        );
        hand_over(mem::replace(context, left), || end(inner));
    }
}

/// The SDK's span ends when it is dropped, if not before.
impl<S: Span> Drop for ShownSpan<S> {
    fn drop(&mut self) {
        if self.leaves != Leaves::Nothing && self.inner.is_recording() {
            self.end();
        }
    }
}

impl<S: Span> Span for ShownSpan<S> {
    fn add_event_with_timestamp<T>(&mut self, name: T, at: SystemTime, attributes: Vec<KeyValue>)
    where
        T: Into<Cow<'static, str>>,
    {
        self.inner.add_event_with_timestamp(name, at, attributes);
    }

    fn add_event<T>(&mut self, name: T, attributes: Vec<KeyValue>)
    where
        T: Into<Cow<'static, str>>,
    {
        self.inner.add_event(name, attributes);
    }

    fn record_error(&mut self, error: &dyn Error) {
        self.inner.record_error(error);
    }

    fn span_context(&self) -> &SpanContext {
        &self.context
    }

    fn is_recording(&self) -> bool {
        self.inner.is_recording()
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        self.inner.set_attribute(attribute);
    }

    fn set_attributes(&mut self, attributes: impl IntoIterator<Item = KeyValue>) {
        self.inner.set_attributes(attributes);
    }

    fn set_status(&mut self, status: Status) {
        self.inner.set_status(status);
    }

    fn update_name<T>(&mut self, name: T)
    where
        T: Into<Cow<'static, str>>,
    {
        self.inner.update_name(name);
    }

    fn add_link(&mut self, to: SpanContext, attributes: Vec<KeyValue>) {
        self.inner.add_link(to, attributes);
    }

    fn end(&mut self) {
        self.leave(S::end);
    }

    fn end_with_timestamp(&mut self, at: SystemTime) {
        self.leave(|span| span.end_with_timestamp(at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::put_back_trace_state;
    use opentelemetry::{SpanId, TraceId};
    use std::sync::{Arc, Mutex};

    /// What the process's span processor would export.
    type Exported = Arc<Mutex<Vec<SpanContext>>>;

    fn states(exported: &Exported) -> Vec<String> {
        exported.lock().unwrap().iter().map(|span| span.trace_state().header()).collect()
    }

    /// A span like the SDK's, which ends once.
    #[derive(Debug)]
    struct Plain {
        context: SpanContext,
        exported: Option<Exported>,
    }

    impl Plain {
        fn new(context: SpanContext, exported: &Exported) -> Self {
            Self { context, exported: Some(Arc::clone(exported)) }
        }

        fn export(&mut self) {
            if let Some(exported) = self.exported.take() {
                let mut context = self.context.clone();
                put_back_trace_state(&mut context);
                exported.lock().unwrap().push(context);
            }
        }
    }

    impl Span for Plain {
        fn add_event_with_timestamp<T>(&mut self, _: T, _: SystemTime, _: Vec<KeyValue>)
        where
            T: Into<Cow<'static, str>>,
        {
        }

        fn span_context(&self) -> &SpanContext {
            &self.context
        }

        fn is_recording(&self) -> bool {
            self.exported.is_some()
        }

        fn set_attribute(&mut self, _: KeyValue) {}

        fn set_status(&mut self, _: Status) {}

        fn update_name<T>(&mut self, _: T)
        where
            T: Into<Cow<'static, str>>,
        {
        }

        fn add_link(&mut self, _: SpanContext, _: Vec<KeyValue>) {}

        fn end_with_timestamp(&mut self, _: SystemTime) {
            self.export();
        }
    }

    impl Drop for Plain {
        fn drop(&mut self) {
            self.export();
        }
    }

    fn context(trace: u128, span: u64, state: TraceState) -> SpanContext {
        let ids = (TraceId::from(trace), SpanId::from(span));
        SpanContext::new(ids.0, ids.1, TraceFlags::SAMPLED, span == 1, state)
    }

    fn state(members: &[(&'static str, &'static str)]) -> TraceState {
        TraceState::from_key_value(members.iter().copied()).unwrap()
    }

    fn started(own: SpanContext, exported: &Exported) -> Context {
        let parent = Context::new().with_remote_span_context(context(7, 1, TraceState::NONE));
        let mut apart = Some(state(&[("a", "1"), ("b", "2")]));
        with_span(&parent, || Plain::new(own, exported), &mut apart).0
    }

    #[test]
    fn a_list_that_was_kept_apart_is_shown_and_exported() {
        for ends in [true, false] {
            let exported = Exported::default();
            let child = started(context(7, 2, TraceState::NONE), &exported);
            assert_eq!(child.span().span_context().trace_state().header(), "a=1,b=2");
            if ends {
                child.span().end();
                child.span().end();
            }
            drop(child);
            assert_eq!(states(&exported), ["a=1,b=2"], "ended: {ends}");
        }
    }

    #[test]
    fn a_root_is_exported_with_the_flags_that_its_children_inherit() {
        let (none, some) = (TraceState::NONE, state(&[("ot", "th:8")]));
        for (state, ends) in [(&none, true), (&none, false), (&some, true), (&some, false)] {
            let exported = Exported::default();
            let own = context(7, 2, state.clone());
            let (root, _) = with_span(&Context::new(), || Plain::new(own, &exported), &mut None);
            let shown = root.span().span_context().clone();
            assert_eq!(shown.trace_flags().to_u8(), 3, "sampled and random");
            if ends {
                root.span().end();
            }
            drop(root);
            assert_eq!(*exported.lock().unwrap(), [shown], "ended: {ends}");
        }
    }

    #[test]
    fn what_a_sampler_wrote_meanwhile_stands_in_front() {
        let exported = Exported::default();
        let own = context(7, 2, state(&[("ot", "th:8"), ("b", "3")]));
        let child = started(own, &exported);
        assert_eq!(child.span().span_context().trace_state().header(), "ot=th:8,b=3,a=1");
        drop(child);
        assert_eq!(states(&exported), ["ot=th:8,b=3,a=1"]);
    }

    #[test]
    fn a_span_of_no_trace_takes_no_list() {
        let exported = Exported::default();
        let child = started(SpanContext::NONE, &exported);
        assert!(!child.span().span_context().is_valid());
        assert_eq!(child.span().span_context().trace_state(), &TraceState::NONE);
    }

    #[test]
    fn a_span_that_ends_inside_the_end_of_another_keeps_its_own_list() {
        let exported = Exported::default();
        let mut other = context(7, 3, state(&[("c", "3")]));
        hand_over(context(7, 2, state(&[("a", "1")])), || put_back_trace_state(&mut other));
        assert_eq!(other.trace_state().header(), "c=3");
        drop(started(context(7, 2, TraceState::NONE), &exported));
        assert_eq!(states(&exported), ["a=1,b=2"]);
    }
}
