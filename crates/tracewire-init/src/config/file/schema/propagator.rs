//! `propagator`: which header formats are read and written.

use tracewire_propagation::{allowed_names, from_names};

use crate::config::file::components::{ComponentNode, Kind};
use crate::config::file::position::{Place, Spanned};
use crate::config::file::read::Cursor;
use tracewire_export::wiring::shown::Shown;

/// `propagator`. Without it nothing is propagated.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Propagators {
    pub(crate) place: Place,
    /// Those of `composite`, then those of `composite_list`, each once.
    pub(crate) formats: Vec<Format>,
}

/// A header format.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Format {
    /// By its standard name. It is in this build.
    Known(Spanned<String>),
    Custom(ComponentNode),
}

impl Format {
    fn name(&self) -> &str {
        match self {
            Self::Known(name) => name,
            Self::Custom(node) => &node.name,
        }
    }
}

impl Propagators {
    pub(super) fn read(cursor: Cursor<'_>) -> Option<Self> {
        let fields = cursor.fields(&["composite", "composite_list"])?;
        let allowed = allowed_names();
        let known: Vec<_> =
            allowed.iter().map(String::as_str).filter(|&name| name != NONE).collect();
        let mut formats = fields
            .optional("composite", |cursor| cursor.items(1, |cursor| named(cursor, &known)))
            .unwrap_or_default();
        formats.extend(
            fields.setting("composite_list", |cursor| list(cursor, &known)).unwrap_or_default(),
        );
        let mut unique: Vec<Format> = Vec::new();
        for format in formats {
            if unique.iter().all(|known| known.name() != format.name()) {
                unique.push(format);
            }
        }
        Some(Self { place: cursor.place(), formats: unique })
    }
}

const NONE: &str = "none";

/// `tracecontext:`
fn named(cursor: Cursor<'_>, known: &[&str]) -> Option<Format> {
    if let Some(text) = cursor.scalar().map(|scalar| scalar.text.as_str())
        && known.contains(&text)
    {
        cursor.unexpected(format_args!("a mapping; write `{text}:` with a colon"));
        return None;
    }
    cursor.variant(known, |name, cursor| {
        if cursor.has_component(Kind::Propagator, name) {
            return cursor.component(Kind::Propagator, name, known).map(Format::Custom);
        }
        let name = available(cursor, name, known)?;
        cursor.no_fields().map(|()| Format::Known(name))
    })
}

/// `tracecontext,baggage`, as in `OTEL_PROPAGATORS`.
fn list(cursor: Cursor<'_>, known: &[&str]) -> Option<Vec<Format>> {
    let text = cursor.text()?;
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != NONE);
    let format = |name: &str| {
        if cursor.has_component(Kind::Propagator, name) {
            let (properties, place) = (serde_json::Value::Null, cursor.place());
            let node = ComponentNode { name: name.to_owned(), properties, place };
            return Some(Format::Custom(node));
        }
        available(cursor, name, known).map(Format::Known)
    };
    Some(names.filter_map(format).collect())
}

/// The name in its standard form, if this build has the format.
fn available(cursor: Cursor<'_>, name: &str, known: &[&str]) -> Option<Spanned<String>> {
    match from_names(name) {
        Err(missing) => {
            cursor.needs(false, missing.format().feature());
            None
        }
        Ok(selection) if selection.unknown().is_empty() => {
            // A name gives itself; no name at all would give the default set.
            let [found] = selection.names() else { return None };
            Some(cursor.spanned(found.clone()))
        }
        Ok(_) => {
            let (shown, hint, known) =
                (Shown::value(name), cursor.hint(name, known), known.join(", "));
            cursor.problem(format_args!(
                "no propagator is called {shown}; expected one of: {known}{hint}"
            ));
            None
        }
    }
}
