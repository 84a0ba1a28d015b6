//! The `ot` member of a trace state.

use crate::{Randomness, Threshold, new_trace::new_trace};
use opentelemetry::trace::TraceState;
use std::fmt::Write as _;

/// The key of OpenTelemetry's member in `tracestate`.
const KEY: &str = "ot";
/// Bytes that the member's value may have.
const MAX_LEN: usize = 256;
/// Bytes of a threshold and a random number of full length.
const CAPACITY: usize = "th:12345678901234;rv:12345678901234".len();

/// What OpenTelemetry's own member of `tracestate`, `ot`, says about sampling.
///
/// Its value is a list of `key:value` with `;` between them. A value of more than 256 bytes counts
/// as absent, and so does a `th` or `rv` that is malformed. Other keys are kept as they are.
///
/// ```
/// use opentelemetry::trace::TraceState;
/// use tracewire_sampling::OtelTraceState;
///
/// let state = TraceState::from_key_value([("ot", "th:c;rv:d29d6a7215ced0;a:b")]).unwrap();
/// let member = OtelTraceState::of(&state);
/// assert_eq!(member.threshold().unwrap().probability(), 0.25);
/// assert_eq!(member.randomness().unwrap().to_string(), "d29d6a7215ced0");
/// assert_eq!(member.with_threshold(None).as_deref(), Some("rv:d29d6a7215ced0;a:b"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct OtelTraceState<'a> {
    threshold: Option<Threshold>,
    randomness: Option<Randomness>,
    text: &'a str,
    /// Whether all of it is as we would write it, but for the order.
    is_clean: bool,
}

impl<'a> OtelTraceState<'a> {
    /// Reads the first `ot` member of a trace state.
    pub fn of(state: &'a TraceState) -> Self {
        state.get(KEY).map_or_else(Self::default, Self::parse)
    }

    /// Reads the value of the member.
    pub fn parse(text: &'a str) -> Self {
        if text.len() > MAX_LEN {
            return Self::default();
        }
        let mut member = Self { threshold: None, randomness: None, text, is_clean: true };
        for part in text.split(';') {
            let is_clean = match Part::of(part) {
                Part::Threshold(value) if member.threshold.is_none() => {
                    member.threshold = Threshold::parse(value);
                    member.threshold.is_some() && (value == "0" || !value.ends_with('0'))
                }
                Part::Randomness(value) if member.randomness.is_none() => {
                    member.randomness = Randomness::parse(value);
                    member.randomness.is_some()
                }
                Part::Threshold(_) | Part::Randomness(_) => false,
                Part::Other(other) => !other.is_empty(),
            };
            member.is_clean &= is_clean;
        }
        member
    }

    /// Returns the threshold with which the span was kept, `th`.
    pub fn threshold(&self) -> Option<Threshold> {
        self.threshold
    }

    /// Returns the explicit random number of the trace, `rv`.
    pub fn randomness(&self) -> Option<Randomness> {
        self.randomness
    }

    /// Returns the member's value with this threshold, or without one; `None` if nothing is left.
    ///
    /// A threshold that would make the value longer than 256 bytes is left out.
    pub fn with_threshold(&self, threshold: Option<Threshold>) -> Option<String> {
        let mut text = String::with_capacity(CAPACITY);
        if let Some(threshold) = threshold {
            text.push_str("th:");
            threshold.push_to(&mut text);
        }
        if let Some(randomness) = self.randomness {
            separate(&mut text);
            let _ = write!(text, "rv:{randomness}"); // a `String` takes everything
        }
        for part in self.others() {
            separate(&mut text);
            text.push_str(part);
        }
        if text.len() > MAX_LEN && threshold.is_some() {
            warn_of_length();
            return self.with_threshold(None);
        }
        (!text.is_empty()).then_some(text)
    }

    fn others(&self) -> impl Iterator<Item = &'a str> {
        self.text.split(';').filter_map(|part| match Part::of(part) {
            Part::Other(other) if !other.is_empty() => Some(other),
            _ => None,
        })
    }
}

/// One `key:value` of the member.
enum Part<'a> {
    Threshold(&'a str),
    Randomness(&'a str),
    Other(&'a str),
}

impl<'a> Part<'a> {
    fn of(part: &'a str) -> Self {
        match part.split_once(':') {
            Some(("th", value)) => Self::Threshold(value),
            Some(("rv", value)) => Self::Randomness(value),
            _ => Self::Other(part),
        }
    }
}

/// Returns `state` with this threshold in its `ot` member, or without one.
///
/// Other members stay as they are and in their order, and so does a valid `rv`. A member that
/// changes moves to the front, as W3C wants it.
///
/// ```
/// use opentelemetry::trace::TraceState;
/// use tracewire_sampling::{Threshold, with_threshold};
///
/// let state = TraceState::from_key_value([("vendor", "1")]).unwrap();
/// let quarter = Threshold::from_probability(0.25);
/// assert_eq!(with_threshold(&state, quarter).header(), "ot=th:c,vendor=1");
/// ```
pub fn with_threshold(state: &TraceState, threshold: Option<Threshold>) -> TraceState {
    written(state, &OtelTraceState::of(state), threshold)
}

/// The same, with the first `ot` member of `state`, which was read already.
pub(crate) fn written(
    state: &TraceState,
    member: &OtelTraceState<'_>,
    threshold: Option<Threshold>,
) -> TraceState {
    let mut members = state.into_iter();
    let Some(first) = members.next() else {
        return threshold.map_or(TraceState::NONE, new_trace);
    };
    let count = [first].into_iter().chain(members).filter(|(key, _)| *key == KEY).take(2).count();
    if member.threshold == threshold && (count == 0 || (count == 1 && member.is_clean)) {
        return state.clone();
    }
    let value = member.with_threshold(threshold);
    let mut others = state.into_iter().filter(|(key, _)| *key != KEY).peekable();
    // Neither the key nor the value can be one that is refused, and all others are there already.
    match value {
        Some(value) if others.peek().is_none() => TraceState::NONE.insert(KEY, value),
        value => {
            let own = value.as_deref().map(|value| (KEY, value));
            TraceState::from_key_value(own.into_iter().chain(others))
        }
    }
    .unwrap_or_default()
}

fn separate(text: &mut String) {
    if !text.is_empty() {
        text.push(';');
    }
}

/// Says once that a threshold found no room.
#[cold]
fn warn_of_length() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        opentelemetry::otel_warn!(
            name: "Sampling.MemberTooLong",
            message = "tracestate's ot member has no room for th, so these spans cannot be counted"
        );
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The member that is sent on if nothing changes.
    fn sent_on(text: &str) -> Option<String> {
        let member = OtelTraceState::parse(text);
        member.with_threshold(member.threshold())
    }

    #[test]
    fn members_are_sent_on_as_far_as_they_are_valid() {
        let rv = "rv:6e6d1a75832a2f";
        for (text, expected) in [
            ("", None),
            (";", None),
            ("th:c", Some("th:c")),
            ("th:10000000000000", Some("th:1")),
            ("th:1234500000000", Some("th:12345")),
            ("th:0", Some("th:0")),
            ("th:", None),
            ("th:x", None),
            ("th:C", None),
            ("th:100000000000000", None),
            (rv, Some(rv)),
            ("rv:6e6d1a75832a2", None),
            ("rv:6e6d1a75832a2f0", None),
            ("rv:6E6D1A75832A2F", None),
            ("a;b;", Some("a;b")),
            ("animal:bear;th:1", Some("th:1;animal:bear")),
            ("th:1;animal:bear;rv:x", Some("th:1;animal:bear")),
            ("th:1;th:2", Some("th:1")),
        ] {
            assert_eq!(sent_on(text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_member_that_is_too_long_is_absent() {
        let fits = format!("th:1;a:{}", "b".repeat(MAX_LEN - 7));
        assert_eq!(sent_on(&fits).as_deref(), Some(fits.as_str()));
        assert_eq!(sent_on(&format!("{fits}b")), None);
    }

    #[test]
    fn a_threshold_without_room_is_left_out() {
        let full = format!("a:{}", "b".repeat(MAX_LEN - 2));
        let member = OtelTraceState::parse(&full);
        assert_eq!(member.with_threshold(Some(Threshold::ALWAYS)).as_deref(), Some(full.as_str()));
    }

    #[test]
    fn other_members_keep_their_order() {
        let state =
            TraceState::from_key_value([("a", "1"), ("ot", "th:c"), ("b", "2"), ("ot", "th:d")]);
        let state = state.unwrap();
        let eighth = Threshold::parse("e");
        assert_eq!(with_threshold(&state, eighth).header(), "ot=th:e,a=1,b=2");
        assert_eq!(with_threshold(&state, None).header(), "a=1,b=2");
        let once = TraceState::from_key_value([("a", "1"), ("ot", "th:c")]).unwrap();
        assert_eq!(with_threshold(&once, Threshold::parse("c")), once);
        assert_eq!(with_threshold(&TraceState::NONE, None), TraceState::NONE);
    }

    #[test]
    fn a_full_list_loses_its_last_member() {
        let members = (0..32).map(|place| (format!("k{place}"), "v"));
        let state = TraceState::from_key_value(members).unwrap();
        let state = with_threshold(&state, Some(Threshold::ALWAYS));
        let keys: Vec<_> = state.into_iter().map(|(key, _)| key.to_owned()).collect();
        assert_eq!((keys.len(), &*keys[0], &*keys[31]), (32, "ot", "k30"));
    }

    proptest! {
        #[test]
        fn what_is_sent_on_is_stable(text in "[a-z0-9:;]{0,40}|(th:[0-9a-f]{0,15};|rv:[0-9a-f]{13,15};|[a-z]:[A-Z]*;){0,8}") {
            if let Some(once) = sent_on(&text) {
                prop_assert!(once.len() <= MAX_LEN);
                prop_assert_eq!(sent_on(&once), Some(once.clone()));
                prop_assert_eq!(OtelTraceState::parse(&once).threshold(), OtelTraceState::parse(&text).threshold());
                prop_assert_eq!(OtelTraceState::parse(&once).randomness(), OtelTraceState::parse(&text).randomness());
            }
        }

        #[test]
        fn no_text_panics(text in ".{0,300}", threshold in 0u64..1 << 56) {
            let member = OtelTraceState::parse(&text);
            let written = member.with_threshold(Some(Threshold::from_value(threshold)));
            prop_assert!(written.is_none_or(|written| written.len() <= MAX_LEN));
        }
    }
}
