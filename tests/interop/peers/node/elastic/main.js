// Elastic's APM agent, with what the ELASTIC_APM_* variables say.

'use strict'

const apm = require('elastic-apm-node').start()
const { serve } = require('../service')

serve({
  current() {
    const ids = apm.currentTraceIds
    return {
      trace_id: ids['trace.id'],
      span_id: ids['transaction.id'],
      sampled: apm.currentTransaction.sampled,
      baggage: {}, // the agent has none
    }
  },
  withBaggage: (key, value, call) => call(),
  stop: () => apm.flush(),
})
