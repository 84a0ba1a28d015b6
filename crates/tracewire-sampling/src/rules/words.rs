//! The words of rules for what OpenTelemetry has types for.

use crate::composable::ParentKind;
use opentelemetry::trace::SpanKind;

pub(super) const KINDS: [(&str, SpanKind); 5] = [
    ("client", SpanKind::Client),
    ("consumer", SpanKind::Consumer),
    ("internal", SpanKind::Internal),
    ("producer", SpanKind::Producer),
    ("server", SpanKind::Server),
];

pub(super) const PARENTS: [(&str, ParentKind); 3] =
    [("none", ParentKind::None), ("remote", ParentKind::Remote), ("local", ParentKind::Local)];

pub(super) fn kind_name(kind: &SpanKind) -> &'static str {
    KINDS.iter().find(|(_, known)| known == kind).map_or("?", |(name, _)| name)
}

pub(super) fn parent_name(parent: ParentKind) -> &'static str {
    PARENTS.iter().find(|(_, known)| *known == parent).map_or("?", |(name, _)| name)
}
