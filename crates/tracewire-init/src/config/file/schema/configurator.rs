//! `tracer_configurator`, `meter_configurator` and `logger_configurator`: settings by scope.

use crate::config::file::position::{Place, Spanned};
use crate::config::file::read::{Cursor, boolean, text};

/// Settings of instrumentation scopes. The first of `scopes` that matches a name counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Configurator<C> {
    pub(crate) place: Place,
    /// For every other scope.
    pub(crate) default_config: Option<C>,
    /// Patterns of scope names with `*` and `?`, and their settings.
    pub(crate) scopes: Vec<(Spanned<String>, C)>,
}

impl<C> Configurator<C> {
    /// Reads the scopes below `list`, each with `config`.
    pub(super) fn read(
        cursor: Cursor<'_>,
        list: &str,
        config: impl Fn(Cursor<'_>) -> Option<C>,
    ) -> Option<Self> {
        let fields = cursor.fields(&["default_config", list])?;
        let scope = |cursor: Cursor<'_>| {
            let fields = cursor.fields(&["name", "config"])?;
            let name = fields.required("name", text);
            let config = fields.required("config", &config);
            Some((name?, config?))
        };
        let scopes = fields.optional(list, |cursor| cursor.items(1, scope));
        Some(Self {
            place: cursor.place(),
            default_config: fields.optional("default_config", &config),
            scopes: scopes.unwrap_or_default(),
        })
    }
}

/// Whether a tracer or a meter works: `enabled`, true by default.
pub(super) fn enabled(cursor: Cursor<'_>) -> Option<bool> {
    let enabled = cursor.fields(&["enabled"])?.optional("enabled", boolean);
    Some(enabled.is_none_or(|enabled| *enabled))
}
