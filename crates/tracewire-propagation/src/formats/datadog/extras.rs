//! What Datadog sends beside the ids: priority, origin and tags.

use tracewire_text::hex;

/// Bytes that `x-datadog-tags` may have, when read and when written.
const MAX_TAGS: usize = 512;
/// Bytes of an origin that is sent on.
const MAX_ORIGIN: usize = 128;
/// Tags with this prefix travel with the trace.
const TRAVELS: &str = "_dd.p.";
/// The upper half of a 128-bit trace id.
const HIGH_HALF: &str = "_dd.p.tid";
/// Who made the sampling decision.
const DECISION_MAKER: &str = "_dd.p.dm";

/// What came with a trace, fit to be sent on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Extras {
    pub(super) priority: Option<i32>,
    /// The parent's id was 0: the next span is the root of the trace.
    pub(super) is_root: bool,
    pub(super) origin: Option<String>,
    /// `key=value` with commas between, without the upper half of the trace id.
    tags: String,
}

impl Extras {
    /// From the values of `x-datadog-sampling-priority` (already read), `-origin` and `-tags`.
    pub(super) fn new(priority: Option<i32>, origin: Option<&[u8]>, tags: Option<&[u8]>) -> Self {
        let origin = origin.and_then(|origin| text(origin, MAX_ORIGIN)).filter(|o| is_origin(o));
        let mut extras = Self { priority, origin: origin.map(str::to_owned), ..Self::default() };
        if let Some(pairs) = tags.and_then(pairs) {
            for (key, value) in pairs.flatten() {
                extras.push_tag(key, value);
            }
        }
        extras
    }

    /// From the member `dd` of `tracestate`: `s:1;o:rum;t.dm:-4`, where `~` stands for `=`.
    pub(super) fn from_trace_state(member: &str) -> Self {
        let mut extras = Self::default();
        for field in member.split(';') {
            let Some((key, value)) = field.split_once(':') else { continue };
            let value = value.trim_end_matches(' ').replace('~', "=");
            match key {
                "s" => extras.priority = priority(value.as_bytes()),
                "o" if is_origin(&value) => extras.origin = Some(value),
                _ => {
                    if let Some(key) = key.strip_prefix("t.") {
                        extras.push_tag(&[TRAVELS, key].concat(), &value);
                    }
                }
            }
        }
        extras
    }

    pub(super) fn is_empty(&self) -> bool {
        // Priorities 0 and 1 are what the sampled flag says already.
        matches!(self.priority, None | Some(0 | 1))
            && !self.is_root
            && self.origin.is_none()
            && self.tags.is_empty()
    }

    /// The tags that travel with the trace.
    pub(super) fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tags.split(',').filter_map(|pair| pair.split_once('='))
    }

    fn push_tag(&mut self, key: &str, value: &str) {
        let travels = key.len() > TRAVELS.len() && key.starts_with(TRAVELS) && key != HIGH_HALF;
        let legal = is_key(key) && is_value(value);
        if travels && legal && self.tags.len() + key.len() + value.len() + 2 <= MAX_TAGS {
            push_pair(&mut self.tags, key, value);
        }
    }
}

/// The value of `x-datadog-tags`, empty for no header.
///
/// Comes to at most [`MAX_TAGS`] bytes: the upper half of the trace id goes first, so that it is
/// never what is left out.
pub(super) fn tags(high_half: u64, extras: Option<&Extras>, sampled: bool) -> String {
    let kept = extras.map_or("", |extras| extras.tags.as_str());
    let mut tags = String::new();
    if high_half != 0 {
        let mut digits = [0; 16];
        hex::encode(&high_half.to_be_bytes(), &mut digits);
        tags.reserve_exact(HIGH_HALF.len() + 1 + digits.len() + 1 + kept.len());
        push_pair(&mut tags, HIGH_HALF, str::from_utf8(&digits).unwrap_or_default());
    }
    // A decision made here is not that of the one who is named there.
    let overruled =
        extras.and_then(|extras| extras.priority).is_some_and(|priority| (priority > 0) != sampled);
    for (key, value) in kept.split(',').filter_map(|pair| pair.split_once('=')) {
        let fits = tags.len() + key.len() + value.len() + 2 <= MAX_TAGS;
        if fits && !(overruled && key == DECISION_MAKER) {
            push_pair(&mut tags, key, value);
        }
    }
    tags
}

/// The upper half of the trace id from the value of `x-datadog-tags`; 0 when it has none.
///
/// It has to be 16 lower-case digits and not zero; the rest of the value has to be well formed.
pub(super) fn high_half(tags: &[u8]) -> Result<u64, Malformed> {
    let mut half = 0;
    for pair in pairs(tags).ok_or(Malformed)? {
        let (key, value) = pair.ok_or(Malformed)?;
        if key == HIGH_HALF {
            let digits = hex::decode(hex::Case::Lower, value.as_bytes()).ok_or(Malformed)?;
            half = u64::from_be_bytes(digits);
            if half == 0 {
                return Err(Malformed);
            }
        }
    }
    Ok(half)
}

/// The tags are malformed or too long.
#[derive(Debug, PartialEq)]
pub(super) struct Malformed;

/// Reads a sampling priority: −1 to 2, or another whole number, which Datadog's tracers take by its
/// sign.
pub(super) fn priority(value: &[u8]) -> Option<i32> {
    text(value, "-2147483648".len())?.parse().ok()
}

/// The tags one by one, `None` for each that is malformed; `None` at once for too many bytes.
fn pairs(tags: &[u8]) -> Option<impl Iterator<Item = Option<(&str, &str)>>> {
    let tags = text(tags, MAX_TAGS)?;
    let pairs = tags.split(',').filter(|pair| !pair.is_empty());
    Some(pairs.map(|pair| {
        // A space at the end would be lost on the way, as white space around a header is.
        let (key, value) = pair.trim_end_matches(' ').split_once('=')?;
        (is_key(key) && is_value(value)).then_some((key, value))
    }))
}

fn push_pair(tags: &mut String, key: &str, value: &str) {
    if !tags.is_empty() {
        tags.push(',');
    }
    tags.push_str(key);
    tags.push('=');
    tags.push_str(value);
}

fn text(value: &[u8], limit: usize) -> Option<&str> {
    if value.len() > limit { None } else { str::from_utf8(value).ok() }
}

fn is_origin(origin: &str) -> bool {
    let printable = |byte: u8| (0x20..0x7f).contains(&byte);
    let trimmed = origin.trim_matches(' ') == origin;
    trimmed && (1..=MAX_ORIGIN).contains(&origin.len()) && origin.bytes().all(printable)
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic() && !b",=".contains(&byte))
}

fn is_value(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b',')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_upper_half_is_strict() {
        for (tags, expected) in [
            ("", Ok(0)),
            ("_dd.p.dm=-0", Ok(0)),
            ("_dd.p.dm=-0,_dd.p.tid=6b00b29a00000000", Ok(0x6b00_b29a_0000_0000)),
            ("_dd.p.tid=6b00b29a00000000,", Ok(0x6b00_b29a_0000_0000)),
            ("_dd.p.tid=6B00B29A00000000", Err(Malformed)),
            ("_dd.p.tid=6b00b29a0000000", Err(Malformed)),
            ("_dd.p.tid=6b00b29a000000000", Err(Malformed)),
            ("_dd.p.tid=+b00b29a00000000", Err(Malformed)),
            ("_dd.p.tid=0000000000000000", Err(Malformed)),
            ("_dd.p.tid=", Err(Malformed)),
            ("_dd.p.tid", Err(Malformed)),
            ("=1", Err(Malformed)),
            ("a b=1", Err(Malformed)),
            ("a=é", Err(Malformed)),
        ] {
            assert_eq!(high_half(tags.as_bytes()), expected, "{tags:?}");
        }
        let long = format!("_dd.p.tid=6b00b29a00000000,a={}", "x".repeat(MAX_TAGS));
        assert_eq!(high_half(long.as_bytes()), Err(Malformed));
    }

    #[test]
    fn only_tags_of_the_trace_travel() {
        let sent = |tags: &str| {
            super::tags(0, Some(&Extras::new(None, None, Some(tags.as_bytes()))), true)
        };
        assert_eq!(
            sent("_dd.p.dm=-0,_dd.p.usr.id=a b=,other=1,_dd.x=1"),
            "_dd.p.dm=-0,_dd.p.usr.id=a b="
        );
        assert_eq!(sent("_dd.p.a=1 ,_dd.p.b=2 "), "_dd.p.a=1,_dd.p.b=2");
        assert_eq!(sent("_dd.p.=1,_dd.p.a=,_dd.p.tid=6b00b29a00000000"), "");
        assert_eq!(sent(&format!("_dd.p.a={}", "x".repeat(MAX_TAGS - 8))), "");
        let longest = format!("_dd.p.a={}", "x".repeat(MAX_TAGS - 10));
        assert_eq!(sent(&longest), longest);
        // With the upper half there is no room for it any more.
        let extras = Extras::new(None, None, Some(longest.as_bytes()));
        assert_eq!(super::tags(1, Some(&extras), true), "_dd.p.tid=0000000000000001");
    }

    #[test]
    fn the_decision_maker_goes_with_its_decision() {
        for (priority, sampled, expected) in [
            (Some(1), true, "_dd.p.dm=-4"),
            (Some(1), false, ""),
            (Some(-1), true, ""),
            (Some(0), false, "_dd.p.dm=-4"),
            (None, false, "_dd.p.dm=-4"),
        ] {
            let extras = Extras::new(priority, None, Some(b"_dd.p.dm=-4"));
            assert_eq!(tags(0, Some(&extras), sampled), expected);
        }
    }

    #[test]
    fn the_member_of_tracestate_is_read_in_any_order() {
        let expected = Extras {
            is_root: false,
            priority: Some(2),
            origin: Some("rum=1".into()),
            tags: "_dd.p.dm=-4,_dd.p.usr=a==".into(),
        };
        for member in [
            "s:2;o:rum~1;p:0123456789abcdef;t.dm:-4;t.usr:a~~",
            "t.dm:-4;t.tid:6b00b29a00000000;t.usr:a~~;p:x;o:rum~1;unknown;s:2",
        ] {
            assert_eq!(Extras::from_trace_state(member), expected, "{member:?}");
        }
        assert_eq!(Extras::from_trace_state("s:x;o:;t.:1;;:"), Extras::default());
    }

    proptest! {
        #[test]
        fn no_value_panics(value in proptest::collection::vec(any::<u8>(), 0..100), text: String) {
            let _ = high_half(&value);
            Extras::new(None, Some(&value), Some(&value));
            Extras::from_trace_state(&text);
        }

        #[test]
        fn tags_sent_are_legal_stable_and_were_there(
            tags in "((_dd\\.p\\.[a-c]|x)=[ -~]{0,4},?){0,6}", high: u64,
        ) {
            let extras = Extras::new(None, None, Some(tags.as_bytes()));
            let sent = super::tags(high, Some(&extras), true);
            prop_assert!(sent.len() <= MAX_TAGS);
            prop_assert_eq!(high_half(sent.as_bytes()), Ok(high));
            prop_assert_eq!(&Extras::new(None, None, Some(sent.as_bytes())), &extras);
            prop_assert!(extras.tags.split(',').all(|tag| tags.contains(tag)));
        }
    }
}
