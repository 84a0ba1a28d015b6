//! `composite/development`: samplers that agree on one threshold.

use crate::config::file::components::{ComponentNode, Kind};
use crate::config::file::position::{Place, Spanned};
use crate::config::file::read::{Cursor, text};
use crate::config::file::schema::sampler::{ratio, rules};

/// A sampler below `composite/development`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Composable {
    AlwaysOn,
    AlwaysOff,
    /// The ratio is 1 by default.
    Probability(Option<Spanned<f64>>),
    /// The parent's threshold; `root` decides without a parent.
    ParentThreshold {
        root: Box<Self>,
    },
    /// The first rule that matches decides. What none matches is dropped.
    RuleBased(Vec<Rule>),
    /// Rules as text. The schema does not have it.
    Rules(Spanned<String>),
    Custom(ComponentNode),
}

/// A rule of `rule_based`. All its conditions must match; a rule without conditions always does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    pub(crate) place: Place,
    pub(crate) attribute_values: Option<AttributeValues>,
    pub(crate) attribute_patterns: Option<AttributePatterns>,
    /// Empty is any.
    pub(crate) span_kinds: Vec<SpanKind>,
    /// Empty is any.
    pub(crate) parents: Vec<Parent>,
    pub(crate) sampler: Composable,
}

/// The attribute's value as text is one of these.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AttributeValues {
    pub(crate) key: Spanned<String>,
    pub(crate) values: Vec<Spanned<String>>,
}

/// The attribute's value as text matches one of `included` and none of `excluded`. An empty `included` is
/// everything.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AttributePatterns {
    pub(crate) key: Spanned<String>,
    pub(crate) included: Vec<Spanned<String>>,
    pub(crate) excluded: Vec<Spanned<String>>,
}

/// The kind of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpanKind {
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

/// Where a span's parent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    None,
    Remote,
    Local,
}

pub(super) fn composable(cursor: Cursor<'_>) -> Option<Composable> {
    const KNOWN: [&str; 6] =
        ["always_on", "always_off", "probability", "parent_threshold", "rule_based", "rules"];
    cursor.variant(&KNOWN, |name, cursor| match name {
        "always_on" => cursor.no_fields().map(|()| Composable::AlwaysOn),
        "always_off" => cursor.no_fields().map(|()| Composable::AlwaysOff),
        "probability" => ratio(cursor).map(Composable::Probability),
        "parent_threshold" => {
            let root = cursor.fields(&["root"])?.required("root", composable)?;
            Some(Composable::ParentThreshold { root: Box::new(root) })
        }
        "rule_based" => {
            let fields = cursor.fields_or_null(&["rules"])?;
            let rules = fields.optional("rules", |cursor| cursor.items(1, rule));
            Some(Composable::RuleBased(rules.unwrap_or_default()))
        }
        "rules" => rules(cursor).map(Composable::Rules),
        name => cursor.component(Kind::Composable, name, &KNOWN).map(Composable::Custom),
    })
}

fn rule(cursor: Cursor<'_>) -> Option<Rule> {
    let fields = cursor.fields(&[
        "attribute_values",
        "attribute_patterns",
        "span_kinds",
        "parent",
        "sampler",
    ])?;
    let attribute_values = fields.optional("attribute_values", attribute_values);
    let attribute_patterns = fields.optional("attribute_patterns", attribute_patterns);
    let span_kinds = fields.optional("span_kinds", |cursor| cursor.items(1, span_kind));
    let parents = fields.optional("parent", |cursor| cursor.items(1, parent));
    Some(Rule {
        place: cursor.place(),
        attribute_values,
        attribute_patterns,
        span_kinds: span_kinds.unwrap_or_default(),
        parents: parents.unwrap_or_default(),
        sampler: fields.required("sampler", composable)?,
    })
}

fn attribute_values(cursor: Cursor<'_>) -> Option<AttributeValues> {
    let fields = cursor.fields(&["key", "values"])?;
    let key = fields.required("key", text);
    let values = fields.required("values", |cursor| cursor.items(1, text));
    Some(AttributeValues { key: key?, values: values? })
}

fn attribute_patterns(cursor: Cursor<'_>) -> Option<AttributePatterns> {
    let fields = cursor.fields(&["key", "included", "excluded"])?;
    let [included, excluded] = ["included", "excluded"].map(|key| fields.texts(key, 1));
    let key = fields.required("key", text)?;
    Some(AttributePatterns { key, included, excluded })
}

fn span_kind(cursor: Cursor<'_>) -> Option<SpanKind> {
    let found = cursor.choice(&[
        ("internal", SpanKind::Internal),
        ("server", SpanKind::Server),
        ("client", SpanKind::Client),
        ("producer", SpanKind::Producer),
        ("consumer", SpanKind::Consumer),
    ])?;
    Some(*found)
}

fn parent(cursor: Cursor<'_>) -> Option<Parent> {
    let words = [("none", Parent::None), ("remote", Parent::Remote), ("local", Parent::Local)];
    cursor.choice(&words).map(|found| *found)
}
