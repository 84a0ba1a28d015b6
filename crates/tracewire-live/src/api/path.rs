//! The paths below the mount.

use tracewire_text::hex;

/// What a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    /// The page, perhaps with a trace open.
    Page(Option<IdPrefix<'a>>),
    /// Data.
    Api(Api<'a>),
}

/// Data that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api<'a> {
    Traces,
    Trace(IdPrefix<'a>),
    Span(IdPrefix<'a>, &'a str),
    Otlp(IdPrefix<'a>),
    Routes,
    Running,
    Telemetry,
    Metrics,
    Status,
    Changes,
}

/// The first digits of a trace id, 8 to 32 of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IdPrefix<'a>(&'a str);

impl<'a> IdPrefix<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let is_id = (8..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
        is_id.then_some(Self(text))
    }

    /// Returns whether an id begins with these digits, in either case.
    pub(crate) fn matches(self, id: &[u8; 16]) -> bool {
        let digits = id.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
        self.0.bytes().zip(digits).all(|(wanted, digit)| hex::digit(wanted) == Some(digit))
    }
}

impl<'a> Target<'a> {
    pub(crate) fn parse(path: &'a str) -> Option<Self> {
        let path = path.strip_prefix('/').unwrap_or(path);
        if let Some(api) = path.strip_prefix("api/") {
            return Api::parse(api).map(Self::Api);
        }
        let path = path.strip_suffix('/').unwrap_or(path);
        match path {
            "" | "routes" | "running" | "telemetry" | "metrics" => Some(Self::Page(None)),
            _ => Some(Self::Page(Some(IdPrefix::parse(path.strip_prefix("trace/")?)?))),
        }
    }
}

impl<'a> Api<'a> {
    fn parse(path: &'a str) -> Option<Self> {
        Some(match path {
            "traces" => Self::Traces,
            "routes" => Self::Routes,
            "running" => Self::Running,
            "telemetry" => Self::Telemetry,
            "metrics" => Self::Metrics,
            "status" => Self::Status,
            "changes" => Self::Changes,
            _ => {
                let path = path.strip_prefix("trace/")?;
                let Some((id, rest)) = path.split_once('/') else {
                    return IdPrefix::parse(path).map(Self::Trace);
                };
                let id = IdPrefix::parse(id)?;
                match rest.strip_prefix("span/") {
                    _ if rest == "otlp" => Self::Otlp(id),
                    Some(span) if is_span_id(span) => Self::Span(id, span),
                    _ => return None,
                }
            }
        })
    }
}

fn is_span_id(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_documented_path_is_known_and_no_other() {
        let id = "5b8aa5a2d2c872e8321cf37308d69df2";
        let prefix = IdPrefix(id);
        let span = "00f067aa0ba902b7";
        for (path, expected) in [
            ("/", Some(Target::Page(None))),
            ("", Some(Target::Page(None))),
            ("/routes", Some(Target::Page(None))),
            ("/running/", Some(Target::Page(None))),
            (&format!("/trace/{id}"), Some(Target::Page(Some(prefix)))),
            ("/trace/5b8aa5a2", Some(Target::Page(Some(IdPrefix("5b8aa5a2"))))),
            ("/trace/5b8aa5a", None),
            ("/trace/5b8aa5ag", None),
            ("/trace/", None),
            (&format!("/trace/{id}0"), None),
            ("/other", None),
            ("/api", None),
            ("/api/", None),
            ("/api/traces", Some(Target::Api(Api::Traces))),
            ("/api/traces/", None),
            (&format!("/api/trace/{id}"), Some(Target::Api(Api::Trace(prefix)))),
            (&format!("/api/trace/{id}/otlp"), Some(Target::Api(Api::Otlp(prefix)))),
            (&format!("/api/trace/{id}/span/{span}"), Some(Target::Api(Api::Span(prefix, span)))),
            (&format!("/api/trace/{id}/span/{span}0"), None),
            (&format!("/api/trace/{id}/"), None),
            ("/api/changes", Some(Target::Api(Api::Changes))),
            ("/../api/traces", None),
            ("//api/traces", None),
        ] {
            assert_eq!(Target::parse(path), expected, "{path}");
        }
    }

    proptest! {
        #[test]
        fn a_path_with_anything_strange_in_it_is_none(path in "\\PC{0,80}") {
            if let Some(target) = Target::parse(&path) {
                let plain = |c: char| c.is_ascii_alphanumeric() || c == '/';
                prop_assert!(path.chars().all(plain), "{target:?}");
            }
        }

        #[test]
        fn an_id_matches_each_of_its_prefixes(id: [u8; 16], digits in 8..=32_usize) {
            let text = hex::to_string(&id);
            prop_assert!(IdPrefix::parse(&text[..digits]).unwrap().matches(&id));
            prop_assert!(IdPrefix::parse(&text[..digits].to_uppercase()).unwrap().matches(&id));
        }
    }
}
