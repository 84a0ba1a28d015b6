//! `propagator`: which header formats are read and written.

use tracewire_propagation::{allowed_names, from_names};

use crate::config::file::position::{Place, Spanned};
use crate::config::file::read::Cursor;
use tracewire_export::wiring::shown::Shown;

/// `propagator`. Without it nothing is propagated.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Propagators {
    pub(crate) place: Place,
    /// The names of `composite`, then those of `composite_list`, each once. All of them are in this
    /// build or registered.
    pub(crate) names: Vec<Spanned<String>>,
}

impl Propagators {
    pub(super) fn read(cursor: Cursor<'_>) -> Option<Self> {
        let fields = cursor.fields(&["composite", "composite_list"])?;
        let allowed = allowed_names();
        let known: Vec<_> =
            allowed.iter().map(String::as_str).filter(|&name| name != NONE).collect();
        let mut names = fields
            .optional("composite", |cursor| cursor.items(1, |cursor| named(cursor, &known)))
            .unwrap_or_default();
        names.extend(
            fields.setting("composite_list", |cursor| list(cursor, &known)).unwrap_or_default(),
        );
        let mut unique: Vec<Spanned<String>> = Vec::new();
        for name in names {
            if unique.iter().all(|known| *known.value != *name.value) {
                unique.push(name);
            }
        }
        Some(Self { place: cursor.place(), names: unique })
    }
}

const NONE: &str = "none";

/// `tracecontext:`
fn named(cursor: Cursor<'_>, known: &[&str]) -> Option<Spanned<String>> {
    if let Some(text) = cursor.scalar().map(|scalar| scalar.text.as_str())
        && known.contains(&text)
    {
        cursor.unexpected(format_args!("a mapping; write `{text}:` with a colon"));
        return None;
    }
    cursor.variant(known, |name, cursor| {
        let name = available(cursor, name, known)?;
        cursor.no_fields().map(|()| name)
    })
}

/// `tracecontext,baggage`, as in `OTEL_PROPAGATORS`.
fn list(cursor: Cursor<'_>, known: &[&str]) -> Option<Vec<Spanned<String>>> {
    let text = cursor.text()?;
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != NONE);
    Some(names.filter_map(|name| available(cursor, name, known)).collect())
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
