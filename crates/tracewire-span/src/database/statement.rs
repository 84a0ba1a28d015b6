//! What is known of a query or an operation before it runs, ready to be exported.

#[cfg(feature = "bound-instruments")]
use super::durations::Binding;
use super::{
    Target,
    names::SharedName,
    sql::{Described, describe},
};
use crate::{limit, tracer::Library};
use opentelemetry::{KeyValue, StringValue};
use std::{borrow::Cow, sync::Arc};

/// What a call is described from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'a> {
    /// A query with its literals.
    Query(&'a str),
    /// An operation, and what it works on.
    Operation(&'a str, Option<&'a str>),
}

/// What the conventions ask for. None of it holds a literal.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) operation: Option<StringValue>,
    pub(super) collection: Option<StringValue>,
    pub(super) summary: Option<StringValue>,
    pub(super) text: Option<StringValue>,
}

/// A query or an operation of one database, as spans and metrics show it.
///
/// Calls share it, so its texts are counted references.
#[derive(Debug)]
pub(super) struct Statement {
    /// The library that the database's spans and metrics are attributed to.
    pub(super) library: Library,
    pub(super) system: &'static str,
    /// The name of the span.
    pub(super) name: Cow<'static, str>,
    /// The same for later spans; none if no other call will share the statement.
    shared_name: Option<SharedName>,
    /// What span and metric have in common.
    pub(super) attributes: Vec<KeyValue>,
    pub(super) summary: Option<StringValue>,
    /// The text of a query without literals.
    pub(super) text: Option<StringValue>,
    /// The series of calls that succeed; none if no other call will share the statement.
    #[cfg(feature = "bound-instruments")]
    pub(super) series: Option<Binding>,
}

impl Statement {
    /// Describes `source` for this database.
    pub(super) fn describe(target: &Target, source: Source<'_>) -> Self {
        let some = |text: &str| Some(text).filter(|text| !text.is_empty()).map(shared_str);
        let facts = match source {
            Source::Query(sql) => {
                let Described { text, summary } = describe(sql, target.system);
                Facts { summary: some(&summary), text: some(&text), ..Facts::default() }
            }
            Source::Operation(name, collection) => Facts {
                operation: Some(shared_str(name)),
                collection: collection.map(shared_str),
                ..Facts::default()
            },
        };
        Self::new(target, facts)
    }

    /// The same, for calls that share it.
    pub(super) fn shared(self) -> Arc<Self> {
        Arc::new(Self {
            shared_name: Some(SharedName::default()),
            #[cfg(feature = "bound-instruments")]
            series: Some(Binding::default()),
            ..self
        })
    }

    /// The name of the next span.
    pub(super) fn span_name(&self) -> Cow<'static, str> {
        self.shared_name.as_ref().map_or_else(|| self.name.clone(), |shared| shared.get(&self.name))
    }

    pub(super) fn new(target: &Target, facts: Facts) -> Self {
        let name = limit::name(name(target, &facts));
        let Facts { operation, collection, summary, text } = facts;
        let mut attributes = Vec::with_capacity(7);
        let mut set = |key: &'static str, value: Option<StringValue>| {
            let attribute = value.map(|value| limit::attribute(KeyValue::new(key, value)));
            attributes.extend(attribute);
        };
        set("db.system.name", Some(target.system.into()));
        set("db.namespace", target.namespace_value());
        set("db.operation.name", operation);
        set("db.collection.name", collection);
        set("db.query.summary", summary.clone());
        if let Some((address, port)) = &target.server {
            set("server.address", Some(address.clone().into()));
            attributes.extend(port.map(|port| KeyValue::new("server.port", i64::from(port))));
        }
        Self {
            library: target.library,
            system: target.system,
            name,
            shared_name: None,
            attributes,
            summary,
            text,
            #[cfg(feature = "bound-instruments")]
            series: None,
        }
    }
}

/// The summary; else the operation with what it works on; else the system.
fn name(target: &Target, facts: &Facts) -> Cow<'static, str> {
    let works_on = facts.collection.as_ref().map(StringValue::as_str).or(target.namespace());
    let works_on = works_on.or(target.server.as_ref().map(|(address, _)| &**address));
    match (&facts.summary, &facts.operation, works_on) {
        (Some(summary), _, _) => summary.as_str().to_owned().into(),
        (None, Some(operation), Some(works_on)) => format!("{operation} {works_on}").into(),
        (None, Some(operation), None) => operation.as_str().to_owned().into(),
        (None, None, Some(works_on)) => works_on.to_owned().into(),
        (None, None, None) => target.system.into(),
    }
}

/// A text whose copies are counted references.
pub(super) fn shared(text: Cow<'static, str>) -> StringValue {
    match text {
        Cow::Borrowed(text) => text.into(),
        Cow::Owned(text) => shared_str(&text),
    }
}

fn shared_str(text: &str) -> StringValue {
    Arc::<str>::from(text).into()
}
