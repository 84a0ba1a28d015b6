//! Thresholds and random numbers, as the Collector's package for them reads and writes them.

use crate::{lab::Lab, random::mixed, row::Checks, systems::go::version};
use serde_json::{Value, json};
use std::{fs::File, process::Command};
use tracewire_sampling::{OtelTraceState, Threshold};

const PACKAGE: &str = "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling";
const QUESTIONS: u64 = 100_000;

pub(super) fn check(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    checks.version(version(lab, "collector", PACKAGE)?);
    let program = lab.go("collector", "./vectors")?;
    let sets: [(&str, Vec<Question>); 2] = [
        (
            "th: 100,000 probabilities, and 1 in 2 to 1 in 1,000,000 with 3 to 5 digits, are written as ours",
            probabilities().collect(),
        ),
        (
            "th and rv: 100,000 members, malformed ones among them, are read as ours",
            (0..QUESTIONS).map(member).collect(),
        ),
    ];
    for (what, questions) in sets {
        let (asked, answered) = (lab.cache("vectors/asked"), lab.cache("vectors/answered"));
        let lines: Vec<_> = questions.iter().map(|question| question.json().to_string()).collect();
        let stopped = |error: std::io::Error| error.to_string();
        std::fs::write(&asked, lines.join("\n")).map_err(stopped)?;
        let mut command = Command::new(&program);
        command.stdin(File::open(&asked).map_err(stopped)?);
        command.stdout(File::create(&answered).map_err(stopped)?);
        let status = command.status().map_err(stopped)?;
        let answers = std::fs::read_to_string(&answered).map_err(stopped)?;
        checks.check(what, || {
            if status.success() { agree(&questions, &answers) } else { Err(status.to_string()) }
        });
    }
    Ok(())
}

fn agree(questions: &[Question], answers: &str) -> Result<(), String> {
    let mut lines = answers.lines();
    for question in questions {
        let line = lines.next().ok_or("there are too few answers")?;
        let theirs: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let ours = question.ours();
        let same = |field: &str| ours[field] == theirs[field];
        // Each divides in its own way, so counts may differ in their last digit.
        let count = |answer: &Value| answer["count"].as_f64().unwrap_or(f64::NAN);
        let off = (count(&ours) - count(&theirs)).abs();
        if !["th", "rv", "kept"].into_iter().all(same) || off > 1e-14 * count(&ours) || off.is_nan()
        {
            return Err(format!("{}: ours {ours}, theirs {theirs}", question.json()));
        }
    }
    Ok(())
}

enum Question {
    Probability(f64, u8),
    Member(String),
}

fn probabilities() -> impl Iterator<Item = Question> {
    let one_in = [2.0, 3.0, 4.0, 5.0, 8.0, 10.0, 16.0, 1e2, 1e3, 1e4, 1e5, 1e6];
    let listed = one_in.into_iter().flat_map(|number| {
        (3..=5).map(move |precision| Question::Probability(1.0 / number, precision))
    });
    // With all digits, because the Collector counts them differently near a probability of 1.
    let random = (0..QUESTIONS).map(|number| {
        let bits = mixed(number * 2) >> 32;
        let scale = [32.0f64, 40.0, 56.0][(mixed(number * 2 + 1) % 3) as usize];
        Question::Probability((bits + 1) as f64 / scale.exp2(), 14)
    });
    listed.chain(random)
}

/// A member of valid syntax, whose `th` and `rv` may be malformed.
fn member(number: u64) -> Question {
    let random = |place: u64| mixed(number * 8 + place);
    let digits = |value: u64, wanted: u64| {
        let text = format!("{value:016x}").repeat(2);
        let text = &text[..usize::try_from(wanted).unwrap_or_default()];
        // Capitals would be read there; the specification has none.
        if value.is_multiple_of(29) { text.replacen(|_| true, "x", 1) } else { text.to_owned() }
    };
    // Values of the right length most of the time.
    let th = digits(random(0), random(1) % 16);
    let rv = digits(random(2), if random(3).is_multiple_of(4) { random(3) % 17 } else { 14 });
    let mut parts = vec![format!("th:{th}"), format!("rv:{rv}"), "a:B_.-9".to_owned()];
    let first = (random(4) % 3) as usize;
    parts.swap(0, first);
    parts.truncate(1 + (random(5) % 3) as usize);
    Question::Member(parts.join(";"))
}

impl Question {
    fn json(&self) -> Value {
        match self {
            Self::Probability(probability, precision) => {
                json!({ "probability": probability, "precision": precision })
            }
            Self::Member(text) => json!({ "ot": text }),
        }
    }

    fn ours(&self) -> Value {
        let text = |shown: Option<String>| shown.unwrap_or_default();
        let count = |threshold: Option<Threshold>| threshold.map_or(0.0, Threshold::adjusted_count);
        match self {
            Self::Probability(probability, precision) => {
                let threshold = Threshold::with_precision(*probability, *precision);
                let th = text(threshold.map(|threshold| threshold.to_string()));
                json!({ "th": th, "rv": "", "count": count(threshold), "kept": false })
            }
            Self::Member(member) => {
                let member = OtelTraceState::parse(member);
                let (threshold, randomness) = (member.threshold(), member.randomness());
                let kept = threshold.zip(randomness);
                json!({
                    "th": text(threshold.map(|threshold| threshold.to_string())),
                    "rv": text(randomness.map(|randomness| randomness.to_string())),
                    "count": count(threshold),
                    "kept": kept.is_some_and(|(threshold, randomness)| threshold.keeps(randomness)),
                })
            }
        }
    }
}
