//! `tracer_provider`: spans.

use crate::config::file::components::{ComponentNode, Kind};
use crate::config::file::position::Place;
use crate::config::file::read::Cursor;
use crate::config::file::schema::configurator::{Configurator, enabled};
use crate::config::file::schema::exporter::SpanExporter;
use crate::config::file::schema::limits::SpanLimits;
use crate::config::file::schema::processor::Processor;
use crate::config::file::schema::sampler::Sampler;

/// `tracer_provider`. Without it there are no spans.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TracerProvider {
    pub(crate) place: Place,
    pub(crate) processors: Vec<Processor<SpanExporter>>,
    pub(crate) limits: Option<SpanLimits>,
    /// Default: parent-based, with roots always on.
    pub(crate) sampler: Option<Sampler>,
    pub(crate) sampler_place: Option<Place>,
    /// Default: random ids.
    pub(crate) id_generator: Option<ComponentNode>,
}

impl TracerProvider {
    pub(super) fn read(cursor: Cursor<'_>) -> Option<Self> {
        const CONFIGURATOR: &str = "tracer_configurator/development";
        let fields =
            cursor.fields(&["processors", "limits", "sampler", "id_generator", CONFIGURATOR])?;
        let processor =
            |cursor: Cursor<'_>| Processor::read(cursor, Kind::SpanProcessor, SpanExporter::read);
        let processors = fields.required("processors", |cursor| cursor.items(1, processor));
        let limits = fields.optional("limits", SpanLimits::read);
        let sampler =
            fields.optional("sampler", |cursor| Some((cursor.place(), Sampler::read(cursor)?)));
        let (sampler_place, sampler) = sampler.unzip();
        let id_generator = fields.optional("id_generator", id_generator).flatten();
        fields.optional(CONFIGURATOR, configurator);
        Some(Self {
            place: cursor.place(),
            processors: processors?,
            limits,
            sampler,
            sampler_place,
            id_generator,
        })
    }
}

/// `Some(None)` for random ids, which are the default.
fn id_generator(cursor: Cursor<'_>) -> Option<Option<ComponentNode>> {
    const KNOWN: [&str; 1] = ["random"];
    cursor.variant(&KNOWN, |name, cursor| match name {
        "random" => cursor.no_fields().map(|()| None),
        name => cursor.component(Kind::IdGenerator, name, &KNOWN).map(Some),
    })
}

/// Accepted if it changes nothing: the SDK tells a sampler no scope, so no tracer can be disabled.
fn configurator(cursor: Cursor<'_>) -> Option<()> {
    let read = Configurator::read(cursor, "tracers", enabled)?;
    let is_disabled =
        read.default_config == Some(false) || read.scopes.iter().any(|(_, is_enabled)| !is_enabled);
    if is_disabled {
        cursor.unsupported("a tracer cannot be disabled; drop its spans by a rule of the sampler");
    }
    Some(())
}
