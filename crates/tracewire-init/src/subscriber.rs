//! A subscriber for `tracing`, and the layer that makes OpenTelemetry spans of its spans.

use std::io::IsTerminal;

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracewire_tracing::{ContextLayer, TraceIds};
use tracing::Subscriber;
use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
use tracing_subscriber::filter::{Directive, EnvFilter};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

use crate::ended::Watched;
use crate::env::{self, Env, Origin};
use crate::error::InitError;
use crate::guard::Telemetry;
use crate::living_thread::WhileAlive;
use crate::log_lines::{LogLines, is_writable};
use crate::span_filter::span_filter;
use tracewire_export::wiring::Shown;

const FORMAT: &str = "TRACEWIRE_LOG";
const DIRECTIVES: &str = "RUST_LOG";
/// What OpenTelemetry says of its own set-up at level INFO is of no use to those who read the log.
const DEFAULT: &str = "info,opentelemetry=warn";

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
            Some(directives) => {
                env.overridden(&[DIRECTIVES]);
                (directives, Origin::Code)
            }
            None => match env.read(&[DIRECTIVES], readable) {
                Some(found) => (found.value, Origin::Variable(found.variable)),
                None => (DEFAULT.to_owned(), Origin::Default),
            },
        };
        env.decide(DIRECTIVES, Shown::directives(&directives).text(), origin);
        let wanted = env.text("NO_COLOR").is_none() && env.text("TERM").as_deref() != Some("dumb");
        Self { format, directives, color: wanted && std::io::stdout().is_terminal() }
    }

    fn filter(&self) -> EnvFilter {
        let builder = EnvFilter::builder().with_default_directive(LevelFilter::ERROR.into());
        let directives = sound(&self.directives, STATIC_MAX_LEVEL);
        builder.parse(directives).unwrap_or_else(|_| EnvFilter::default())
    }

    /// Makes the subscriber the process's, if one was asked for.
    pub(crate) fn install(&self, telemetry: &Telemetry) -> Result<(), InitError> {
        let Some(format) = self.format else { return Ok(()) };
        let lines: Box<dyn Layer<Registry> + Send + Sync> = match format {
            LogFormat::Text => fmt::layer()
                .with_writer(LogLines::to_stdout())
                .log_internal_errors(false) // which would be written to stderr, and may panic
                .with_ansi(self.color)
                .map_event_format(TraceIds::new)
                .with_filter(WhileAlive::events(self.filter(), is_writable))
                .boxed(),
            LogFormat::Json => fmt::layer()
                .json()
                .with_writer(LogLines::to_stdout())
                .log_internal_errors(false)
                .map_event_format(TraceIds::new)
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
                "this process has set a subscriber for tracing already: let `init` set one, or \
                 unset this and add the layers of `Telemetry` to your own",
            )
        })
    }

    /// Spans from level INFO on, and those that the directives name besides; events that are errors.
    pub(crate) fn span_layer<S>(
        &self,
        provider: &Watched<SdkTracerProvider>,
    ) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("tracing"))
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(span_filter(self.filter()))
    }

    /// The events that the directives name.
    #[cfg(feature = "logs")]
    pub(crate) fn log_filter(&self) -> EnvFilter {
        self.filter()
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

fn readable(text: &str) -> Result<String, String> {
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

    #[test]
    fn directives_come_from_code_then_environment_then_default() {
        let shown = |variables: &[(&str, &str)], code: Option<&str>| {
            let env = Env::of(variables);
            let directives = code.map(str::to_owned);
            let logging = Logging::decide(&env, Settings { directives, format: None });
            (logging.directives, env.take_warnings().len())
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
            let logging = Logging::decide(&Env::of(variables), Settings::default());
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
