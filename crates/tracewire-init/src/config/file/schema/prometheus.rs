//! `prometheus/development`: the page that Prometheus reads.

use crate::config::file::position::{Place, Spanned};
use crate::config::file::read::{Cursor, text};
use crate::config::file::schema::patterns::Patterns;

/// Where the page is served, as `/metrics`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Prometheus {
    pub(crate) place: Place,
    /// Default: `localhost`.
    pub(crate) host: Option<Spanned<String>>,
    /// Zero is any free port. Default: 9464.
    pub(crate) port: Option<Spanned<u16>>,
}

impl Prometheus {
    pub(super) fn read(cursor: Cursor<'_>) -> Option<Self> {
        let fields = cursor.fields_or_null(&[
            "host",
            "port",
            "scope_info_enabled",
            "target_info_enabled/development",
            "resource_constant_labels",
            "translation_strategy",
        ])?;
        for key in ["scope_info_enabled", "target_info_enabled/development"] {
            fields.setting(key, |cursor| {
                let is_enabled = cursor.boolean()?;
                if !*is_enabled {
                    cursor.unsupported("remove it or set it to true, its default");
                }
                Some(())
            });
        }
        fields.optional("resource_constant_labels", |cursor| {
            let labels = Patterns::read(cursor)?;
            if !labels.included.is_empty() || !labels.excluded.is_empty() {
                cursor.unsupported("remove it; `target_info` has the resource");
            }
            Some(())
        });
        fields.setting("translation_strategy", translation_strategy);
        let host = fields.setting("host", text);
        let port = fields.setting("port", port);
        cursor.needs(cfg!(feature = "prometheus"), "prometheus").then(|| Self {
            place: cursor.place(),
            host,
            port,
        })
    }
}

fn port(cursor: Cursor<'_>) -> Option<Spanned<u16>> {
    let port = cursor.whole(0..=u16::MAX.into())?;
    u16::try_from(*port).ok().map(|port| cursor.spanned(port))
}

fn translation_strategy(cursor: Cursor<'_>) -> Option<()> {
    const DEFAULT: &str = "underscore_escaping_with_suffixes";
    let is_default = *cursor.choice(&[
        (DEFAULT, true),
        ("underscore_escaping_without_suffixes/development", false),
        ("no_utf8_escaping_with_suffixes/development", false),
        ("no_translation/development", false),
    ])?;
    if !is_default {
        cursor.unsupported(format_args!("remove it or set it to `{DEFAULT}`, its default"));
    }
    Some(())
}
