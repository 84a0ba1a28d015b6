//! Typed reading of a tree. A reader reports each problem where it stands and goes on, so that one run
//! finds all problems of a file.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::Arc;

use super::components::{ComponentNode, Kind, Registered};
use super::nearest::nearest;
use super::parse::Findings;
use super::position::{Path, Place, Position, Spanned};
use super::tree::{Content, Entry, Node};

mod scalars;

pub(crate) use self::scalars::{boolean, text};

/// How many hints are looked for in one file: they cost more than the problems that they belong to.
const MOST_HINTS: u32 = 200;

/// What a reading has in common: what was found, and the names that are allowed beyond the schema's.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) findings: RefCell<Findings>,
    pub(crate) registered: &'a Registered,
    hints: Cell<u32>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(findings: Findings, registered: &'a Registered) -> Self {
        Self { findings: RefCell::new(findings), registered, hints: Cell::new(0) }
    }

    /// `; did you mean …?`, or nothing.
    fn hint<'b>(&self, name: &str, known: impl Iterator<Item = &'b str>) -> String {
        self.hints.set(self.hints.get() + 1);
        if self.hints.get() > MOST_HINTS {
            return String::new();
        }
        match nearest(name, known) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => String::new(),
        }
    }
}

/// A node that is being read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    node: &'a Node,
    /// Where problems are reported: the value, or its key if the value is empty or a collection.
    at: Position,
    path: &'a Path<'a>,
    reading: &'a Reading<'a>,
    /// Whether messages must not show values, here and below.
    is_secret: bool,
}

impl<'a> Cursor<'a> {
    pub(crate) fn root(node: &'a Node, reading: &'a Reading<'a>) -> Self {
        Self { node, at: node.at, path: &Path::Root, reading, is_secret: false }
    }

    /// The same node; no message shows its value or one below.
    pub(crate) fn secret(self) -> Self {
        Self { is_secret: true, ..self }
    }

    pub(crate) fn place(self) -> Place {
        Place { at: self.at, path: Arc::from(self.path.to_string()) }
    }

    pub(crate) fn problem(self, what: impl fmt::Display) {
        let mut findings = self.reading.findings.borrow_mut();
        findings.problems.add(self.at, self.path, what);
    }

    pub(crate) fn warning(self, what: impl fmt::Display) {
        let mut findings = self.reading.findings.borrow_mut();
        findings.warnings.add(self.at, self.path, what);
    }

    /// `0 is not allowed; expected …`
    pub(crate) fn unexpected(self, expected: impl fmt::Display) {
        // What is broken is reported already.
        if !matches!(self.node.content, Content::Broken) {
            let (found, origin) = (self.shown(), self.origin());
            self.problem(format_args!("{found}{origin} is not allowed; expected {expected}"));
        }
    }

    /// Reports a node that exists in the schema and not here.
    pub(crate) fn unsupported(self, instead: impl fmt::Display) {
        self.problem(format_args!("is not supported; {instead}"));
    }

    /// Whether a cargo feature that this node needs is on; reports it if not.
    pub(crate) fn needs(self, is_on: bool, feature: &str) -> bool {
        if !is_on {
            self.problem(format_args!("needs the cargo feature `{feature}`"));
        }
        is_on
    }

    /// The mapping's values. Keys other than `known` are reported.
    pub(crate) fn fields(self, known: &[&str]) -> Option<Fields<'a>> {
        let Content::Mapping(entries) = &self.node.content else {
            self.unexpected(format_args!("a mapping{}", self.mapping_hint(known)));
            return None;
        };
        for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            self.unknown_key(entry, known);
        }
        Some(Fields { cursor: self, entries })
    }

    /// The same where null means "with all defaults".
    pub(crate) fn fields_or_null(self, known: &[&str]) -> Option<Fields<'a>> {
        if self.is_null() {
            Some(Fields { cursor: self, entries: &[] })
        } else {
            self.fields(known)
        }
    }

    /// The mapping's values where any key is allowed; `read` gets each key that is not `known`.
    pub(crate) fn open_fields(
        self,
        known: &[&str],
        mut read: impl FnMut(&str, Cursor<'_>),
    ) -> Option<Fields<'a>> {
        let Content::Mapping(entries) = &self.node.content else {
            self.unexpected("a mapping");
            return None;
        };
        for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            self.entry(entry, |cursor| read(&entry.key, cursor));
        }
        Some(Fields { cursor: self, entries })
    }

    /// Null or an empty mapping, as for a component without properties.
    pub(crate) fn no_fields(self) -> Option<()> {
        self.fields_or_null(&[]).map(|_| ())
    }

    /// Reads the list's items, at least `least` of them. Items with problems are left out.
    pub(crate) fn items<T>(
        self,
        least: usize,
        mut read: impl FnMut(Cursor<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Content::Sequence(items) = &self.node.content else {
            let hint = match self.node.content {
                Content::Mapping(_) => "; begin each item with `- `",
                _ => "",
            };
            self.unexpected(format_args!("a list{hint}"));
            return None;
        };
        if items.len() < least {
            self.problem("the list is empty; expected at least one item");
            return None;
        }
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let path = Path::Index(self.path, index);
            values.extend(read(Cursor { node: item, at: item.at, path: &path, ..self }));
        }
        Some(values)
    }

    /// Reads a mapping with exactly one key, which says what the value is.
    pub(crate) fn variant<T>(
        self,
        known: &[&str],
        read: impl FnOnce(&str, Cursor<'_>) -> Option<T>,
    ) -> Option<T> {
        let Content::Mapping(entries) = &self.node.content else {
            self.unexpected(format_args!(
                "a mapping with one of: {}{}",
                known.join(", "),
                self.variant_hint(known)
            ));
            return None;
        };
        match entries.as_slice() {
            [entry] => self.entry(entry, |cursor| read(&entry.key, cursor)),
            [] => {
                self.problem(format_args!("is empty; expected one of: {}", known.join(", ")));
                None
            }
            [_, second, ..] => {
                Cursor { at: second.at, ..self }.problem(format_args!(
                    "has {} keys here; expected exactly one of them",
                    entries.len()
                ));
                None
            }
        }
    }

    /// Whether the program has registered this component.
    pub(crate) fn has_component(self, kind: Kind, name: &str) -> bool {
        self.reading.registered.has(kind, name)
    }

    /// Reads a component that the schema does not know. It must be registered in code.
    pub(crate) fn component(self, kind: Kind, name: &str, known: &[&str]) -> Option<ComponentNode> {
        if self.reading.registered.has(kind, name) {
            if !self.is_null() && !matches!(self.node.content, Content::Mapping(_)) {
                self.unexpected("a mapping, or nothing");
                return None;
            }
            let properties = self.json();
            return Some(ComponentNode { name: name.to_owned(), properties, place: self.place() });
        }
        let registered: Vec<_> = self.reading.registered.names(kind).collect();
        let names = || known.iter().copied().chain(registered.iter().copied());
        let hint = self.reading.hint(name, names());
        let names: Vec<_> = names().collect();
        self.problem(format_args!(
            "no {kind} has this name; expected one of: {}{hint}",
            names.join(", ")
        ));
        None
    }

    /// Reports what is no mapping.
    pub(crate) fn expect_mapping(self) {
        if !matches!(self.node.content, Content::Mapping(_)) {
            self.unexpected("a mapping");
        }
    }

    /// `; did you mean …?`, or nothing.
    pub(crate) fn hint(self, name: &str, known: &[&str]) -> String {
        self.reading.hint(name, known.iter().copied())
    }

    pub(crate) fn is_null(self) -> bool {
        matches!(self.resolved(), Some(super::scalar::Resolved::Null))
    }

    fn unknown_key(self, entry: &Entry, known: &[&str]) {
        let path = Path::Key(self.path, &entry.key);
        let cursor = Cursor { node: &entry.value, at: entry.at, path: &path, ..self };
        let hint = self.reading.hint(&entry.key, known.iter().copied());
        if known.is_empty() {
            cursor.problem("no key is known here; remove it");
        } else {
            let known = known.join(", ");
            cursor.problem(format_args!("this key is not known; expected one of: {known}{hint}"));
        }
    }

    /// Reads an entry's value below this node.
    fn entry<T>(self, entry: &Entry, read: impl FnOnce(Cursor<'_>) -> T) -> T {
        let path = Path::Key(self.path, &entry.key);
        let is_empty = match &entry.value.content {
            Content::Scalar(scalar) => scalar.text.is_empty(),
            _ => true,
        };
        let at = if is_empty { entry.at } else { entry.value.at };
        read(Cursor { node: &entry.value, at, path: &path, ..self })
    }

    fn mapping_hint(self, known: &[&str]) -> String {
        match &self.node.content {
            Content::Sequence(_) => "; remove the `- `".to_owned(),
            _ if !known.is_empty() => format!(" with: {}", known.join(", ")),
            _ => String::new(),
        }
    }

    /// `sampler: always_on` is meant as a mapping with this key.
    fn variant_hint(self, known: &[&str]) -> String {
        match &self.node.content {
            Content::Scalar(scalar) if known.contains(&scalar.text.as_str()) => {
                format!("; write `{}:` as a key of its own, with a colon", scalar.text)
            }
            Content::Sequence(_) => "; remove the `- `".to_owned(),
            _ => String::new(),
        }
    }
}

/// The values of a mapping by their keys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    cursor: Cursor<'a>,
    entries: &'a [Entry],
}

impl Fields<'_> {
    /// The value of a key that must be there.
    pub(crate) fn required<T>(
        &self,
        key: &str,
        read: impl FnOnce(Cursor<'_>) -> Option<T>,
    ) -> Option<T> {
        match self.find(key) {
            Some(entry) => self.cursor.entry(entry, read),
            None => {
                self.cursor.problem(format_args!("`{key}` is missing"));
                None
            }
        }
    }

    /// The value of a key that may be absent. `read` decides what null means.
    pub(crate) fn optional<T>(
        &self,
        key: &str,
        read: impl FnOnce(Cursor<'_>) -> Option<T>,
    ) -> Option<T> {
        self.find(key).and_then(|entry| self.cursor.entry(entry, read))
    }

    /// The value of a key for which null is as good as absent, as it is for text and numbers.
    pub(crate) fn setting<T>(
        &self,
        key: &str,
        read: impl FnOnce(Cursor<'_>) -> Option<T>,
    ) -> Option<T> {
        self.optional(key, |cursor| if cursor.is_null() { None } else { read(cursor) })
    }

    /// The list of texts of a key that may be absent; empty then.
    pub(crate) fn texts(&self, key: &str, least: usize) -> Vec<Spanned<String>> {
        self.optional(key, |cursor| cursor.items(least, text)).unwrap_or_default()
    }

    fn find(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}
