//! Datadog: `x-datadog-*`.

mod extras;
mod trace;

pub use self::trace::DatadogTrace;

use self::extras::{Extras, high_half};
use crate::{
    propagator::Propagator,
    sampling_hint::SamplingHint,
    tools::{
        decimal,
        kept::{keep, kept},
        malformed::Malformed,
        read::first,
        remote::{is_undecided, remote_span, with_remote_span},
        write,
    },
};
use http::{HeaderMap, HeaderName};
use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt, TraceFlags, TraceState},
};
use std::borrow::Cow;

/// Datadog: the headers `x-datadog-trace-id`, `-parent-id`, `-sampling-priority`, `-origin` and
/// `-tags`.
///
/// The upper half of a 128-bit trace id travels in the tag `_dd.p.tid`. The priorities −1 and 2,
/// which a person chose, the origin and the `_dd.p.*` tags are sent on with the trace; a decision
/// made here that contradicts the priority replaces it. Without a priority the decision is left to
/// this service ([`SamplingHint::Deferred`]). A trace that came in W3C's headers brings these from
/// the member `dd` of `tracestate`.
///
/// A parent id of 0 says that the next span is the root of the trace, as synthetic tests send it.
/// OpenTelemetry has no trace without a parent span, so the context gets one whose id is the lower
/// half of the trace id; 0 is sent on where no span of this service comes between.
///
/// Follows the headers of Datadog's own tracers.
///
/// # Examples
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use opentelemetry::{Context, trace::TraceContextExt};
/// use tracewire_propagation::{Datadog, Propagator};
///
/// let mut headers = HeaderMap::new();
/// headers.insert("x-datadog-trace-id", HeaderValue::from_static("2860401407279412605"));
/// headers.insert("x-datadog-parent-id", HeaderValue::from_static("15795710991645304232"));
/// headers.insert("x-datadog-sampling-priority", HeaderValue::from_static("1"));
/// let tags = HeaderValue::from_static("_dd.p.dm=-0,_dd.p.tid=6b00b29a00000000");
/// headers.insert("x-datadog-tags", tags);
/// let context = Datadog::new().extract(&headers, &Context::new());
/// let trace_id = context.span().span_context().trace_id();
/// assert_eq!(trace_id.to_string(), "6b00b29a0000000027b22fecc3eab57d");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Datadog(());

impl Datadog {
    /// Creates the format.
    pub const fn new() -> Self {
        Self(())
    }
}

impl Propagator for Datadog {
    fn extract(&self, headers: &HeaderMap, parent: &Context) -> Context {
        let Some(received) = Received::read(headers) else { return parent.clone() };
        received.into_context(parent).unwrap_or_else(|| {
            MALFORMED.warn();
            parent.clone()
        })
    }

    fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        let span = context.span();
        let span_context = span.span_context();
        if !span_context.is_valid() {
            return;
        }
        let extras = extras(context, span_context);
        let extras = extras.as_deref();
        inject_ids(span_context, extras, headers);

        match priority(context, span_context, extras) {
            Some(-1) => write::set_static(headers, PRIORITY, "-1"),
            Some(0) => write::set_static(headers, PRIORITY, "0"),
            Some(1) => write::set_static(headers, PRIORITY, "1"),
            Some(priority) => write::set_string(headers, PRIORITY, priority.to_string()),
            None => drop(headers.remove(PRIORITY)),
        }
        match extras.and_then(|extras| extras.origin.as_deref()) {
            Some(origin) => write::set(headers, ORIGIN, origin.as_bytes()),
            None => drop(headers.remove(ORIGIN)),
        }
        let (high, _) = halves(span_context);
        let tags = extras::tags(high, extras, span_context.is_sampled());
        if tags.is_empty() {
            headers.remove(TAGS);
        } else {
            write::set_string(headers, TAGS, tags);
        }
    }

    fn header_names(&self) -> &[HeaderName] {
        &NAMES
    }
}

static NAMES: [HeaderName; 5] = [
    HeaderName::from_static("x-datadog-trace-id"),
    HeaderName::from_static("x-datadog-parent-id"),
    HeaderName::from_static("x-datadog-sampling-priority"),
    HeaderName::from_static("x-datadog-origin"),
    HeaderName::from_static("x-datadog-tags"),
];
static TRACE_ID: &HeaderName = &NAMES[0];
static PARENT_ID: &HeaderName = &NAMES[1];
static PRIORITY: &HeaderName = &NAMES[2];
static ORIGIN: &HeaderName = &NAMES[3];
static TAGS: &HeaderName = &NAMES[4];
static MALFORMED: Malformed = Malformed::new("x-datadog-trace-id");
static MALFORMED_TAGS: Malformed = Malformed::new("x-datadog-tags");

/// The values of the headers, not yet judged.
struct Received<'a> {
    trace_id: &'a [u8],
    parent_id: Option<&'a [u8]>,
    priority: Option<&'a [u8]>,
    origin: Option<&'a [u8]>,
    tags: Option<&'a [u8]>,
}

impl<'a> Received<'a> {
    /// Reads the headers, or `None` without a trace id.
    fn read(headers: &'a HeaderMap) -> Option<Self> {
        let trace_id = first(headers, TRACE_ID)?;
        let [parent_id, priority, origin, tags] =
            [PARENT_ID, PRIORITY, ORIGIN, TAGS].map(|name| first(headers, name));
        Some(Self { trace_id, parent_id, priority, origin, tags })
    }

    /// Returns `parent` with the caller's span, or `None` if an id or the priority is malformed.
    fn into_context(self, parent: &Context) -> Option<Context> {
        let (low, span_id) = (decimal::read(self.trace_id)?, decimal::read(self.parent_id?)?);
        if low == 0 {
            return None;
        }
        let priority = match self.priority {
            Some(priority) => Some(extras::priority(priority)?),
            None => None,
        };
        let high = match self.tags.map(high_half) {
            None => 0,
            Some(Ok(high)) => high,
            Some(Err(_)) => {
                MALFORMED_TAGS.warn();
                0
            }
        };
        let (flags, hint) = match priority {
            Some(priority) => (TraceFlags::default().with_sampled(priority > 0), None),
            None => (TraceFlags::SAMPLED, Some(SamplingHint::Deferred)),
        };
        let id = u128::from(high) << 64 | u128::from(low);
        let is_root = span_id == 0;
        let span_id = if is_root { low } else { span_id };
        let span = remote_span(id.to_be_bytes(), span_id.to_be_bytes(), flags, TraceState::NONE)?;
        let trace_id = span.trace_id();
        let context = with_remote_span(parent, span, hint);
        let mut extras = Extras::new(priority, self.origin, self.tags);
        extras.is_root = is_root;
        Some(if extras.is_empty() { context } else { keep(&context, trace_id, extras) })
    }
}

/// Writes both ids in decimal: the lower half of the trace id, and the parent id.
fn inject_ids(span_context: &SpanContext, extras: Option<&Extras>, headers: &mut HeaderMap) {
    let mut digits = [0; 20];
    let (_, low) = halves(span_context);
    write::set(headers, TRACE_ID, decimal::write(low, &mut digits));
    let is_root = span_context.is_remote() && extras.is_some_and(|extras| extras.is_root);
    let span_id = u64::from_be_bytes(span_context.span_id().to_bytes());
    write::set(headers, PARENT_ID, decimal::write(if is_root { 0 } else { span_id }, &mut digits));
}

/// The upper and the lower half of the trace id.
#[allow(clippy::cast_possible_truncation)] // each half is what is meant
fn halves(span_context: &SpanContext) -> (u64, u64) {
    let id = u128::from_be_bytes(span_context.trace_id().to_bytes());
    ((id >> 64) as u64, id as u64)
}

/// What came with the trace of the span in `context`: in these headers, or in `tracestate`.
fn extras<'a>(context: &'a Context, span_context: &SpanContext) -> Option<Cow<'a, Extras>> {
    if let Some(extras) = kept(context, span_context.trace_id()) {
        return Some(Cow::Borrowed(extras));
    }
    span_context.trace_state().get("dd").map(|member| Cow::Owned(Extras::from_trace_state(member)))
}

/// The priority to send, `None` to leave the decision to the next service.
fn priority(context: &Context, span_context: &SpanContext, extras: Option<&Extras>) -> Option<i32> {
    if is_undecided(context, span_context) {
        return None;
    }
    let sampled = span_context.is_sampled();
    let received = extras.and_then(|extras| extras.priority);
    // A decision made here that contradicts it replaces it.
    Some(received.filter(|priority| (*priority > 0) == sampled).unwrap_or(i32::from(sampled)))
}

#[cfg(test)]
mod tests;
