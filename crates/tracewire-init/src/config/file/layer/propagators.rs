//! `propagator`.

use std::sync::Arc;

use tracewire_propagation::{Composite, Propagator, from_names};

use super::Mapper;
use crate::builder::Maker;
use crate::config::file::schema::{Format, Propagators};
use crate::config::propagators::Formats;
use crate::settings::Setting;

/// Without the node, and with an empty one, nothing is propagated.
pub(super) fn propagators(
    propagators: Option<&Propagators>,
    mapper: &Mapper<'_>,
) -> Setting<Formats> {
    let none = || Formats::Named("none".to_owned());
    let Some(Propagators { place, formats }) = propagators else {
        return mapper.given_by_file(none());
    };
    if formats.is_empty() {
        return mapper.given(place, none());
    }
    let names: Option<Vec<&str>> = formats
        .iter()
        .map(|format| match format {
            Format::Known(name) => Some(name.value.as_str()),
            Format::Custom(_) => None,
        })
        .collect();
    if let Some(names) = names {
        return mapper.given(place, Formats::Named(names.join(",")));
    }
    let made = formats.iter().filter_map(|format| made(format, mapper));
    let all = made.fold(Composite::default(), |all, format| all.and(format));
    mapper.given(place, Formats::Given(Arc::new(all)))
}

fn made(format: &Format, mapper: &Mapper<'_>) -> Option<Arc<dyn Propagator>> {
    match format {
        // The reader checked that this build has it.
        Format::Known(name) => Some(from_names(name).ok()?.propagator()),
        Format::Custom(node) => mapper.make(node, |maker| match maker {
            Maker::Propagator(make) => Some(make),
            _ => None,
        }),
    }
}
