//! Limits on what one span may carry.

use opentelemetry_sdk::trace::SpanLimits;

use crate::env::{self, Env, Origin};

/// What code says about limits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) value_length: Option<usize>,
    pub(crate) counts: Option<SpanLimits>,
}

/// The SDK's limits and ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) counts: SpanLimits,
    /// In characters; `None` is no limit.
    pub(crate) value_length: Option<usize>,
}

pub(crate) fn limits(env: &Env, code: Settings) -> Limits {
    const ALL: &str = "OTEL_ATTRIBUTE_COUNT_LIMIT";
    let count = |names: &[&str], code, default| env.pick(names, code, env::integer(0), default);
    let default = SpanLimits::default();
    let (value_length, code) = (value_length(env, code.value_length), code.counts);
    let counts = SpanLimits {
        max_attributes_per_span: count(
            &["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", ALL],
            code.map(|counts| counts.max_attributes_per_span),
            default.max_attributes_per_span,
        ),
        max_events_per_span: count(
            &["OTEL_SPAN_EVENT_COUNT_LIMIT"],
            code.map(|counts| counts.max_events_per_span),
            default.max_events_per_span,
        ),
        max_links_per_span: count(
            &["OTEL_SPAN_LINK_COUNT_LIMIT"],
            code.map(|counts| counts.max_links_per_span),
            default.max_links_per_span,
        ),
        max_attributes_per_event: count(
            &["OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", ALL],
            code.map(|counts| counts.max_attributes_per_event),
            default.max_attributes_per_event,
        ),
        max_attributes_per_link: count(
            &["OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", ALL],
            code.map(|counts| counts.max_attributes_per_link),
            default.max_attributes_per_link,
        ),
    };
    Limits { counts, value_length }
}

fn value_length(env: &Env, code: Option<usize>) -> Option<usize> {
    const NAMES: [&str; 2] =
        ["OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"];
    let (limit, origin) = match (code, env.read(&NAMES, env::integer(0))) {
        (Some(limit), _) => {
            env.overridden(&NAMES);
            (Some(limit), Origin::Code)
        }
        (None, Some(found)) => {
            (usize::try_from(found.value).ok(), Origin::Variable(found.variable))
        }
        (None, None) => (None, Origin::Default),
    };
    let shown = limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
    env.decide(NAMES[0], shown, origin);
    limit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specific_variables_win_over_general_ones() {
        let env = Env::of(&[
            ("OTEL_ATTRIBUTE_COUNT_LIMIT", "10"),
            ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "0"),
            ("OTEL_SPAN_EVENT_COUNT_LIMIT", "3"),
            ("OTEL_SPAN_LINK_COUNT_LIMIT", "4"),
            ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "5"),
            ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "100"),
            ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "7"),
        ]);
        let limits = limits(&env, Settings::default());
        assert_eq!(env.take_warnings(), Vec::<String>::new());
        assert_eq!(limits.value_length, Some(7));
        let counts = limits.counts;
        assert_eq!(
            [
                counts.max_attributes_per_span,
                counts.max_events_per_span,
                counts.max_links_per_span,
                counts.max_attributes_per_event,
                counts.max_attributes_per_link,
            ],
            [0, 3, 4, 10, 5]
        );
    }

    #[test]
    fn defaults_are_the_specifications() {
        let limits = limits(&Env::of(&[]), Settings::default());
        assert_eq!(limits.value_length, None);
        assert_eq!(limits.counts.max_attributes_per_span, 128);
        assert_eq!(limits.counts.max_attributes_per_link, 128);
    }
}
