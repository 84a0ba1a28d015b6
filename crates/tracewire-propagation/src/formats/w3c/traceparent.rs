//! The grammar of `traceparent`: fixed positions, lower-case hex.

use crate::{random_flag::is_random, tools::read::trim_ows};
use opentelemetry::{Context, SpanId, TraceId, trace::SpanContext};
use tracewire_text::hex;

/// Flag bit 0: the caller may have recorded the trace.
pub(crate) const SAMPLED: u8 = 0x01;
/// Flag bit 1, level 2: the trace id is random.
pub(crate) const RANDOM: u8 = 0x02;

/// Characters of a version 00 header: `00-{32}-{16}-{2}`.
const LEN: usize = 55;

/// The fields of a `traceparent`; ids may still be zero.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TraceParent {
    pub(crate) trace_id: [u8; 16],
    pub(crate) span_id: [u8; 8],
    pub(crate) flags: u8,
}

/// Reads a header value, whatever its version (section "Versioning of traceparent").
pub(crate) fn parse(value: &[u8]) -> Option<TraceParent> {
    // One of that length has no space to spare.
    let value = if value.len() == LEN { value } else { trim_ows(value) };
    let (fields, rest) = value.split_first_chunk::<LEN>()?;
    let version = match &fields[..2] {
        b"00" => 0,
        digits => hex::decode::<1>(hex::Case::Lower, digits)?[0],
    };
    let ends_well = match (version, rest.first()) {
        (0xff, _) | (0x00, Some(_)) => false,
        (_, after) => after.is_none_or(|&byte| byte == b'-'),
    };
    if !ends_well || fields[2] != b'-' || fields[35] != b'-' || fields[52] != b'-' {
        return None;
    }
    let [flags] = hex::decode(hex::Case::Lower, &fields[53..])?;
    Some(TraceParent {
        trace_id: hex::decode(hex::Case::Lower, &fields[3..35])?,
        span_id: hex::decode(hex::Case::Lower, &fields[36..52])?,
        flags: flags & (SAMPLED | RANDOM),
    })
}

/// Returns the header value for `span_context`, which is the span in `context`.
pub(crate) fn header_value(context: &Context, span_context: &SpanContext) -> [u8; LEN] {
    let mut flags = span_context.trace_flags().to_u8() & SAMPLED;
    if is_random(context, span_context) {
        flags |= RANDOM;
    }
    version_00(span_context.trace_id(), span_context.span_id(), flags)
}

/// Returns a header value of version 00.
fn version_00(trace_id: TraceId, span_id: SpanId, flags: u8) -> [u8; LEN] {
    let mut value = *b"00-................................-................-00";
    hex::encode(&trace_id.to_bytes(), &mut value[3..35]);
    hex::encode(&span_id.to_bytes(), &mut value[36..52]);
    hex::encode(&[flags], &mut value[53..]);
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    fn flags(value: &str) -> Option<u8> {
        let parent = parse(value.as_bytes())?;
        assert_eq!(parent.trace_id[..2], [0x0a, 0xf7]);
        assert_eq!(parent.span_id[6..], [0x33, 0x31]);
        Some(parent.flags)
    }

    #[test]
    fn every_version_but_ff_is_read_by_position() {
        for (value, expected) in [
            (format!("00-{TRACE}-{SPAN}-00"), 0),
            (format!("00-{TRACE}-{SPAN}-01"), 1),
            (format!("00-{TRACE}-{SPAN}-02"), 2),
            (format!("00-{TRACE}-{SPAN}-03"), 3),
            (format!("00-{TRACE}-{SPAN}-ff"), 3),
            (format!("00-{TRACE}-{SPAN}-fc"), 0),
            (format!(" \t00-{TRACE}-{SPAN}-01\t "), 1),
            (format!("01-{TRACE}-{SPAN}-01"), 1),
            (format!("cc-{TRACE}-{SPAN}-01"), 1),
            (format!("cc-{TRACE}-{SPAN}-01-"), 1),
            (format!("cc-{TRACE}-{SPAN}-01-what-the-future-brings"), 1),
        ] {
            assert_eq!(flags(&value), Some(expected), "{value:?}");
        }
    }

    #[test]
    fn everything_else_is_malformed() {
        for value in [
            String::new(),
            "00".into(),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-01-"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("00-{TRACE}-{SPAN}-01."),
            format!("cc-{TRACE}-{SPAN}-01."),
            format!("cc-{TRACE}-{SPAN}-011"),
            format!("cc-{TRACE}-{SPAN}-0"),
            format!("CC-{TRACE}-{SPAN}-01"),
            format!("0-{TRACE}-{SPAN}-01"),
            format!("000-{TRACE}-{SPAN}-01"),
            format!("+0-{TRACE}-{SPAN}-01"),
            format!(".0-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{}-01", SPAN.to_uppercase()),
            format!("00-{TRACE}-{SPAN}-0A"),
            format!("00-{TRACE}-{SPAN}-+1"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-001"),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-"),
            format!("00-{}-{SPAN}-01", &TRACE[1..]),
            format!("00-0{TRACE}-{SPAN}-01"),
            format!("00-+{}-{SPAN}-01", &TRACE[1..]),
            format!("00-{TRACE}-{}-01", &SPAN[1..]),
            format!("00-{TRACE}-0{SPAN}-01"),
            format!("00-{TRACE}-+{}-01", &SPAN[1..]),
            format!("00_{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}_{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}_01"),
            format!("00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01"),
            format!("\u{a0}00-{TRACE}-{SPAN}-01"),
        ] {
            assert_eq!(parse(value.as_bytes()), None, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn no_input_panics(value in proptest::collection::vec(any::<u8>(), 0..80)) {
            parse(&value);
        }

        #[test]
        fn no_input_near_the_grammar_panics(value in "[0-9a-f]{1,3}-[0-9a-f+]{31,33}-[0-9a-f]{15,17}-[0-9a-f]{1,3}-?") {
            if let Some(parent) = parse(value.as_bytes()) {
                prop_assert_eq!(&value[3..52], &String::from_utf8(version_00(
                    TraceId::from_bytes(parent.trace_id),
                    SpanId::from_bytes(parent.span_id),
                    parent.flags,
                ).to_vec()).unwrap()[3..52]);
            }
        }

        #[test]
        fn what_is_written_is_read(trace_id: [u8; 16], span_id: [u8; 8], flags in 0u8..4) {
            let value = version_00(TraceId::from_bytes(trace_id), SpanId::from_bytes(span_id), flags);
            prop_assert_eq!(parse(&value), Some(TraceParent { trace_id, span_id, flags }));
        }
    }
}
