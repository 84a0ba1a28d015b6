//! Hexadecimal digits of fixed-width ids, eight at a time.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Which letters count as digits.
#[derive(Clone, Copy)]
pub(crate) enum Case {
    /// Lower case alone, as W3C and B3 want them.
    Lower,
    /// Either case.
    Any,
}

/// Decodes exactly `2 * N` digits.
#[inline(always)]
pub(crate) fn decode<const N: usize>(case: Case, text: &[u8]) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    let mut wrong = 0;
    let (eights, rest) = text.as_chunks::<8>();
    let (fours, last) = bytes.as_chunks_mut::<4>();
    for (digits, out) in eights.iter().zip(fours) {
        let decoded = decode_eight(case, *digits);
        *out = decoded.0;
        wrong |= decoded.1;
    }
    if !rest.is_empty() {
        let mut digits = [b'0'; 8];
        digits[..rest.len()].copy_from_slice(rest);
        let decoded = decode_eight(case, digits);
        last.copy_from_slice(&decoded.0[..rest.len() / 2]);
        wrong |= decoded.1;
    }
    (wrong == 0).then_some(bytes)
}

/// Writes `bytes` as lower-case digits into the front of `out`, which must hold twice as many.
pub(crate) fn encode(bytes: &[u8], out: &mut [u8]) {
    for (byte, pair) in bytes.iter().zip(out.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 0x0f)];
    }
}

/// Decodes eight digits at once; the number is not zero if one of them is no digit.
///
/// Each byte of a word is one digit. In ASCII the letters alone have bit 6, and their low nibble
/// is 9 less than their value. What is not the digit of the value found that way was no digit.
#[inline(always)]
fn decode_eight(case: Case, digits: [u8; 8]) -> ([u8; 4], u64) {
    let mut word = u64::from_le_bytes(digits);
    if let Case::Any = case {
        word |= (word & each(0x40)) >> 1;
    }
    let letter = (word >> 6) & each(0x01);
    let value = (word & each(0x0f)) + letter * 9;
    let above_nine = ((value + each(0x06)) >> 4) & each(0x01);
    let digit = value + each(b'0') + above_nine * u64::from(b'a' - b'0' - 10);
    let wrong = (digit ^ word) | (value & each(0xf0));
    // Neighbors make a byte, bytes move together.
    let pairs = (value << 4 | value >> 8) & 0x00ff_00ff_00ff_00ff;
    let quads = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    let [a, b, c, d, ..] = (quads | quads >> 16).to_le_bytes();
    ([a, b, c, d], wrong)
}

/// A word of eight equal bytes.
const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
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
            assert_eq!(decode::<1>(Case::Lower, &text), Some([byte]));
            text.make_ascii_uppercase();
            assert_eq!(decode::<1>(Case::Any, &text), Some([byte]));
        }
    }

    #[test]
    fn every_place_is_judged() {
        for at in 0..32 {
            for byte in 0..=u8::MAX {
                let mut text = *b"0123456789abcdef0123456789abcdef";
                text[at] = byte;
                let lower = byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
                assert_eq!(decode::<16>(Case::Lower, &text).is_some(), lower, "{byte}");
                let any = byte.is_ascii_hexdigit();
                assert_eq!(decode::<16>(Case::Any, &text).is_some(), any, "{byte}");
                let short = decode::<6>(Case::Any, &text[..12]);
                assert_eq!(short.is_some(), any || at >= 12, "{byte}");
            }
        }
        let text = b"0123456789abcdefFEDCBA9876543210";
        let bytes = 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210_u128.to_be_bytes();
        assert_eq!(decode(Case::Any, text), Some(bytes));
    }

    #[test]
    fn only_digits_of_the_right_case_and_number_are_read() {
        for text in ["", "0", "000", "0A", "+0", "-1", " 1", "1 ", "0g", "0x", "é"] {
            assert_eq!(decode::<1>(Case::Lower, text.as_bytes()), None, "{text:?}");
        }
    }
}
