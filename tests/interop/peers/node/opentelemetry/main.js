// OpenTelemetry, with what the OTEL_* variables say about endpoint, sampler, service and formats.

'use strict'

const { context, propagation, trace, TraceFlags } = require('@opentelemetry/api')
const { getPropagator } = require('@opentelemetry/auto-configuration-propagators')
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto')
const { registerInstrumentations } = require('@opentelemetry/instrumentation')
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http')
const { detectResources, envDetector } = require('@opentelemetry/resources')
const { BatchSpanProcessor, NodeTracerProvider } = require('@opentelemetry/sdk-trace-node')

const provider = new NodeTracerProvider({
  resource: detectResources({ detectors: [envDetector] }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
})
provider.register({ propagator: getPropagator() })
registerInstrumentations({ instrumentations: [new HttpInstrumentation()] })

// Last, so that `http` is instrumented when it is loaded.
const { serve } = require('../service')

serve({
  current() {
    const { traceId, spanId, traceFlags } = trace.getActiveSpan().spanContext()
    const entries = propagation.getActiveBaggage()?.getAllEntries() ?? []
    return {
      trace_id: traceId,
      span_id: spanId,
      sampled: (traceFlags & TraceFlags.SAMPLED) !== 0,
      baggage: Object.fromEntries(entries.map(([key, { value }]) => [key, value])),
    }
  },
  withBaggage(key, value, call) {
    const baggage = propagation.getActiveBaggage() ?? propagation.createBaggage()
    context.with(propagation.setBaggage(context.active(), baggage.setEntry(key, { value })), call)
  },
  stop: () => provider.shutdown(),
})
