#![no_main]
//! A pattern matches what its signs say. Its first line is the pattern, the rest the text.

use libfuzzer_sys::fuzz_target;
use tracewire_text::glob::Pattern;

fuzz_target!(|input: &str| {
    let Some((pattern, text)) = input.split_once('\n') else { return };
    let found = Pattern::new(pattern).matches(text);
    if text.len() > Pattern::LONGEST_TEXT {
        assert!(!found);
        return;
    }
    // After each sign, whether it and those before it match the first characters of the text.
    let text: Vec<_> = text.chars().collect();
    let mut matched = vec![false; text.len() + 1];
    matched[0] = true;
    for sign in pattern.chars() {
        if sign == '*' {
            let first = matched.iter().position(|is| *is).unwrap_or(matched.len());
            matched[first..].fill(true);
        } else {
            for place in (0..text.len()).rev() {
                matched[place + 1] = matched[place] && (sign == '?' || sign == text[place]);
            }
            matched[0] = false;
        }
    }
    assert_eq!(found, matched[text.len()], "{pattern:?}");
});
