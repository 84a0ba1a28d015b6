//! The attributes that rules look at, looked up once for all rules.

use opentelemetry::{KeyValue, Value};

/// Different attributes that rules look at and that are looked up together. Further ones are looked
/// up one by one.
pub(super) const SLOTS: usize = 16;

/// The key of an attribute, and where a lookup leaves its value.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) name: Box<str>,
    pub(super) slot: usize,
}

impl Key {
    pub(super) fn new(name: impl Into<Box<str>>) -> Self {
        Self { name: name.into(), slot: usize::MAX }
    }
}

/// The values of the attributes that rules look at.
pub(super) struct Found<'a> {
    attributes: &'a [KeyValue],
    values: [Option<&'a Value>; SLOTS],
}

impl<'a> Found<'a> {
    pub(super) fn new(attributes: &'a [KeyValue], keys: &[Box<str>]) -> Self {
        let mut values = [None; SLOTS];
        if !keys.is_empty() {
            for attribute in attributes {
                let slot = keys.iter().position(|key| **key == *attribute.key.as_str());
                if let Some(slot) = slot.and_then(|slot| values.get_mut(slot)) {
                    *slot = Some(&attribute.value);
                }
            }
        }
        Self { attributes, values }
    }

    pub(super) fn get(&self, key: &Key) -> Option<&'a Value> {
        match self.values.get(key.slot) {
            Some(value) => *value,
            None => {
                let named = |attribute: &&KeyValue| attribute.key.as_str() == &*key.name;
                self.attributes.iter().rfind(named).map(|attribute| &attribute.value)
            }
        }
    }
}
