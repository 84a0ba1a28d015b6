//! Numbers of 56 bits, as thresholds and randomness are, and their hexadecimal digits.

/// The number of values that thresholds and random numbers have: 2^56.
pub(crate) const RANGE: u64 = 1 << 56;
/// Hexadecimal digits of such a number.
pub(crate) const DIGITS: u32 = 14;

/// Reads lower-case hexadecimal digits, at most 14 of them.
pub(crate) fn hex(text: &str) -> Option<u64> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.is_empty() || text.len() > DIGITS as usize || !text.bytes().all(is_digit) {
        return None;
    }
    u64::from_str_radix(text, 16).ok()
}

/// Writes 14 digits and returns them without the zeros at their end, but at least one.
pub(crate) fn trimmed(value: u64, digits: &mut [u8; DIGITS as usize]) -> &str {
    for (place, digit) in digits.iter_mut().rev().enumerate() {
        *digit = b"0123456789abcdef"[(value >> (4 * place) & 0xf) as usize];
    }
    let len = digits.iter().rposition(|&digit| digit != b'0').map_or(1, |last| last + 1);
    str::from_utf8(&digits[..len]).unwrap_or("0")
}
