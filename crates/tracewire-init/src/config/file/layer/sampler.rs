//! `tracer_provider.sampler`: the tree of a file as a sampler.

use opentelemetry::trace::SpanKind as Kind;
use opentelemetry_sdk::trace::Sampler as SdkSampler;
use tracewire_sampling as ours;
use tracewire_sampling::{
    AlwaysOff, AlwaysOn, Conditions, ParentBranches, ParentKind, ParentThreshold, Pattern,
    Probability, RuleBased,
};

use super::Mapper;
use crate::builder::Maker;
use crate::config::file::position::Spanned;
use crate::config::file::schema::{
    Composable, Parent, ParentBased, Rule, Sampler, SpanKind, TracerProvider,
};
use crate::config::sampling::{Root, SamplerChoice};
use crate::settings::Setting;

/// The sampler, named as a variable names it where one can.
pub(in crate::config::file) fn choice(
    given: &Sampler,
    provider: &TracerProvider,
    mapper: &Mapper<'_>,
) -> Setting<SamplerChoice> {
    let choice = match named(given) {
        Some((root, is_parent_based)) => SamplerChoice::Named { root, is_parent_based },
        None => SamplerChoice::Given(sampler(given, mapper)?),
    };
    mapper.given(provider.sampler_place.as_ref().unwrap_or(&provider.place), choice)
}

/// What `OTEL_TRACES_SAMPLER` has a word for, and whether that begins with `parentbased_`.
fn named(given: &Sampler) -> Option<(Root, bool)> {
    match given {
        Sampler::AlwaysOn => Some((Root::AlwaysOn, false)),
        Sampler::AlwaysOff => Some((Root::AlwaysOff, false)),
        Sampler::TraceIdRatio(ratio) => Some((Root::Ratio(ratio_of(ratio)), false)),
        Sampler::Probability(ratio) => Some((probability(ratio)?, false)),
        Sampler::Rules(rules) => Some((Root::Rules(Some(rules.value.clone())), false)),
        Sampler::ParentBased(parent_based) if has_root_alone(parent_based) => {
            match &parent_based.root {
                None | Some(Sampler::AlwaysOn) => Some((Root::AlwaysOn, true)),
                Some(Sampler::AlwaysOff) => Some((Root::AlwaysOff, true)),
                Some(Sampler::TraceIdRatio(ratio)) => Some((Root::Ratio(ratio_of(ratio)), true)),
                Some(_) => None,
            }
        }
        Sampler::Composite(tree) => match &**tree {
            Composable::ParentThreshold { root } => Some((named_tree(root)?, true)),
            tree => Some((named_tree(tree)?, false)),
        },
        _ => None,
    }
}

fn named_tree(tree: &Composable) -> Option<Root> {
    match tree {
        Composable::Probability(ratio) => probability(ratio),
        Composable::Rules(rules) => Some(Root::Rules(Some(rules.value.clone()))),
        _ => None,
    }
}

fn has_root_alone(given: &ParentBased) -> bool {
    given.remote_parent_sampled.is_none()
        && given.remote_parent_not_sampled.is_none()
        && given.local_parent_sampled.is_none()
        && given.local_parent_not_sampled.is_none()
}

fn ratio_of(ratio: &Option<Spanned<f64>>) -> f64 {
    ratio.as_ref().map_or(1.0, |ratio| **ratio)
}

fn probability(ratio: &Option<Spanned<f64>>) -> Option<Root> {
    Probability::new(ratio_of(ratio)).ok().map(Root::Probability)
}

/// `None` if a part of it cannot be made, which is reported.
fn sampler(given: &Sampler, mapper: &Mapper<'_>) -> Option<ours::Sampler> {
    Some(match given {
        Sampler::AlwaysOn => ours::Sampler::wrap(SdkSampler::AlwaysOn),
        Sampler::AlwaysOff => ours::Sampler::wrap(SdkSampler::AlwaysOff),
        Sampler::TraceIdRatio(ratio) => {
            ours::Sampler::wrap(SdkSampler::TraceIdRatioBased(ratio_of(ratio)))
        }
        Sampler::ParentBased(given) => ours::Sampler::by_parent(branches(given, mapper)?),
        Sampler::AlwaysRecord(root) => ours::Sampler::always_record(sampler(root, mapper)?),
        Sampler::Probability(ratio) => ours::Sampler::new(Probability::new(ratio_of(ratio)).ok()?),
        Sampler::Rules(rules) => ours::Sampler::new(parsed(rules, mapper)?),
        Sampler::Composite(tree) => ours::Sampler::new(composable(tree, mapper)?),
        Sampler::Custom(node) => mapper.make(node, |maker| match maker {
            Maker::Sampler(make) => Some(make),
            _ => None,
        })?,
    })
}

fn branches(given: &ParentBased, mapper: &Mapper<'_>) -> Option<ParentBranches> {
    let mut branches = ParentBranches::new();
    if let Some(given) = &given.root {
        branches = branches.root(sampler(given, mapper)?);
    }
    if let Some(given) = &given.remote_parent_sampled {
        branches = branches.remote_sampled(sampler(given, mapper)?);
    }
    if let Some(given) = &given.remote_parent_not_sampled {
        branches = branches.remote_not_sampled(sampler(given, mapper)?);
    }
    if let Some(given) = &given.local_parent_sampled {
        branches = branches.local_sampled(sampler(given, mapper)?);
    }
    if let Some(given) = &given.local_parent_not_sampled {
        branches = branches.local_not_sampled(sampler(given, mapper)?);
    }
    Some(branches)
}

fn composable(given: &Composable, mapper: &Mapper<'_>) -> Option<Box<dyn ours::Composable>> {
    Some(match given {
        Composable::AlwaysOn => Box::new(AlwaysOn),
        Composable::AlwaysOff => Box::new(AlwaysOff),
        Composable::Probability(ratio) => Box::new(Probability::new(ratio_of(ratio)).ok()?),
        Composable::ParentThreshold { root } => {
            Box::new(ParentThreshold::new(composable(root, mapper)?))
        }
        Composable::RuleBased(rules) => {
            let mut built = RuleBased::new();
            for rule in rules {
                built = built.rule(conditions(rule), composable(&rule.sampler, mapper)?);
            }
            Box::new(built)
        }
        Composable::Rules(rules) => Box::new(parsed(rules, mapper)?),
        Composable::Custom(node) => mapper.make(node, |maker| match maker {
            Maker::Composable(make) => Some(make),
            _ => None,
        })?,
    })
}

fn conditions(rule: &Rule) -> Conditions {
    let mut conditions = Conditions::new();
    if let Some(given) = &rule.attribute_values {
        let values = given.values.iter().map(|value| Pattern::exact(value.value.clone()));
        conditions = conditions.attribute(given.key.value.clone(), values);
    }
    if let Some(given) = &rule.attribute_patterns {
        let patterns = |texts: &[Spanned<String>]| -> Vec<Pattern> {
            texts.iter().map(|text| Pattern::new(text.value.clone())).collect()
        };
        let key = given.key.value.clone();
        let (included, excluded) = (patterns(&given.included), patterns(&given.excluded));
        if !excluded.is_empty() {
            conditions = conditions.attribute_except(key.clone(), excluded);
        }
        let all = included.is_empty() && given.excluded.is_empty();
        let included = if all { vec![Pattern::new("*")] } else { included };
        if !included.is_empty() {
            conditions = conditions.attribute(key, included);
        }
    }
    if !rule.span_kinds.is_empty() {
        conditions = conditions.kinds(rule.span_kinds.iter().map(|kind| match kind {
            SpanKind::Internal => Kind::Internal,
            SpanKind::Server => Kind::Server,
            SpanKind::Client => Kind::Client,
            SpanKind::Producer => Kind::Producer,
            SpanKind::Consumer => Kind::Consumer,
        }));
    }
    if !rule.parents.is_empty() {
        conditions = conditions.parents(rule.parents.iter().map(|parent| match parent {
            Parent::None => ParentKind::None,
            Parent::Remote => ParentKind::Remote,
            Parent::Local => ParentKind::Local,
        }));
    }
    conditions
}

/// Rules as text, for this service.
fn parsed(rules: &Spanned<String>, mapper: &Mapper<'_>) -> Option<RuleBased> {
    RuleBased::parse(rules, &mapper.service)
        .map_err(|error| mapper.problem(&rules.place, error))
        .ok()
}
