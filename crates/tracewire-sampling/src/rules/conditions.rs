//! What has to be true of a span for a rule to apply.

use super::{
    found::{Found, Key},
    pattern::Pattern,
    words::{kind_name, parent_name},
};
use crate::composable::{ParentKind, SamplingParameters};
use opentelemetry::trace::SpanKind;
use std::fmt;

pub(super) const METHOD: &str = "http.request.method";
pub(super) const ROUTE: &str = "http.route";
pub(super) const PATH: &str = "url.path";

/// The conditions of a rule; all of them have to hold. Without any, the rule applies to every span.
///
/// ```
/// use opentelemetry::trace::SpanKind;
/// use tracewire_sampling::Conditions;
///
/// let probes = Conditions::new().method("GET").path("/healthz*");
/// let pings = Conditions::new().kinds([SpanKind::Client]).attribute("db.operation.name", ["PING"]);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Conditions {
    /// The cheapest first.
    all: Vec<Condition>,
}

#[derive(Clone, Debug)]
pub(super) enum Condition {
    Kinds(Vec<SpanKind>),
    Parents(Vec<ParentKind>),
    Name(Pattern),
    /// One of the patterns matches, or none if `except`. Without the attribute neither holds.
    Attribute {
        key: Key,
        patterns: Vec<Pattern>,
        except: bool,
    },
    /// Of the route, or else of the path.
    Path {
        route: Key,
        path: Key,
        pattern: Pattern,
    },
    /// The text is part of the path.
    PathContains {
        path: Key,
        text: Box<str>,
    },
}

impl Conditions {
    /// Creates conditions that hold for every span.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wants `http.request.method` to match.
    pub fn method(self, pattern: impl Into<Pattern>) -> Self {
        self.attribute(METHOD, [pattern])
    }

    /// Wants `http.route` to match, or `url.path`.
    ///
    /// A sampler sees the route only if it is known when the span starts: the layer has to be inside
    /// of the router.
    pub fn path(self, pattern: impl Into<Pattern>) -> Self {
        let pattern = pattern.into();
        self.and(Condition::Path { route: Key::new(ROUTE), path: Key::new(PATH), pattern })
    }

    /// Wants the name that the span starts with to match.
    pub fn name(self, pattern: impl Into<Pattern>) -> Self {
        self.and(Condition::Name(pattern.into()))
    }

    /// Wants the span to be of one of these kinds.
    pub fn kinds(self, kinds: impl IntoIterator<Item = SpanKind>) -> Self {
        self.and(Condition::Kinds(kinds.into_iter().collect()))
    }

    /// Wants the span's parent to be of one of these kinds.
    pub fn parents(self, parents: impl IntoIterator<Item = ParentKind>) -> Self {
        self.and(Condition::Parents(parents.into_iter().collect()))
    }

    /// Wants one of the patterns to match the value of the attribute.
    pub fn attribute(
        self,
        key: impl Into<Box<str>>,
        patterns: impl IntoIterator<Item = impl Into<Pattern>>,
    ) -> Self {
        self.on_attribute(key, patterns, false)
    }

    /// Wants the attribute to be there, and none of the patterns to match its value.
    pub fn attribute_except(
        self,
        key: impl Into<Box<str>>,
        patterns: impl IntoIterator<Item = impl Into<Pattern>>,
    ) -> Self {
        self.on_attribute(key, patterns, true)
    }

    fn on_attribute(
        self,
        key: impl Into<Box<str>>,
        patterns: impl IntoIterator<Item = impl Into<Pattern>>,
        except: bool,
    ) -> Self {
        let patterns = patterns.into_iter().map(Into::into).collect();
        self.and(Condition::Attribute { key: Key::new(key), patterns, except })
    }

    pub(super) fn path_contains(self, text: impl Into<Box<str>>) -> Self {
        self.and(Condition::PathContains { path: Key::new(PATH), text: text.into() })
    }

    fn and(mut self, condition: Condition) -> Self {
        self.all.push(condition);
        self.all.sort_by_key(Condition::cost);
        self
    }

    /// Whether they hold for every span.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The keys of all attributes that are looked at.
    pub(super) fn keys_mut(&mut self) -> impl Iterator<Item = &mut Key> {
        self.all
            .iter_mut()
            .flat_map(|condition| match condition {
                Condition::Attribute { key, .. } | Condition::PathContains { path: key, .. } => {
                    [Some(key), None]
                }
                Condition::Path { route, path, .. } => [Some(route), Some(path)],
                Condition::Kinds(_) | Condition::Parents(_) | Condition::Name(_) => [None, None],
            })
            .flatten()
    }

    /// Whether a span under a parent can meet them.
    pub(super) fn allow_parent(&self) -> bool {
        self.all.iter().all(|condition| match condition {
            Condition::Parents(parents) => parents.iter().any(|parent| *parent != ParentKind::None),
            _ => true,
        })
    }

    pub(super) fn hold(&self, parameters: &SamplingParameters<'_>, found: &Found<'_>) -> bool {
        self.all.iter().all(|condition| condition.holds(parameters, found))
    }
}

impl Condition {
    fn cost(&self) -> u8 {
        match self {
            Self::Kinds(_) | Self::Parents(_) => 0,
            Self::Name(pattern) => 1 + pattern.cost(),
            Self::Attribute { patterns, .. } => {
                2 + patterns.iter().map(Pattern::cost).max().unwrap_or_default()
            }
            Self::Path { pattern, .. } => 3 + pattern.cost(),
            Self::PathContains { .. } => 6,
        }
    }

    fn holds(&self, parameters: &SamplingParameters<'_>, found: &Found<'_>) -> bool {
        match self {
            Self::Kinds(kinds) => kinds.contains(parameters.kind()),
            Self::Parents(parents) => parents.contains(&parameters.parent()),
            Self::Name(pattern) => pattern.matches(parameters.name()),
            Self::Attribute { key, patterns, except } => found.get(key).is_some_and(|value| {
                patterns.iter().any(|pattern| pattern.matches_value(value)) != *except
            }),
            Self::Path { route, path, pattern } => [route, path]
                .iter()
                .any(|key| found.get(key).is_some_and(|value| pattern.matches_value(value))),
            Self::PathContains { path, text } => {
                found.get(path).is_some_and(|value| value.as_str().contains(&**text))
            }
        }
    }
}

impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, condition) in self.all.iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{condition}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kinds(kinds) => write!(f, "kind={}", list(kinds, kind_name)),
            Self::Parents(parents) => write!(f, "parent={}", list(parents, |p| parent_name(*p))),
            Self::Name(pattern) => write!(f, "name={pattern}"),
            Self::Attribute { key, patterns, except } => {
                let is_method = *key.name == *METHOD && !except && patterns.len() == 1;
                if !is_method {
                    write!(f, "{}{}", key.name, if *except { "!=" } else { "=" })?;
                }
                for (place, pattern) in patterns.iter().enumerate() {
                    write!(f, "{}{pattern}", if place > 0 { "|" } else { "" })?;
                }
                Ok(())
            }
            Self::Path { pattern, .. } => write!(f, "{pattern}"),
            Self::PathContains { text, .. } => write!(f, "url.path=*{text}*"),
        }
    }
}

fn list<T>(items: &[T], name: impl Fn(&T) -> &'static str) -> String {
    items.iter().map(name).collect::<Vec<_>>().join(",")
}
