//! `OTEL_TRACES_SAMPLER` and its argument.

use std::error::Error;

use tracewire_export::wiring::Shown;
use tracewire_sampling::Probability;

use super::parse::{choice, ratio};
use super::reader::Reader;
use crate::config::sampling::{Root, SamplerChoice};
use crate::error::InitError;
use crate::settings::{Given, Setting};

pub(crate) const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
pub(crate) const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";

#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    root: Name,
    is_parent_based: bool,
}

#[derive(Clone, Copy, Debug)]
enum Name {
    AlwaysOn,
    AlwaysOff,
    Ratio,
    Probability,
    Rules,
}

pub(crate) const WORDS: [(&str, Word); 10] = [
    ("always_on", Word { root: Name::AlwaysOn, is_parent_based: false }),
    ("always_off", Word { root: Name::AlwaysOff, is_parent_based: false }),
    ("traceidratio", Word { root: Name::Ratio, is_parent_based: false }),
    ("probability", Word { root: Name::Probability, is_parent_based: false }),
    ("rules", Word { root: Name::Rules, is_parent_based: false }),
    ("parentbased_always_on", Word { root: Name::AlwaysOn, is_parent_based: true }),
    ("parentbased_always_off", Word { root: Name::AlwaysOff, is_parent_based: true }),
    ("parentbased_traceidratio", Word { root: Name::Ratio, is_parent_based: true }),
    ("parentbased_probability", Word { root: Name::Probability, is_parent_based: true }),
    ("parentbased_rules", Word { root: Name::Rules, is_parent_based: true }),
];

/// The sampler that the variables name.
///
/// # Errors
///
/// The probability cannot be read: to keep every trace instead may cost a lot. Rules are read later,
/// when the service's name is known.
pub(super) fn sampler(
    reader: &mut Reader<'_>,
    is_set_in_code: bool,
) -> Result<Setting<SamplerChoice>, InitError> {
    let word = reader.read(SAMPLER, choice(&WORDS));
    if is_set_in_code {
        warn_of_unused_argument(reader, "the sampler is set in code");
    } else if word.is_none() {
        let why = "OTEL_TRACES_SAMPLER is not set; parentbased_traceidratio uses it";
        warn_of_unused_argument(reader, why);
    }
    let Some(Given { value: word, origin }) = word else { return Ok(None) };
    let root = match word.root {
        _ if is_set_in_code => Root::AlwaysOn, // whatever it is, it does not count
        Name::AlwaysOn | Name::AlwaysOff => {
            let why = "only traceidratio, probability and rules use it, and each with parentbased_";
            warn_of_unused_argument(reader, why);
            if matches!(word.root, Name::AlwaysOn) { Root::AlwaysOn } else { Root::AlwaysOff }
        }
        Name::Ratio => Root::Ratio(reader.read(ARGUMENT, ratio).map_or(1.0, |given| given.value)),
        Name::Probability => {
            let text = reader.text(ARGUMENT).unwrap_or_else(|| "1".to_owned());
            let probability: Result<Probability, _> = text.trim().parse();
            Root::Probability(probability.map_err(|error| unreadable(ARGUMENT, &text, error))?)
        }
        // Not trimmed: errors count columns.
        Name::Rules => Root::Rules(reader.text(ARGUMENT)),
    };
    Ok(Some(Given {
        value: SamplerChoice::Named { root, is_parent_based: word.is_parent_based },
        origin,
    }))
}

fn warn_of_unused_argument(reader: &mut Reader<'_>, why: &str) {
    if let Some(argument) = reader.text(ARGUMENT) {
        let argument = Shown::value(argument.trim());
        reader.warn(format!("{ARGUMENT}={argument} has no effect: {why}"));
    }
}

/// The error of a probability or of rules.
pub(crate) fn unreadable(
    variable: &str,
    text: &str,
    error: impl Error + Send + Sync + 'static,
) -> InitError {
    InitError::configuration(variable, &Shown::value(text), &error.to_string()).with_source(error)
}
