//! Settings of the console, and of the subscriber that writes log lines.

use std::io::Write;

use tracewire_export::ConsoleFormat;

use crate::settings::{Setting, in_code, settings};

settings! {
    /// Settings of the exporters to the console, which all signals share, for
    /// [`Builder::console`](crate::Builder::console).
    ///
    /// ```
    /// use tracewire_init::{Console, Telemetry};
    ///
    /// let builder = Telemetry::builder().console(Console::new().color(false));
    /// ```
    pub struct Console {
        writer: Setting<Box<dyn Write + Send>>,
        format: Setting<ConsoleFormat>,
        color: Setting<bool>,
    }
}

impl Console {
    /// Makes settings of which none is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes to `writer` instead of stdout, without color unless that is set.
    ///
    /// It is written by a thread of its own, so a slow writer holds up no request. At most 4 MiB wait
    /// for it; what is beyond that, or cannot be written, counts as failed in the
    /// [report](crate::ShutdownReport).
    pub fn writer(mut self, writer: impl Write + Send + 'static) -> Self {
        self.writer = in_code(Box::new(writer));
        self
    }

    /// Sets how telemetry is shown (`TRACEWIRE_CONSOLE`); as trees, for people, unless set.
    pub fn format(mut self, format: ConsoleFormat) -> Self {
        self.format = in_code(format);
        self
    }

    /// Sets whether there are colors; unless set, there are on a terminal without `NO_COLOR`.
    pub fn color(mut self, color: bool) -> Self {
        self.color = in_code(color);
        self
    }
}

settings! {
    /// What is said about the subscriber.
    pub(crate) struct LogLines {
        format: Setting<Option<LogFormat>>,
        filter: Setting<String>,
        names: Setting<LogNames>,
    }
}

/// What log lines call the ids of their trace and span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogNames {
    /// `trace_id` and `span_id`.
    #[default]
    OpenTelemetry,
    /// `dd.trace_id`, `dd.span_id`, and what the resource says of the service.
    #[cfg_attr(
        not(any(feature = "datadog-agent", feature = "tracing")),
        expect(dead_code, reason = "no vendor asks for it")
    )]
    Datadog,
}

/// How log lines are written to stdout.
///
/// ```
/// # #[cfg(feature = "tracing")]
/// # fn example() {
/// use tracewire_init::{LogFormat, Telemetry};
///
/// let builder = Telemetry::builder().log_format(LogFormat::Json);
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// A line of text for each event.
    Text,
    /// A JSON object on a line for each event.
    Json,
}
