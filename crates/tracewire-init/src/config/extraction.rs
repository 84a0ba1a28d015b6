//! What becomes of the trace that a request comes with, for the whole process. Layers have a setting of their
//! own, which sees what this leaves.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceState};
use opentelemetry::{Context, SpanId, TraceFlags, TraceId};
use tracewire_propagation::Propagator;

use crate::plan::Plan;
use crate::settings::Setting;

/// What becomes of the trace that a request comes with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    all(not(feature = "datadog-agent"), not(test)),
    expect(dead_code, reason = "no vendor asks for it")
)]
pub(crate) enum Extraction {
    /// It goes on.
    #[default]
    Continue,
    /// A new one begins, whose first span links to it. Baggage stays.
    Restart,
    /// Nothing, and neither of its baggage.
    Ignore,
}

/// The caller's span, in a context where a new trace begins.
#[derive(Clone, Debug)]
pub(crate) struct Restarted(
    #[cfg_attr(not(feature = "datadog-agent"), expect(dead_code, reason = "no vendor reads it"))]
    pub(crate) SpanContext,
);

/// `propagator`, changed to what is given.
pub(super) fn apply(
    given: Setting<Extraction>,
    propagator: Arc<dyn Propagator>,
    plan: &mut Plan,
) -> Arc<dyn Propagator> {
    if given.is_none() {
        return propagator;
    }
    match plan.pick("extraction", given, Extraction::Continue) {
        Extraction::Continue => propagator,
        Extraction::Restart => Arc::new(Changed { inner: propagator, restarts: true }),
        Extraction::Ignore => Arc::new(Changed { inner: propagator, restarts: false }),
    }
}

/// Writes what its propagator writes, and reads less.
#[derive(Debug)]
struct Changed {
    inner: Arc<dyn Propagator>,
    restarts: bool,
}

impl Propagator for Changed {
    fn extract(&self, headers: &HeaderMap, parent: &Context) -> Context {
        if !self.restarts {
            return parent.clone();
        }
        let context = self.inner.extract(headers, parent);
        let caller = context.span().span_context().clone();
        if !caller.is_valid() || !caller.is_remote() {
            return context;
        }
        // A span without ids is no parent.
        let none = SpanContext::new(
            TraceId::INVALID,
            SpanId::INVALID,
            TraceFlags::NOT_SAMPLED,
            false,
            TraceState::NONE,
        );
        context.with_remote_span_context(none).with_value(Restarted(caller))
    }

    fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        self.inner.inject(context, headers);
    }

    fn header_names(&self) -> &[HeaderName] {
        self.inner.header_names()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::propagators::{Formats, choose};
    use crate::settings::from_variable;
    use opentelemetry::baggage::BaggageExt;

    fn extracted(extraction: Extraction) -> Context {
        let mut plan = Plan::default();
        let formats = Formats::Named("tracecontext,baggage".to_owned());
        let formats = choose(from_variable("OTEL_PROPAGATORS", formats), &mut plan).unwrap();
        let propagator = apply(from_variable("X", extraction), formats, &mut plan);
        let mut headers = HeaderMap::new();
        let value = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        headers.insert("traceparent", value.parse().unwrap());
        headers.insert("baggage", "tier=gold".parse().unwrap());
        propagator.extract(&headers, &Context::new())
    }

    #[test]
    fn each_word_does_what_it_says() {
        for (extraction, is_parent, restarted, members) in [
            (Extraction::Continue, true, false, 1),
            (Extraction::Restart, false, true, 1),
            (Extraction::Ignore, false, false, 0),
        ] {
            let context = extracted(extraction);
            assert_eq!(context.span().span_context().is_valid(), is_parent, "{extraction:?}");
            assert_eq!(context.get::<Restarted>().is_some(), restarted, "{extraction:?}");
            assert_eq!(context.baggage().len(), members, "{extraction:?}");
        }
    }
}
