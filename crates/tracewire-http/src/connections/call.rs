//! The call that connections are set up for.

use super::phase::{Phase, Spent};
use crate::conventions as c;
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanBuilder, TraceContextExt},
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
    spent: [Duration; 4],
    failed: bool,
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

    /// Adds to what the call spent, and shows the sums on its span, which `context` carries.
    pub(super) fn add(&self, context: &Context, spent: &[Spent], failed: Option<Phase>) {
        let mut costs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let span = context.span();
        for &(phase, took) in spent {
            let sum = &mut costs.spent[phase as usize];
            *sum += took;
            span.set_attribute(KeyValue::new(phase.attribute(), sum.as_secs_f64()));
        }
        if let Some(phase) = failed {
            // A wait fails because of what was waited for.
            if phase != Phase::Wait || !costs.failed {
                span.set_attribute(KeyValue::new(c::CONNECTION_FAILED_PHASE, phase.as_str()));
            }
            costs.failed = true;
        }
    }
}

/// Returns `tracer` such that the contexts of spans that record carry a [`Call`].
pub(crate) fn marking(tracer: Arc<dyn AnyTracer>) -> Arc<dyn AnyTracer> {
    Arc::new(Marking(tracer))
}

struct Marking(Arc<dyn AnyTracer>);

impl AnyTracer for Marking {
    fn start(&self, span: SpanBuilder, parent: &Context) -> (Context, bool) {
        let (context, records) = self.0.start(span, parent);
        let context = if records { context.with_value(Call::default()) } else { context };
        (context, records)
    }
}
