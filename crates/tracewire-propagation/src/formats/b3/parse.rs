//! The grammar of both forms of B3.

use tracewire_text::hex;

/// What the headers hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Absent,
    Malformed,
    /// A sampling state without ids.
    State(State),
    Trace(Ids, State),
}

/// Valid ids: neither is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) trace_id: [u8; 16],
    pub(super) span_id: [u8; 8],
}

/// The sampling state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Deferred,
    Deny,
    Accept,
    Debug,
}

/// Reads `{trace id}-{span id}[-{state}[-{parent id}]]`, or a state alone.
pub(super) fn single(value: &[u8]) -> Reading {
    if let Some(state) = state(value) {
        return Reading::State(state);
    }
    let mut parts = value.splitn(5, |&byte| byte == b'-');
    let (trace_id, span_id, sampling, parent) =
        (parts.next(), parts.next(), parts.next(), parts.next());
    // The parent's id is not used: it may be zero, as some services write for none.
    let is_id = |id: &[u8]| hex::decode::<8>(hex::Case::Lower, id).is_some();
    let whole = parts.next().is_none() && parent.is_none_or(is_id);
    let sampling = match sampling {
        None => Some(State::Deferred),
        Some(sampling) => state(sampling),
    };
    match (ids(trace_id, span_id), sampling) {
        (Some(ids), Some(state)) if whole => Reading::Trace(ids, state),
        _ => Reading::Malformed,
    }
}

/// Reads the values of `X-B3-TraceId`, `-SpanId`, `-Sampled` and `-Flags`.
pub(super) fn multi(
    trace_id: Option<&[u8]>,
    span_id: Option<&[u8]>,
    sampled: Option<&[u8]>,
    flags: Option<&[u8]>,
) -> Reading {
    let state = match (flags, sampled) {
        (Some(b"1"), _) => State::Debug,
        (_, None) => State::Deferred,
        (_, Some(b"1" | b"true")) => State::Accept,
        (_, Some(b"0" | b"false")) => State::Deny,
        (_, Some(_)) => return Reading::Malformed,
    };
    match (trace_id, span_id) {
        (None, None) if state == State::Deferred => Reading::Absent,
        (None, None) => Reading::State(state),
        _ => match ids(trace_id, span_id) {
            Some(ids) => Reading::Trace(ids, state),
            None => Reading::Malformed,
        },
    }
}

fn state(text: &[u8]) -> Option<State> {
    match text {
        b"0" => Some(State::Deny),
        b"1" => Some(State::Accept),
        b"d" => Some(State::Debug),
        _ => None,
    }
}

fn ids(trace: Option<&[u8]>, span: Option<&[u8]>) -> Option<Ids> {
    Some(Ids { trace_id: trace_id(trace?)?, span_id: span_id(span?)? })
}

/// 32 digits, or 16 for the low half.
fn trace_id(text: &[u8]) -> Option<[u8; 16]> {
    let id = if text.len() == 16 {
        let low: [u8; 8] = hex::decode(hex::Case::Lower, text)?;
        u128::from(u64::from_be_bytes(low)).to_be_bytes()
    } else {
        hex::decode(hex::Case::Lower, text)?
    };
    (id != [0; 16]).then_some(id)
}

fn span_id(text: &[u8]) -> Option<[u8; 8]> {
    hex::decode(hex::Case::Lower, text).filter(|&id| id != [0; 8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const T: &str = "0af7651916cd43dd8448eb211c80319c";
    const S: &str = "b7ad6b7169203331";

    fn trace(state: State) -> Reading {
        let ids = ids(Some(T.as_bytes()), Some(S.as_bytes())).unwrap();
        Reading::Trace(ids, state)
    }

    #[test]
    fn the_single_header_is_read() {
        let short = Ids {
            trace_id: 0x8448_eb21_1c80_319c_u128.to_be_bytes(),
            span_id: 0xb7ad_6b71_6920_3331_u64.to_be_bytes(),
        };
        for (value, expected) in [
            ("0".to_owned(), Reading::State(State::Deny)),
            ("1".into(), Reading::State(State::Accept)),
            ("d".into(), Reading::State(State::Debug)),
            (format!("{T}-{S}"), trace(State::Deferred)),
            (format!("{T}-{S}-0"), trace(State::Deny)),
            (format!("{T}-{S}-1"), trace(State::Accept)),
            (format!("{T}-{S}-d"), trace(State::Debug)),
            (format!("{T}-{S}-1-{S}"), trace(State::Accept)),
            (format!("{T}-{S}-1-0000000000000000"), trace(State::Accept)),
            (format!("{T}-{S}-d-0000000000000000"), trace(State::Debug)),
            (format!("{}-{S}-1", &T[16..]), Reading::Trace(short, State::Accept)),
        ] {
            assert_eq!(single(value.as_bytes()), expected, "{value:?}");
        }
    }

    #[test]
    fn anything_else_in_the_single_header_is_malformed() {
        for value in [
            String::new(),
            "-".into(),
            "2".into(),
            "D".into(),
            "true".into(),
            T.into(),
            format!("{T}-"),
            format!("{T}-{S}-"),
            format!("{T}-{S}-x"),
            format!("{T}-{S}-1-"),
            format!("{T}-{S}-1-{S}-"),
            format!("{T}-{S}-1-{S}-1"),
            format!("{T}-{S}-{S}"),
            format!("{T}-{S}-1-{T}"),
            format!("{}-{S}-1", &T[1..]),
            format!("{}-{S}-1", &T[8..]),
            format!("0{T}-{S}-1"),
            format!("+{}-{S}-1", &T[1..]),
            format!("{}-{S}-1", T.to_uppercase()),
            format!("{T}-{}-1", &S[1..]),
            format!("{T}-{}-1", S.to_uppercase()),
            format!("{}-{S}-1", "0".repeat(32)),
            format!("{T}-{}-1", "0".repeat(16)),
        ] {
            assert_eq!(single(value.as_bytes()), Reading::Malformed, "{value:?}");
        }
    }

    #[test]
    fn the_several_headers_are_read() {
        let none = None;
        let (t, s) = (Some(T), Some(S));
        let malformed = Reading::Malformed;
        for (headers, expected) in [
            ([none, none, none, none], Reading::Absent),
            ([none, none, none, Some("0")], Reading::Absent),
            ([none, none, Some("0"), none], Reading::State(State::Deny)),
            ([none, none, Some("1"), none], Reading::State(State::Accept)),
            ([none, none, none, Some("1")], Reading::State(State::Debug)),
            ([t, s, none, none], trace(State::Deferred)),
            ([t, s, Some("1"), none], trace(State::Accept)),
            ([t, s, Some("0"), none], trace(State::Deny)),
            ([t, s, Some("true"), none], trace(State::Accept)),
            ([t, s, Some("false"), none], trace(State::Deny)),
            ([t, s, none, Some("1")], trace(State::Debug)),
            ([t, s, Some("0"), Some("1")], trace(State::Debug)),
            ([t, s, Some("1"), Some("0")], trace(State::Accept)),
            ([t, s, Some("0"), Some("yes")], trace(State::Deny)),
            ([t, s, Some("d"), none], malformed),
            ([t, s, Some(""), none], malformed),
            ([t, none, Some("1"), none], malformed),
            ([none, s, Some("1"), none], malformed),
            ([Some(&T[1..]), s, Some("1"), none], malformed),
            ([t, Some("0000000000000000"), Some("1"), none], malformed),
        ] {
            let [trace_id, span_id, sampled, flags] = headers.map(|text| text.map(str::as_bytes));
            assert_eq!(multi(trace_id, span_id, sampled, flags), expected, "{headers:?}");
        }
    }

    proptest! {
        #[test]
        fn no_value_panics(value in proptest::collection::vec(any::<u8>(), 0..80)) {
            single(&value);
            multi(Some(&value), Some(&value), Some(&value), Some(&value));
        }

        #[test]
        fn no_value_near_the_grammar_panics(value in "([0-9a-f]{16}){1,2}-[0-9a-f]{16}(-[01dx](-[0-9a-f]{16})?)?-?") {
            single(value.as_bytes());
        }
    }
}
