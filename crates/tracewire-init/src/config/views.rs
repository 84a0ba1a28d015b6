//! The views of a configuration file: which instruments become which metrics, in one decision.
//!
//! The SDK makes a stream of its own for each view that matches, so the defaults of a file, which the
//! schema has for each reader, must be part of its views and not views beside them.

#![cfg_attr(
    not(feature = "config-file"),
    allow(dead_code, reason = "only a configuration file makes them")
)]

use std::fmt;
use std::sync::Arc;

use opentelemetry::Key;
use opentelemetry_sdk::metrics::{
    Aggregation, Instrument, InstrumentKind, MeterProviderBuilder, Stream,
};
use tracewire_text::glob::Pattern;

use crate::builder::HistogramAggregation;

/// What a file says about how instruments become metrics.
#[derive(Clone, Default)]
pub(crate) struct FileViews(pub(crate) Arc<Views>);

#[derive(Default)]
pub(crate) struct Views {
    pub(crate) views: Vec<View>,
    /// Whether meters are enabled, by patterns of their names; the first that matches counts.
    pub(crate) meters: Vec<(Pattern, bool)>,
    /// Whether all other meters are disabled.
    pub(crate) is_disabled: bool,
    /// How many attribute sets a metric may have, by the kind of its instrument.
    pub(crate) cardinality: Vec<(InstrumentKind, usize)>,
}

/// One view.
pub(crate) struct View {
    pub(crate) instrument_name: Option<Pattern>,
    pub(crate) instrument_kind: Option<InstrumentKind>,
    pub(crate) unit: Option<String>,
    pub(crate) meter_name: Option<String>,
    pub(crate) meter_version: Option<String>,
    pub(crate) meter_schema_url: Option<String>,
    pub(crate) stream: StreamSettings,
}

/// What an instrument becomes. What is not set stays as the instrument has it.
#[derive(Clone, Default)]
pub(crate) struct StreamSettings {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    /// `None` is the default for its kind.
    pub(crate) aggregation: Option<Aggregation>,
    pub(crate) cardinality_limit: Option<usize>,
    pub(crate) attribute_keys: Option<Vec<Key>>,
}

impl FileViews {
    /// Adds the views, and one for what none of them matches.
    pub(crate) fn add_to(
        &self,
        mut provider: MeterProviderBuilder,
        histograms: HistogramAggregation,
    ) -> MeterProviderBuilder {
        for index in 0..self.0.views.len() {
            let views = Arc::clone(&self.0);
            provider = provider.with_view(move |instrument: &Instrument| {
                let view = views.views.get(index).filter(|view| view.matches(instrument))?;
                views
                    .is_enabled(instrument)
                    .then(|| views.stream(&view.stream, instrument, histograms))?
            });
        }
        let views = Arc::clone(&self.0);
        provider.with_view(move |instrument: &Instrument| views.otherwise(instrument, histograms))
    }
}

impl Views {
    fn is_enabled(&self, instrument: &Instrument) -> bool {
        let name = instrument.scope().name();
        let found = self.meters.iter().find(|(pattern, _)| pattern.matches(name));
        found.map_or(!self.is_disabled, |(_, is_enabled)| *is_enabled)
    }

    /// The stream of an instrument that no view matches; `None` is the SDK's own.
    fn otherwise(
        &self,
        instrument: &Instrument,
        histograms: HistogramAggregation,
    ) -> Option<Stream> {
        if !self.is_enabled(instrument) {
            return Stream::builder().with_aggregation(Aggregation::Drop).build().ok();
        }
        if self.views.iter().any(|view| view.matches(instrument)) {
            return None;
        }
        let is_exponential = default_aggregation(instrument, histograms).is_some();
        if !is_exponential && self.cardinality_of(instrument).is_none() {
            return None;
        }
        self.stream(&StreamSettings::default(), instrument, histograms)
    }

    fn cardinality_of(&self, instrument: &Instrument) -> Option<usize> {
        let found = self.cardinality.iter().find(|(kind, _)| *kind == instrument.kind());
        found.map(|(_, limit)| *limit)
    }

    fn stream(
        &self,
        settings: &StreamSettings,
        instrument: &Instrument,
        histograms: HistogramAggregation,
    ) -> Option<Stream> {
        let StreamSettings { name, description, aggregation, cardinality_limit, .. } =
            settings.clone();
        let mut stream = Stream::builder();
        if let Some(name) = name {
            stream = stream.with_name(name);
        }
        if let Some(description) = description {
            stream = stream.with_description(description);
        }
        if let Some(aggregation) =
            aggregation.or_else(|| default_aggregation(instrument, histograms))
        {
            stream = stream.with_aggregation(aggregation);
        }
        if let Some(limit) = cardinality_limit.or_else(|| self.cardinality_of(instrument)) {
            stream = stream.with_cardinality_limit(limit);
        }
        #[cfg(feature = "config-file")]
        if let Some(keys) = settings.attribute_keys.clone() {
            stream = stream.with_allowed_attribute_keys(keys);
        }
        stream.build().ok()
    }
}

impl View {
    fn matches(&self, instrument: &Instrument) -> bool {
        let scope = instrument.scope();
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        self.instrument_name.as_ref().is_none_or(|name| name.matches(instrument.name()))
            && self.instrument_kind.is_none_or(|kind| kind == instrument.kind())
            && is(&self.unit, Some(instrument.unit()))
            && is(&self.meter_name, Some(scope.name()))
            && is(&self.meter_version, scope.version())
            && is(&self.meter_schema_url, scope.schema_url())
    }
}

impl fmt::Debug for FileViews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileViews").field("views", &self.0.views.len()).finish_non_exhaustive()
    }
}

/// How instruments of this kind are aggregated, if not as the SDK does it.
pub(crate) fn default_aggregation(
    instrument: &Instrument,
    histograms: HistogramAggregation,
) -> Option<Aggregation> {
    const EXPONENTIAL: Aggregation = Aggregation::Base2ExponentialHistogram {
        max_size: 160,
        max_scale: 20,
        record_min_max: true,
    };
    let is_exponential = histograms == HistogramAggregation::Base2Exponential
        && instrument.kind() == InstrumentKind::Histogram;
    is_exponential.then_some(EXPONENTIAL)
}
