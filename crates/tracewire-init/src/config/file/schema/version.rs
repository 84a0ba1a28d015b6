//! `file_format`: which version of the schema a file follows.

use crate::config::file::position::Spanned;
use crate::config::file::read::Cursor;

/// A version of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    pub(crate) major: u32,
    pub(crate) minor: u32,
}

/// The newest version that is known.
const NEWEST: Version = Version { major: 1, minor: 1 };

impl Version {
    pub(super) fn read(cursor: Cursor<'_>) -> Option<Spanned<Self>> {
        if cursor.resolved().is_some_and(|resolved| resolved.number().is_some()) {
            cursor.unexpected("text; put the version in quotes: `file_format: \"1.1\"`");
            return None;
        }
        let text = cursor.text()?;
        let version = parse(&text).filter(|version| version.major == NEWEST.major);
        let Some(version) = version else {
            cursor.unexpected("\"1.0\" or \"1.1\"");
            return None;
        };
        if version > NEWEST {
            cursor.warning("the file may have nodes that are not known here; known is \"1.1\"");
        }
        Some(cursor.spanned(version))
    }
}

/// `1.0`, without a suffix such as `-rc.1`.
fn parse(text: &str) -> Option<Version> {
    let number = |text: &str| {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { text.parse().ok() } else { None }
    };
    let (major, minor) = text.split_once('.')?;
    Some(Version { major: number(major)?, minor: number(minor)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_two_numbers() {
        assert_eq!(parse("1.0"), Some(Version { major: 1, minor: 0 }));
        assert_eq!(parse("12.34"), Some(Version { major: 12, minor: 34 }));
        for text in
            ["", "1", "1.", ".1", "1.0.0", "1.0-rc.1", "+1.0", "1.x", " 1.0", "1.99999999999"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
