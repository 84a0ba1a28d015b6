//! The rules of Splunk's distribution: `drop=/healthz;fallback=parentbased_always_on`.

use super::{conditions::Conditions, error::RuleError, rule_based::RuleBased};
use crate::composable::{AlwaysOff, AlwaysOn, ParentThreshold};
use opentelemetry::trace::SpanKind;

const FALLBACKS: &str = "always_on, always_off, parentbased_always_on, parentbased_always_off";

pub(super) fn is_splunk(text: &str) -> bool {
    let first = text.trim_start_matches(|char: char| char == ';' || char.is_whitespace());
    ["drop=", "fallback="].iter().any(|word| first.starts_with(word))
}

/// Reads the rules. Each `drop` is a part of the path of server spans; `fallback` names the sampler
/// of all others, and without it they follow their parent.
pub(super) fn parse(text: &str) -> Result<RuleBased, RuleError> {
    let mut rules = RuleBased::new();
    let mut fallback = None;
    let mut number = 0;
    let mut at = 0;
    for part in text.split(';') {
        let start = at + (part.len() - part.trim_start().len());
        at += part.len() + 1;
        let part = part.trim();
        if part.is_empty() {
            continue;
        }
        number += 1;
        let error = |message: &str| RuleError::new(text, number, start, message.to_owned());
        match part.split_once('=') {
            Some(("drop", path)) if !path.is_empty() => {
                let conditions = Conditions::new().kinds([SpanKind::Server]).path_contains(path);
                rules = rules.rule(conditions, AlwaysOff);
            }
            Some(("fallback", name)) if fallback.is_none() => fallback = Some((name, start)),
            Some(("fallback", _)) => return Err(error("expected one fallback")),
            _ => {
                return Err(error("expected drop=/path or fallback=sampler, as in the first rule"));
            }
        }
    }
    Ok(match fallback {
        Some(("always_on", _)) => rules.fallback(AlwaysOn),
        Some(("always_off", _)) => rules.fallback(AlwaysOff),
        None | Some(("parentbased_always_on", _)) => rules.fallback(ParentThreshold::new(AlwaysOn)),
        Some(("parentbased_always_off", _)) => rules.fallback(ParentThreshold::new(AlwaysOff)),
        Some((_, start)) => {
            return Err(RuleError::new(
                text,
                number,
                start,
                format!("expected one of {FALLBACKS}"),
            ));
        }
    })
}
