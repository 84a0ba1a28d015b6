//! Numbers of 56 bits, as thresholds and randomness are, and their hexadecimal digits.

use tracewire_text::hex::{self, Case};

/// The number of values that thresholds and random numbers have: 2^56.
pub(crate) const RANGE: u64 = 1 << 56;
/// Hexadecimal digits of such a number.
pub(crate) const DIGITS: u32 = 14;

/// Reads lower-case hexadecimal digits, 1 to 14 of them.
pub(crate) fn number(text: &str) -> Option<u64> {
    let mut digits = [b'0'; DIGITS as usize];
    let padding = digits.len().checked_sub(text.len()).filter(|_| !text.is_empty())?;
    digits[padding..].copy_from_slice(text.as_bytes());
    let [a, b, c, d, e, f, g] = hex::decode(Case::Lower, &digits)?;
    Some(u64::from_be_bytes([0, a, b, c, d, e, f, g]))
}

/// Writes 14 digits and returns them without the zeros at their end, but at least one.
pub(crate) fn trimmed(value: u64, digits: &mut [u8; DIGITS as usize]) -> &str {
    let [_, bytes @ ..] = value.to_be_bytes();
    hex::encode(&bytes, digits);
    let len = digits.iter().rposition(|&digit| digit != b'0').map_or(1, |last| last + 1);
    str::from_utf8(&digits[..len]).unwrap_or("0")
}
