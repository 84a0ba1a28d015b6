//! The call that connections are set up for.

use super::phase::{Phase, Spent};
use crate::{
    conventions as c,
    hook::Hook,
    outcome::{Classify, Ending},
};
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanBuilder, SpanRef, TraceContextExt, TraceState},
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tracewire_propagation::{current, providers::AnyTracer};

/// What one recorded call spent on connections, carried by the context of its span.
///
/// Only calls of clients that trace connections have one, and none that is left alone. So nothing is
/// written on another span that happens to be current.
#[derive(Clone, Debug, Default)]
pub(super) struct Call(Arc<Mutex<Costs>>);

#[derive(Debug, Default)]
struct Costs {
    spent: [Option<Duration>; Phase::ALL.len()],
    failed: Option<Phase>,
    told: bool,
}

impl Call {
    pub(super) fn of(context: &Context) -> Option<Self> {
        context.get::<Self>().cloned()
    }

    /// Whether the caller runs inside this call, and not in a task that outlives it.
    pub(super) fn is_current(&self) -> bool {
        let is_this = |other: &Self| Arc::ptr_eq(&self.0, &other.0);
        current::with(|context| context.get::<Self>().is_some_and(is_this))
    }

    /// Adds to what the call spent.
    pub(super) fn add(&self, spent: &[Spent], failed: Option<Phase>) {
        let mut costs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for &(phase, took) in spent {
            *costs.spent[phase as usize].get_or_insert_default() += took;
        }
        // A wait fails because of what was waited for.
        if failed != Some(Phase::Wait) || costs.failed.is_none() {
            costs.failed = failed.or(costs.failed);
        }
    }

    /// Shows the sums on the span that is about to end. Once: an attribute that is set again is there
    /// twice.
    fn tell(&self, span: &SpanRef<'_>) {
        let mut costs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut costs.told, true) {
            return;
        }
        for phase in Phase::ALL {
            if let Some(took) = costs.spent[phase as usize] {
                span.set_attribute(KeyValue::new(phase.attribute(), took.as_secs_f64()));
            }
        }
        if let Some(phase) = costs.failed {
            span.set_attribute(KeyValue::new(c::CONNECTION_FAILED_PHASE, phase.as_str()));
        }
    }
}

/// Returns `classify` such that a call first tells what it spent.
///
/// A classifier is asked inside the call's context, right before its span ends. So calls of clients
/// that trace no connections need not look whether there is something to tell.
pub(crate) fn telling(classify: Option<Hook<Classify>>) -> Hook<Classify> {
    Hook(Arc::new(move |ending: &Ending<'_>| {
        current::with(|context| {
            if let Some(call) = context.get::<Call>() {
                call.tell(&context.span());
            }
        });
        classify.as_ref().map_or(ending.verdict, |classify| (classify.0)(ending))
    }))
}

/// Returns `tracer` such that the contexts of spans that record carry a [`Call`].
pub(crate) fn marking(tracer: Arc<dyn AnyTracer>) -> Arc<dyn AnyTracer> {
    Arc::new(Marking(tracer))
}

struct Marking(Arc<dyn AnyTracer>);

impl AnyTracer for Marking {
    fn start_with(
        &self,
        span: SpanBuilder,
        parent: &Context,
        apart: &mut Option<TraceState>,
    ) -> (Context, bool) {
        let (context, records) = self.0.start_with(span, parent, apart);
        let context = if records { context.with_value(Call::default()) } else { context };
        (context, records)
    }
}
