//! Which traces are kept.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use opentelemetry::Key;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::Sampler as SdkSampler;
use tracewire_export::wiring::Shown;
use tracewire_sampling::{Composable, ParentThreshold, Probability, RuleBased, Sampler};

use crate::error::InitError;
use crate::plan::{Origin, Plan};
use crate::settings::{Given, Setting};
use crate::variables::sampler::{ARGUMENT, SAMPLER, unreadable};

/// The sampler that is asked for.
#[derive(Clone, Debug)]
pub(crate) enum SamplerChoice {
    /// Made already.
    Given(Sampler),
    /// By name, alone or for traces that no caller decided about.
    Named { root: Root, is_parent_based: bool },
    /// Made once the service's name is known.
    Late(LateSampler),
}

/// A sampler that needs the service's name.
#[derive(Clone)]
pub(crate) struct LateSampler {
    /// What the plan shows.
    pub(crate) shown: String,
    pub(crate) make: Arc<dyn Fn(&str) -> Sampler + Send + Sync>,
}

impl fmt::Debug for LateSampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LateSampler").field(&self.shown).finish()
    }
}

impl SamplerChoice {
    /// The same as it is now, whatever replaces the sampler later.
    pub(crate) fn apart(self) -> Self {
        match self {
            Self::Given(sampler) => {
                let own = Sampler::wrap(SdkSampler::AlwaysOn);
                own.replace(sampler);
                Self::Given(own)
            }
            named => named,
        }
    }
}

/// How a trace is decided about.
#[derive(Clone, Debug)]
pub(crate) enum Root {
    AlwaysOn,
    AlwaysOff,
    Ratio(f64),
    Probability(Probability),
    /// Rules as text: they are read when the service's name is known. `None` is without rules.
    Rules(Option<String>),
}

/// What is given, else `parentbased_always_on`.
///
/// Samplers that obey the parent obey its hints as well; those that ignore the parent ignore both.
///
/// # Errors
///
/// The rules cannot be read: to keep every trace instead may cost a lot.
pub(crate) fn sampler(
    given: Setting<SamplerChoice>,
    resource: &Resource,
    plan: &mut Plan,
) -> Result<Sampler, InitError> {
    let default = SamplerChoice::Named { root: Root::AlwaysOn, is_parent_based: true };
    let Given { value: choice, origin } =
        given.unwrap_or(Given { value: default, origin: Origin::Default });
    let (root, is_parent_based) = match choice {
        SamplerChoice::Given(sampler) => {
            plan.decide(SAMPLER, shown(&sampler), origin);
            return Ok(sampler);
        }
        SamplerChoice::Late(LateSampler { shown, make }) => {
            plan.decide(SAMPLER, shown, origin);
            return Ok(make(&service_name(resource)));
        }
        SamplerChoice::Named { root, is_parent_based } => (root, is_parent_based),
    };
    let (sampler, shown) = match root {
        Root::AlwaysOn => plain(SdkSampler::AlwaysOn, is_parent_based),
        Root::AlwaysOff => plain(SdkSampler::AlwaysOff, is_parent_based),
        Root::Ratio(ratio) if !(0.0..=1.0).contains(&ratio) => {
            let value = Shown::value(&ratio.to_string());
            let allowed = "it must be a number from 0 to 1";
            return Err(InitError::configuration("Traces::sampling_ratio", &value, allowed));
        }
        Root::Ratio(ratio) => plain(SdkSampler::TraceIdRatioBased(ratio), is_parent_based),
        Root::Probability(probability) => {
            let shown = format!("Probability({})", probability.value());
            (tree(probability, is_parent_based), shown)
        }
        Root::Rules(text) => {
            let is_in_file = matches!(origin, Origin::File(_));
            let (rules, shown) = rules(text, resource, is_in_file, plan)?;
            (tree(rules, is_parent_based), shown)
        }
    };
    let parent = if is_parent_based { "parent based, root " } else { "" };
    plan.decide(SAMPLER, format!("{parent}{shown}"), origin);
    Ok(sampler)
}

/// What the plan shows of a sampler, which may be one of the program's.
fn shown(sampler: &Sampler) -> String {
    let shown = catch_unwind(AssertUnwindSafe(|| format!("{sampler:?}")));
    shown.unwrap_or_else(|_| "a sampler that cannot be shown".to_owned())
}

/// The rules, and what the plan shows of them. A file's reader has warned of what is odd about them.
fn rules(
    text: Option<String>,
    resource: &Resource,
    is_in_file: bool,
    plan: &mut Plan,
) -> Result<(RuleBased, String), InitError> {
    let text = text.unwrap_or_else(|| {
        plan.warn(format!("{ARGUMENT} is not set, so {SAMPLER} has no rules: every trace is kept"));
        "on".to_owned()
    });
    let rules = RuleBased::parse(&text, &service_name(resource))
        .map_err(|error| unreadable(ARGUMENT, &text, error))?;
    if !is_in_file {
        rules.warnings().iter().for_each(|warning| plan.warn(format!("{ARGUMENT}: {warning}")));
    }
    Ok((rules, format!("rules \"{}\"", text.trim())))
}

fn service_name(resource: &Resource) -> String {
    let name = resource.get(&Key::from_static_str("service.name"));
    name.map(|name| name.to_string()).unwrap_or_default()
}

/// One of the SDK's samplers, which set no threshold.
fn plain(root: SdkSampler, is_parent_based: bool) -> (Sampler, String) {
    let shown = format!("{root:?}");
    let sampler = if is_parent_based { Sampler::parent_based(root) } else { Sampler::wrap(root) };
    (sampler, shown)
}

fn tree(root: impl Composable + 'static, is_parent_based: bool) -> Sampler {
    if is_parent_based { Sampler::new(ParentThreshold::new(root)) } else { Sampler::new(root) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::Traces;
    use crate::settings::{Layer, Merge, in_code};
    use crate::variables::sampler::WORDS;
    use crate::variables::{self, Env, Reader, parse};

    fn resource() -> Resource {
        Resource::builder_empty().with_service_name("shop").build()
    }

    /// What these variables, or code, decide, and what is warned of.
    fn decided(
        variables: &[(&str, &str)],
        code: Option<Sampler>,
    ) -> (Result<Sampler, InitError>, Vec<String>) {
        let (env, mut plan) = (Env::of(variables), Plan::default());
        let mut code = Traces {
            sampler: code.and_then(|sampler| in_code(SamplerChoice::Given(sampler))),
            ..Traces::default()
        };
        let layer = Layer { traces: Traces::default(), ..Layer::default() };
        let layer = match &code.sampler {
            Some(given) => {
                let given = Some(given.clone());
                Layer { traces: Traces { sampler: given, ..Traces::default() }, ..layer }
            }
            None => layer,
        };
        let result = match variables::read(&mut Reader::new(&env, &mut plan), &layer) {
            Ok(environment) => {
                code.complete(environment.traces, &mut plan);
                sampler(code.sampler, &resource(), &mut plan)
            }
            Err(error) => Err(error),
        };
        (result, plan.warnings().map(str::to_owned).collect())
    }

    fn shown(variables: &[(&str, &str)]) -> (String, Vec<String>) {
        let (sampler, warnings) = decided(variables, None);
        (format!("{:?}", sampler.unwrap()), warnings)
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
                parse::names(&WORDS)
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
        let code = Some(Sampler::wrap(SdkSampler::AlwaysOn));
        assert_eq!(decided(&[(ARGUMENT, "0.25")], code).1.len(), 1);
    }

    #[test]
    fn code_wins() {
        let code = Some(Sampler::wrap(SdkSampler::AlwaysOff));
        let (given, warnings) = decided(&[(SAMPLER, "always_on")], code);
        assert_eq!(format!("{:?}", given.unwrap()), "Sampler(AlwaysOff)");
        assert_eq!(warnings.len(), 1);
    }

    #[test]
    fn a_bad_probability_or_rule_is_an_error() {
        for (name, argument, expected) in [
            ("probability", "1.5 ", "expected a number from 0 to 1"),
            ("parentbased_probability", "abc", "expected a number from 0 to 1"),
            ("rules", "/a: off; /b: maybe", "rule 2, column 14: expected on, off or a number"),
            ("parentbased_rules", "/a", "rule 1, column 1: expected on, off or a number"),
        ] {
            let error = decided(&[(SAMPLER, name), (ARGUMENT, argument)], None).0.unwrap_err();
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
