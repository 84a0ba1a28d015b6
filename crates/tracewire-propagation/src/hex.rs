//! Hexadecimal digits of fixed-width ids, by table.

/// Lower-case digits only, as W3C and B3 want them.
pub(crate) static LOWER: [u8; 256] = digits(false);

/// Digits of either case.
pub(crate) static ANY_CASE: [u8; 256] = digits(true);

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Decodes exactly `2 * N` digits that `table` knows.
pub(crate) fn decode<const N: usize>(table: &[u8; 256], text: &[u8]) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    let mut seen = 0;
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let (high, low) = (table[usize::from(pair[0])], table[usize::from(pair[1])]);
        seen |= high | low;
        *byte = high << 4 | low;
    }
    // What is no digit stands in the table as 0xff, so one look at the end is enough.
    (seen <= 0x0f).then_some(bytes)
}

/// Writes `bytes` as lower-case digits into the front of `out`, which must hold twice as many.
pub(crate) fn encode(bytes: &[u8], out: &mut [u8]) {
    for (byte, pair) in bytes.iter().zip(out.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 0x0f)];
    }
}

const fn digits(any_case: bool) -> [u8; 256] {
    let mut table = [0xff; 256];
    let mut value = 0;
    while value < 16 {
        table[DIGITS[value as usize] as usize] = value;
        if any_case {
            table[DIGITS[value as usize].to_ascii_uppercase() as usize] = value;
        }
        value += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        for byte in 0..=u8::MAX {
            let mut text = [0; 2];
            encode(&[byte], &mut text);
            assert_eq!(text, *format!("{byte:02x}").as_bytes());
            assert_eq!(decode::<1>(&LOWER, &text), Some([byte]));
            text.make_ascii_uppercase();
            assert_eq!(decode::<1>(&ANY_CASE, &text), Some([byte]));
        }
    }

    #[test]
    fn only_digits_of_the_right_case_and_number_are_read() {
        for text in ["", "0", "000", "0A", "+0", "-1", " 1", "1 ", "0g", "0x", "é"] {
            assert_eq!(decode::<1>(&LOWER, text.as_bytes()), None, "{text:?}");
        }
    }
}
