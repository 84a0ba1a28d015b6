//! Which traces Datadog keeps: by priority, so that the Agent still counts those that it drops.

mod limiter;
mod rules;
mod sampler;

use std::sync::Arc;

use tracewire_export::wiring::Shown;
use tracewire_sampling::Sampler;

use self::limiter::Limiter;
use self::rules::Rule;
use self::sampler::PrioritySampler;
use crate::builder::Datadog;
use crate::config::sampling::{LateSampler, SamplerChoice};
use crate::error::InitError;
use crate::plan::{Origin, Plan};
use crate::settings::Given;

pub(super) const RATE: &str = "DD_TRACE_SAMPLE_RATE";
pub(super) const RULES: &str = "DD_TRACE_SAMPLING_RULES";
pub(super) const LIMIT: &str = "DD_TRACE_RATE_LIMIT";
/// Traces a second that rules keep, unless set: as in Datadog's tracers.
const DEFAULT_LIMIT: u32 = 100;

/// The sampler that rules, rate and limit make; without any of them every trace is kept.
///
/// # Errors
///
/// The rules cannot be read, or the rate is none.
pub(super) fn choice(
    given: &mut Datadog,
    plan: &mut Plan,
) -> Result<Given<SamplerChoice>, InitError> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut origin = None;
    if let Some(Given { value: json, origin: of_rules }) = given.sampling_rules.take() {
        let name = of_rules.name("Datadog::sampling_rules").to_owned();
        let (read, unknown) = rules::parse(&json)
            .map_err(|why| InitError::configuration(&name, &Shown::nothing(), &why))?;
        if !unknown.is_empty() {
            let unknown = Shown::value(&unknown.join(", "));
            plan.warn(format!("{name}: members of rules without effect: {unknown}"));
        }
        rules = read;
        origin = Some(of_rules);
    }
    if let Some(Given { value: rate, origin: of_rate }) = given.sample_rate.take() {
        if !(0.0..=1.0).contains(&rate) {
            let value = Shown::value(&rate.to_string());
            let allowed = "it must be a number from 0 to 1";
            let name = of_rate.name("Datadog::sample_rate");
            return Err(InitError::configuration(name, &value, allowed));
        }
        rules.push(Rule::of_all(rate));
        origin = origin.or(Some(of_rate));
    }
    let limit = given.rate_limit.take();
    if rules.is_empty() {
        plan.has_no_effect(&limit, "no sampling rule and no rate is set");
    }
    let limit = limit.map_or(Some(DEFAULT_LIMIT), |given| given.value);
    let shown = shown(&rules, limit);
    let rules: Arc<[Rule]> = rules.into();
    let make = move |service: &str| {
        Sampler::wrap(PrioritySampler::new(Arc::clone(&rules), Limiter::new(limit), service))
    };
    let origin = origin.or_else(|| {
        let agent = [&given.agent_url, &given.agent_host];
        agent.into_iter().flatten().map(|given| given.origin.clone()).next()
    });
    Ok(Given {
        value: SamplerChoice::Late(LateSampler { shown, make: Arc::new(make) }),
        origin: origin.unwrap_or(Origin::Default),
    })
}

fn shown(rules: &[Rule], limit: Option<u32>) -> String {
    let limit = limit.map_or_else(|| "no limit".to_owned(), |limit| format!("{limit} a second"));
    match rules {
        [] => "Datadog priorities, every trace kept".to_owned(),
        rules => format!("Datadog priorities, {} rules, {limit}", rules.len()),
    }
}
