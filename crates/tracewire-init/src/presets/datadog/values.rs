//! What values of Datadog's variables look like, as its tracers read them.

use std::ops::RangeInclusive;

use http::HeaderName;

use crate::variables::parse::choice;

/// `true` or `1`, `false` or `0`.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    choice(&[("true", true), ("1", true), ("false", false), ("0", false)])(text)
}

/// A boolean, or `structured`: our lines have the names in text and in JSON alike.
pub(super) fn injection(text: &str) -> Result<bool, String> {
    match text.eq_ignore_ascii_case("structured") {
        true => Ok(true),
        false => boolean(text),
    }
}

/// Traces a second; −1 is no limit.
pub(super) fn limit(text: &str) -> Result<Option<u32>, String> {
    match text.parse::<i64>() {
        Ok(-1) => Ok(None),
        number => number
            .ok()
            .and_then(|number| u32::try_from(number).ok())
            .map(Some)
            .ok_or_else(|| "it must be a whole number of traces a second, or -1".to_owned()),
    }
}

/// `key:value` pairs with commas between, or blanks if there is no comma. A key alone has an empty value.
#[expect(clippy::unnecessary_wraps, reason = "as other values are read")]
pub(super) fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let separator = if text.contains(',') { ',' } else { ' ' };
    let pair = |tag: &str| {
        let (key, value) = tag.split_once(':').unwrap_or((tag, ""));
        (key.trim().to_owned(), value.trim().to_owned())
    };
    Ok(text.split(separator).map(pair).filter(|(key, _)| !key.is_empty()).collect())
}

/// Headers, each with the name of its tag or without.
pub(super) fn header_tags(text: &str) -> Result<Vec<(String, Option<String>)>, String> {
    let pairs = pairs(text)?;
    let is_header = |(name, _): &(String, String)| HeaderName::from_bytes(name.as_bytes()).is_ok();
    if !pairs.iter().all(is_header) {
        let allowed =
            "it must be names of headers with commas between, each with :tag behind or without";
        return Err(allowed.to_owned());
    }
    let tag = |tag: String| Some(tag).filter(|tag| !tag.is_empty());
    Ok(pairs.into_iter().map(|(name, name_of_tag)| (name, tag(name_of_tag))).collect())
}

/// Status codes and ranges of them: `500-599,404`.
pub(super) fn statuses(text: &str) -> Result<Vec<RangeInclusive<u16>>, String> {
    let range = |text: &str| {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let code = |text: &str| text.trim().parse().ok().filter(|code| (100..=999).contains(code));
        let (first, last) = (code(first)?, code(last)?);
        (first <= last).then_some(first..=last)
    };
    let ranges = text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(range);
    ranges.collect::<Option<Vec<_>>>().ok_or_else(|| {
        "it must be status codes and ranges with commas between, such as 500-599,404".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn statuses_are_codes_and_ranges() {
        for (text, expected) in [
            ("500-599", Some(vec![500..=599])),
            (" 404 , 500 - 599 ,", Some(vec![404..=404, 500..=599])),
            ("599-500", None),
            ("99", None),
            ("5xx", None),
            ("500-", None),
            ("-1", None),
        ] {
            assert_eq!(statuses(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn pairs_are_separated_as_the_tracers_do() {
        let pairs = |text| pairs(text).unwrap();
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(pairs("a:1,b:2:3"), [pair("a", "1"), pair("b", "2:3")]);
        assert_eq!(pairs("a:1 b"), [pair("a", "1"), pair("b", "")]);
        assert_eq!(pairs("a: 1, b :2 , ,:3"), [pair("a", "1"), pair("b", "2")]);
    }

    #[test]
    fn header_tags_have_names_of_headers() {
        let tags = header_tags("X-User:shop.user, User-Agent").unwrap();
        let expected = [("X-User", Some("shop.user")), ("User-Agent", None)];
        assert_eq!(tags, expected.map(|(name, tag)| (name.to_owned(), tag.map(str::to_owned))));
        assert!(header_tags("not a header,b").is_err());
    }

    #[test]
    fn limits_and_booleans() {
        assert_eq!(
            ["-1", "0", "100", "-2", "x"].map(|text| limit(text).ok()),
            [Some(None), Some(Some(0)), Some(Some(100)), None, None]
        );
        assert_eq!(
            ["TRUE", "1", "0", "False", "yes"].map(|text| boolean(text).ok()),
            [Some(true), Some(true), Some(false), Some(false), None]
        );
        assert_eq!(injection("structured"), Ok(true));
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String) {
            let _ = (pairs(&text), header_tags(&text), statuses(&text), limit(&text));
        }

        #[test]
        fn a_range_has_its_codes(first in 100_u16..999, more in 0_u16..100) {
            let last = (first + more).min(999);
            prop_assert_eq!(statuses(&format!("{first}-{last}")), Ok(vec![first..=last]));
        }
    }
}
