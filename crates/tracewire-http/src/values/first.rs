//! The first line of a header.

use http::{HeaderMap, HeaderName, HeaderValue};

/// In a message with more headers a hash finds one sooner than a look at each.
const MANY: usize = 6;

/// What `headers.get(name)` returns; quicker for the few headers of most responses.
pub(crate) fn first<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    if headers.len() > MANY {
        return headers.get(name);
    }
    headers.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
}

/// In a message with more headers they are looked up one by one.
const VERY_MANY: usize = 32;

/// The first lines of several names, found in one pass: what is looked for stands early.
pub(crate) fn firsts<'a, const N: usize>(
    headers: Option<&'a HeaderMap>,
    names: [&HeaderName; N],
) -> [Option<&'a HeaderValue>; N] {
    let Some(headers) = headers else { return [None; N] };
    if headers.len() > VERY_MANY {
        return names.map(|name| headers.get(name));
    }
    let mut found = [None; N];
    let mut left = N;
    for (own, value) in headers {
        for (name, slot) in names.iter().zip(&mut found) {
            if slot.is_none() && own == *name {
                *slot = Some(value);
                left -= 1;
            }
        }
        if left == 0 {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::{CONTENT_LENGTH, CONTENT_TYPE};

    #[test]
    fn the_first_line_is_found_among_few_and_many() {
        let mut headers = HeaderMap::new();
        for n in 0..2 * MANY {
            assert_eq!(first(&headers, &CONTENT_LENGTH), headers.get(CONTENT_LENGTH));
            headers.append(CONTENT_LENGTH, HeaderValue::from(n));
            assert_eq!(first(&headers, &CONTENT_LENGTH), Some(&HeaderValue::from(0)));
            assert_eq!(first(&headers, &CONTENT_TYPE), None);
        }
    }

    #[test]
    fn several_first_lines_are_found_among_few_and_many() {
        let names = [&CONTENT_TYPE, &CONTENT_LENGTH];
        assert_eq!(firsts(None, names), [None, None]);
        let mut headers = HeaderMap::new();
        for n in 0..2 * VERY_MANY {
            let expected = names.map(|name| headers.get(name));
            assert_eq!(firsts(Some(&headers), names), expected);
            let name = HeaderName::try_from(format!("x-{n}")).unwrap();
            headers.insert(name, HeaderValue::from(n));
            headers.append(if n % 2 == 0 { CONTENT_LENGTH } else { CONTENT_TYPE }, n.into());
        }
    }
}
