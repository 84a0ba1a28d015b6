//! Log records of traces.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogProcessor, SdkLogRecord};
use tracewire_export::wiring::{encode_log_record, encode_scope};
use tracewire_live::{Recorder, TraceId};

use super::queue::{Item, Queue};

/// A record in OTLP's encoding, as the SDK's own form can be read but not kept.
pub(super) struct Log {
    pub(super) trace_id: TraceId,
    pub(super) scope: Vec<u8>,
    pub(super) record: Vec<u8>,
}

/// Takes records that were made inside of a sampled span; others have no place on the page.
pub(super) struct LiveLogs {
    queue: Arc<Queue>,
    recorder: Recorder,
}

impl LiveLogs {
    pub(super) fn new(queue: &Arc<Queue>, recorder: &Recorder) -> Self {
        Self { queue: Arc::clone(queue), recorder: recorder.clone() }
    }
}

impl fmt::Debug for LiveLogs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveLogs").finish_non_exhaustive()
    }
}

impl LogProcessor for LiveLogs {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        let Some(context) = record.trace_context() else { return };
        if !context.trace_flags.is_some_and(|flags| flags.is_sampled()) {
            return;
        }
        let log = Log {
            trace_id: context.trace_id.to_bytes(),
            scope: encode_scope(scope, record.target().map(|target| &**target)),
            record: encode_log_record(record),
        };
        let bytes = size_of::<Log>() + log.scope.capacity() + log.record.capacity();
        // The record joins the spans that the store has.
        if let Some(held) = self.recorder.held(log.trace_id) {
            self.queue.push_spans(&self.recorder, held);
        }
        if self.queue.push(Item::Log(Box::new(log)), bytes).is_err() {
            self.recorder.missed(1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.queue.flush(Instant::now() + Duration::from_secs(1), false);
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        // Spans may still come; their shutdown ends the queue.
        Ok(())
    }
}
