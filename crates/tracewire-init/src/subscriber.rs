//! A subscriber for `tracing`, and the layer that makes OpenTelemetry spans of its spans.

use std::io::IsTerminal;

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracewire_tracing::{ContextLayer, TraceIds};
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

use crate::env::{self, Env, Origin};
use crate::error::InitError;
use crate::guard::Telemetry;
use crate::reachable::WhileReachable;
use crate::targets::is_telemetry;

const FORMAT: &str = "TRACEWIRE_LOG";
const DIRECTIVES: &str = "RUST_LOG";

/// How log lines are written to stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// A line of text for each event.
    Text,
    /// A JSON object on a line for each event.
    Json,
}

/// What code says about the subscriber.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) format: Option<LogFormat>,
    pub(crate) directives: Option<String>,
}

/// The subscriber as decided.
#[derive(Clone, Debug)]
pub(crate) struct Logging {
    /// `None`: the process has a subscriber of its own, or wants none.
    format: Option<LogFormat>,
    directives: String,
    color: bool,
}

impl Logging {
    pub(crate) fn decide(env: &Env, code: Settings) -> Self {
        let format = env.pick(
            &[FORMAT],
            code.format.map(Some),
            env::choice(&[
                ("none", None),
                ("text", Some(LogFormat::Text)),
                ("json", Some(LogFormat::Json)),
            ]),
            None,
        );
        let (directives, origin) = match code.directives {
            Some(directives) => (directives, Origin::Code),
            None => match env.read(&[DIRECTIVES], readable) {
                Some(found) => (found.value, Origin::Variable(found.variable)),
                None => ("info".to_owned(), Origin::Default),
            },
        };
        env.decide(DIRECTIVES, directives.clone(), origin);
        let wanted = env.text("NO_COLOR").is_none() && env.text("TERM").as_deref() != Some("dumb");
        Self { format, directives, color: wanted && std::io::stdout().is_terminal() }
    }

    fn filter(&self) -> EnvFilter {
        EnvFilter::builder()
            .with_default_directive(LevelFilter::ERROR.into())
            .parse_lossy(&self.directives)
    }

    /// Makes the subscriber the process's, if one was asked for.
    pub(crate) fn install(&self, telemetry: &Telemetry) -> Result<(), InitError> {
        let Some(format) = self.format else { return Ok(()) };
        let lines: Box<dyn Layer<Registry> + Send + Sync> = match format {
            LogFormat::Text => fmt::layer()
                .with_ansi(self.color)
                .map_event_format(TraceIds::new)
                .with_filter(self.filter())
                .boxed(),
            LogFormat::Json => fmt::layer()
                .json()
                .map_event_format(TraceIds::new)
                .with_filter(self.filter())
                .boxed(),
        };
        // The lines come first, boxed as they are for the registry itself.
        let subscriber =
            Registry::default().with(lines).with(telemetry.span_layer()).with(ContextLayer::new());
        #[cfg(feature = "logs")]
        let subscriber = subscriber.with(telemetry.log_layer());
        tracing::subscriber::set_global_default(subscriber).map_err(|error| {
            InitError::configuration(
                FORMAT,
                &format!("{format:?}").to_ascii_lowercase(),
                "this process has a subscriber for tracing already: unset it, and add the layers \
                 of Telemetry to yours",
            )
            .with_source(error)
        })
    }

    /// Spans from level INFO on, and those that the directives name besides; events that are errors.
    pub(crate) fn span_layer<S>(&self, provider: &SdkTracerProvider) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let spans = filter_fn(|metadata| *metadata.level() <= LevelFilter::INFO)
            .or(self.filter())
            .and(filter_fn(|metadata| metadata.is_span()));
        let errors = filter_fn(|metadata| is_error(metadata));
        let filter = spans.or(errors).and(filter_fn(|metadata| is_exported(metadata)));
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("tracing"))
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(WhileReachable(filter))
    }

    /// The events that the directives name.
    #[cfg(feature = "logs")]
    pub(crate) fn log_filter(&self) -> EnvFilter {
        self.filter()
    }
}

/// Whether an event says that the work of its span failed: `error!`, and what `#[instrument(err)]`
/// makes of an `Err` at any level, which is an event with the error and without a message.
///
/// Everything else that is logged stays out of spans: it would be in the log a second time.
fn is_error(metadata: &Metadata<'_>) -> bool {
    let has = |name| metadata.fields().field(name).is_some();
    metadata.is_event() && (*metadata.level() == Level::ERROR || has("error") && !has("message"))
}

/// Not what telemetry says of itself, and not the span that tower-http's layer makes with our
/// `RequestSpan`: that request has its server span.
fn is_exported(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    !is_telemetry(target) && !(metadata.is_span() && target.starts_with("tracewire_tower::"))
}

fn readable(text: &str) -> Result<String, String> {
    match text.parse::<EnvFilter>() {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("it must be directives such as info,shop=debug ({error})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_come_from_code_then_environment_then_default() {
        let shown = |variables: &[(&str, &str)], code: Option<&str>| {
            let env = Env::of(variables);
            let directives = code.map(str::to_owned);
            let logging = Logging::decide(&env, Settings { directives, format: None });
            (logging.directives, env.take_warnings().len())
        };
        let variable = (DIRECTIVES, "warn,shop=debug");
        assert_eq!(shown(&[], None), ("info".to_owned(), 0));
        assert_eq!(shown(&[variable], None), ("warn,shop=debug".to_owned(), 0));
        assert_eq!(shown(&[variable], Some("error")), ("error".to_owned(), 0));
        assert_eq!(shown(&[(DIRECTIVES, "shop=loud")], None), ("info".to_owned(), 1));
    }

    #[test]
    fn no_subscriber_is_set_unless_asked_for() {
        let format = |value| {
            let env = Env::of(&[(FORMAT, value)]);
            (Logging::decide(&env, Settings::default()).format, env.take_warnings().len())
        };
        assert_eq!(format(""), (None, 0));
        assert_eq!(format("none"), (None, 0));
        assert_eq!(format("Text"), (Some(LogFormat::Text), 0));
        assert_eq!(format("json"), (Some(LogFormat::Json), 0));
        assert_eq!(format("xml"), (None, 1));
    }
}
