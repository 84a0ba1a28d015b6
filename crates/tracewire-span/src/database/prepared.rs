//! The span of a call, before its start.

use super::statement::Statement;
use crate::{
    SpanKind, limit,
    provider::SharedTracerProvider,
    run::Started,
    tracer::{drops_unsampled, polled_parent},
};
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanBuilder, TraceContextExt},
};
use std::{borrow::Cow, sync::Arc};
use tracewire_propagation::{SamplingHint, describe_unsampled};

const QUERY_TEXT: &str = "db.query.text";

/// What the span of a call is made of.
pub(crate) struct Prepared {
    /// A provider for this call alone.
    pub(super) provider: Option<SharedTracerProvider>,
    pub(super) statement: Arc<Statement>,
    pub(super) rare: Option<Box<Rare>>,
    pub(super) describe_unsampled: bool,
}

/// What few calls have: a call is moved often until it is polled.
#[derive(Clone, Default)]
pub(super) struct Rare {
    pub(super) collection: Option<Cow<'static, str>>,
    pub(super) summary: Option<Cow<'static, str>>,
    /// A text to export unchanged, in place of the statement's.
    pub(super) raw_text: Option<String>,
    pub(super) batch_size: Option<usize>,
    /// Attributes of the span alone.
    pub(super) more: Vec<KeyValue>,
}

impl Prepared {
    /// Starts the span at the first poll of a future that was made in this context.
    ///
    /// It is described at its start, so that samplers see the attributes, except under a parent that
    /// is not sampled: then only if the span records after all. Where the sampler is known to follow
    /// the parent, there is none: the parent is returned, for the work to run in, and whether it is
    /// the current context.
    pub(crate) fn start_polled(&mut self, made_in: &Context) -> Result<Started, (Context, bool)> {
        let (parent, is_current) = polled_parent(made_in);
        let library = self.statement.library;
        let describe_now = self.describe_unsampled || describe_unsampled() || !is_refused(&parent);
        if describe_now {
            let builder = SpanBuilder::from_name(self.statement.span_name());
            let builder = builder.with_kind(SpanKind::Client).with_attributes(self.attributes());
            return Ok(library.start(self.provider.as_ref(), builder, &parent));
        }
        if drops_unsampled(self.provider.as_ref(), &parent) {
            // The parent's decision goes on as it came.
            return Err((parent, is_current));
        }
        let builder = SpanBuilder::from_name(self.statement.system).with_kind(SpanKind::Client);
        let started = library.start(self.provider.as_ref(), builder, &parent);
        if started.span.is_recording() {
            let span = started.span.context().span();
            span.update_name(self.statement.span_name());
            span.set_attributes(self.attributes());
        }
        Ok(started)
    }

    /// All attributes of the span. The last value of a key wins.
    fn attributes(&mut self) -> Vec<KeyValue> {
        let Self { statement, rare, .. } = self;
        let Some(rare) = rare.take() else {
            let mut all = Vec::with_capacity(statement.attributes.len() + 1);
            all.extend_from_slice(&statement.attributes);
            all.extend(statement.text.clone().map(|text| KeyValue::new(QUERY_TEXT, text)));
            return all;
        };
        let Rare { raw_text, batch_size, more, .. } = *rare;
        let text = raw_text.map(|text| limit::text(Cow::Owned(text)).into());
        let text = text.or_else(|| statement.text.clone());
        let batch_size = batch_size.map(|size| i64::try_from(size).unwrap_or(i64::MAX));
        let mut all = Vec::with_capacity(statement.attributes.len() + 2 + more.len());
        all.extend_from_slice(&statement.attributes);
        all.extend(text.map(|text| KeyValue::new(QUERY_TEXT, text)));
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
    if !context.is_valid() || context.is_sampled() {
        return false;
    }
    let asks_to_record = |hint: &SamplingHint| {
        matches!(hint, SamplingHint::Deferred | SamplingHint::On | SamplingHint::Debug)
    };
    if context.is_remote() {
        !parent.get().is_some_and(asks_to_record)
    } else {
        !span.is_recording()
    }
}
