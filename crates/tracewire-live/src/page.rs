//! The one page: HTML, style and script joined at compile time.

/// The page.
pub(crate) static PAGE: &[u8] = &JOINED;

/// What the page may do: run its own script and style, and ask its own server. Nothing else. With
/// Trusted Types and no policy, no text can become markup.
pub(crate) const POLICY: &str = concat!(
    "default-src 'none'; script-src 'sha256-",
    "c/enLmhmdF3ClsuhH6FEbhdKordL9/Ui0TIOxAu+tcI=",
    "'; style-src 'sha256-",
    "3Tjh4EwmD0x2fLkpewFCYeK0Xas398XyncPPXpEj5gk=",
    "'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; ",
    "require-trusted-types-for 'script'; trusted-types 'none'"
);

const HTML: &[u8] = include_bytes!("page/page.html");
const STYLE: &[u8] = include_bytes!("page/page.css");
const SCRIPT: &[u8] = include_bytes!("page/page.js");
const STYLE_PLACE: &[u8] = b"<style></style>";
const SCRIPT_PLACE: &[u8] = b"<script></script>";
const STYLE_AT: usize = find(HTML, STYLE_PLACE) + b"<style>".len();
const SCRIPT_AT: usize = find(HTML, SCRIPT_PLACE) + b"<script>".len();
const LEN: usize = HTML.len() + STYLE.len() + SCRIPT.len();

static JOINED: [u8; LEN] = join();

const fn join() -> [u8; LEN] {
    let mut page = [0; LEN];
    let (mut from, mut to) = (0, 0);
    while from < HTML.len() {
        if from == STYLE_AT {
            to = copy(&mut page, to, STYLE);
        }
        if from == SCRIPT_AT {
            to = copy(&mut page, to, SCRIPT);
        }
        page[to] = HTML[from];
        from += 1;
        to += 1;
    }
    page
}

const fn copy(page: &mut [u8; LEN], mut to: usize, part: &[u8]) -> usize {
    let mut from = 0;
    while from < part.len() {
        page[to] = part[from];
        from += 1;
        to += 1;
    }
    to
}

const fn find(text: &[u8], part: &[u8]) -> usize {
    let mut place = 0;
    while place + part.len() <= text.len() {
        let mut same = 0;
        while same < part.len() && text[place + same] == part[same] {
            same += 1;
        }
        if same == part.len() {
            return place;
        }
        place += 1;
    }
    panic!("page.html has no place for the style or the script")
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::STANDARD};
    use sha2::{Digest, Sha256};

    #[test]
    fn the_policy_names_the_hashes_of_script_and_style() {
        for (source, part) in [("script-src", SCRIPT), ("style-src", STYLE)] {
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
        assert_eq!(between("<script>", "</script>"), SCRIPT);
    }
}
