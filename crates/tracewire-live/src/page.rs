//! The one page: HTML, style and script joined at compile time.

use bytes::Bytes;

/// The page as it is at the path where it is mounted.
static PAGE: &[u8] = &JOINED;
/// Where the attributes of its first element go.
const ROOT: usize = after(HTML, b"<html");

/// Returns the page. Below its mount it says so, as the script finds the mount in the address, and a mount
/// may have the name of a view.
pub(crate) fn page(is_below: bool) -> Bytes {
    if is_below {
        [&PAGE[..ROOT], b" data-below", &PAGE[ROOT..]].concat().into()
    } else {
        Bytes::from_static(PAGE)
    }
}

/// What the page may do: run its own script and style, and ask its own server. Nothing else. With
/// Trusted Types and no policy, no text can become markup.
pub(crate) const POLICY: &str = concat!(
    "default-src 'none'; script-src 'sha256-",
    "qKQ8EVfEurnFIDdocc3GXG4FYyiC0CGqhzzOVEru4pg=",
    "'; style-src 'sha256-",
    "tRr+uNAxkQEntJPFAWVgPamcitIjNwAQOc+Up6r5r8Q=",
    "'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; ",
    "require-trusted-types-for 'script'; trusted-types 'none'"
);

const HTML: &[u8] = include_bytes!("page/page.html");
const STYLE: &[u8] = include_bytes!("page/page.css");

const BEFORE_STYLE: (&[u8], &[u8]) = HTML.split_at(after(HTML, b"<style>"));
const BEFORE_SCRIPT: (&[u8], &[u8]) = BEFORE_STYLE.1.split_at(after(BEFORE_STYLE.1, b"<script>"));

/// The script is within one function, so that it defines nothing global.
const PIECES: [&[u8]; 17] = [
    BEFORE_STYLE.0,
    STYLE,
    BEFORE_SCRIPT.0,
    b"(() => {\n",
    include_bytes!("page/base.js"),
    include_bytes!("page/views.js"),
    include_bytes!("page/live.js"),
    include_bytes!("page/list.js"),
    include_bytes!("page/tree.js"),
    include_bytes!("page/timeline.js"),
    include_bytes!("page/rows.js"),
    include_bytes!("page/trace.js"),
    include_bytes!("page/span.js"),
    include_bytes!("page/tables.js"),
    include_bytes!("page/keys.js"),
    b"})();\n",
    BEFORE_SCRIPT.1,
];
static JOINED: [u8; length(&PIECES)] = concat(&PIECES);

const fn length(parts: &[&[u8]]) -> usize {
    let (mut length, mut part) = (0, 0);
    while part < parts.len() {
        length += parts[part].len();
        part += 1;
    }
    length
}

const fn concat<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut all = [0; N];
    let (mut to, mut part) = (0, 0);
    while part < parts.len() {
        let mut from = 0;
        while from < parts[part].len() {
            all[to] = parts[part][from];
            from += 1;
            to += 1;
        }
        part += 1;
    }
    all
}

/// The place after the first `tag`.
const fn after(text: &[u8], tag: &[u8]) -> usize {
    let mut place = 0;
    while place + tag.len() <= text.len() {
        let mut same = 0;
        while same < tag.len() && text[place + same] == tag[same] {
            same += 1;
        }
        if same == tag.len() {
            return place + tag.len();
        }
        place += 1;
    }
    panic!("page.html lacks a tag")
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::STANDARD};
    use sha2::{Digest, Sha256};

    fn script() -> Vec<u8> {
        PIECES[3..16].concat()
    }

    #[test]
    fn the_policy_names_the_hashes_of_script_and_style() {
        for (source, part) in [("script-src", &*script()), ("style-src", STYLE)] {
            let expected = format!("{source} 'sha256-{}'", STANDARD.encode(Sha256::digest(part)));
            assert!(POLICY.contains(&expected), "expected {expected}");
        }
    }

    #[test]
    fn the_page_is_small_and_whole() {
        assert!(PAGE.len() <= 100_000, "{} bytes", PAGE.len());
        let page = str::from_utf8(PAGE).unwrap();
        let between = |open: &str, close: &str| {
            let (_, after) = page.split_once(open).unwrap();
            after.split_once(close).unwrap().0.as_bytes()
        };
        assert_eq!(between("<style>", "</style>"), STYLE);
        assert_eq!(between("<script>", "</script>"), script());
    }
}
