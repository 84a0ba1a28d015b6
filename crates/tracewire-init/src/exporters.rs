//! `OTEL_TRACES_EXPORTER` and `OTEL_METRICS_EXPORTER`: which exporters a signal goes to.

use crate::env::{Env, Origin};

/// Where a signal goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exporter {
    /// Over the network, in OpenTelemetry's own protocol.
    Otlp,
    /// To stdout, for people.
    Console,
}

const WORDS: [(&str, Exporter); 2] = [("otlp", Exporter::Otlp), ("console", Exporter::Console)];
/// Words of the specification that this build does not know.
const NOT_COMPILED_IN: [&str; 4] = ["zipkin", "prometheus", "otlp/stdout", "logging"];

/// Code's exporters, else the variable's, else OTLP. Each at most once.
pub(crate) fn exporters(env: &Env, variable: &str, code: Option<Vec<Exporter>>) -> Vec<Exporter> {
    let (mut exporters, origin) = if let Some(exporters) = code {
        (exporters, Origin::Code)
    } else if let Some(text) = env.text(variable) {
        match from_text(env, variable, &text) {
            Some(exporters) => (exporters, Origin::Variable(variable.to_owned())),
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
    env.decide(variable, format!("{exporters:?}"), origin);
    exporters
}

/// The known words; `None` if there is none, which is as good as unset.
fn from_text(env: &Env, variable: &str, text: &str) -> Option<Vec<Exporter>> {
    let mut exporters = Vec::new();
    let mut none = false;
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        if word.eq_ignore_ascii_case("none") {
            none = true;
        } else if let Some((_, exporter)) =
            WORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word))
        {
            exporters.push(*exporter);
        } else {
            let known = NOT_COMPILED_IN.iter().any(|name| name.eq_ignore_ascii_case(word));
            let why = if known { " is not compiled in and" } else { "" };
            env.warn(format!(
                "{variable}: {word:?}{why} is ignored: the words are otlp, console, none"
            ));
        }
    }
    if none && !exporters.is_empty() {
        env.warn(format!("{variable}={text:?}: \"none\" is ignored beside other words"));
    }
    (none || !exporters.is_empty()).then_some(exporters)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VARIABLE: &str = "OTEL_TRACES_EXPORTER";

    fn found(text: &str) -> (Vec<Exporter>, usize) {
        let env = Env::of(&[(VARIABLE, text)]);
        (exporters(&env, VARIABLE, None), env.take_warnings().len())
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
            ("zipkin", vec![Otlp], 1),
            ("none,console", vec![Console], 1),
            ("none,nonsense", vec![], 1),
        ] {
            assert_eq!(found(text), (expected, warnings), "{text}");
        }
    }

    #[test]
    fn code_wins() {
        let env = Env::of(&[(VARIABLE, "otlp")]);
        assert_eq!(exporters(&env, VARIABLE, Some(vec![])), []);
    }
}
