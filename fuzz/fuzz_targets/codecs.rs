#![no_main]
//! What is encoded comes back, and what is decoded was encoded.

use libfuzzer_sys::fuzz_target;
use tracewire_text::{
    hex::{self, Case},
    percent::{self, RESERVED},
};

fuzz_target!(|data: &[u8]| {
    assert!(percent::encode_non_ascii(data).is_ascii());
    if let Some(id) = hex::decode::<16>(Case::Any, data) {
        let mut text = [0; 32];
        hex::encode(&id, &mut text);
        assert!(text.eq_ignore_ascii_case(data));
        assert_eq!(hex::decode(Case::Lower, &text), Some(id));
    }
    let Ok(text) = str::from_utf8(data) else { return };
    let encoded = percent::encode(text, RESERVED);
    assert_eq!(percent::decode(&encoded).as_deref(), Some(text));

    let decoded = percent::decode_lossy(text);
    assert_eq!(percent::decode(text).is_some(), decoded.is_exact);
    let mut escaped = String::new();
    percent::escape_stray_signs(text, &mut escaped);
    assert_eq!(percent::decode_lossy(&escaped).text, decoded.text);
});
