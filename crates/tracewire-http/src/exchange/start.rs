//! Starts the span, described for the sampler.

use super::{Record, span_id};
use crate::values::{Side, span_name};
use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanBuilder, SpanContext, SpanKind, TraceContextExt, TraceState},
};
use std::{
    borrow::Cow,
    panic::{AssertUnwindSafe, catch_unwind},
};
use tracewire_propagation::{
    SamplingHint, describe_unsampled, is_untraced, outgoing, uncontinued_caller, with_trace_state,
};

/// How many attributes a span has at most before its end: an SDK keeps 128 unless it is told
/// otherwise, and drops what comes later. What the conventions want at the end needs the others.
const ROOM: usize = 112;

/// What an exchange starts under.
#[derive(Debug)]
pub(crate) struct Below<'a> {
    pub(crate) parent: &'a Context,
    /// The context of a caller that the span links to, in place of a parent.
    pub(crate) linked: Option<Context>,
    /// The parent's span is the exchange's own already, below a caller who did not sample.
    pub(crate) is_hop: bool,
    /// The caller's trace state, which the parent's span lacks.
    pub(crate) apart: Option<TraceState>,
}

impl<'a> Below<'a> {
    pub(crate) fn of(parent: &'a Context) -> Self {
        Self { parent, linked: None, is_hop: false, apart: None }
    }

    /// The parent with all that the caller sent, where no span takes the trace state.
    fn whole(parent: &Context, apart: Option<TraceState>) -> Cow<'_, Context> {
        apart.map_or(Cow::Borrowed(parent), |state| Cow::Owned(with_trace_state(parent, state)))
    }
}

/// The caller in a context, or the one whose trace could not be continued.
fn caller_of(context: &Context) -> SpanContext {
    let span = context.span();
    uncontinued_caller(context).unwrap_or(span.span_context()).clone()
}

impl Record {
    /// Starts the span, if there is a tracer and the work is to be recorded, and counts the exchange
    /// as active.
    ///
    /// The span is described at its start, so that samplers see the attributes, except under a
    /// remote parent that is not sampled: then only if the span records after all. Where it is known
    /// that the sampler follows a parent that is not, no span starts.
    pub(crate) fn start(
        &mut self,
        Below { parent, linked, is_hop, mut apart }: Below<'_>,
        describe: impl Fn(&Self) -> (Cow<'static, str>, Vec<KeyValue>),
    ) {
        self.count_active(1);
        let tracer = self.resolved.tracer.as_ref().filter(|_| !is_untraced(parent));
        let Some(tracer) = tracer else {
            self.context = outgoing(&Below::whole(parent, apart));
            return;
        };
        if is_hop {
            self.context = parent.clone();
            return;
        }
        let early = self.resolved.options.describe_unsampled || describe_unsampled();
        let refused = !early && is_refused(parent);
        if refused && self.resolved.drops_unsampled() && linked.is_none() {
            self.context = unsampled_child(&Below::whole(parent, apart));
            return;
        }
        let late = refused && parent.span().span_context().is_remote();
        let mut room = ROOM;
        let mut describe = |record: &Self| {
            let (name, mut attributes) = describe(record);
            // The conventions' own come first.
            attributes.truncate(ROOM);
            room = ROOM - attributes.len();
            (name, attributes)
        };
        let (name, attributes) =
            if late { (Cow::Borrowed("HTTP"), Vec::new()) } else { describe(self) };
        let kind = match self.side {
            Side::Server => SpanKind::Server,
            Side::Client => SpanKind::Client,
        };
        let started_at = self.options().clock.wall();
        let links = linked.map(|caller| vec![Link::with_context(caller_of(&caller))]);
        // Samplers and span processors are other people's code: a request goes on without a span.
        let start = AssertUnwindSafe(|| {
            let builder = SpanBuilder {
                span_kind: Some(kind),
                name,
                start_time: Some(started_at),
                attributes: Some(attributes),
                events: None,
                links,
            };
            tracer.start_with(builder, parent, &mut apart)
        });
        let Ok((context, recording)) = catch_unwind(start) else {
            self.context = outgoing(&Below::whole(parent, apart));
            return;
        };
        (self.started_at, self.recording) = (started_at, recording);
        if late && recording {
            let (name, attributes) = describe(self);
            let span = context.span();
            span.update_name(name);
            span.set_attributes(attributes);
        }
        self.room = room;
        self.context = context;
    }
}

impl Record {
    /// The span's name: `given`, or gRPC's method, or the HTTP method with the route of a server or the
    /// `template` of a client.
    pub(crate) fn span_name(
        &self,
        given: Option<&str>,
        template: Option<&str>,
    ) -> Cow<'static, str> {
        match (given, &self.rpc, &self.route) {
            (Some(name), ..) => Cow::Owned(name.to_owned()),
            (None, Some(call), _) => Cow::Owned(call.name().to_owned()),
            (None, None, Some(route)) => route.span_name(&self.method),
            (None, None, None) => span_name(&self.method, template),
        }
    }
}

/// A context below the caller's decision, with an id of its own: Trace Context wants one at every hop.
fn unsampled_child(parent: &Context) -> Context {
    let span = parent.span();
    let caller = span.span_context();
    parent.with_remote_span_context(SpanContext::new(
        caller.trace_id(),
        span_id::random(),
        caller.trace_flags(),
        false,
        caller.trace_state().clone(),
    ))
}

/// Whether it was decided before, here or in another process, not to sample this trace.
fn is_refused(parent: &Context) -> bool {
    let span = parent.span();
    let parent_span = span.span_context();
    parent_span.is_valid()
        && !parent_span.is_sampled()
        && (parent_span.is_remote() || !span.is_recording())
        && !matches!(
            parent.get::<SamplingHint>(),
            Some(SamplingHint::Deferred | SamplingHint::On | SamplingHint::Debug)
        )
}
