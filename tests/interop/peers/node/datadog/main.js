// Datadog's tracer, with what the DD_* variables say.

'use strict'

const tracer = require('dd-trace').init()
// HTTP alone: no spans of the socket and the name below it.
tracer.use('dns', false)
tracer.use('net', false)
const { serve } = require('../service')

serve({
  current() {
    const context = tracer.scope().active().context()
    const [, trace_id, span_id, flags] = context.toTraceparent().split('-')
    return { trace_id, span_id, sampled: flags === '01', baggage: tracer.getAllBaggageItems() }
  },
  withBaggage(key, value, call) {
    tracer.setBaggageItem(key, value)
    call()
  },
  stop() {}, // the tracer sends what it holds before the process ends
})
