//! Log lines that name the trace and the span they belong to.

use opentelemetry::trace::{SpanContext, TraceContextExt};
use std::fmt;
use tracewire_propagation::current;
use tracing::{Event, Subscriber};
#[cfg(feature = "json")]
use tracing_subscriber::fmt::format::Json;
#[cfg(feature = "ansi")]
use tracing_subscriber::fmt::format::Pretty;
use tracing_subscriber::fmt::format::{Compact, Format, Full, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// A format of `tracing-subscriber` with `trace_id` and `span_id` added to every line inside of a trace.
///
/// The ids are those of the OpenTelemetry span that is current where the event happens. They stand at
/// the end of the line; of the pretty format, on a line of their own; of JSON, as two more fields of the
/// object. Outside of a trace the lines stay as they are.
///
/// ```
/// use tracewire_tracing::TraceIds;
/// use tracing_subscriber::fmt;
///
/// let text = fmt::layer::<tracing_subscriber::Registry>().compact().map_event_format(TraceIds::new);
/// # #[cfg(feature = "json")]
/// let json = fmt::layer::<tracing_subscriber::Registry>().json().map_event_format(TraceIds::new);
/// ```
///
/// Colors follow the layer's `with_ansi`.
#[derive(Clone, Debug)]
pub struct TraceIds<F>(F);

impl<L: Layout, T> TraceIds<Format<L, T>> {
    /// Adds the ids to the lines of this format.
    pub fn new(format: Format<L, T>) -> Self {
        Self(format)
    }
}

impl<L, T, S, N> FormatEvent<S, N> for TraceIds<Format<L, T>>
where
    L: Layout + Clone,
    T: Clone,
    Format<L, T>: FormatEvent<S, N>,
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let current = current::with(|current| current.span().span_context().clone());
        if !current.is_valid() {
            return self.0.format_event(context, writer, event);
        }
        // Written apart first, because nothing can be added once the line has ended. What is written
        // apart has to be told whether it may use colors.
        let mut line = String::with_capacity(256);
        let format = self.0.clone().with_ansi(writer.has_ansi_escapes());
        format.format_event(context, Writer::new(&mut line), event)?;
        let end = line.trim_end_matches('\n').len();
        let line_ends = line.split_off(end);
        L::add(&mut line, &current);
        writer.write_str(&line)?;
        writer.write_str(&line_ends)
    }
}

/// How the ids are added to the text of one event, line ends excepted.
///
/// Made for the layouts of `tracing-subscriber`.
pub trait Layout {
    #[doc(hidden)]
    fn add(line: &mut String, ids: &SpanContext);
}

fn add_fields(line: &mut String, ids: &SpanContext) {
    line.push_str(&format!(" trace_id={} span_id={}", ids.trace_id(), ids.span_id()));
}

impl Layout for Full {
    fn add(line: &mut String, ids: &SpanContext) {
        add_fields(line, ids);
    }
}

impl Layout for Compact {
    fn add(line: &mut String, ids: &SpanContext) {
        add_fields(line, ids);
    }
}

#[cfg(feature = "ansi")]
impl Layout for Pretty {
    fn add(line: &mut String, ids: &SpanContext) {
        line.push_str("\n   ");
        add_fields(line, ids);
    }
}

#[cfg(feature = "json")]
impl Layout for Json {
    fn add(line: &mut String, ids: &SpanContext) {
        // An object has fields before these: the time at least, or `fields`.
        if line.ends_with('}') {
            line.pop();
            let comma = if line.ends_with('{') { "" } else { "," };
            let (trace_id, span_id) = (ids.trace_id(), ids.span_id());
            line.push_str(&format!(r#"{comma}"trace_id":"{trace_id}","span_id":"{span_id}"}}"#));
        }
    }
}
