//! The span of a call, before its start.

use super::statement::Statement;
use crate::{Span, SpanKind, Tracer, limit, tracer::polled_parent};
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanBuilder, TraceContextExt},
};
use std::{borrow::Cow, sync::Arc};
use tracewire_propagation::{SamplingHint, describe_unsampled};

/// What the span of a call is made of.
pub(crate) struct Prepared {
    pub(super) tracer: Tracer,
    pub(super) statement: Arc<Statement>,
    /// A text to export unchanged, in place of the statement's.
    pub(super) raw_text: Option<String>,
    pub(super) batch_size: Option<usize>,
    pub(super) more: Vec<KeyValue>,
    pub(super) describe_unsampled: bool,
}

impl Prepared {
    /// Starts the span at the first poll of a future that was made in this context.
    ///
    /// It is described at its start, so that samplers see the attributes, except under a parent that
    /// is not sampled: then only if the span records after all. Where the sampler is known to follow
    /// the parent, there is none, and the work runs in the parent.
    pub(crate) fn start_polled(self, made_in: Context) -> Span {
        let parent = polled_parent(made_in);
        let tracer = self.tracer.clone();
        let describe_now = self.describe_unsampled || describe_unsampled() || !is_refused(&parent);
        if describe_now {
            let builder = SpanBuilder::from_name(self.statement.name.clone());
            let builder = builder.with_kind(SpanKind::Client).with_attributes(self.attributes());
            return tracer.start(builder, &parent);
        }
        if tracer.drops_unsampled(&parent) {
            // The parent's decision goes on as it came.
            return Span::from_context(parent);
        }
        let builder = SpanBuilder::from_name(self.statement.system).with_kind(SpanKind::Client);
        let span = tracer.start(builder, &parent);
        span.if_recording(|span| {
            let span = span.context().span();
            span.update_name(self.statement.name.clone());
            span.set_attributes(self.attributes());
        });
        span
    }

    /// All attributes of the span. The last value of a key wins.
    fn attributes(self) -> Vec<KeyValue> {
        let Self { statement, raw_text, batch_size, more, .. } = self;
        let text = raw_text.map(|text| limit::text(Cow::Owned(text)).into());
        let text = text.or_else(|| statement.text.clone());
        let batch_size = batch_size.map(|size| i64::try_from(size).unwrap_or(i64::MAX));
        let mut all = Vec::with_capacity(statement.attributes.len() + 2 + more.len());
        all.extend_from_slice(&statement.attributes);
        all.extend(text.map(|text| KeyValue::new("db.query.text", text)));
        all.extend(batch_size.map(|size| KeyValue::new("db.operation.batch.size", size)));
        for attribute in more {
            match all.iter_mut().find(|own| own.key == attribute.key) {
                Some(own) => *own = attribute,
                None => all.push(attribute),
            }
        }
        all
    }
}

/// Whether a sampler that follows the parent drops what starts in this context.
fn is_refused(parent: &Context) -> bool {
    let span = parent.span();
    let context = span.span_context();
    if !context.is_valid() || context.is_sampled() || span.is_recording() {
        return false;
    }
    let asks_to_record = |hint: &SamplingHint| {
        matches!(hint, SamplingHint::Deferred | SamplingHint::On | SamplingHint::Debug)
    };
    !(context.is_remote() && parent.get().is_some_and(asks_to_record))
}
