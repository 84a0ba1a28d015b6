//! From YAML to a tree: events, substitution, and the limits that bound both.

use std::cell::Cell;
use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::rc::Rc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};
use tracewire_text::shortened;

use super::position::Position;
use super::problems::Problems;
use super::substitute::{Variables, substitute};
use super::tree::{Content, Entry, Node, Scalar};

/// The largest file, and the most text of its values and keys once aliases and variables are replaced,
/// in bytes.
pub(crate) const MOST_BYTES: usize = 1024 * 1024;
/// How deep mappings and lists may stand in each other.
const MOST_DEPTH: usize = 32;
/// How many values a document may have, with each alias counted as a copy.
const MOST_NODES: usize = 10_000;
/// The longest scalar or key, in bytes, after substitution.
const MOST_SCALAR: usize = 64 * 1024;
/// How many characters the parser may take for its next event. It reads a list or a mapping in brackets to
/// its end before it gives the first event, because all of it may turn out to be a key.
const MOST_AHEAD: usize = 2 * MOST_SCALAR;

/// Problems and warnings that are found on the way.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) problems: Problems,
    pub(crate) warnings: Problems,
}

/// Reads the only document of `text`. Returns `None` if there is no tree to go on with; `findings` has
/// the reason then.
pub(crate) fn parse(
    text: &str,
    variables: Variables<'_>,
    findings: &mut Findings,
) -> Option<Rc<Node>> {
    let mut builder = Builder {
        variables,
        findings,
        frames: Vec::new(),
        anchors: HashMap::new(),
        root: None,
        nodes: 0,
        text: 0,
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match builder.run(text) {
        Ok(root) => Some(root),
        Err(Fatal { at, what }) => {
            let path = builder.path();
            builder.findings.problems.add(at, path, what);
            None
        }
    }
}

/// A problem that leaves no tree.
#[derive(Debug)]
struct Fatal {
    at: Position,
    what: String,
}

fn fatal<T>(at: Position, what: impl Into<String>) -> Result<T, Fatal> {
    Err(Fatal { at, what: what.into() })
}

struct Builder<'a> {
    variables: Variables<'a>,
    findings: &'a mut Findings,
    /// The collections that are open, outermost first.
    frames: Vec<Frame>,
    /// What was given an anchor, once it is complete.
    anchors: HashMap<usize, Rc<Node>>,
    root: Option<Rc<Node>>,
    nodes: usize,
    text: usize,
}

/// A collection that is not complete yet. Anchor 0 is none.
struct Frame {
    at: Position,
    anchor: usize,
    open: Open,
}

enum Open {
    Sequence(Vec<Rc<Node>>),
    Mapping {
        entries: Vec<Entry>,
        seen: HashMap<String, Position>,
        key: Option<(String, Position)>,
    },
}

impl Builder<'_> {
    fn run(&mut self, text: &str) -> Result<Rc<Node>, Fatal> {
        let taken = Cell::new(0);
        let mut parser = Parser::new_from_iter(text.chars().take_while(|_| {
            taken.set(taken.get() + 1);
            taken.get() <= MOST_AHEAD
        }));
        let mut documents = 0;
        let mut at = Position { line: 1, column: 1 };
        while let Some(event) = parser.next_event() {
            // What the parser says then, it says of a text that was cut.
            if taken.replace(0) > MOST_AHEAD {
                return fatal(at, too_long());
            }
            let (event, span) = event.map_err(|error| syntax(text, &error))?;
            at = position(span.start);
            if matches!(event, Event::DocumentStart(_)) {
                documents += 1;
                if documents > 1 {
                    return fatal(at, "a second document begins here; expected only one");
                }
            }
            self.event(event, at)?;
        }
        match self.root.take() {
            Some(root) => Ok(root),
            None => fatal(
                Position { line: 1, column: 1 },
                "the file is empty; expected at least `file_format: \"1.1\"`",
            ),
        }
    }

    fn event(&mut self, event: Event<'_>, at: Position) -> Result<(), Fatal> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.map(|tag| scalar_tag(&tag, at)).transpose()?;
                let is_plain = tag.unwrap_or(style == ScalarStyle::Plain);
                self.scalar(&text, is_plain, anchor, at)
            }
            Event::SequenceStart(anchor, tag) => {
                self.open(Open::Sequence(Vec::new()), anchor, tag.as_deref(), "seq", at)
            }
            Event::MappingStart(anchor, tag) => {
                let open = Open::Mapping { entries: Vec::new(), seen: HashMap::new(), key: None };
                self.open(open, anchor, tag.as_deref(), "map", at)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.close();
                Ok(())
            }
            Event::Alias(anchor) => self.alias(anchor, at),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        text: &str,
        is_plain: bool,
        anchor: usize,
        at: Position,
    ) -> Result<(), Fatal> {
        if text.len() > MOST_SCALAR {
            return fatal(at, format!("a text has more than {} KiB", MOST_SCALAR / 1024));
        }
        if let Some(Frame { open: Open::Mapping { key, .. }, .. }) = self.frames.last_mut()
            && key.is_none()
        {
            if text == "<<" && is_plain {
                return fatal(at, "merge keys (`<<`) are not supported; repeat the keys");
            }
            *key = Some((text.to_owned(), at));
            return self.count(0, text.len(), at);
        }
        let content = self.substituted(text, is_plain, at);
        let length = if let Content::Scalar(scalar) = &content { scalar.text.len() } else { 0 };
        self.count(1, length, at)?;
        self.add(Rc::new(Node { at, content }), anchor);
        Ok(())
    }

    fn substituted(&mut self, text: &str, is_plain: bool, at: Position) -> Content {
        match substitute(text, self.variables, MOST_SCALAR) {
            Ok(substituted) => {
                if substituted.has_open_reference {
                    self.findings.warnings.add(
                        at,
                        self.path(),
                        "`${` begins no complete reference and is taken as text; write `$${` to say so",
                    );
                }
                let variables = substituted.variables;
                Content::Scalar(Scalar { text: substituted.text, is_plain, variables })
            }
            Err(bad) => {
                let path = self.path();
                self.findings.problems.add(at, path, bad.message());
                Content::Broken
            }
        }
    }

    fn open(
        &mut self,
        open: Open,
        anchor: usize,
        tag: Option<&Tag>,
        expected: &str,
        at: Position,
    ) -> Result<(), Fatal> {
        if let Some(tag) = tag
            && !(tag.is_yaml_core_schema() && tag.suffix == expected)
        {
            return fatal(at, unknown_tag(tag));
        }
        self.refuse_collection_as_key(at)?;
        self.count(1, 0, at)?;
        if self.frames.len() >= MOST_DEPTH {
            return fatal(at, too_deep());
        }
        self.frames.push(Frame { at, anchor, open });
        Ok(())
    }

    fn close(&mut self) {
        let Some(Frame { at, anchor, open }) = self.frames.pop() else { return };
        let content = match open {
            Open::Sequence(items) => Content::Sequence(items),
            Open::Mapping { entries, .. } => Content::Mapping(entries),
        };
        self.add(Rc::new(Node { at, content }), anchor);
    }

    fn alias(&mut self, anchor: usize, at: Position) -> Result<(), Fatal> {
        self.refuse_collection_as_key(at)?;
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            return fatal(at, "an alias stands inside what it refers to");
        };
        let size = node.size();
        self.count(size.nodes, size.text, at)?;
        if self.frames.len() + size.depth > MOST_DEPTH + 1 {
            return fatal(at, too_deep());
        }
        self.add(node, 0);
        Ok(())
    }

    /// Adds a complete value to the collection that is open, or makes it the root.
    fn add(&mut self, node: Rc<Node>, anchor: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        match self.frames.last_mut().map(|frame| &mut frame.open) {
            None => self.root = Some(node),
            Some(Open::Sequence(items)) => items.push(node),
            Some(Open::Mapping { entries, seen, key }) => {
                let Some((key, at)) = key.take() else { return };
                match seen.entry(key) {
                    Slot::Vacant(slot) => {
                        entries.push(Entry { key: slot.key().clone(), at, value: node });
                        slot.insert(at);
                    }
                    Slot::Occupied(slot) => {
                        let what = format!(
                            "the key {:?} is set twice, here and in line {}; remove one",
                            shortened(slot.key(), 64),
                            slot.get().line
                        );
                        let path = self.path();
                        self.findings.problems.add(at, path, what);
                    }
                }
            }
        }
    }

    fn refuse_collection_as_key(&self, at: Position) -> Result<(), Fatal> {
        match self.frames.last() {
            Some(Frame { open: Open::Mapping { key: None, .. }, .. }) => {
                fatal(at, "a key is a list, a mapping or an alias; expected text")
            }
            _ => Ok(()),
        }
    }

    fn count(&mut self, nodes: usize, text: usize, at: Position) -> Result<(), Fatal> {
        self.nodes += nodes;
        self.text += text;
        if self.nodes > MOST_NODES {
            return fatal(
                at,
                format!("the file has more than {MOST_NODES} values, aliases included"),
            );
        }
        if self.text > MOST_BYTES {
            let most = MOST_BYTES / 1024 / 1024;
            let what = format!(
                "the file has more than {most} MiB of text once aliases and variables are replaced"
            );
            return fatal(at, what);
        }
        Ok(())
    }

    /// Where the builder is now.
    fn path(&self) -> String {
        let mut path = String::new();
        for frame in &self.frames {
            match &frame.open {
                Open::Sequence(items) => path.push_str(&format!("[{}]", items.len())),
                Open::Mapping { key: Some((key, _)), .. } => {
                    let dot = if path.is_empty() { "" } else { "." };
                    path.push_str(&format!("{dot}{}", shortened(key, 64)));
                }
                Open::Mapping { key: None, .. } => {}
            }
        }
        path
    }
}

/// Whether a tag makes a scalar plain, so that its text decides its type.
fn scalar_tag(tag: &Tag, at: Position) -> Result<bool, Fatal> {
    match tag.suffix.as_str() {
        "str" if tag.is_yaml_core_schema() => Ok(false),
        "null" | "bool" | "int" | "float" if tag.is_yaml_core_schema() => Ok(true),
        _ => fatal(at, unknown_tag(tag)),
    }
}

fn unknown_tag(tag: &Tag) -> String {
    format!("the tag {:?} is not supported; remove it", shortened(&tag.to_string(), 64))
}

fn too_long() -> String {
    format!(
        "more than {} KiB follow in one piece: a list or a mapping in brackets, a text or a comment",
        MOST_AHEAD / 1024
    )
}

fn too_deep() -> String {
    format!("mappings and lists stand in each other more than {MOST_DEPTH} levels deep")
}

fn syntax(text: &str, error: &ScanError) -> Fatal {
    let at = position(*error.marker());
    let index = usize::try_from(at.line).unwrap_or(usize::MAX).saturating_sub(1);
    let mut lines = text.lines().skip(index.saturating_sub(1)).take(2);
    let is_indented_by_tab =
        |line: &str| line.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t');
    let hint = if lines.any(is_indented_by_tab) {
        "; indent with spaces, a tab is not allowed there"
    } else {
        ""
    };
    Fatal { at, what: format!("this is not YAML: {}{hint}", shortened(error.info(), 200)) }
}

/// The parser counts lines from 1 and columns from 0.
fn position(marker: Marker) -> Position {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Position { line: number(marker.line()), column: number(marker.col()).saturating_add(1) }
}

#[cfg(test)]
mod tests;
