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
}
