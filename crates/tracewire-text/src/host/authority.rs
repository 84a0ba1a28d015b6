//! `host:port` as it stands in a `Host` header, an `:authority` or a URL.

use std::net::Ipv6Addr;

/// A host and, where one was named, its port.
///
/// ```
/// use tracewire_text::host::Authority;
///
/// let v6 = Authority::parse("[::1]:4318").unwrap();
/// assert_eq!((v6.host, v6.port), ("::1", Some(4318)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority<'a> {
    /// The host without brackets, as it was written.
    pub host: &'a str,
    /// The port, if the text names one.
    pub port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// The longest text that is read, in bytes. DNS names end at 253.
    pub const MAX_LEN: usize = 8192;

    /// Reads `host`, `host:port`, `[v6]` and `[v6]:port` (RFC 3986, section 3.2).
    ///
    /// User information before an `@` is left out, and so is a port that is not a number from 0 to
    /// 65535. There is none in a text whose host is empty, has characters that no host may have, or
    /// has several colons and is no IPv6 address, and none in more than [`MAX_LEN`](Self::MAX_LEN)
    /// bytes.
    ///
    /// ```
    /// use tracewire_text::host::Authority;
    ///
    /// let authority = Authority::parse("[::1]:8080").unwrap();
    /// assert_eq!((authority.host, authority.port), ("::1", Some(8080)));
    /// assert_eq!(Authority::parse("bad host"), None);
    /// ```
    pub fn parse(text: &'a str) -> Option<Self> {
        if text.len() > Self::MAX_LEN {
            return None;
        }
        if let Some(plain) = Self::parse_plain(text) {
            return Some(plain);
        }
        let (host, port) = parts(text)?;
        // An address has been checked.
        let is_valid = is_registered_name(host) || host.contains(':');
        is_valid.then(|| Self { host, port: port.and_then(parse_port) })
    }

    /// Reads the value of a `Host` header: the same, but with user information it is none.
    ///
    /// ```
    /// use tracewire_text::host::Authority;
    ///
    /// assert!(Authority::parse_host("shop.example:8080").is_some());
    /// assert_eq!(Authority::parse_host("ada@shop.example"), None);
    /// ```
    pub fn parse_host(text: &'a str) -> Option<Self> {
        if let Some(plain) = Self::parse_plain(text) {
            return Some(plain);
        }
        let authority = Self::parse(text)?;
        (!text.contains('@')).then_some(authority)
    }
}

impl<'a> Authority<'a> {
    /// Reads what nearly all are: a name or an IPv4 address, and a port, in one pass over the bytes.
    fn parse_plain(text: &'a str) -> Option<Self> {
        let bytes = Some(text.as_bytes()).filter(|bytes| bytes.len() <= Self::MAX_LEN)?;
        let end = bytes.iter().position(|byte| !IN_NAMES[usize::from(*byte)]);
        let host = text.get(..end.unwrap_or(bytes.len()))?;
        if host.is_empty() {
            return None;
        }
        match bytes.get(host.len()..)? {
            [] => Some(Self { host, port: None }),
            [b':', digits @ ..] if (1..=5).contains(&digits.len()) => {
                let mut port: u32 = 0;
                for digit in digits {
                    port = port * 10 + u32::from(digit.is_ascii_digit().then(|| digit - b'0')?);
                }
                Some(Self { host, port: Some(u16::try_from(port).ok()?) })
            }
            _ => None,
        }
    }
}

/// The bytes that names mostly consist of: letters, digits, `-`, `.` and `_`.
static IN_NAMES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        byte += 1;
    }
    table
};

/// Splits `host`, `host:port`, `[v6]` and `[v6]:port` at the colon of the port.
///
/// The host is returned without its brackets. What stands in brackets, or has several colons, must be
/// an IPv6 address. A name and a port are returned as they are, whatever they hold. Returns `None` for
/// a text with user information.
///
/// ```
/// use tracewire_text::host::split;
///
/// assert_eq!(split("[::1]:http"), Some(("::1", Some("http"))));
/// assert_eq!(split("ada:secret@db"), None);
/// ```
pub fn split(text: &str) -> Option<(&str, Option<&str>)> {
    if text.contains('@') { None } else { parts(text) }
}

/// The same, without any user information.
fn parts(text: &str) -> Option<(&str, Option<&str>)> {
    let (start, colons) = landmarks(text);
    let text = &text[start..];
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        let port = match rest.strip_prefix(':') {
            None if !rest.is_empty() => return None,
            port => port,
        };
        return is_ipv6(host).then_some((host, port));
    }
    match colons {
        Colons::One(colon) => Some((&text[..colon], Some(&text[colon + 1..]))),
        Colons::None => Some((text, None)),
        // More than one without brackets is an address, not a port.
        Colons::More => is_ipv6(text).then_some((text, None)),
    }
}

/// Where the colons are, from the host on.
enum Colons {
    None,
    One(usize),
    More,
}

/// Where the host starts, after any user information, and its colons: in one pass, which is quicker
/// over so few bytes than searches are.
fn landmarks(text: &str) -> (usize, Colons) {
    let (mut start, mut colons) = (0, Colons::None);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
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

/// An IPv6 address, with a zone (RFC 6874) or without.
fn is_ipv6(text: &str) -> bool {
    let (address, zone) = match text.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (text, None),
    };
    address.parse::<Ipv6Addr>().is_ok() && zone.is_none_or(|zone| is_name(zone, &[]))
}

/// A `reg-name` of RFC 3986 that is not empty, which every IPv4 address is too.
fn is_registered_name(text: &str) -> bool {
    is_name(text, b"!$&'()*+,;=")
}

/// A name of unreserved characters, percent-encoded ones and these.
fn is_name(text: &str, others: &[u8]) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {}
            _ if others.contains(&byte) => {}
            b'%' => {
                let mut is_digit = || bytes.next().is_some_and(|byte| byte.is_ascii_hexdigit());
                if !(is_digit() && is_digit()) {
                    return false;
                }
            }
            _ => return false,
        }
    }
    !text.is_empty()
}

/// Reads the number of a port: nothing but digits, of at most 65535.
///
/// ```
/// use tracewire_text::host::parse_port;
///
/// assert_eq!(parse_port("8080"), Some(8080));
/// assert_eq!(parse_port("+80"), None);
/// ```
pub fn parse_port(text: &str) -> Option<u16> {
    // `u16::from_str` would take a leading plus.
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Returns `host` without the brackets around it, if it has both.
///
/// ```
/// use tracewire_text::host::without_brackets;
///
/// assert_eq!(without_brackets("[::1]"), "::1");
/// assert_eq!(without_brackets("[::1"), "[::1");
/// ```
pub fn without_brackets(host: &str) -> &str {
    bracketed(host).unwrap_or(host)
}

/// What stands inside the brackets.
pub(super) fn bracketed(host: &str) -> Option<&str> {
    host.strip_prefix('[')?.strip_suffix(']')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_read_in_one_pass_is_what_the_grammar_says(text in "[a-zA-Z0-9._:@%\\[\\]-]{0,24}") {
            if let Some(plain) = Authority::parse_plain(&text) {
                let (host, port) = parts(&text).unwrap();
                prop_assert!(is_registered_name(host) && !text.contains('@'));
                prop_assert_eq!(plain, Authority { host, port: port.and_then(parse_port) });
            }
        }
    }

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
            ("bad host", None),
            ("host\t", None),
            ("a\"b", None),
            ("a/b", None),
            ("a?b", None),
            ("a#b", None),
            ("a<b>", None),
            ("a\\b", None),
            ("a[b]", None),
            ("a%zz", None),
            ("a%2", None),
            ("a%2F", Some(("a%2F", None))),
            ("caf\u{e9}.example", None),
            ("a:b:c", None),
            ("::::", None),
            ("a:80:81", None),
            ("[shop.example]", None),
            ("[1.2.3.4]:80", None),
            ("[fe80::1%25eth0]:80", Some(("fe80::1%25eth0", Some(80)))),
            ("[fe80::1%e th0]", None),
            ("under_score.example.", Some(("under_score.example.", None))),
        ];
        for (text, expected) in cases {
            let authority = Authority::parse(text).map(|found| (found.host, found.port));
            assert_eq!(authority, expected, "{text:?}");
        }
    }

    #[test]
    fn a_host_header_has_no_user_information() {
        assert_eq!(Authority::parse_host("h:1").map(|found| found.host), Some("h"));
        for text in ["user@h", "user:pass@h:1", "@h", "h@"] {
            assert_eq!(Authority::parse_host(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_text_that_is_too_long_is_none() {
        assert!(Authority::parse(&"h".repeat(Authority::MAX_LEN)).is_some());
        assert!(Authority::parse(&"h".repeat(Authority::MAX_LEN + 1)).is_none());
    }

    #[test]
    fn a_text_is_split_whatever_its_name_and_port_hold() {
        for (text, expected) in [
            ("h:80", Some(("h", Some("80")))),
            ("h", Some(("h", None))),
            ("h:", Some(("h", Some("")))),
            (":80", Some(("", Some("80")))),
            ("", Some(("", None))),
            (r"db\one:x y", Some((r"db\one", Some("x y")))),
            ("::1", Some(("::1", None))),
            ("[::1]:80", Some(("::1", Some("80")))),
            ("[::1]:", Some(("::1", Some("")))),
            ("[::1", None),
            ("[::1]80", None),
            ("[h]:80", None),
            ("a:b:c", None),
            ("user@h:80", None),
        ] {
            assert_eq!(split(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn both_parts_are_parts_of_the_text(text in "[a-z0-9:.%@\\[\\]é]{0,24}") {
            if let Some((host, port)) = split(&text) {
                let whole = if text.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
                prop_assert_eq!(whole + &port.map_or(String::new(), |port| format!(":{port}")), text);
            }
        }

        #[test]
        fn every_socket_address_is_split(ip: std::net::IpAddr, port: u16) {
            let text = std::net::SocketAddr::new(ip, port).to_string();
            let (host, shown) = split(&text).unwrap();
            prop_assert_eq!(host.parse(), Ok(ip));
            prop_assert_eq!(shown.and_then(parse_port), Some(port));
        }

        #[test]
        fn any_text_is_answered(text in "\\PC{0,64}") {
            if let Some(authority) = Authority::parse(&text) {
                prop_assert!(!authority.host.is_empty());
                prop_assert!(authority.host.bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }
    }
}
