//! Spans from both sides, put together by their ids.

use opentelemetry::trace::SpanKind;
use tracewire_testing::{Span, Spans};

/// A span, whoever has exported it in whichever format.
#[derive(Clone, Debug)]
pub(crate) struct Hop {
    pub(crate) service: String,
    /// `server`, `client`, or what else its tracer calls it.
    pub(crate) kind: String,
    /// 32 lowercase digits.
    pub(crate) trace_id: String,
    /// 16 lowercase digits.
    pub(crate) span_id: String,
    /// 16 lowercase digits.
    pub(crate) parent: Option<String>,
}

impl From<&Span> for Hop {
    fn from(span: &Span) -> Self {
        let service = span.resource.iter().find(|own| own.key.as_str() == "service.name");
        Self {
            service: service.map(|own| own.value.to_string()).unwrap_or_default(),
            kind: match span.kind {
                SpanKind::Server => "server",
                SpanKind::Client => "client",
                SpanKind::Producer => "producer",
                SpanKind::Consumer => "consumer",
                SpanKind::Internal => "internal",
            }
            .to_owned(),
            trace_id: span.trace_id.to_string(),
            span_id: span.span_id.to_string(),
            parent: span.parent_span_id.map(|id| id.to_string()),
        }
    }
}

/// The hops of these spans.
pub(crate) fn hops(spans: &Spans) -> Vec<Hop> {
    spans.iter().map(Hop::from).collect()
}

/// Asserts that the hops are one trace of this id in which each is the only child of the one
/// before: `["theirs server", "theirs client", "ours server"]`. The first has no parent, or one
/// that is not among them.
///
/// # Errors
///
/// What they are instead.
pub(crate) fn is_chain(hops: &[Hop], trace_id: &str, expected: &[&str]) -> Result<(), String> {
    let instead = |why: &str| {
        let lines: Vec<_> = hops
            .iter()
            .map(|hop| {
                let parent = hop.parent.as_deref().unwrap_or("none");
                format!(
                    "  {} {}: trace {}, span {}, parent {parent}",
                    hop.service, hop.kind, hop.trace_id, hop.span_id
                )
            })
            .collect();
        Err(format!(
            "{why}; expected trace {trace_id}, {expected:?}, but got\n{}",
            lines.join("\n")
        ))
    };
    if hops.len() != expected.len() {
        return instead(&format!("{} spans", hops.len()));
    }
    if hops.iter().any(|hop| hop.trace_id != trace_id) {
        return instead("another trace");
    }
    let known = |id: &Option<String>| hops.iter().any(|hop| Some(&hop.span_id) == id.as_ref());
    let mut next = hops.iter().find(|hop| !known(&hop.parent));
    for name in expected {
        let Some(hop) = next else { return instead("the chain is broken") };
        if format!("{} {}", hop.service, hop.kind) != *name {
            return instead(&format!("no {name:?} in its place"));
        }
        next = hops.iter().find(|child| child.parent.as_ref() == Some(&hop.span_id));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(service: &str, kind: &str, span_id: &str, parent: Option<&str>) -> Hop {
        Hop {
            service: service.into(),
            kind: kind.into(),
            trace_id: "t".into(),
            span_id: span_id.into(),
            parent: parent.map(Into::into),
        }
    }

    #[test]
    fn a_chain_is_followed_by_its_ids_in_any_order() {
        let hops = [
            hop("b", "server", "3", Some("2")),
            hop("a", "server", "1", Some("caller")),
            hop("a", "client", "2", Some("1")),
        ];
        is_chain(&hops, "t", &["a server", "a client", "b server"]).unwrap();
    }

    #[test]
    fn whatever_else_is_no_chain() {
        let chain = ["a server", "a client"];
        let refused = |hops: &[Hop]| is_chain(hops, "t", &chain).unwrap_err();
        assert!(refused(&[hop("a", "server", "1", None)]).contains("1 spans"));
        let siblings = [hop("a", "server", "1", None), hop("a", "client", "2", None)];
        assert!(refused(&siblings).contains("chain is broken"));
        let swapped = [hop("a", "client", "1", None), hop("a", "server", "2", Some("1"))];
        assert!(refused(&swapped).contains("in its place"));
        let mut other = [hop("a", "server", "1", None), hop("a", "client", "2", Some("1"))];
        other[1].trace_id = "u".into();
        assert!(refused(&other).contains("another trace"));
    }
}
