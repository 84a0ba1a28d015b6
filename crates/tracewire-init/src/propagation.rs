//! The process's propagator: chosen before anything is set up, installed after everything is.

use std::sync::Arc;

use opentelemetry::global;
use tracewire_propagation::{Propagator, TextMap, allowed_names, from_names, set_default};

use crate::env::{Env, Origin};
use crate::error::InitError;
use tracewire_export::wiring::Shown;
use tracewire_export::wiring::log;

#[cfg(feature = "datadog-agent")]
mod split;

#[cfg(feature = "datadog-agent")]
pub(crate) use self::split::{EXTRACT, INJECT};

const VARIABLE: &str = "OTEL_PROPAGATORS";

/// Code's propagator, else that of `OTEL_PROPAGATORS`, else the formats that are compiled in.
///
/// # Errors
///
/// The variable names a format that is known but not compiled in.
pub(crate) fn choose(
    env: &Env,
    code: Option<Arc<dyn Propagator>>,
) -> Result<Arc<dyn Propagator>, InitError> {
    if let Some(propagator) = code {
        env.overridden(&[VARIABLE]);
        env.decide(VARIABLE, format!("{propagator:?}"), Origin::Code);
        return Ok(propagator);
    }
    #[cfg(feature = "datadog-agent")]
    if let Some(split) = split::choose(env)? {
        return Ok(split);
    }
    let text = env.text(VARIABLE);
    let words = text.as_deref().unwrap_or_default();
    let selection = from_names(words).map_err(InitError::propagator)?;
    for word in selection.unknown() {
        let word = Shown::value(word);
        env.warn(format!("{VARIABLE}: {word} is ignored: {}", expected()));
    }
    let origin = match text {
        Some(_) => Origin::Variable(env.source_of(VARIABLE).to_owned()),
        None => Origin::Default,
    };
    // Features unify across a build, so the set may be larger than its author meant.
    log::info(&format!("propagators: {} ({origin})", variable_value(selection.names())));
    env.decide(VARIABLE, variable_value(selection.names()), origin);
    Ok(selection.propagator())
}

/// The value of a variable that names these propagators.
fn variable_value(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(",") }
}

/// What a variable with names of propagators may hold.
fn expected() -> String {
    format!("expected one of {}", allowed_names().join(", "))
}

/// Makes it the one that tracewire's layers and OpenTelemetry's globals use.
pub(crate) fn install(propagator: Arc<dyn Propagator>) {
    global::set_text_map_propagator(TextMap::new(Arc::clone(&propagator)));
    set_default(propagator);
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracewire_propagation::HeaderFormat;

    fn decided(words: &str) -> (String, Vec<String>) {
        let env = Env::of(&[(VARIABLE, words)]);
        choose(&env, None).unwrap();
        (env.take_decisions()[0].to_string(), env.take_warnings())
    }

    #[test]
    fn unknown_words_are_warned_of_and_ignored() {
        let (decision, warnings) = decided("tracecontext,acme");
        assert_eq!(decision, r#"OTEL_PROPAGATORS = tracecontext (from OTEL_PROPAGATORS)"#);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        let expected = r#"OTEL_PROPAGATORS: "acme" is ignored: expected one of "#;
        let names = warnings[0].strip_prefix(expected).unwrap();
        let names: Vec<_> = names.split(", ").collect();
        assert!(names.contains(&"tracecontext") && names.contains(&"none"), "{names:?}");
        for name in names {
            assert_eq!(decided(name).1, [""; 0], "{name}");
        }
    }

    #[test]
    fn none_is_no_propagator() {
        assert_eq!(decided("none").0, "OTEL_PROPAGATORS = none (from OTEL_PROPAGATORS)");
    }

    #[test]
    fn a_known_format_is_chosen_or_an_error_that_names_its_feature() {
        for format in HeaderFormat::ALL {
            let name = format.name();
            let env = Env::of(&[(VARIABLE, name)]);
            match choose(&env, None) {
                Ok(_) => assert!(format.is_enabled(), "{name}"),
                Err(error) => {
                    assert!(!format.is_enabled() && error.is_not_compiled_in(), "{name}");
                    let message = error.to_string();
                    for part in [VARIABLE, name, format.feature()] {
                        assert!(message.contains(part), "{message}");
                    }
                }
            }
        }
    }
}
