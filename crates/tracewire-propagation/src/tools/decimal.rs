//! Decimal numbers, as Datadog and Google write span ids.

/// Digits of the longest number that is read: some services pad theirs with zeros.
const MAX_DIGITS: usize = 64;

/// Reads a decimal number without a sign.
pub(crate) fn read(text: &[u8]) -> Option<u64> {
    if text.len() > MAX_DIGITS || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(text).ok()?.parse().ok()
}

/// Writes a number in decimal digits.
pub(crate) fn write(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    loop {
        start -= 1;
        #[allow(clippy::cast_possible_truncation)] // a digit
        let digit = (number % 10) as u8;
        digits[start] = b'0' + digit;
        number /= 10;
        if number == 0 {
            return &digits[start..];
        }
    }
}
