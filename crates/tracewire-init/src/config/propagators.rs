//! The process's propagator: chosen before anything is set up, installed after everything is.

use std::sync::Arc;

use opentelemetry::global;
use tracewire_export::wiring::{Shown, log};
use tracewire_propagation::{Propagator, TextMap, allowed_names, from_names, set_default};

use super::split::Split;
use super::text;
use crate::error::InitError;
use crate::plan::{Origin, Plan};
use crate::settings::{Given, Setting};

pub(super) const VARIABLE: &str = "OTEL_PROPAGATORS";

/// The formats that are asked for.
#[derive(Clone)]
pub(crate) enum Formats {
    /// A propagator that is made already.
    Given(Arc<dyn Propagator>),
    /// By names, with commas between.
    Named(String),
    /// Others to read headers than to write them, by names; `None` is what is compiled in.
    #[cfg_attr(
        all(not(feature = "datadog-agent"), not(test)),
        expect(dead_code, reason = "no vendor asks for it")
    )]
    Split { extract: Setting<String>, inject: Setting<String> },
}

/// What is given, else the formats that are compiled in.
///
/// # Errors
///
/// A format is known but not compiled in.
pub(crate) fn choose(
    given: Setting<Formats>,
    plan: &mut Plan,
) -> Result<Arc<dyn Propagator>, InitError> {
    let (formats, origin) = match given {
        Some(Given { value, origin }) => (value, origin),
        None => (Formats::Named(String::new()), Origin::Default),
    };
    match formats {
        Formats::Given(propagator) => {
            plan.decide(VARIABLE, format!("{propagator:?}"), origin);
            Ok(propagator)
        }
        Formats::Named(words) => named(VARIABLE, &words, origin, plan),
        Formats::Split { extract, inject } => {
            let mut direction = |name: &str, given: Setting<String>| {
                let none = || Given { value: String::new(), origin: origin.clone() };
                let Given { value, origin } = given.unwrap_or_else(none);
                named(&format!("{VARIABLE}={name}"), &value, origin, plan)
            };
            let extract = direction("extract", extract)?;
            Ok(Arc::new(Split { extract, inject: direction("inject", inject)? }))
        }
    }
}

fn named(
    setting: &str,
    words: &str,
    origin: Origin,
    plan: &mut Plan,
) -> Result<Arc<dyn Propagator>, InitError> {
    let selection = from_names(words).map_err(InitError::propagator)?;
    for word in selection.unknown() {
        let word = Shown::value(word);
        plan.warn(format!("{}: {word} is ignored: {}", origin.name(VARIABLE), expected()));
    }
    let names = text::list(selection.names().iter().map(String::as_str));
    plan.decide(setting, names, origin);
    Ok(selection.propagator())
}

/// Says the formats once: features unify across a build, so there may be more than was meant.
pub(crate) fn say(plan: &Plan) {
    for decision in plan.decisions().iter().filter(|d| d.setting == VARIABLE) {
        if decision.origin != Origin::Code {
            log::info(&format!("propagators: {} ({})", decision.value, decision.origin));
        }
    }
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
    use crate::settings::from_variable;
    use tracewire_propagation::HeaderFormat;

    fn given(words: &str) -> Setting<Formats> {
        from_variable(VARIABLE, Formats::Named(words.to_owned()))
    }

    fn decided(words: &str) -> (String, Vec<String>) {
        let mut plan = Plan::default();
        choose(given(words), &mut plan).unwrap();
        (plan.decisions()[0].to_string(), plan.warnings().map(str::to_owned).collect())
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
            match choose(given(name), &mut Plan::default()) {
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
