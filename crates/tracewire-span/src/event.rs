//! Something that happened while a span was open.

use crate::{
    limit,
    value::{IntoAttribute, IntoValue, attribute, attributes},
};
use opentelemetry::{Key, KeyValue};
use std::{borrow::Cow, time::SystemTime};

/// An event of a span: a name, attributes and a time.
///
/// ```
/// use tracewire_span::{Event, current};
///
/// current().add_event("cache missed");
/// current().add_event(
///     Event::new("retried")
///         .attribute("retry.count", 2)
///         .attribute("retry.delays", [0.1, 0.2]),
/// );
/// ```
#[derive(Clone, Debug)]
#[must_use = "an event is part of a span once `add_event` takes it"]
pub struct Event {
    pub(crate) name: Cow<'static, str>,
    pub(crate) attributes: Vec<KeyValue>,
    pub(crate) timestamp: Option<SystemTime>,
}

impl Event {
    /// Creates an event of this name. Its time is when it is added to a span.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: limit::name(name.into()), attributes: Vec::new(), timestamp: None }
    }

    /// Adds an attribute.
    pub fn attribute(mut self, key: impl Into<Key>, value: impl IntoValue) -> Self {
        self.attributes.extend(attribute(key, value));
        self
    }

    /// Adds several attributes.
    pub fn attributes<I>(mut self, several: I) -> Self
    where
        I: IntoIterator,
        I::Item: IntoAttribute,
    {
        self.attributes.extend(attributes(several));
        self
    }

    /// Sets when it happened. Default: when it is added.
    pub fn timestamp(mut self, timestamp: SystemTime) -> Self {
        self.timestamp = Some(timestamp);
        self
    }
}

impl From<&'static str> for Event {
    fn from(name: &'static str) -> Self {
        Self::new(name)
    }
}

impl From<String> for Event {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}
