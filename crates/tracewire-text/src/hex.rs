//! Hexadecimal digits of ids with a fixed width.
//!
//! Decoding reads eight digits at once and has no branch that depends on them, because every request
//! with a `traceparent` pays for it. Crates for hexadecimal text accept either case; W3C Trace
//! Context and B3 allow lower case only.
//!
//! ```
//! use tracewire_text::hex::{Case, decode, to_string};
//!
//! assert_eq!(decode(Case::Lower, b"00f0"), Some([0x00, 0xf0]));
//! assert_eq!(to_string(&[0x00, 0xf0]), "00f0");
//! ```

/// The two digits of each byte.
static PAIRS: [[u8; 2]; 256] = {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 0x0f]];
        byte += 1;
    }
    pairs
};

/// Which letters count as digits.
///
/// ```
/// use tracewire_text::hex::{Case, decode};
///
/// assert_eq!(decode::<2>(Case::Lower, b"00F0"), None);
/// assert_eq!(decode(Case::Any, b"00F0"), Some([0x00, 0xf0]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// Lower case only, as W3C Trace Context and B3 require.
    Lower,
    /// Either case.
    Any,
}

/// Decodes exactly `2 * N` digits.
///
/// Returns `None` for a text of any other length, and if one byte of it is no digit.
///
/// ```
/// use tracewire_text::hex::{self, Case};
///
/// assert_eq!(hex::decode(Case::Lower, b"00f0"), Some([0x00, 0xf0]));
/// assert_eq!(hex::decode::<2>(Case::Lower, b"00F0"), None);
/// assert_eq!(hex::decode(Case::Any, b"00F0"), Some([0x00, 0xf0]));
/// ```
#[inline(always)]
pub fn decode<const N: usize>(case: Case, text: &[u8]) -> Option<[u8; N]> {
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

/// Returns the value of one digit in either case.
///
/// ```
/// assert_eq!(tracewire_text::hex::digit(b'f'), Some(15));
/// assert_eq!(tracewire_text::hex::digit(b'g'), None);
/// ```
#[inline]
pub const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Writes `bytes` as lower-case digits into the front of `out`, two for each byte.
///
/// Bytes for which `out` has no room are left out.
///
/// ```
/// let mut text = [0; 4];
/// tracewire_text::hex::encode(&[0x00, 0xf0], &mut text);
/// assert_eq!(&text, b"00f0");
/// ```
#[inline]
pub fn encode(bytes: &[u8], out: &mut [u8]) {
    let (fours, _) = bytes.as_chunks::<4>();
    let (eights, _) = out.as_chunks_mut::<8>();
    let done = 4 * fours.len().min(eights.len());
    for (bytes, digits) in fours.iter().zip(eights) {
        *digits = eight_digits(*bytes);
    }
    let (pairs, _) = out[2 * done..].as_chunks_mut::<2>();
    for (byte, pair) in bytes[done..].iter().zip(pairs) {
        *pair = PAIRS[usize::from(*byte)];
    }
}

/// Returns bytes as lower-case digits.
///
/// ```
/// assert_eq!(tracewire_text::hex::to_string(&[0x00, 0xf0]), "00f0");
/// ```
pub fn to_string(bytes: &[u8]) -> String {
    let mut digits = vec![0; 2 * bytes.len()];
    encode(bytes, &mut digits);
    String::from_utf8(digits).unwrap_or_default()
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

/// Four bytes as eight digits: what [`decode_eight`] does, from its end to its beginning.
#[inline(always)]
fn eight_digits(bytes: [u8; 4]) -> [u8; 8] {
    let word = u64::from(u32::from_le_bytes(bytes));
    // Bytes move apart, then the halves of each, the high one to the front.
    let quads = (word | word << 16) & 0x0000_ffff_0000_ffff;
    let pairs = (quads | quads << 8) & 0x00ff_00ff_00ff_00ff;
    let value = (pairs >> 4 | pairs << 8) & each(0x0f);
    let above_nine = ((value + each(0x06)) >> 4) & each(0x01);
    (value + each(b'0') + above_nine * u64::from(b'a' - b'0' - 10)).to_le_bytes()
}

/// A word of eight equal bytes.
const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
    fn a_digit_is_what_the_standard_library_says() {
        for byte in 0..=u8::MAX {
            assert_eq!(digit(byte).map(u32::from), char::from(byte).to_digit(16));
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

    proptest! {
        #[test]
        fn any_text_is_answered(text: Vec<u8>) {
            for case in [Case::Lower, Case::Any] {
                let (odd, even) = (decode::<3>(case, &text), decode::<8>(case, &text));
                prop_assert!(odd.is_none() || text.len() == 6);
                prop_assert!(even.is_none() || text.len() == 16);
            }
        }

        #[test]
        fn ids_come_back(id: [u8; 16]) {
            let mut text = [0; 32];
            encode(&id, &mut text);
            prop_assert_eq!(decode(Case::Lower, &text), Some(id));
            text.make_ascii_uppercase();
            prop_assert_eq!(decode(Case::Any, &text), Some(id));
        }

        #[test]
        fn encoding_stops_where_there_is_no_room(bytes: Vec<u8>, room in 0usize..16) {
            let mut text = vec![b'-'; room];
            encode(&bytes, &mut text);
            let written = 2 * bytes.len().min(room / 2);
            prop_assert!(text[..written].iter().all(u8::is_ascii_hexdigit));
            prop_assert!(text[written..].iter().all(|byte| *byte == b'-'));
        }
    }
}
