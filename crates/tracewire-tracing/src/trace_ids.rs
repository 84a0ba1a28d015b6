//! Log lines that name the trace and the span they belong to.

use opentelemetry::trace::{SpanContext, TraceContextExt};
use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};
use tracewire_propagation::current;
use tracing::{Dispatch, Event, Metadata, Subscriber};
#[cfg(feature = "ansi")]
use tracing_subscriber::fmt::format::Pretty;
#[cfg(feature = "json")]
use tracing_subscriber::fmt::format::{Json, JsonFields};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{Compact, DefaultFields, Format, Full, Writer},
    },
    registry::LookupSpan,
};

/// An event format of `tracing-subscriber` that adds `trace_id` and `span_id` to every line inside a
/// trace.
///
/// The ids are those of the OpenTelemetry span that is current where the event happens. They stand at
/// the end of the line; in the pretty format on a line of their own, in JSON as two more fields of the
/// object. Lines outside of a trace do not change. An id that is also a field `trace_id` or `span_id` of
/// a `tracing` span, such as that of tower-http's layer, is not repeated.
///
/// The order of layers does not matter, because the ids are read where the event happens.
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
        MADE.store(true, Ordering::Relaxed);
        Self(format)
    }
}

static MADE: AtomicBool = AtomicBool::new(false);

/// Whether a subscriber writes log lines in a format of `tracing-subscriber`, while no format of
/// this process adds ids.
#[doc(hidden)]
pub fn writes_without_ids(subscriber: &Dispatch) -> bool {
    // Such a layer can be asked for its parts, and is of too many types to be asked for itself.
    let writes = subscriber.is::<DefaultFields>();
    #[cfg(feature = "ansi")]
    let writes = writes || subscriber.is::<Pretty>();
    #[cfg(feature = "json")]
    let writes = writes || subscriber.is::<JsonFields>();
    writes && !MADE.load(Ordering::Relaxed)
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
        if shows_ids(context, event) {
            L::remove(&mut line, "trace_id", &current.trace_id().to_string());
            L::remove(&mut line, "span_id", &current.span_id().to_string());
        }
        L::add(&mut line, &current);
        writer.write_str(&line)?;
        writer.write_str(&line_ends)
    }
}

/// Whether the event or a span around it has ids as fields of its own.
fn shows_ids<S, N>(context: &FmtContext<'_, S, N>, event: &Event<'_>) -> bool
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    let has_id = |metadata: &Metadata<'_>| metadata.fields().field("trace_id").is_some();
    let mut spans = context.event_scope().into_iter().flatten();
    has_id(event.metadata()) || spans.any(|span| has_id(span.metadata()))
}

/// Removes a field from text, with what separates it from the fields beside it.
fn remove_text(line: &mut String, key: &str, id: &str) {
    let plain = format!("{key}={id}");
    let colored = format!("\x1b[3m{key}\x1b[0m\x1b[2m=\x1b[0m{id}");
    for field in [plain, colored] {
        for field in [format!(" {field}"), format!("{field} "), field] {
            *line = line.replace(&field, "");
        }
    }
}

/// Adds the ids to the text of one event. Implemented for the layouts of `tracing-subscriber`.
///
/// ```
/// use tracing_subscriber::fmt::format::Format;
/// use tracewire_tracing::{Layout, TraceIds};
///
/// /// Adds ids without targets, whichever layout is chosen.
/// fn with_ids<L: Layout, T>(format: Format<L, T>) -> TraceIds<Format<L, T>> {
///     TraceIds::new(format.with_target(false))
/// }
/// ```
pub trait Layout {
    #[doc(hidden)]
    fn add(line: &mut String, ids: &SpanContext);

    /// Removes a field of a span that says the same.
    #[doc(hidden)]
    fn remove(line: &mut String, key: &str, id: &str) {
        remove_text(line, key, id);
    }
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
    fn remove(line: &mut String, key: &str, id: &str) {
        // The fields of the event and of spans are written in different ways.
        remove_text(line, key, id);
        for field in [format!("{key}: {id}"), format!("\x1b[1m{key}\x1b[0m: {id}")] {
            for field in [format!(", {field}"), format!("{field}, "), field] {
                *line = line.replace(&field, "");
            }
        }
    }

    fn add(line: &mut String, ids: &SpanContext) {
        line.push_str("\n   ");
        add_fields(line, ids);
    }
}

#[cfg(feature = "json")]
impl Layout for Json {
    fn remove(line: &mut String, key: &str, id: &str) {
        // Nothing within a text looks like this: its quotes have backslashes.
        let field = format!("\"{key}\":\"{id}\"");
        for field in [format!(",{field}"), format!("{field},"), field] {
            *line = line.replace(&field, "");
        }
    }

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
