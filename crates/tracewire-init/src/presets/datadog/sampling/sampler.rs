//! The sampler: what Datadog's tracers decide, with every span recorded.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use opentelemetry::trace::{Link, SpanKind, TraceContextExt, TraceId, TraceState};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};
use tracewire_propagation::SamplingHint;

use super::limiter::Limiter;
use super::rules::{Facts, Rule};

/// Follows the parent, asks the rules where there is none, and records what is not sampled: it is exported
/// with a priority by which the Agent drops it, after it has counted it.
#[derive(Clone)]
pub(super) struct PrioritySampler {
    rules: Arc<[Rule]>,
    limiter: Arc<Limiter>,
    service: Arc<str>,
}

impl PrioritySampler {
    pub(super) fn new(rules: Arc<[Rule]>, limiter: Limiter, service: &str) -> Self {
        Self { rules, limiter: Arc::new(limiter), service: service.into() }
    }

    /// What the first rule that is about this span says. Without one nobody has decided: the trace is kept,
    /// and the Agent may decide otherwise.
    fn begin(
        &self,
        state: &TraceState,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
    ) -> SamplingResult {
        let tag = |key: &str| value(attributes, key).map(ToString::to_string);
        let (operation, resource) = (tag("operation.name"), tag("resource.name"));
        let facts = Facts {
            service: &self.service,
            name: operation.as_deref().unwrap_or_else(|| operation_name(kind, attributes)),
            resource: resource.as_deref().unwrap_or(name),
            tag: &tag,
        };
        let Some(rule) = self.rules.iter().find(|rule| rule.is_about(&facts)) else {
            return result(true, state.clone(), Vec::new());
        };
        let is_kept = rule.keeps(trace_id) && self.limiter.admits(Instant::now());
        // As Datadog's tracers say it: by a rule of the user's, with this rate.
        let member = match is_kept {
            true => format!("s:2;t.dm:-3;t.ksr:{}", six_digits(rule.rate())),
            false => "s:-1".to_owned(),
        };
        let state = state.insert("dd", member).unwrap_or_else(|_| state.clone());
        result(is_kept, state, vec![KeyValue::new("_dd.rule_psr", rule.rate())])
    }
}

fn result(is_kept: bool, trace_state: TraceState, attributes: Vec<KeyValue>) -> SamplingResult {
    let decision = match is_kept {
        true => SamplingDecision::RecordAndSample,
        false => SamplingDecision::RecordOnly,
    };
    SamplingResult { decision, attributes, trace_state }
}

fn value<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    let attribute = attributes.iter().find(|attribute| attribute.key.as_str() == key)?;
    Some(&attribute.value)
}

/// What the Agent calls the operation of such a span.
fn operation_name(kind: &SpanKind, attributes: &[KeyValue]) -> &'static str {
    let has = |key| value(attributes, key).is_some();
    match kind {
        SpanKind::Server if has("http.request.method") => "http.server.request",
        SpanKind::Client if has("http.request.method") => "http.client.request",
        SpanKind::Server if has("rpc.system.name") || has("rpc.system") => "grpc.server.request",
        SpanKind::Client if has("rpc.system.name") || has("rpc.system") => "grpc.client.request",
        SpanKind::Server => "server.request",
        SpanKind::Client => "client.request",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
        SpanKind::Internal => "internal",
    }
}

/// A rate with six digits behind the point at most.
fn six_digits(rate: f64) -> String {
    let text = format!("{rate:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl ShouldSample for PrioritySampler {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        let parent = parent_context.map(|context| context.span().span_context().clone());
        let Some(parent) = parent.filter(|parent| parent.is_valid()) else {
            return self.begin(&TraceState::NONE, trace_id, name, span_kind, attributes);
        };
        let hint = parent_context.and_then(|context| context.get::<SamplingHint>());
        let state = parent.trace_state();
        match hint.filter(|_| parent.is_remote()) {
            Some(SamplingHint::Deferred) => {
                self.begin(state, trace_id, name, span_kind, attributes)
            }
            Some(SamplingHint::On | SamplingHint::Debug) => result(true, state.clone(), Vec::new()),
            Some(SamplingHint::Off) => result(false, state.clone(), Vec::new()),
            _ => result(parent.is_sampled(), state.clone(), Vec::new()),
        }
    }
}

impl fmt::Debug for PrioritySampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrioritySampler").field("rules", &self.rules.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::parse;
    use super::*;
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags};

    fn sampler(json: &str, limit: Option<u32>) -> PrioritySampler {
        PrioritySampler::new(parse(json).unwrap().0.into(), Limiter::new(limit), "shop")
    }

    fn decide(sampler: &PrioritySampler, context: Option<&Context>) -> (bool, String) {
        let attributes = [KeyValue::new("http.request.method", "GET")];
        let id = TraceId::from(7_283_207_964_119_141_687);
        let kind = SpanKind::Server;
        let result = sampler.should_sample(context, id, "GET /a", &kind, &attributes, &[]);
        assert_ne!(result.decision, SamplingDecision::Drop);
        let is_kept = result.decision == SamplingDecision::RecordAndSample;
        (is_kept, result.trace_state.header())
    }

    #[test]
    fn a_rule_decides_about_a_new_trace_and_says_so_as_datadog_s_tracers_do() {
        for (json, expected) in [
            ("[]", (true, "")),
            (r#"[{"service": "cart", "sample_rate": 0}]"#, (true, "")),
            (r#"[{"name": "http.server.request", "sample_rate": 0}]"#, (false, "dd=s:-1")),
            (r#"[{"resource": "GET /*", "sample_rate": 0.1}]"#, (true, "dd=s:2;t.dm:-3;t.ksr:0.1")),
            (r#"[{"sample_rate": 1}]"#, (true, "dd=s:2;t.dm:-3;t.ksr:1")),
        ] {
            let (is_kept, state) = decide(&sampler(json, None), None);
            assert_eq!((is_kept, state.as_str()), expected, "{json}");
        }
    }

    #[test]
    fn beyond_the_limit_traces_are_recorded_and_not_kept() {
        let sampler = sampler(r#"[{"sample_rate": 1}]"#, Some(2));
        let kept = (0..10).filter(|_| decide(&sampler, None).0).count();
        assert_eq!(kept, 2);
    }

    #[test]
    fn a_parent_s_decision_holds_and_a_caller_without_one_leaves_it_here() {
        let sampler = sampler(r#"[{"sample_rate": 0}]"#, None);
        let under = |flags, hint: Option<SamplingHint>| {
            let state = TraceState::from_key_value([("dd", "s:2")]).unwrap();
            let parent = SpanContext::new(1.into(), SpanId::from(1), flags, true, state);
            let context = Context::new().with_remote_span_context(parent);
            let context = match hint {
                Some(hint) => context.with_value(hint),
                None => context,
            };
            decide(&sampler, Some(&context))
        };
        let kept = |is_kept: bool, state: &str| (is_kept, state.to_owned());
        assert_eq!(under(TraceFlags::SAMPLED, None), kept(true, "dd=s:2"));
        assert_eq!(under(TraceFlags::NOT_SAMPLED, None), kept(false, "dd=s:2"));
        let deferred = Some(SamplingHint::Deferred);
        assert_eq!(under(TraceFlags::SAMPLED, deferred), kept(false, "dd=s:-1"));
        assert_eq!(under(TraceFlags::SAMPLED, Some(SamplingHint::Off)), kept(false, "dd=s:2"));
    }
}
