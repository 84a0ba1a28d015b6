//! OpenTelemetry's composable samplers in Python, asked the same as ours.

use super::version;
use crate::{lab::Lab, random::mixed, row::Checks};
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{SamplingDecision, ShouldSample};
use serde_json::{Value, json};
use std::{fmt::Write as _, process::Command};
use tracewire_sampling::{OtelTraceState, ParentThreshold, Probability, Sampler};

const REQUIREMENTS: &str = "python/opentelemetry.txt";
const QUESTIONS: u64 = 100_000;
/// Theirs are not rounded.
const PRECISION: u8 = 14;

pub(super) fn check(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    checks.version(version(lab, REQUIREMENTS, "opentelemetry-sdk")?);
    let python = lab.python(REQUIREMENTS)?.join("python");
    for (follow, what) in [
        (false, "probability: 100,000 decisions about roots and children, and their th, are ours"),
        (true, "parent threshold: 100,000 decisions below parents with and without th are ours"),
    ] {
        let questions: Vec<_> =
            (0..QUESTIONS).map(|number| Question::new(number, follow)).collect();
        let (asked, answered) = (lab.cache("sampling/questions"), lab.cache("sampling/answers"));
        let text = questions.iter().fold(String::new(), |mut text, question| {
            let _ = writeln!(text, "{}", question.json()); // a `String` takes everything
            text
        });
        std::fs::write(&asked, text).map_err(|error| error.to_string())?;
        let mut command = Command::new(&python);
        command.arg(lab.source("python").join("sampling.py")).args([&asked, &answered]);
        lab.run("sampling.py", command.env("PYTHONDONTWRITEBYTECODE", "1"))?;
        let answers = std::fs::read_to_string(&answered).map_err(|error| error.to_string())?;
        checks.check(what, || agree(&questions, &answers));
    }
    Ok(())
}

fn agree(questions: &[Question], answers: &str) -> Result<(), String> {
    let mut kept = 0;
    let mut lines = answers.lines();
    for question in questions {
        let line = lines.next().ok_or("there are too few answers")?;
        let theirs: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let ours = question.ours();
        if ours != theirs {
            return Err(format!("{}: ours {ours}, theirs {theirs}", question.json()));
        }
        kept += u64::from(ours["kept"] == true);
    }
    // Neither decision may be all there is.
    let some = QUESTIONS / 10..QUESTIONS * 9 / 10;
    if some.contains(&kept) { Ok(()) } else { Err(format!("{kept} of {QUESTIONS} are kept")) }
}

/// One span to decide about.
#[derive(Debug)]
struct Question {
    probability: f64,
    trace_id: TraceId,
    ot: String,
    sampled: Option<bool>,
    follow: bool,
}

impl Question {
    /// Everything about it follows from the number.
    fn new(number: u64, follow: bool) -> Self {
        let random = |place: u64| mixed(number * 8 + place);
        // Exact in 56 bits: languages round halves differently.
        let numerator = (random(1) >> 32) as f64;
        let probability = numerator / [32.0f64, 40.0][(random(0) % 2) as usize].exp2();
        let trace_id = TraceId::from(u128::from(random(2) | 1) << 64 | u128::from(random(3)));
        let rv = format!("{:014x}", random(4) >> 8);
        let (explicit, has_parent) = (random(5) % 2 == 0, random(5) % 7 > 1);
        let explicit = explicit && has_parent; // a root has no trace state
        let mut ot = if explicit { format!("rv:{rv}") } else { String::new() };
        let randomness = if explicit { random(4) >> 8 } else { random(3) & ((1 << 56) - 1) };
        let mut sampled = has_parent.then_some(random(6) % 2 == 0);
        // A parent's threshold goes with its flag, as a service before would have set both.
        if has_parent && random(7) % 2 == 0 {
            let threshold = random(6) >> 8;
            let kept = randomness >= threshold;
            sampled = Some(kept);
            if kept {
                let digits = format!("{threshold:014x}");
                let digits = digits.trim_end_matches('0');
                let th = if digits.is_empty() { "0" } else { digits };
                ot = if ot.is_empty() { format!("th:{th}") } else { format!("th:{th};{ot}") };
            }
        }
        Self { probability, trace_id, ot, sampled, follow }
    }

    fn json(&self) -> Value {
        json!({
            "probability": self.probability,
            "trace_id": self.trace_id.to_string(),
            "ot": self.ot,
            "sampled": self.sampled,
            "follow": self.follow,
        })
    }

    fn ours(&self) -> Value {
        let probability =
            Probability::with_precision(self.probability, PRECISION).expect("it is a probability");
        let sampler = if self.follow {
            Sampler::new(ParentThreshold::new(probability))
        } else {
            Sampler::new(probability)
        };
        let context = self.sampled.map_or_else(Context::new, |sampled| {
            let flags = if sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
            let member = (!self.ot.is_empty()).then_some(("ot", self.ot.as_str()));
            let state = TraceState::from_key_value(member).expect("it is a trace state");
            let span = SpanContext::new(self.trace_id, SpanId::from(1), flags, true, state);
            Context::new().with_remote_span_context(span)
        });
        let kind = &SpanKind::Internal;
        let result = sampler.should_sample(Some(&context), self.trace_id, "span", kind, &[], &[]);
        let kept = result.decision == SamplingDecision::RecordAndSample;
        let threshold = OtelTraceState::of(&result.trace_state).threshold();
        json!({ "kept": kept, "th": threshold.map(|threshold| threshold.to_string()) })
    }
}
