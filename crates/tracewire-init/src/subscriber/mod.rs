//! A subscriber for `tracing`, and the layer that makes OpenTelemetry spans of its spans.

mod living_thread;
mod log_lines;
mod no_ids;
mod span_filter;

use std::io::IsTerminal;
use std::time::Duration;

use opentelemetry::Key;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracewire_export::wiring::Shown;
use tracewire_sampling::Sampler;
use tracewire_tracing::{ContextLayer, Layout, TraceIds};
use tracing::Subscriber;
use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
use tracing_subscriber::filter::{Directive, EnvFilter};
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::format::Format;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

use self::living_thread::WhileAlive;
use self::log_lines::{LogLines as Lines, is_writable};
use self::no_ids::NoIds;
use self::span_filter::span_filter;
use crate::builder::{Exceptions, LogFormat, LogLines, LogNames};
use crate::ended::Watched;
use crate::error::InitError;
use crate::guard::Telemetry;
use crate::plan::Plan;

const FORMAT: &str = "TRACEWIRE_LOG";
const DIRECTIVES: &str = "RUST_LOG";
/// What OpenTelemetry says of its own set-up at level INFO is of no use to those who read the log.
const DEFAULT: &str = "info,opentelemetry=warn";

/// The subscriber as decided.
#[derive(Clone, Debug)]
pub(crate) struct Logging {
    /// `None`: the process has a subscriber of its own, or wants none.
    format: Option<LogFormat>,
    directives: String,
    color: bool,
    /// What Datadog reads of the service in each line; `None`: ids have OpenTelemetry's names.
    datadog: Option<Service>,
}

/// Who writes log lines.
#[derive(Clone, Debug)]
struct Service {
    name: String,
    env: String,
    version: String,
}

impl Service {
    fn of(resource: &Resource) -> Self {
        let text = |key| {
            let value = resource.get(&Key::from_static_str(key));
            value.map_or_else(String::new, |value| value.to_string())
        };
        Self {
            name: text("service.name"),
            env: text("deployment.environment.name"),
            version: text("service.version"),
        }
    }
}

impl Logging {
    #[expect(clippy::unnecessary_wraps, reason = "without the feature it may fail")]
    pub(crate) fn decide(
        given: LogLines,
        resource: &Resource,
        is_colorless: bool,
        plan: &mut Plan,
    ) -> Result<Self, InitError> {
        if given.names.is_some() && given.format.as_ref().is_none_or(|given| given.value.is_none())
        {
            plan.has_no_effect(
                &given.names,
                "it is about log lines that TRACEWIRE_LOG turns on; a subscriber of your own has \
                 TraceIds::datadog",
            );
        }
        let names = match given.names {
            None => LogNames::default(),
            names => plan.pick("names of ids in log lines", names, LogNames::default()),
        };
        let datadog = (names == LogNames::Datadog).then(|| Service::of(resource));
        let format = plan.pick(FORMAT, given.format, None);
        let show = |directives: &String| Shown::directives(directives).text().to_owned();
        let directives = plan.pick_shown(DIRECTIVES, given.filter, DEFAULT.to_owned(), show);
        let color = !is_colorless && std::io::stdout().is_terminal();
        Ok(Self { format, directives, color, datadog })
    }

    fn filter(&self) -> EnvFilter {
        let builder = EnvFilter::builder().with_default_directive(LevelFilter::ERROR.into());
        let directives = sound(&self.directives, STATIC_MAX_LEVEL);
        builder.parse(directives).unwrap_or_else(|_| EnvFilter::default())
    }

    fn with_ids<L: Layout, T>(&self, format: Format<L, T>) -> TraceIds<Format<L, T>> {
        match &self.datadog {
            None => TraceIds::new(format),
            Some(Service { name, env, version }) => {
                TraceIds::datadog(format).datadog_service(name, env, version)
            }
        }
    }

    /// Makes the subscriber the process's, if one was asked for.
    fn install(&self, telemetry: &Telemetry) -> Result<(), InitError> {
        let Some(format) = self.format else { return Ok(()) };
        let lines: Box<dyn Layer<Registry> + Send + Sync> = match format {
            LogFormat::Text => fmt::layer()
                .with_writer(Lines::to_stdout())
                .log_internal_errors(false) // which would be written to stderr, and may panic
                .with_ansi(self.color)
                .map_event_format(|format| self.with_ids(format))
                .with_filter(WhileAlive::events(self.filter(), is_writable))
                .boxed(),
            LogFormat::Json => fmt::layer()
                .json()
                .with_writer(Lines::to_stdout())
                .log_internal_errors(false)
                .map_event_format(|format| self.with_ids(format))
                .with_filter(WhileAlive::events(self.filter(), is_writable))
                .boxed(),
        };
        // The lines come first, boxed as they are for the registry itself.
        let subscriber =
            Registry::default().with(lines).with(telemetry.span_layer()).with(ContextLayer::new());
        #[cfg(feature = "logs")]
        let subscriber = subscriber.with(telemetry.log_layer());
        tracing::subscriber::set_global_default(subscriber).map_err(|_| {
            InitError::configuration(
                FORMAT,
                &Shown::value(&format!("{format:?}").to_ascii_lowercase()),
                "this process already has a subscriber for `tracing`: let `init` set the only one, or \
                 unset this and add the layers of `Telemetry` to your own",
            )
        })
    }

    /// Spans from level INFO on, and those that the directives name besides; events that are errors.
    pub(crate) fn span_layer<S>(
        &self,
        provider: &Watched<SdkTracerProvider>,
        exceptions: Exceptions,
    ) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("tracing"))
            .with_threads(false)
            .with_error_events_to_exceptions(exceptions != Exceptions::LogRecords)
            .with_error_fields_to_exceptions(exceptions != Exceptions::LogRecords)
            .with_error_records_to_exceptions(exceptions != Exceptions::LogRecords)
            .with_tracked_inactivity(false)
            .with_filter(span_filter(self.filter()))
    }

    /// The events that the directives name.
    #[cfg_attr(not(feature = "logs"), expect(dead_code, reason = "no log records"))]
    pub(crate) fn log_filter(&self) -> EnvFilter {
        self.filter()
    }
}

/// How long the end waits for log lines that are not written yet.
const LINES_TIMEOUT: Duration = Duration::from_millis(250);

/// Sets the subscriber for `tracing`, if one was asked for.
pub(crate) fn install(telemetry: &Telemetry) -> Result<(), InitError> {
    match telemetry.running() {
        Some(running) => running.logging.install(telemetry),
        None => Ok(()),
    }
}

/// Waits until log lines are written, as the program may end.
pub(crate) fn end() {
    log_lines::end(LINES_TIMEOUT);
}

/// A sampler that also notices log lines without trace ids.
pub(crate) fn watching(sampler: Sampler) -> NoIds {
    NoIds::new(sampler)
}

/// With the cargo feature `tracing`.
impl Telemetry {
    /// A layer that makes OpenTelemetry spans of `tracing` spans, for a subscriber of your own.
    ///
    /// They nest with spans of the OpenTelemetry API in either order. Spans of level INFO and above
    /// appear whatever `RUST_LOG` says; more verbose ones if it names them. Add
    /// [`ContextLayer`](tracewire_tracing::ContextLayer) after it, to keep the trace across
    /// `tokio::spawn(future.in_current_span())` where a filter disables spans. The order of the layers does
    /// not matter.
    ///
    /// Of what is logged inside a span only errors are on it, whatever `RUST_LOG` says:
    ///
    /// | inside the span | on the span |
    /// |---|---|
    /// | `#[instrument(err)]`, on an `Err`; an event with a field `error` and no message | status Error with the error's text, and an `exception` event |
    /// | `error!` | status Error, and an event named by the text |
    /// | `warn!`, `info!`, `debug!`, `trace!` with a message; `#[instrument(ret)]` | nothing: they are log lines, and log records with the feature `logs` |
    ///
    /// Where exceptions are [log records](crate::Exceptions::LogRecords) alone, an event on the span has the
    /// error's text in `error` and no attribute of an exception.
    ///
    /// The text of an error is exported as it is. What telemetry says of itself is left out, and so is the
    /// span that tower-http's layer makes with `RequestSpan`, because the request has its server span.
    /// While a thread ends no spans are made.
    ///
    /// ```no_run
    /// use tracing_subscriber::prelude::*;
    ///
    /// # fn main() -> Result<(), tracewire_init::InitError> {
    /// let telemetry = tracewire_init::init()?;
    /// tracing_subscriber::registry()
    ///     .with(tracing_subscriber::fmt::layer().map_event_format(tracewire_tracing::TraceIds::new))
    ///     .with(telemetry.span_layer())
    ///     .init();
    /// # Ok(())
    /// # }
    /// ```
    pub fn span_layer<S>(&self) -> Option<impl tracing_subscriber::Layer<S> + use<S>>
    where
        S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    {
        let running = self.running()?;
        Some(running.logging.span_layer(&self.watched()?, running.exceptions))
    }
}

/// The directives that can be read, with levels that this build has.
///
/// Of all others the filter would complain on stderr, and panic if that cannot be written to.
fn sound(directives: &str, most: LevelFilter) -> String {
    let level = |text: &str| text.parse::<LevelFilter>().ok();
    let capped = |directive: &str| match directive.rsplit_once('=') {
        Some((target, text)) if level(text).is_some() => {
            level(text).map(|level| format!("{target}={}", level.min(most)))
        }
        _ => match level(directive) {
            Some(level) => Some(level.min(most).to_string()),
            None => Some(format!("{directive}={most}")),
        },
    };
    let readable = directives
        .split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty() && text.parse::<Directive>().is_ok());
    readable.filter_map(capped).collect::<Vec<_>>().join(",")
}

/// Directives for `RUST_LOG`.
pub(crate) fn readable(text: &str) -> Result<String, String> {
    let mut directives = text.split(',').map(str::trim).filter(|directive| !directive.is_empty());
    match directives.all(|directive| directive.parse::<Directive>().is_ok()) {
        true => Ok(text.to_owned()),
        // The error repeats the directive.
        false => Err("it must be directives such as info,shop=debug".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Layer as Settings, Merge, in_code};
    use crate::variables::{self, Env, Reader};

    /// What these variables and code decide, and how much is warned of.
    fn decided(variables: &[(&str, &str)], code: Option<&str>) -> (Logging, usize) {
        let (env, mut plan) = (Env::of(variables), Plan::default());
        let layer =
            variables::read(&mut Reader::new(&env, &mut plan), &Settings::default()).unwrap();
        let filter = code.and_then(|directives| in_code(directives.to_owned()));
        let mut given = LogLines { filter, ..LogLines::default() };
        given.complete(layer.log_lines, &mut plan);
        let logging =
            Logging::decide(given, &Resource::builder_empty().build(), false, &mut plan).unwrap();
        (logging, plan.warnings().count())
    }

    #[test]
    fn directives_come_from_code_then_environment_then_default() {
        let shown = |variables: &[(&str, &str)], code: Option<&str>| {
            let (logging, warnings) = decided(variables, code);
            (logging.directives, warnings)
        };
        let variable = (DIRECTIVES, "warn,shop=debug");
        assert_eq!(shown(&[], None), (DEFAULT.to_owned(), 0));
        assert_eq!(shown(&[variable], None), ("warn,shop=debug".to_owned(), 0));
        assert_eq!(shown(&[variable], Some("error")), ("error".to_owned(), 1));
        assert_eq!(shown(&[(DIRECTIVES, "shop=loud")], None), (DEFAULT.to_owned(), 1));
    }

    #[test]
    fn directives_never_make_the_filter_complain() {
        let most = LevelFilter::INFO;
        for (given, kept) in [
            ("", ""),
            ("info", "info"),
            ("trace", "info"),
            ("5,off", "info,off"),
            ("warn, shop=debug", "warn,shop=info"),
            ("shop", "shop=info"),
            ("shop[order{id=7}]=trace,x[y]", "shop[order{id=7}]=info,x[y]=info"),
            ("shop=loud,=,[,error", "error"),
        ] {
            assert_eq!(sound(given, most), kept, "{given}");
            assert!(EnvFilter::builder().parse(kept).is_ok(), "{kept}");
        }
    }

    #[test]
    fn what_opentelemetry_says_of_its_set_up_is_quiet_unless_asked_for() {
        use tracing_subscriber::layer::Context;
        struct Heard(std::sync::Arc<std::sync::Mutex<Vec<String>>>);
        impl<S: Subscriber> Layer<S> for Heard {
            fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
                self.0.lock().unwrap().push(event.metadata().target().to_owned());
            }
        }
        let heard = |variables: &[(&str, &str)]| {
            let (logging, _) = decided(variables, None);
            let heard = std::sync::Arc::default();
            let layer = Heard(std::sync::Arc::clone(&heard)).with_filter(logging.filter());
            tracing::subscriber::with_default(Registry::default().with(layer), || {
                tracing::info!(target: "opentelemetry", "set");
                tracing::info!(target: "opentelemetry_sdk", "set");
                tracing::warn!(target: "opentelemetry_sdk", "lost");
                tracing::info!(target: "shop", "sold");
            });
            std::mem::take(&mut *heard.lock().unwrap()).join(" ")
        };
        assert_eq!(heard(&[]), "opentelemetry_sdk shop");
        let all = "opentelemetry opentelemetry_sdk opentelemetry_sdk shop";
        assert_eq!(heard(&[(DIRECTIVES, "info")]), all);
    }

    #[test]
    fn no_subscriber_is_set_unless_asked_for() {
        let format = |value| {
            let (logging, warnings) = decided(&[(FORMAT, value)], None);
            (logging.format, warnings)
        };
        assert_eq!(format(""), (None, 0));
        assert_eq!(format("none"), (None, 0));
        assert_eq!(format("Text"), (Some(LogFormat::Text), 0));
        assert_eq!(format("json"), (Some(LogFormat::Json), 0));
        assert_eq!(format("xml"), (None, 1));
    }
}
