//! A YAML document as a tree. It keeps what decides types and messages: positions, quoting, and the
//! variables that a value came from.

use std::rc::Rc;

use super::position::Position;

/// A value of the document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// Where the value begins.
    pub(crate) at: Position,
    pub(crate) content: Content,
}

/// What a value is. Aliases share their nodes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Scalar(Scalar),
    Sequence(Vec<Rc<Node>>),
    Mapping(Vec<Entry>),
    /// A scalar whose problem is reported already.
    Broken,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// Where the key begins.
    pub(crate) at: Position,
    pub(crate) value: Rc<Node>,
}

/// A scalar after substitution.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    /// Whether it is neither quoted nor a block scalar, so that its text decides its type.
    pub(crate) is_plain: bool,
    pub(crate) variables: Vec<String>,
}

/// How much a tree holds with each alias counted as a copy, because readers visit it so often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) nodes: usize,
    /// Bytes of all scalars and keys.
    pub(crate) text: usize,
    pub(crate) depth: usize,
}

impl Node {
    /// Measures the tree. Its cost is in proportion to the result.
    pub(crate) fn size(&self) -> Size {
        let mut size = Size { nodes: 1, text: 0, depth: 1 };
        match &self.content {
            Content::Broken => {}
            Content::Scalar(scalar) => size.text = scalar.text.len(),
            Content::Sequence(items) => items.iter().for_each(|item| size.contain(item.size())),
            Content::Mapping(entries) => {
                for entry in entries {
                    size.text += entry.key.len();
                    size.contain(entry.value.size());
                }
            }
        }
        size
    }
}

impl Size {
    fn contain(&mut self, inner: Self) {
        self.nodes += inner.nodes;
        self.text += inner.text;
        self.depth = self.depth.max(inner.depth + 1);
    }
}
