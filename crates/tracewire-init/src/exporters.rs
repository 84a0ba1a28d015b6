//! `OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER` and `OTEL_LOGS_EXPORTER`: which exporters a signal
//! goes to.

use crate::env::{Env, Origin};
use crate::error::InitError;
use crate::otlp::Signal;
use tracewire_export::wiring::Shown;

/// Where a signal goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exporter {
    /// Over the network, in OpenTelemetry's own protocol.
    Otlp,
    /// To stdout, for people or as JSON.
    Console,
    /// Spans to a Zipkin server, as JSON.
    #[cfg(feature = "zipkin")]
    Zipkin,
    /// Metrics on a page that a Prometheus server reads.
    #[cfg(feature = "prometheus")]
    Prometheus,
}

/// The value of a variable that names these exporters.
pub(crate) fn variable_value(exporters: &[Exporter]) -> String {
    if exporters.is_empty() {
        return "none".to_owned();
    }
    exporters.iter().map(|exporter| exporter.word()).collect::<Vec<_>>().join(",")
}

impl Exporter {
    fn word(self) -> &'static str {
        match self {
            Self::Otlp => "otlp",
            Self::Console => "console",
            #[cfg(feature = "zipkin")]
            Self::Zipkin => "zipkin",
            #[cfg(feature = "prometheus")]
            Self::Prometheus => "prometheus",
        }
    }
}

impl Signal {
    fn exporter_variable(self) -> &'static str {
        match self {
            Self::Traces => "OTEL_TRACES_EXPORTER",
            Self::Metrics => "OTEL_METRICS_EXPORTER",
            #[cfg(feature = "logs")]
            Self::Logs => "OTEL_LOGS_EXPORTER",
        }
    }

    fn exporters(self) -> &'static [Exporter] {
        match self {
            Self::Traces => &[
                Exporter::Otlp,
                Exporter::Console,
                #[cfg(feature = "zipkin")]
                Exporter::Zipkin,
            ],
            Self::Metrics => &[
                Exporter::Otlp,
                Exporter::Console,
                #[cfg(feature = "prometheus")]
                Exporter::Prometheus,
            ],
            #[cfg(feature = "logs")]
            Self::Logs => &[Exporter::Otlp, Exporter::Console],
        }
    }

    /// Words of the specification that this build may not know, and the feature that knows them.
    fn featured(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Traces => &[("zipkin", "zipkin")],
            Self::Metrics => &[("prometheus", "prometheus")],
            #[cfg(feature = "logs")]
            Self::Logs => &[],
        }
    }
}

/// Code's exporters, else the variable's, else OTLP. Each at most once.
///
/// # Errors
///
/// Code names one that is not for this signal.
pub(crate) fn exporters(
    env: &Env,
    signal: Signal,
    code: Option<Vec<Exporter>>,
) -> Result<Vec<Exporter>, InitError> {
    let variable = signal.exporter_variable();
    let (mut exporters, origin) = if let Some(exporters) = code {
        if let Some(other) = exporters.iter().find(|e| !signal.exporters().contains(e)) {
            let allowed = format!("it must be one of {}", words(signal));
            return Err(InitError::configuration(variable, &Shown::value(other.word()), &allowed));
        }
        env.overridden(&[variable]);
        (exporters, Origin::Code)
    } else if let Some(text) = env.text(variable) {
        match from_text(env, signal, &text) {
            Some(exporters) => (exporters, Origin::Variable(env.source_of(variable).to_owned())),
            None => (vec![Exporter::Otlp], Origin::Default),
        }
    } else {
        (vec![Exporter::Otlp], Origin::Default)
    };
    let mut seen = Vec::new();
    exporters.retain(|exporter| {
        let is_new = !seen.contains(exporter);
        seen.push(*exporter);
        is_new
    });
    env.decide(variable, variable_value(&exporters), origin);
    Ok(exporters)
}

fn words(signal: Signal) -> String {
    let names: Vec<_> = signal.exporters().iter().map(|exporter| exporter.word()).collect();
    format!("{}, none", names.join(", "))
}

/// The known words; `None` if there is none, which is as good as unset.
fn from_text(env: &Env, signal: Signal, text: &str) -> Option<Vec<Exporter>> {
    let variable = signal.exporter_variable();
    let mut exporters = Vec::new();
    let mut none = false;
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let is_word = |name: &str| name.eq_ignore_ascii_case(word);
        if is_word("none") {
            none = true;
        } else if let Some(exporter) = signal.exporters().iter().find(|e| is_word(e.word())) {
            exporters.push(*exporter);
        } else {
            let feature = signal.featured().iter().find(|(name, _)| is_word(name));
            let why = feature.map_or_else(String::new, |(_, feature)| {
                format!(" needs the cargo feature `{feature}` and")
            });
            env.warn(format!(
                "{variable}: {}{why} is ignored: expected one of {}",
                Shown::value(word),
                words(signal)
            ));
        }
    }
    if none && !exporters.is_empty() {
        env.warn(format!("{variable}: \"none\" is ignored beside other exporters"));
    }
    (none || !exporters.is_empty()).then_some(exporters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> (Vec<Exporter>, usize) {
        let env = Env::of(&[("OTEL_TRACES_EXPORTER", text)]);
        (exporters(&env, Signal::Traces, None).unwrap(), env.take_warnings().len())
    }

    #[test]
    fn words_name_exporters() {
        use Exporter::{Console, Otlp};
        for (text, expected, warnings) in [
            ("", vec![Otlp], 0),
            ("otlp", vec![Otlp], 0),
            ("Console", vec![Console], 0),
            ("none", vec![], 0),
            (" console , otlp,console,", vec![Console, Otlp], 0),
            ("console,nonsense", vec![Console], 1),
            ("nonsense", vec![Otlp], 1),
            ("prometheus", vec![Otlp], 1),
            ("none,console", vec![Console], 1),
            ("none,nonsense", vec![], 1),
        ] {
            assert_eq!(found(text), (expected, warnings), "{text}");
        }
    }

    #[cfg(feature = "zipkin")]
    #[test]
    fn zipkin_is_for_spans() {
        assert_eq!(found("zipkin"), (vec![Exporter::Zipkin], 0));
        let error = exporters(&Env::of(&[]), Signal::Metrics, Some(vec![Exporter::Zipkin]));
        assert!(error.unwrap_err().is_configuration());
    }

    #[cfg(not(feature = "zipkin"))]
    #[test]
    fn a_word_that_is_not_compiled_in_names_its_feature() {
        let env = Env::of(&[("OTEL_TRACES_EXPORTER", "zipkin")]);
        assert_eq!(exporters(&env, Signal::Traces, None).unwrap(), [Exporter::Otlp]);
        assert_eq!(
            env.take_warnings(),
            ["OTEL_TRACES_EXPORTER: \"zipkin\" needs the cargo feature `zipkin` and is ignored: \
              expected one of otlp, console, none"]
        );
    }

    #[test]
    fn code_wins() {
        let env = Env::of(&[("OTEL_TRACES_EXPORTER", "otlp")]);
        assert_eq!(exporters(&env, Signal::Traces, Some(vec![])).unwrap(), []);
    }
}
