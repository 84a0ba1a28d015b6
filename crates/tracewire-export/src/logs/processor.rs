//! The processor of log records: limits, then the queue of each exporter, and the console.

use super::{Log, LogLimits, console::ConsoleLogs, otlp::OtlpLogs};
use crate::{
    console::ConsoleExporter,
    error::ExportError,
    exports::Exports,
    otlp::OtlpExporter,
    pipeline::{
        batch::Batch,
        deadline::{Deadline, after, margin},
        deliver::HeapSize,
        queue::{Queue, flush_all, shutdown_all},
    },
};
use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    logs::{LogProcessor, SdkLogRecord},
};
use std::{sync::Arc, time::Duration};

/// Exports log records in batches, to one or several exporters.
///
/// All exporters of a provider belong into one processor, for the reasons that
/// [`BatchSpanProcessor`](crate::BatchSpanProcessor) has.
///
/// ```no_run
/// use opentelemetry_sdk::logs::SdkLoggerProvider;
/// use tracewire_export::{Batch, BatchLogProcessor, Exports, OtlpExporter};
///
/// # fn main() -> Result<(), tracewire_export::ExportError> {
/// let exports = Exports::new();
/// let processor = BatchLogProcessor::new(&exports)
///     .otlp(OtlpExporter::new("http://localhost:4318/v1/logs"), Batch::logs())?;
/// let provider = SdkLoggerProvider::builder().with_log_processor(processor).build();
/// # drop(provider);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct BatchLogProcessor {
    exports: Exports,
    limits: LogLimits,
    queues: Vec<Queue<Arc<Log>>>,
    consoles: Vec<ConsoleLogs>,
    /// Of the exporters behind the queues.
    deadlines: Vec<Arc<Deadline>>,
}

impl BatchLogProcessor {
    /// Makes a processor without exporters, whose counts `exports` has.
    pub fn new(exports: &Exports) -> Self {
        Self {
            exports: exports.clone(),
            limits: LogLimits::default(),
            queues: Vec::new(),
            consoles: Vec::new(),
            deadlines: Vec::new(),
        }
    }

    /// Sets what a record may carry.
    pub fn limits(mut self, limits: LogLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Adds an exporter over OTLP.
    ///
    /// # Errors
    ///
    /// If a setting cannot work, or no thread can be started.
    pub fn otlp(mut self, otlp: OtlpExporter, batch: Batch) -> Result<Self, ExportError> {
        let deadline = self.exports.deadline();
        self.deadlines.push(Arc::clone(&deadline));
        let component = otlp.component("log records");
        let client = otlp.client(batch.timeout, &self.exports, deadline)?;
        let counts = self.exports.counts_for("log records", "otlp", &component);
        self.queues.push(Queue::start(batch, OtlpLogs::new(client), counts)?);
        Ok(self)
    }

    /// Shows log records on the console.
    pub fn console(mut self, console: &ConsoleExporter) -> Self {
        let counts =
            self.exports.counts_for("log records", "console", &ConsoleExporter::component());
        self.consoles.push(ConsoleLogs::new(console.clone(), counts));
        self
    }

    fn consoles(&self, work: impl Fn(&ConsoleLogs) -> OTelSdkResult) -> OTelSdkResult {
        self.consoles.iter().map(work).fold(Ok(()), OTelSdkResult::and)
    }
}

impl LogProcessor for BatchLogProcessor {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        let log = Arc::new(Log::new(record, scope, self.limits));
        self.consoles.iter().for_each(|console| console.show(&log));
        if let Some((last, queues)) = self.queues.split_last() {
            let heap_size = log.heap_size();
            queues.iter().for_each(|queue| queue.push(Arc::clone(&log), heap_size));
            last.push(log, heap_size);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        flush_all(self.queues.iter(), |deadline| self.consoles(|console| console.flush(deadline)))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        let end = after(timeout) - margin(timeout);
        self.deadlines.iter().for_each(|deadline| deadline.begin(end));
        shutdown_all(self.queues.iter(), timeout, |deadline| {
            self.consoles(|console| console.shutdown(deadline))
        })
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.queues.iter().for_each(|queue| queue.set_resource(resource));
        self.consoles.iter_mut().for_each(|console| console.set_resource(resource));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::{
        counts::Counts,
        deliver::{Deliver, Encoded},
        failure::Failure,
    };
    use opentelemetry::logs::{LogRecord as _, Logger as _, LoggerProvider as _};
    use opentelemetry_sdk::logs::SdkLoggerProvider;
    use std::{
        collections::VecDeque,
        sync::{
            Mutex,
            mpsc::{Receiver, Sender, channel},
        },
    };

    /// Tells of each batch, and ends an export when its gate is open.
    #[derive(Debug)]
    struct Sink {
        sent: Sender<usize>,
        gate: Mutex<Receiver<()>>,
    }

    impl Deliver<Arc<Log>> for Sink {
        type Body = usize;

        fn encode(&self, batch: &mut VecDeque<Arc<Log>>) -> Encoded<usize> {
            Encoded { body: batch.drain(..).count(), bytes: 0 }
        }

        fn send(&self, batch: usize) -> Result<(), Failure> {
            self.sent.send(batch).unwrap();
            self.gate.lock().unwrap().recv().map_err(|_| Failure::all("closed"))
        }
    }

    #[test]
    fn all_exporters_are_shut_down_at_once() {
        let (tell, sent) = channel();
        let (mut processor, mut gates) = (BatchLogProcessor::new(&Exports::new()), Vec::new());
        for _ in 0..3 {
            let (open, gate) = channel();
            gates.push(open);
            let mut batch = Batch::logs();
            batch.delay = Duration::MAX;
            let sink = Sink { sent: tell.clone(), gate: Mutex::new(gate) };
            let counts = Arc::new(Counts::new("log records", "test"));
            processor.queues.push(Queue::start(batch, sink, counts).unwrap());
        }
        let provider = SdkLoggerProvider::builder().with_log_processor(processor).build();
        let logger = provider.logger("test");
        let mut record = logger.create_log_record();
        record.set_severity_text("INFO");
        logger.emit(record);
        std::thread::scope(|scope| {
            scope.spawn(|| provider.shutdown_with_timeout(Duration::from_secs(60)));
            // Each has its batch while none has ended.
            assert_eq!([(); 3].map(|()| sent.recv().unwrap()), [1; 3]);
            drop(gates);
        });
    }
}
