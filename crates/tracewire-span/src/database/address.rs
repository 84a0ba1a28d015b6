//! The address of a server, without what else stands in connection strings.

use std::borrow::Cow;
use tracewire_text::host::{self, LONGEST_NAME};

/// The host, the path of a socket or the name of an instance, with the port if there is one.
///
/// A URL is cut down to these. `None` for what could hold a credential, or is no address.
pub(super) fn parse(text: &str) -> Option<(Cow<'static, str>, Option<u16>)> {
    if text.starts_with('/') {
        let is_path = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_');
        return valid(text, is_path).map(|path| (path, None));
    }
    let authority = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = match authority.rsplit_once('@') {
        // A password may hold a slash, and a query an at sign: then nothing tells which this is.
        Some((user, _)) if user.contains(['/', '?', '#']) => return None,
        Some((_, host)) => host,
        None => authority,
    };
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = host::split(host)?;
    // An address has been checked.
    let is_address = host.contains(':');
    let host = if is_address { Some(host.to_owned().into()) } else { valid_host(host) }?;
    match port {
        Some(port) => Some((host, Some(host::parse_port(port)?))),
        None => Some((host, None)),
    }
}

/// A host name, an IPv4 address, or `host\instance`.
fn valid_host(host: &str) -> Option<Cow<'static, str>> {
    valid(host, |c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '\\'))
}

fn valid(text: &str, is_part: impl Fn(char) -> bool) -> Option<Cow<'static, str>> {
    let is_valid = (1..=LONGEST_NAME).contains(&text.len()) && text.chars().all(is_part);
    is_valid.then(|| text.to_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_address_is_read_from_every_form() {
        for (text, expected) in [
            ("db.internal", Some(("db.internal", None))),
            ("10.0.0.1:5432", Some(("10.0.0.1", Some(5432)))),
            ("::1", Some(("::1", None))),
            ("fe80::1%eth0", Some(("fe80::1%eth0", None))),
            ("[::1]:5432", Some(("::1", Some(5432)))),
            ("postgres://ada:secret@db:5432/shop?sslmode=on", Some(("db", Some(5432)))),
            ("ada:secret@db", Some(("db", None))),
            ("ada:s@cret@db", Some(("db", None))),
            (r"db\SQLEXPRESS", Some((r"db\SQLEXPRESS", None))),
            ("/var/run/postgresql", Some(("/var/run/postgresql", None))),
        ] {
            let expected = expected.map(|(host, port)| (host.into(), port));
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn what_may_hold_a_credential_is_no_address() {
        for text in [
            "ada:sec/ret@db",
            "db/shop?password=a@secret",
            "user=ada password=secret host=db",
            "Server=db;User Id=ada;Password=secret",
            "ada:secret@tcp(db:3306)",
            "ada:secret",
            "[::1]secret",
            "Server=db@::%eth0;Password=secret",
            "::1%eth0,password=secret",
            "[secret]",
            "ada:secret:more",
            "/socket?password=secret",
            "",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_password_is_part_of_an_address(
            before in "[a-z:/@?#=; ]{0,8}",
            after in "[a-z:/@?#=; ]{0,8}",
        ) {
            let text = format!("{before}u:{before}SECRET{after}@host");
            let found = parse(&text);
            prop_assert!(!format!("{found:?}").contains("SECRET"), "{text} {found:?}");
        }
    }
}
