//! What must hold of every trace state and every text of rules.

use opentelemetry::trace::TraceState;
use tracewire_sampling::{OtelTraceState, RuleBased, Threshold, with_threshold};

/// The longest value that a member may have.
const MAX_VALUE: usize = 256;

/// Reads a list, and writes it with a threshold, with another one, and without.
pub fn rewrite(list: &str, probability: f64) {
    let Ok(state) = list.parse::<TraceState>() else { return };
    let member = OtelTraceState::of(&state);
    let thresholds = [member.threshold(), Threshold::from_probability(probability), None];
    for threshold in thresholds {
        let written = with_threshold(&state, threshold);
        assert!(written.into_iter().filter(|(key, _)| *key == "ot").count() <= 1);
        let own = written.get("ot").unwrap_or_default();
        assert!(own.len() <= MAX_VALUE, "{own}");
        let again = OtelTraceState::parse(own);
        assert_eq!(again.randomness(), member.randomness(), "{list} {own}");
        // There may be no room for it.
        assert!(again.threshold() == threshold || again.threshold().is_none(), "{list} {own}");
        let (before, after) = (others(&state), others(&written));
        assert!(before.starts_with(&after) && after.len() + 1 >= before.len(), "{list}");
        assert_eq!(with_threshold(&written, again.threshold()), written, "{list}");
    }
}

fn others(state: &TraceState) -> Vec<(&str, &str)> {
    state.into_iter().filter(|(key, _)| *key != "ot").collect()
}

/// Reads rules; an error is about a place in the text.
pub fn rules(text: &str) {
    if let Err(error) = RuleBased::parse(text, "shop") {
        assert!(error.rule() > 0 && error.column() <= text.chars().count() + 1, "{error}");
        assert!(error.to_string().len() < 300, "{error}");
    }
}
