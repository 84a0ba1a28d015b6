//! `OTEL_TRACES_SAMPLER` and its argument.

use std::error::Error;

use opentelemetry::Key;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::Sampler as SdkSampler;
use tracewire_export::wiring::Shown;
use tracewire_sampling::{Composable, ParentThreshold, Probability, RuleBased, Sampler};

use crate::env::{self, Env, Origin};
use crate::error::InitError;

const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";

#[derive(Clone, Copy, Debug)]
struct Choice {
    root: Root,
    parent_based: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Root {
    AlwaysOn,
    AlwaysOff,
    Ratio,
    Probability,
    Rules,
}

const WORDS: [(&str, Choice); 10] = [
    ("always_on", Choice { root: Root::AlwaysOn, parent_based: false }),
    ("always_off", Choice { root: Root::AlwaysOff, parent_based: false }),
    ("traceidratio", Choice { root: Root::Ratio, parent_based: false }),
    ("probability", Choice { root: Root::Probability, parent_based: false }),
    ("rules", Choice { root: Root::Rules, parent_based: false }),
    ("parentbased_always_on", Choice { root: Root::AlwaysOn, parent_based: true }),
    ("parentbased_always_off", Choice { root: Root::AlwaysOff, parent_based: true }),
    ("parentbased_traceidratio", Choice { root: Root::Ratio, parent_based: true }),
    ("parentbased_probability", Choice { root: Root::Probability, parent_based: true }),
    ("parentbased_rules", Choice { root: Root::Rules, parent_based: true }),
];

/// The sampler that code gave, else the environment's, else `parentbased_always_on`.
///
/// Samplers that obey the parent obey its hints as well; those that ignore the parent ignore both.
pub(crate) fn sampler(
    env: &Env,
    code: Option<Sampler>,
    resource: &Resource,
) -> Result<Sampler, InitError> {
    if let Some(sampler) = code {
        warn_of_unused_argument(env, "the sampler is set in code");
        env.overridden(&[SAMPLER]);
        env.decide(SAMPLER, format!("{sampler:?}"), Origin::Code);
        return Ok(sampler);
    }
    let found = env.read(&[SAMPLER], env::choice(&WORDS));
    let origin = match &found {
        Some(found) => Origin::Variable(found.variable.clone()),
        None => Origin::Default,
    };
    let choice = found.map_or(Choice { root: Root::AlwaysOn, parent_based: true }, |f| f.value);
    if matches!(choice.root, Root::AlwaysOn | Root::AlwaysOff) {
        let why = match origin {
            Origin::Default => "OTEL_TRACES_SAMPLER is not set; parentbased_traceidratio uses it",
            _ => "only traceidratio, probability and rules use it, and each with parentbased_",
        };
        warn_of_unused_argument(env, why);
    }
    let (sampler, root) = match choice.root {
        Root::AlwaysOn => plain(SdkSampler::AlwaysOn, choice),
        Root::AlwaysOff => plain(SdkSampler::AlwaysOff, choice),
        Root::Ratio => {
            let ratio = env.read(&[ARGUMENT], ratio).map_or(1.0, |found| found.value);
            plain(SdkSampler::TraceIdRatioBased(ratio), choice)
        }
        Root::Probability => {
            let probability: Probability = argument(env, "1", |text| text.trim().parse())?;
            (tree(probability, choice), format!("Probability({})", probability.value()))
        }
        Root::Rules => {
            let service = resource.get(&Key::from_static_str("service.name"));
            let service = service.map(|name| name.to_string()).unwrap_or_default();
            if env.text(ARGUMENT).is_none() {
                env.warn(format!(
                    "{ARGUMENT} is not set, so {SAMPLER} has no rules: every trace is kept"
                ));
            }
            let rules = argument(env, "on", |text| RuleBased::parse(text, &service))?;
            (tree(rules, choice), "rules".to_owned())
        }
    };
    let parent = if choice.parent_based { "parent based, root " } else { "" };
    env.decide(SAMPLER, format!("{parent}{root}"), origin);
    Ok(sampler)
}

/// One of the SDK's samplers, which set no threshold.
fn plain(root: SdkSampler, choice: Choice) -> (Sampler, String) {
    let shown = format!("{root:?}");
    let sampler =
        if choice.parent_based { Sampler::parent_based(root) } else { Sampler::wrap(root) };
    (sampler, shown)
}

fn tree(root: impl Composable + 'static, choice: Choice) -> Sampler {
    if choice.parent_based { Sampler::new(ParentThreshold::new(root)) } else { Sampler::new(root) }
}

/// Reads the argument. What cannot be read is an error, because to keep every trace instead may cost
/// a lot.
fn argument<T, E: Error + Send + Sync + 'static>(
    env: &Env,
    default: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, InitError> {
    let text = env.text(ARGUMENT).unwrap_or_else(|| default.to_owned());
    // Not trimmed: errors count columns.
    parse(&text).map_err(|error| {
        let source = env.source_of(ARGUMENT);
        InitError::configuration(source, &Shown::value(&text), &error.to_string())
            .with_source(error)
    })
}

fn warn_of_unused_argument(env: &Env, why: &str) {
    if let Some(argument) = env.text(ARGUMENT) {
        let argument = Shown::value(argument.trim());
        env.warn(format!("{}={argument} has no effect: {why}", env.source_of(ARGUMENT)));
    }
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

    fn resource() -> Resource {
        Resource::builder_empty().with_service_name("shop").build()
    }

    fn made(env: &Env, code: Option<Sampler>) -> String {
        format!("{:?}", sampler(env, code, &resource()).unwrap())
    }

    fn shown(variables: &[(&str, &str)]) -> (String, Vec<String>) {
        let env = Env::of(variables);
        (made(&env, None), env.take_warnings())
    }

    #[test]
    fn each_name_gives_its_sampler() {
        let alone = |root: &str| format!("Sampler({root})");
        let below = |root: &str| format!("Sampler(ParentBased({root}))");
        let probability =
            "Probability { value: 0.25, threshold: Some(Threshold(54043195528445952)) }";
        let rules = format!("[{probability}]");
        let threshold = |root: &str| format!("Sampler(ParentThreshold {{ root: {root} }})");
        for (name, expected) in [
            ("always_on", alone("AlwaysOn")),
            ("ALWAYS_OFF", alone("AlwaysOff")),
            ("traceidratio", alone("TraceIdRatioBased(0.25)")),
            ("parentbased_always_on", below("AlwaysOn")),
            ("parentbased_always_off", below("AlwaysOff")),
            ("ParentBased_TraceIdRatio", below("TraceIdRatioBased(0.25)")),
            ("", below("AlwaysOn")),
            ("Probability", alone(probability)),
            ("parentbased_probability", threshold(probability)),
            ("rules", alone(&rules)),
            ("parentbased_rules", threshold(&rules)),
        ] {
            let variables = [(SAMPLER, name), (ARGUMENT, "0.25")];
            let uses = ["ratio", "probability", "rules"];
            let name_of = name.to_lowercase();
            let warnings = usize::from(!uses.iter().any(|word| name_of.ends_with(word)));
            let (sampler, said) = shown(&variables);
            assert_eq!((sampler, said.len()), (expected, warnings), "{name}");
        }
    }

    #[test]
    fn unknown_names_and_bad_ratios_are_warned_of_and_ignored() {
        let (sampler, warnings) = shown(&[(SAMPLER, "jaeger_remote")]);
        assert_eq!(sampler, "Sampler(ParentBased(AlwaysOn))");
        assert_eq!(
            warnings,
            [format!(
                "{SAMPLER}=\"jaeger_remote\" is ignored: it must be one of {}",
                env::names(&WORDS)
            )]
        );
        for bad in ["abc", "-0.1", "1.1", "NaN", "inf"] {
            let (sampler, warnings) = shown(&[(SAMPLER, "traceidratio"), (ARGUMENT, bad)]);
            assert_eq!(sampler, "Sampler(TraceIdRatioBased(1.0))");
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
                "only traceidratio, probability and rules use it, and each with parentbased_",
            ),
        ] {
            let (_, warnings) = shown(variables);
            assert_eq!(warnings, [format!("{ARGUMENT}=\"0.25\" has no effect: {why}")]);
        }
        let env = Env::of(&[(ARGUMENT, "0.25")]);
        made(&env, Some(Sampler::wrap(SdkSampler::AlwaysOn)));
        assert_eq!(env.take_warnings().len(), 1);
    }

    #[test]
    fn code_wins() {
        let env = Env::of(&[(SAMPLER, "always_on")]);
        let given = made(&env, Some(Sampler::wrap(SdkSampler::AlwaysOff)));
        assert_eq!(given, "Sampler(AlwaysOff)");
    }

    #[test]
    fn a_bad_probability_or_rule_is_an_error() {
        for (name, argument, expected) in [
            ("probability", "1.5 ", "expected a number from 0 to 1"),
            ("parentbased_probability", "abc", "expected a number from 0 to 1"),
            ("rules", "/a: off; /b: maybe", "rule 2, column 14: expected on, off or a number"),
            ("parentbased_rules", "/a", "rule 1, column 1: expected on, off or a number"),
        ] {
            let env = Env::of(&[(SAMPLER, name), (ARGUMENT, argument)]);
            let error = sampler(&env, None, &resource()).unwrap_err();
            assert!(error.is_configuration());
            let message = error.to_string();
            assert!(message.starts_with(&format!("{ARGUMENT}=")), "{message}");
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn rules_know_the_service() {
        let rules =
            [(SAMPLER, "rules"), (ARGUMENT, "service=shop /a: off; service=cart: off; 0.25")];
        let (sampler, warnings) = shown(&rules);
        assert!(sampler.starts_with("Sampler([/a: AlwaysOff, Probability"), "{sampler}");
        assert_eq!(warnings, Vec::<String>::new());
    }

    #[test]
    fn rules_without_an_argument_are_warned_of() {
        let (sampler, warnings) = shown(&[(SAMPLER, "rules")]);
        assert!(sampler.starts_with("Sampler([Probability { value: 1.0"), "{sampler}");
        assert_eq!(
            warnings,
            [format!("{ARGUMENT} is not set, so {SAMPLER} has no rules: every trace is kept")]
        );
    }
}
