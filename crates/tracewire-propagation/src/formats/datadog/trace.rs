//! What Datadog's headers said about a trace, for those who export its spans.

use super::{extras, extras::Extras};
use opentelemetry::{Context, trace::SpanContext};
use std::borrow::Cow;

/// What Datadog's services said about a trace beside its ids: sampling priority, origin and tags.
///
/// It comes from the headers `x-datadog-*`, or from the member `dd` of `tracestate`. Both were written by a
/// caller, and only what may be sent on is here: an origin of at most 128 bytes, and tags `_dd.p.*` of at most
/// 512 bytes in all.
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use opentelemetry::{Context, trace::TraceContextExt};
/// use tracewire_propagation::{Datadog, DatadogTrace, Propagator};
///
/// let mut headers = HeaderMap::new();
/// for (name, value) in [
///     ("x-datadog-trace-id", "42"),
///     ("x-datadog-parent-id", "7"),
///     ("x-datadog-sampling-priority", "2"),
///     ("x-datadog-origin", "synthetics"),
///     ("x-datadog-tags", "_dd.p.dm=-4"),
/// ] {
///     headers.insert(name, HeaderValue::from_static(value));
/// }
/// let context = Datadog::new().extract(&headers, &Context::new());
/// let trace = DatadogTrace::of(&context, context.span().span_context()).unwrap();
/// assert_eq!((trace.priority(), trace.origin()), (Some(2), Some("synthetics")));
/// assert!(trace.tags().eq([("_dd.p.dm", "-4")]));
/// ```
#[derive(Clone, Debug)]
pub struct DatadogTrace<'a> {
    extras: Cow<'a, Extras>,
    is_sampled: bool,
}

impl<'a> DatadogTrace<'a> {
    /// Returns what is known about the trace of `span`, which may be a span below the one that came
    /// in; `None` if no service of Datadog's said anything.
    pub fn of(context: &'a Context, span: &SpanContext) -> Option<Self> {
        Some(Self { extras: extras(context, span)?, is_sampled: span.is_sampled() })
    }

    /// Returns the sampling priority, as it is sent on: −1 and 2 are a person's decision, 0 and 1 a
    /// sampler's. One that contradicts the span's sampled flag is replaced by 0 or 1.
    pub fn priority(&self) -> Option<i32> {
        let agrees = |priority: &i32| (*priority > 0) == self.is_sampled;
        let priority = self.extras.priority?;
        Some(Some(priority).filter(agrees).unwrap_or(i32::from(self.is_sampled)))
    }

    /// Returns where the trace began: `synthetics`, `rum`, `lambda`.
    pub fn origin(&self) -> Option<&str> {
        self.extras.origin.as_deref()
    }

    /// Returns the tags that travel with the trace, without the upper half of the trace id.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.extras.tags()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{SpanId, TraceFlags, TraceId, TraceState};

    fn span(flags: TraceFlags, member: Option<&str>) -> SpanContext {
        let state = TraceState::from_key_value(member.map(|member| ("dd", member))).unwrap();
        SpanContext::new(TraceId::from(7), SpanId::from(7), flags, true, state)
    }

    fn priority(flags: TraceFlags, member: &str) -> Option<i32> {
        DatadogTrace::of(&Context::new(), &span(flags, Some(member)))?.priority()
    }

    #[test]
    fn a_priority_that_contradicts_the_flag_is_replaced() {
        for (member, sampled, not_sampled) in
            [("s:2", Some(2), Some(0)), ("s:-1", Some(1), Some(-1)), ("o:rum", None, None)]
        {
            assert_eq!(priority(TraceFlags::SAMPLED, member), sampled, "{member}");
            assert_eq!(priority(TraceFlags::NOT_SAMPLED, member), not_sampled, "{member}");
        }
    }

    #[test]
    fn a_trace_without_datadog_s_services_has_none() {
        assert!(DatadogTrace::of(&Context::new(), &span(TraceFlags::SAMPLED, None)).is_none());
    }
}
