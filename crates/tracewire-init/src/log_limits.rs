//! Limits on what one log record may carry.

use tracewire_export::LogLimits;

use crate::env::{self, Env, Origin};

/// What code says about limits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) count: Option<u32>,
    pub(crate) value_length: Option<usize>,
}

/// What a record may carry, as decided.
pub(crate) fn limits(env: &Env, code: Settings) -> LogLimits {
    let count = env.pick(
        &["OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"],
        code.count,
        env::integer(0),
        128,
    );
    const LENGTH: [&str; 2] =
        ["OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"];
    let (value_length, origin) = match (code.value_length, env.read(&LENGTH, env::integer(0))) {
        (Some(limit), _) => (Some(limit), Origin::Code),
        (None, Some(found)) => {
            (usize::try_from(found.value).ok(), Origin::Variable(found.variable))
        }
        (None, None) => (None, Origin::Default),
    };
    let shown = value_length.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
    env.decide(LENGTH[0], shown, origin);
    let mut limits = LogLimits::default();
    limits.attributes = count.try_into().unwrap_or(usize::MAX);
    limits.value_length = value_length;
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specific_variables_win_over_general_ones() {
        let env = Env::of(&[
            ("OTEL_ATTRIBUTE_COUNT_LIMIT", "9"),
            ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "2"),
            ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3"),
        ]);
        let limits = limits(&env, Settings::default());
        assert_eq!(env.take_warnings(), Vec::<String>::new());
        assert_eq!((limits.attributes, limits.value_length), (2, Some(3)));
    }

    #[test]
    fn defaults_are_the_specifications() {
        assert_eq!(limits(&Env::of(&[]), Settings::default()), LogLimits::default());
        assert_eq!(LogLimits::default().attributes, 128);
    }
}
