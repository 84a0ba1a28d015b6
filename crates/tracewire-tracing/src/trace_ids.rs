//! Log lines that name the trace and the span they belong to.

use opentelemetry::trace::{SpanContext, TraceContextExt};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
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
pub struct TraceIds<F> {
    format: F,
    names: Names,
    /// Fields of every line, whether or not it is inside a trace.
    service: Arc<[(&'static str, String)]>,
}

impl<L: Layout, T> TraceIds<Format<L, T>> {
    /// Adds the ids to the lines of this format, as `trace_id` and `span_id`.
    pub fn new(format: Format<L, T>) -> Self {
        Self::named(format, Names::OpenTelemetry)
    }

    /// Adds the ids as Datadog's log pipelines read them: `dd.trace_id` in hexadecimal and `dd.span_id` in
    /// decimal digits.
    ///
    /// ```
    /// # #[cfg(feature = "json")]
    /// let lines = tracing_subscriber::fmt::layer::<tracing_subscriber::Registry>()
    ///     .json()
    ///     .map_event_format(tracewire_tracing::TraceIds::datadog);
    /// ```
    pub fn datadog(format: Format<L, T>) -> Self {
        Self::named(format, Names::Datadog)
    }

    /// Adds the ids as Google Cloud Logging reads them in JSON lines: `logging.googleapis.com/trace`, which
    /// names the project, `/spanId` and `/trace_sampled`.
    ///
    /// Characters that no project id has are left out of `project`.
    ///
    /// ```
    /// use tracewire_tracing::TraceIds;
    ///
    /// # #[cfg(feature = "json")]
    /// let lines = tracing_subscriber::fmt::layer::<tracing_subscriber::Registry>()
    ///     .json()
    ///     .map_event_format(|format| TraceIds::google_cloud(format, "my-project"));
    /// ```
    pub fn google_cloud(format: Format<L, T>, project: &str) -> Self {
        let is_allowed = |c: &char| c.is_ascii_alphanumeric() || "-_.:".contains(*c);
        let project: String = project.chars().filter(is_allowed).collect();
        Self::named(format, Names::GoogleCloud(project.into()))
    }

    fn named(format: Format<L, T>, names: Names) -> Self {
        MADE.store(true, Ordering::Relaxed);
        Self { format, names, service: Arc::default() }
    }

    /// Adds `dd.service`, `dd.env` and `dd.version` to every line, by which Datadog finds the service that wrote
    /// it. What is empty is left out, and characters that no tag of Datadog's has become underscores.
    ///
    /// ```
    /// use tracewire_tracing::TraceIds;
    ///
    /// # #[cfg(feature = "json")]
    /// let lines = tracing_subscriber::fmt::layer::<tracing_subscriber::Registry>()
    ///     .json()
    ///     .map_event_format(|format| TraceIds::datadog(format).datadog_service("shop", "prod", "1.2"));
    /// ```
    pub fn datadog_service(self, service: &str, env: &str, version: &str) -> Self {
        let is_allowed = |c: char| c.is_alphanumeric() || "-_.:/".contains(c);
        let field = |(name, value): (&'static str, &str)| {
            let value: String =
                value.chars().map(|c| if is_allowed(c) { c } else { '_' }).take(200).collect();
            (name, value)
        };
        let fields = [("dd.service", service), ("dd.env", env), ("dd.version", version)];
        let fields = fields.into_iter().filter(|(_, value)| !value.is_empty()).map(field);
        Self { service: fields.collect(), ..self }
    }
}

/// What the fields are called.
#[derive(Clone, Debug)]
enum Names {
    OpenTelemetry,
    Datadog,
    /// With the id of the project.
    GoogleCloud(Arc<str>),
}

impl Names {
    fn fields(&self, ids: &SpanContext) -> ([(&'static str, String); 2], Option<Flag>) {
        let (trace_id, span_id) = (ids.trace_id(), ids.span_id());
        let is_sampled = ids.is_sampled();
        match self {
            Self::OpenTelemetry => {
                ([("trace_id", trace_id.to_string()), ("span_id", span_id.to_string())], None)
            }
            Self::Datadog => {
                let span_id = u64::from_be_bytes(span_id.to_bytes()).to_string();
                ([("dd.trace_id", trace_id.to_string()), ("dd.span_id", span_id)], None)
            }
            Self::GoogleCloud(project) => {
                let trace = format!("projects/{project}/traces/{trace_id}");
                let ids = [
                    ("logging.googleapis.com/trace", trace),
                    ("logging.googleapis.com/spanId", span_id.to_string()),
                ];
                (ids, Some(("logging.googleapis.com/trace_sampled", is_sampled)))
            }
        }
    }
}

/// A field that is true or false.
type Flag = (&'static str, bool);

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
        if !current.is_valid() && self.service.is_empty() {
            return self.format.format_event(context, writer, event);
        }
        // Written apart first, because nothing can be added once the line has ended. What is written
        // apart has to be told whether it may use colors.
        let mut line = String::with_capacity(256);
        let format = self.format.clone().with_ansi(writer.has_ansi_escapes());
        format.format_event(context, Writer::new(&mut line), event)?;
        let end = line.trim_end_matches('\n').len();
        let line_ends = line.split_off(end);
        if !self.service.is_empty() {
            L::add(&mut line, &self.service, None);
        }
        if !current.is_valid() {
            writer.write_str(&line)?;
            return writer.write_str(&line_ends);
        }
        if shows_ids(context, event) {
            L::remove(&mut line, "trace_id", &current.trace_id().to_string());
            L::remove(&mut line, "span_id", &current.span_id().to_string());
        }
        let (ids, flag) = self.names.fields(&current);
        L::add(&mut line, &ids, flag);
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

/// Adds the ids to the text of one event. Names and values need no escapes. Implemented for the layouts of `tracing-subscriber`.
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
    fn add(line: &mut String, ids: &[(&str, String)], flag: Option<(&str, bool)>);

    /// Removes a field of a span that says the same.
    #[doc(hidden)]
    fn remove(line: &mut String, key: &str, id: &str) {
        remove_text(line, key, id);
    }
}

fn add_fields(line: &mut String, ids: &[(&str, String)], flag: Option<(&str, bool)>) {
    for (name, id) in ids {
        line.push_str(&format!(" {name}={id}"));
    }
    if let Some((name, value)) = flag {
        line.push_str(&format!(" {name}={value}"));
    }
}

impl Layout for Full {
    fn add(line: &mut String, ids: &[(&str, String)], flag: Option<(&str, bool)>) {
        add_fields(line, ids, flag);
    }
}

impl Layout for Compact {
    fn add(line: &mut String, ids: &[(&str, String)], flag: Option<(&str, bool)>) {
        add_fields(line, ids, flag);
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

    fn add(line: &mut String, ids: &[(&str, String)], flag: Option<(&str, bool)>) {
        line.push_str("\n   ");
        add_fields(line, ids, flag);
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

    fn add(line: &mut String, ids: &[(&str, String)], flag: Option<(&str, bool)>) {
        // An object has fields before these: the time at least, or `fields`.
        if line.ends_with('}') {
            line.pop();
            let mut comma = if line.ends_with('{') { "" } else { "," };
            for (name, id) in ids {
                line.push_str(&format!(r#"{comma}"{name}":"{id}""#));
                comma = ",";
            }
            if let Some((name, value)) = flag {
                line.push_str(&format!(r#","{name}":{value}"#));
            }
            line.push('}');
        }
    }
}
