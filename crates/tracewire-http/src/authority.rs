//! `host:port` as it stands in a `Host` header, an `:authority` or a URL.

/// A host and, where one was named, its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority<'a> {
    /// The host without brackets, as it was written.
    pub host: &'a str,
    /// The port, if the text names one.
    pub port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Reads `host`, `host:port`, `[v6]` and `[v6]:port`.
    ///
    /// User information before an `@` is left out. A text without a host, or whose brackets do not
    /// match, is none; a port that is not a number from 0 to 65535 is left out.
    ///
    /// ```
    /// use tracewire_http::Authority;
    ///
    /// let authority = Authority::parse("[::1]:8080").unwrap();
    /// assert_eq!((authority.host, authority.port), ("::1", Some(8080)));
    /// ```
    pub fn parse(text: &'a str) -> Option<Self> {
        let (start, colons) = landmarks(text);
        let text = &text[start..];
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']')?;
                match rest.strip_prefix(':') {
                    Some(port) => (host, Some(port)),
                    None if rest.is_empty() => (host, None),
                    None => return None,
                }
            }
            None => match colons {
                Colons::One(colon) => (&text[..colon], Some(&text[colon + 1..])),
                // More than one without brackets is an address, not a port.
                Colons::None | Colons::More => (text, None),
            },
        };
        if host.is_empty() {
            return None;
        }
        Some(Self { host, port: port.and_then(parse_port) })
    }
}

/// Reads digits only: `u16::from_str` would take a leading plus.
/// Where the colons are, from the host on.
enum Colons {
    None,
    One(usize),
    More,
}

/// Where the host starts, after any user information, and its colons: in one pass, which is quicker
/// over so few octets than searches are.
fn landmarks(text: &str) -> (usize, Colons) {
    let (mut start, mut colons) = (0, Colons::None);
    for (at, octet) in text.bytes().enumerate() {
        match octet {
            b'@' => (start, colons) = (at + 1, Colons::None),
            b':' => {
                colons = match colons {
                    Colons::None => Colons::One(at - start),
                    Colons::One(_) | Colons::More => Colons::More,
                }
            }
            _ => {}
        }
    }
    (start, colons)
}

fn parse_port(text: &str) -> Option<u16> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hosts_and_ports_are_told_apart() {
        let cases = [
            ("example.com", Some(("example.com", None))),
            ("example.com:8080", Some(("example.com", Some(8080)))),
            ("user:pass@example.com:8080", Some(("example.com", Some(8080)))),
            ("127.0.0.1:1", Some(("127.0.0.1", Some(1)))),
            ("[fe80::1]:8080", Some(("fe80::1", Some(8080)))),
            ("[fe80::1]", Some(("fe80::1", None))),
            ("fe80::1", Some(("fe80::1", None))),
            ("127.0.0.1:port", Some(("127.0.0.1", None))),
            ("example.com:", Some(("example.com", None))),
            ("example.com:65536", Some(("example.com", None))),
            ("example.com:+80", Some(("example.com", None))),
            ("", None),
            (":8080", None),
            ("[]", None),
            ("[]:80", None),
            ("[fe80::1", None),
            ("[fe80::1]x", None),
            ("@", None),
        ];
        for (text, expected) in cases {
            let authority = Authority::parse(text).map(|found| (found.host, found.port));
            assert_eq!(authority, expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "\\PC{0,64}") {
            if let Some(authority) = Authority::parse(&text) {
                prop_assert!(!authority.host.is_empty());
            }
        }
    }
}
