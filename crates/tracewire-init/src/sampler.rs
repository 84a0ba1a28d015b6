//! `OTEL_TRACES_SAMPLER` and its argument.

use opentelemetry_sdk::trace::{Sampler, ShouldSample};

use crate::env::{self, Env, Origin};
use crate::hinted::{HintedSampler, RealParent};
use tracewire_export::wiring::Shown;

const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";

#[derive(Clone, Copy, Debug)]
struct Choice {
    root: Root,
    parent_based: bool,
}

#[derive(Clone, Copy, Debug)]
enum Root {
    AlwaysOn,
    AlwaysOff,
    Ratio,
}

const WORDS: [(&str, Choice); 6] = [
    ("always_on", Choice { root: Root::AlwaysOn, parent_based: false }),
    ("always_off", Choice { root: Root::AlwaysOff, parent_based: false }),
    ("traceidratio", Choice { root: Root::Ratio, parent_based: false }),
    ("parentbased_always_on", Choice { root: Root::AlwaysOn, parent_based: true }),
    ("parentbased_always_off", Choice { root: Root::AlwaysOff, parent_based: true }),
    ("parentbased_traceidratio", Choice { root: Root::Ratio, parent_based: true }),
];

/// The sampler that code gave, else the environment's, else `parentbased_always_on`.
///
/// Samplers that obey the parent obey its hints as well; those that ignore the parent ignore both.
pub(crate) fn sampler(env: &Env, code: Option<Box<dyn ShouldSample>>) -> Box<dyn ShouldSample> {
    if let Some(sampler) = code {
        warn_of_unused_argument(env, "the sampler is set in code");
        env.overridden(&[SAMPLER]);
        env.decide(SAMPLER, format!("{sampler:?}"), Origin::Code);
        return Box::new(RealParent(sampler));
    }
    let found = env.read(&[SAMPLER], env::choice(&WORDS));
    let origin = match &found {
        Some(found) => Origin::Variable(found.variable.clone()),
        None => Origin::Default,
    };
    let choice = found.map_or(Choice { root: Root::AlwaysOn, parent_based: true }, |f| f.value);
    let root = match choice.root {
        Root::AlwaysOn => Sampler::AlwaysOn,
        Root::AlwaysOff => Sampler::AlwaysOff,
        Root::Ratio => Sampler::TraceIdRatioBased(
            env.read(&[ARGUMENT], ratio).map_or(1.0, |found| found.value),
        ),
    };
    if !matches!(choice.root, Root::Ratio) {
        let why = match origin {
            Origin::Default => "OTEL_TRACES_SAMPLER is not set; parentbased_traceidratio uses it",
            _ => "only traceidratio and parentbased_traceidratio use it",
        };
        warn_of_unused_argument(env, why);
    }
    env.decide(SAMPLER, describe(choice, &root), origin);
    if choice.parent_based {
        Box::new(HintedSampler::new(Sampler::ParentBased(Box::new(root))))
    } else {
        Box::new(root)
    }
}

fn warn_of_unused_argument(env: &Env, why: &str) {
    if let Some(argument) = env.text(ARGUMENT) {
        let argument = Shown::value(argument.trim());
        env.warn(format!("{}={argument} has no effect: {why}", env.source_of(ARGUMENT)));
    }
}

fn describe(choice: Choice, root: &Sampler) -> String {
    if choice.parent_based { format!("parent based, root {root:?}") } else { format!("{root:?}") }
}

fn ratio(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|ratio| (0.0..=1.0).contains(ratio))
        .ok_or_else(|| "it must be a number from 0 to 1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(variables: &[(&str, &str)]) -> (String, Vec<String>) {
        let env = Env::of(variables);
        (format!("{:?}", sampler(&env, None)), env.take_warnings())
    }

    #[test]
    fn each_name_gives_its_sampler() {
        let hinted = |root: &str| format!("HintedSampler {{ inner: ParentBased({root}) }}");
        for (name, expected) in [
            ("always_on", "AlwaysOn".to_owned()),
            ("ALWAYS_OFF", "AlwaysOff".to_owned()),
            ("traceidratio", "TraceIdRatioBased(0.25)".to_owned()),
            ("parentbased_always_on", hinted("AlwaysOn")),
            ("parentbased_always_off", hinted("AlwaysOff")),
            ("ParentBased_TraceIdRatio", hinted("TraceIdRatioBased(0.25)")),
            ("", hinted("AlwaysOn")),
        ] {
            let variables = [(SAMPLER, name), (ARGUMENT, "0.25")];
            let warnings = usize::from(!name.to_lowercase().ends_with("ratio"));
            let (sampler, said) = shown(&variables);
            assert_eq!((sampler, said.len()), (expected, warnings), "{name}");
        }
    }

    #[test]
    fn unknown_names_and_bad_ratios_are_warned_of_and_ignored() {
        let (sampler, warnings) = shown(&[(SAMPLER, "jaeger_remote")]);
        assert_eq!(sampler, "HintedSampler { inner: ParentBased(AlwaysOn) }");
        assert_eq!(
            warnings,
            [format!(
                "{SAMPLER}=\"jaeger_remote\" is ignored: it must be one of {}",
                env::names(&WORDS)
            )]
        );
        for bad in ["abc", "-0.1", "1.1", "NaN", "inf"] {
            let (sampler, warnings) = shown(&[(SAMPLER, "traceidratio"), (ARGUMENT, bad)]);
            assert_eq!(sampler, "TraceIdRatioBased(1.0)");
            assert_eq!(
                warnings,
                [format!("{ARGUMENT}={bad:?} is ignored: it must be a number from 0 to 1")]
            );
        }
    }

    #[test]
    fn an_argument_without_a_sampler_that_uses_it_is_warned_of() {
        for (variables, why) in [
            (
                &[(ARGUMENT, "0.25")][..],
                "OTEL_TRACES_SAMPLER is not set; parentbased_traceidratio uses it",
            ),
            (
                &[(ARGUMENT, "0.25"), (SAMPLER, "parentbased_always_on")],
                "only traceidratio and parentbased_traceidratio use it",
            ),
        ] {
            let (_, warnings) = shown(variables);
            assert_eq!(warnings, [format!("{ARGUMENT}=\"0.25\" has no effect: {why}")]);
        }
        let env = Env::of(&[(ARGUMENT, "0.25")]);
        sampler(&env, Some(Box::new(Sampler::AlwaysOn)));
        assert_eq!(env.take_warnings().len(), 1);
    }

    #[test]
    fn code_wins() {
        let env = Env::of(&[(SAMPLER, "always_on")]);
        let given = sampler(&env, Some(Box::new(Sampler::AlwaysOff)));
        assert_eq!(format!("{given:?}"), "AlwaysOff");
    }
}
