//! What values of variables look like. An error says what is allowed.

use std::time::Duration;

/// `true` or `false`, in any case.
pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    choice(&[("true", true), ("false", false)])(text)
}

/// A whole number from `least` to 2³¹−1.
pub(crate) fn integer(least: u32) -> impl Fn(&str) -> Result<u32, String> {
    const MOST: u32 = i32::MAX as u32;
    move |text| {
        text.parse()
            .ok()
            .filter(|number| (least..=MOST).contains(number))
            .ok_or_else(|| format!("it must be a whole number from {least} to {MOST}"))
    }
}

/// A size that has to be at least 1; zero is kept, because it is refused and not ignored.
pub(crate) fn size(text: &str) -> Result<u32, String> {
    if text.parse() == Ok(0_u32) { Ok(0) } else { integer(1)(text) }
}

/// A duration in whole milliseconds, at least `least` of them.
pub(crate) fn milliseconds(least: u32) -> impl Fn(&str) -> Result<Duration, String> {
    move |text| {
        integer(least)(text)
            .map(|number| Duration::from_millis(number.into()))
            .map_err(|allowed| format!("{allowed}, in milliseconds"))
    }
}

/// A number from 0 to 1.
pub(crate) fn ratio(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|ratio| (0.0..=1.0).contains(ratio))
        .ok_or_else(|| "it must be a number from 0 to 1".to_owned())
}

/// A port number.
pub(crate) fn port(text: &str) -> Result<u16, String> {
    let number = integer(0)(text)?;
    u16::try_from(number).map_err(|_| "it must be at most 65535".to_owned())
}

/// One of these words, in any case.
pub(crate) fn choice<T: Clone>(words: &[(&str, T)]) -> impl Fn(&str) -> Result<T, String> {
    move |text| {
        words
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(text))
            .map(|(_, value)| value.clone())
            .ok_or_else(|| format!("it must be one of {}", names(words)))
    }
}

/// The words of a [`choice`], for a message.
pub(crate) fn names<T>(words: &[(&str, T)]) -> String {
    words.iter().map(|&(word, _)| word).collect::<Vec<_>>().join(", ")
}
