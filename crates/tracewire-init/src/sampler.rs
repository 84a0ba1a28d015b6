//! `OTEL_TRACES_SAMPLER` and its argument.

use opentelemetry_sdk::trace::{Sampler, ShouldSample};

use crate::env::{self, Env, Origin};
use crate::hinted::{HintedSampler, RealParent};

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
    env.decide(SAMPLER, describe(choice, &root), origin);
    if choice.parent_based {
        Box::new(HintedSampler::new(Sampler::ParentBased(Box::new(root))))
    } else {
        Box::new(root)
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
            assert_eq!(shown(&variables), (expected, vec![]), "{name}");
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
    fn the_argument_counts_only_with_a_ratio() {
        let (_, warnings) = shown(&[(ARGUMENT, "abc")]);
        assert_eq!(warnings, Vec::<String>::new());
    }

    #[test]
    fn code_wins() {
        let env = Env::of(&[(SAMPLER, "always_on")]);
        let given = sampler(&env, Some(Box::new(Sampler::AlwaysOff)));
        assert_eq!(format!("{given:?}"), "AlwaysOff");
    }
}
