//! `OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER` and `OTEL_LOGS_EXPORTER`: which exporters a signal
//! goes to.

use tracewire_export::wiring::Shown;

use super::reader::Reader;
use crate::builder::{LogsExporter, MetricsExporter, TracesExporter};
use crate::features;
use crate::settings::{Setting, from_variable};

/// A word that names an exporter.
pub(crate) struct Word<E> {
    name: &'static str,
    make: fn() -> E,
    /// The cargo feature that this build lacks for it.
    missing: Option<&'static str>,
}

const fn word<E>(name: &'static str, make: fn() -> E) -> Word<E> {
    Word { name, make, missing: None }
}

const fn featured<E>(name: &'static str, make: fn() -> E, is_compiled_in: bool) -> Word<E> {
    Word { name, make, missing: if is_compiled_in { None } else { Some(name) } }
}

const fn lines<E>(name: &'static str, make: fn() -> E) -> Word<E> {
    Word { name, make, missing: if features::OTLP_JSON { None } else { Some("otlp-json") } }
}

pub(super) const TRACES: &[Word<TracesExporter>] = &[
    word("otlp", TracesExporter::otlp),
    word("console", TracesExporter::console),
    lines("otlp_file", TracesExporter::otlp_file),
    lines("otlp/stdout", TracesExporter::otlp_stdout),
    featured("zipkin", TracesExporter::zipkin, features::ZIPKIN),
];

pub(super) const METRICS: &[Word<MetricsExporter>] = &[
    word("otlp", MetricsExporter::otlp),
    word("console", MetricsExporter::console),
    lines("otlp_file", MetricsExporter::otlp_file),
    lines("otlp/stdout", MetricsExporter::otlp_stdout),
    featured("prometheus", MetricsExporter::prometheus, features::PROMETHEUS),
];

pub(super) const LOGS: &[Word<LogsExporter>] = &[
    word("otlp", LogsExporter::otlp),
    word("console", LogsExporter::console),
    lines("otlp_file", LogsExporter::otlp_file),
    lines("otlp/stdout", LogsExporter::otlp_stdout),
];

/// The exporters of the known words, each at most once; `None` if there is none, which is as good as
/// unset.
pub(super) fn exporters<E>(
    reader: &mut Reader<'_>,
    variable: &str,
    words: &[Word<E>],
) -> Setting<Vec<E>> {
    let text = reader.text(variable)?;
    let mut found: Vec<&Word<E>> = Vec::new();
    let mut none = false;
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let known = words.iter().find(|known| known.name.eq_ignore_ascii_case(word));
        match known {
            _ if word.eq_ignore_ascii_case("none") => none = true,
            Some(known) if known.missing.is_none() => {
                if !found.iter().any(|earlier| earlier.name == known.name) {
                    found.push(known);
                }
            }
            _ => {
                let feature = known.and_then(|known| known.missing);
                let why = feature.map_or_else(String::new, |feature| {
                    format!(" needs the cargo feature `{feature}` and")
                });
                let word = Shown::value(word);
                let expected = expected(words);
                reader.warn(format!("{variable}: {word}{why} is ignored: {expected}"));
            }
        }
    }
    if none && !found.is_empty() {
        reader.warn(format!("{variable}: \"none\" is ignored, because other exporters are listed"));
    }
    if !none && found.is_empty() {
        return None;
    }
    from_variable(variable, found.into_iter().map(|word| (word.make)()).collect())
}

fn expected<E>(words: &[Word<E>]) -> String {
    let known = words.iter().filter(|word| word.missing.is_none()).map(|word| word.name);
    format!("expected one of {}, none", known.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::env::Env;
    use super::*;
    use crate::plan::Plan;

    fn found(text: &str) -> (Option<Vec<&'static str>>, usize) {
        let (env, mut plan) = (Env::of(&[("OTEL_TRACES_EXPORTER", text)]), Plan::default());
        let mut reader = Reader::new(&env, &mut plan);
        let found = exporters(&mut reader, "OTEL_TRACES_EXPORTER", TRACES);
        let names = found.map(|found| found.value.iter().map(TracesExporter::name).collect());
        (names, plan.warnings().count())
    }

    #[test]
    fn words_name_exporters() {
        for (text, expected, warnings) in [
            ("", None, 0),
            ("otlp", Some(vec!["otlp"]), 0),
            ("Console", Some(vec!["console"]), 0),
            ("none", Some(vec![]), 0),
            (" console , otlp,console,", Some(vec!["console", "otlp"]), 0),
            ("console,nonsense", Some(vec!["console"]), 1),
            ("nonsense", None, 1),
            ("prometheus", None, 1),
            ("none,console", Some(vec!["console"]), 1),
            ("none,nonsense", Some(vec![]), 1),
        ] {
            assert_eq!(found(text), (expected, warnings), "{text}");
        }
    }

    #[test]
    fn a_word_names_its_exporter_or_the_feature_that_is_missing() {
        if features::ZIPKIN {
            assert_eq!(found("zipkin"), (Some(vec!["zipkin"]), 0));
            return;
        }
        let (env, mut plan) = (Env::of(&[("OTEL_TRACES_EXPORTER", "zipkin")]), Plan::default());
        let mut reader = Reader::new(&env, &mut plan);
        assert!(exporters(&mut reader, "OTEL_TRACES_EXPORTER", TRACES).is_none());
        assert_eq!(
            plan.warnings().collect::<Vec<_>>(),
            ["OTEL_TRACES_EXPORTER: \"zipkin\" needs the cargo feature `zipkin` and is ignored: \
              expected one of otlp, console, none"]
        );
    }
}
