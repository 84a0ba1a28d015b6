//! Counts `unsafe` in Rust source, comments and literals left out.

use std::{fs, io, path::Path};

/// How often `unsafe` stands in a source text.
#[must_use]
pub fn in_text(source: &str) -> usize {
    let (mut rest, mut count) = (source, 0);
    while let Some(first) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            comment(rest)
        } else if let Some(length) = raw_string(rest) {
            length
        } else if first == '"' {
            quoted(rest, '"')
        } else if first == '\'' {
            character(rest)
        } else if first == '_' || first.is_alphabetic() {
            let end = rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len());
            count += usize::from(&rest[..end] == "unsafe");
            end
        } else {
            first.len_utf8()
        };
        rest = &rest[skipped..];
    }
    count
}

/// How often it stands in all Rust files below `folder`.
///
/// # Errors
///
/// A file cannot be read.
pub fn in_folder(folder: &Path) -> io::Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            count += in_folder(&path)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            count += in_text(&String::from_utf8_lossy(&fs::read(&path)?));
        }
    }
    Ok(count)
}

/// The length of a comment in `/* */`, which may hold others.
fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    for (found, mark) in text.char_indices().map(|(found, _)| (found, text[found..].get(..2))) {
        // Two marks may not share a character.
        if found < at {
            continue;
        }
        match mark {
            Some("/*") => depth += 1,
            Some("*/") => depth -= 1,
            _ => continue,
        }
        at = found + 2;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// The length of a raw string, with or without a `b` or `c` before it.
fn raw_string(text: &str) -> Option<usize> {
    let prefix = if text.starts_with(['b', 'c']) { 1 } else { 0 };
    let after = text[prefix..].strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let inside = after[hashes..].strip_prefix('"')?;
    let start = text.len() - inside.len();
    let end = format!("\"{}", "#".repeat(hashes));
    Some(inside.find(&end).map_or(text.len(), |at| start + at + end.len()))
}

/// The length of what stands between two `quote`s.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == quote && !escaped {
            return at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

/// The length of a character, or of the quotation mark that begins a lifetime.
fn character(text: &str) -> usize {
    let mut inside = text.chars().skip(1);
    match (inside.next(), inside.next()) {
        (Some('\\'), _) => quoted(text, '\''),
        (Some(c), Some('\'')) => 2 + c.len_utf8(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::in_text;

    #[test]
    fn only_code_counts() {
        for (source, count) in [
            ("unsafe { a() }", 1),
            ("unsafe fn a() {} unsafe impl Send for B {}", 2),
            ("// unsafe\nunsafe {}", 1),
            ("/* unsafe /* unsafe */ unsafe */ unsafe", 1),
            ("/**/ unsafe /*/ unsafe */", 1),
            (r#"let a = "unsafe \" unsafe"; unsafe {}"#, 1),
            ("r#\"unsafe \" unsafe\"# unsafe", 1),
            ("br\"unsafe\" c\"unsafe\" b'\\'' unsafe", 1),
            ("fn a<'unsafe_>(b: &'static str) { '\"'; unsafe {} }", 1),
            ("unsafe_code is_unsafe", 0),
            ("'\\'' unsafe '\\u{1F600}' unsafe", 2),
        ] {
            assert_eq!(in_text(source), count, "{source}");
        }
    }
}
