//! `sampler`: which spans are kept.

use crate::config::file::components::{ComponentNode, Kind};
use crate::config::file::position::{Place, Spanned};
use crate::config::file::read::{Cursor, text};
use crate::config::file::schema::composite::{self, Composable};
use tracewire_sampling::RuleBased;

/// `sampler`, a tree.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Sampler {
    AlwaysOn,
    AlwaysOff,
    /// The ratio is 1 by default.
    TraceIdRatio(Option<Spanned<f64>>),
    ParentBased(Box<ParentBased>),
    /// Makes spans record that `root` drops.
    AlwaysRecord(Box<Self>),
    /// Consistent with other services, whatever the parent decided. The ratio is 1 by default.
    Probability(Option<Spanned<f64>>),
    Composite(Box<Composable>),
    /// Rules as text, as in `OTEL_TRACES_SAMPLER_ARG`. The schema does not have it.
    Rules(Spanned<String>),
    Custom(ComponentNode),
}

/// `parent_based`: one sampler for each case.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ParentBased {
    pub(crate) place: Place,
    /// Default: always on.
    pub(crate) root: Option<Sampler>,
    /// Default: always on.
    pub(crate) remote_parent_sampled: Option<Sampler>,
    /// Default: always off.
    pub(crate) remote_parent_not_sampled: Option<Sampler>,
    /// Default: always on.
    pub(crate) local_parent_sampled: Option<Sampler>,
    /// Default: always off.
    pub(crate) local_parent_not_sampled: Option<Sampler>,
}

const JAEGER_REMOTE: &str = "jaeger_remote/development";

impl Sampler {
    pub(super) fn read(cursor: Cursor<'_>) -> Option<Self> {
        const KNOWN: [&str; 8] = [
            "always_on",
            "always_off",
            "trace_id_ratio_based",
            "parent_based",
            "always_record",
            "probability/development",
            "composite/development",
            "rules",
        ];
        cursor.variant(&KNOWN, |name, cursor| match name {
            "always_on" => cursor.no_fields().map(|()| Self::AlwaysOn),
            "always_off" => cursor.no_fields().map(|()| Self::AlwaysOff),
            "trace_id_ratio_based" => ratio(cursor).map(Self::TraceIdRatio),
            "parent_based" => parent_based(cursor).map(Box::new).map(Self::ParentBased),
            "always_record" => {
                let root = cursor.fields(&["root"])?.required("root", Self::read)?;
                Some(Self::AlwaysRecord(Box::new(root)))
            }
            "probability/development" => ratio(cursor).map(Self::Probability),
            "composite/development" => {
                composite::composable(cursor).map(Box::new).map(Self::Composite)
            }
            "rules" => rules(cursor).map(Self::Rules),
            JAEGER_REMOTE => jaeger_remote(cursor),
            name => cursor.component(Kind::Sampler, name, &KNOWN).map(Self::Custom),
        })
    }
}

/// `Some(None)` for the default.
pub(super) fn ratio(cursor: Cursor<'_>) -> Option<Option<Spanned<f64>>> {
    Some(cursor.fields_or_null(&["ratio"])?.setting("ratio", |cursor| {
        let found = cursor.number(0.0..=1.0)?;
        // A threshold has 56 bits, so it cannot say less.
        let least = 2_f64.powi(-56);
        if *found > 0.0 && *found < least {
            cursor.unexpected("0, or a number from 2^-56 to 1");
            return None;
        }
        Some(found)
    }))
}

/// `rules: …`, a text or a list of texts.
pub(super) fn rules(cursor: Cursor<'_>) -> Option<Spanned<String>> {
    cursor.fields(&["rules"])?.required("rules", |cursor| {
        let text = if cursor.is_sequence() {
            let rules: Vec<_> = cursor.items(1, text)?.into_iter().map(|rule| rule.value).collect();
            cursor.spanned(rules.join("; "))
        } else {
            cursor.text()?
        };
        // Whether they can be read does not depend on the service's name.
        match RuleBased::parse(&text, "") {
            Ok(rules) => rules.warnings().iter().for_each(|warning| cursor.warning(warning)),
            Err(error) => {
                cursor.problem(error);
                return None;
            }
        }
        Some(text)
    })
}

fn parent_based(cursor: Cursor<'_>) -> Option<ParentBased> {
    let fields = cursor.fields_or_null(&[
        "root",
        "remote_parent_sampled",
        "remote_parent_not_sampled",
        "local_parent_sampled",
        "local_parent_not_sampled",
    ])?;
    let branch = |key| fields.optional(key, Sampler::read);
    Some(ParentBased {
        place: cursor.place(),
        root: branch("root"),
        remote_parent_sampled: branch("remote_parent_sampled"),
        remote_parent_not_sampled: branch("remote_parent_not_sampled"),
        local_parent_sampled: branch("local_parent_sampled"),
        local_parent_not_sampled: branch("local_parent_not_sampled"),
    })
}

/// Refused, after a look at what is inside.
fn jaeger_remote(cursor: Cursor<'_>) -> Option<Sampler> {
    let fields = cursor.fields(&["endpoint", "interval", "initial_sampler"])?;
    fields.required("endpoint", text);
    fields.setting("interval", |cursor| cursor.milliseconds(0));
    fields.required("initial_sampler", Sampler::read);
    cursor.unsupported(
        "use `parent_based` with `probability/development` or `composite/development`",
    );
    None
}
