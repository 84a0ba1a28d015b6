//! The parameters after `?`.

use std::borrow::Cow;

use tracewire_text::percent;

/// Parameters beyond these are not read.
const MOST: usize = 32;

/// The parameters of a request.
#[derive(Debug, Default)]
pub(crate) struct Parameters<'a> {
    pairs: Vec<(&'a str, Cow<'a, str>)>,
}

impl<'a> Parameters<'a> {
    pub(crate) fn parse(query: Option<&'a str>) -> Self {
        let pairs = query.unwrap_or_default().split('&').take(MOST);
        let pairs = pairs.filter_map(|pair| pair.split_once('=')).map(|(key, value)| {
            let value = if value.contains('+') {
                Cow::Owned(percent::decode_lossy(&value.replace('+', " ")).text.into_owned())
            } else {
                percent::decode_lossy(value).text
            };
            (key, value)
        });
        Self { pairs: pairs.collect() }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let mut found = self.pairs.iter().filter(|(name, _)| *name == key);
        found.next().map(|(_, value)| &**value).filter(|value| !value.is_empty())
    }

    pub(crate) fn number(&self, key: &str) -> Option<u64> {
        self.get(key)?.parse().ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_the_first_of_a_name_counts() {
        let parameters = Parameters::parse(Some("q=a%20b%3D+c&limit=5&q=no&empty=&%zz=%ff"));
        assert_eq!(parameters.get("q"), Some("a b= c"));
        assert_eq!(parameters.number("limit"), Some(5));
        assert_eq!(parameters.get("empty"), None);
        assert_eq!(parameters.number("q"), None);
        assert!(Parameters::parse(None).is_empty());
    }
}
