//! Providers that count what was recorded.

#[cfg(loom)]
use crate::server::ServerSettings;
use opentelemetry::{
    Context, KeyValue,
    metrics::{
        Histogram, HistogramBuilder, InstrumentBuilder, InstrumentProvider, Meter, MeterProvider,
        SyncInstrument, UpDownCounter,
    },
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, Span, SpanData, SpanProcessor},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// What was recorded so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorded(Arc<Mutex<Counts>>);

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    /// The names of the spans that ended, each with its `error.type`.
    pub(crate) spans: Vec<(String, Option<String>)>,
    /// The attributes of the durations, as `key=value`, sorted.
    pub(crate) durations: Vec<Vec<String>>,
    pub(crate) active: i64,
}

impl Recorded {
    pub(crate) fn counts(&self) -> Counts {
        self.0.lock().unwrap().clone()
    }

    /// Settings that record here.
    #[cfg(loom)]
    pub(crate) fn settings(&self) -> ServerSettings {
        let tracers = self.tracers();
        let mut settings = ServerSettings::new("models", "1");
        let common = settings.common_mut();
        common.tracer_provider = Some(Arc::new(tracers));
        common.meter_provider = Some(Arc::new(self.clone()));
        common.active_requests = true;
        settings
    }

    /// A provider whose spans are recorded here.
    pub(crate) fn tracers(&self) -> SdkTracerProvider {
        SdkTracerProvider::builder().with_span_processor(self.clone()).build()
    }
}

impl SpanProcessor for Recorded {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        let error = span.attributes.iter().find(|own| own.key.as_str() == "error.type");
        let error = error.map(|error| error.value.to_string());
        self.0.lock().unwrap().spans.push((span.name.into_owned(), error));
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl MeterProvider for Recorded {
    fn meter_with_scope(&self, _scope: opentelemetry::InstrumentationScope) -> Meter {
        Meter::new(Arc::new(self.clone()))
    }
}

impl InstrumentProvider for Recorded {
    fn f64_histogram(&self, _builder: HistogramBuilder<'_, Histogram<f64>>) -> Histogram<f64> {
        Histogram::new(Arc::new(self.clone()))
    }

    fn i64_up_down_counter(
        &self,
        _builder: InstrumentBuilder<'_, UpDownCounter<i64>>,
    ) -> UpDownCounter<i64> {
        UpDownCounter::new(Arc::new(self.clone()))
    }
}

impl SyncInstrument<f64> for Recorded {
    fn measure(&self, _seconds: f64, attributes: &[KeyValue]) {
        let mut shown: Vec<_> =
            attributes.iter().map(|own| format!("{}={}", own.key, own.value)).collect();
        shown.sort();
        self.0.lock().unwrap().durations.push(shown);
    }
}

impl SyncInstrument<i64> for Recorded {
    fn measure(&self, change: i64, _attributes: &[KeyValue]) {
        self.0.lock().unwrap().active += change;
    }
}
