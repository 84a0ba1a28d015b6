// The service that every tracer of this folder instruments: `/relay?to=URL` and `/seen`.
// A tracer's own file starts the tracer first, and says what it makes of the current request.

'use strict'

const http = require('http')

/**
 * @param {object} tracer
 * @param {() => {trace_id: string, span_id: string, sampled: boolean, baggage: object}} tracer.current
 * @param {(key: string, value: string, call: () => void) => void} tracer.withBaggage
 * @param {() => void} tracer.stop sends what is left
 */
function serve(tracer) {
  const routes = {
    '/relay': (query, request, response) => {
      const call = () => relay(query.get('to'), response)
      const [key, value] = query.get('baggage')?.split('=') ?? []
      if (key) tracer.withBaggage(key, value, call)
      else call()
    },
    '/seen': (query, request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ headers: request.headers, ...tracer.current() }))
    },
  }
  const server = http.createServer((request, response) => {
    const url = new URL(request.url, 'http://localhost')
    const route = routes[url.pathname]
    if (route) route(url.searchParams, request, response)
    else response.writeHead(404).end()
  })
  server.listen(process.env.PORT, '127.0.0.1')

  // Nothing is left to wait for then, so that the process ends by itself.
  process.once('SIGTERM', () => {
    server.close()
    server.closeAllConnections()
    tracer.stop()
  })
}

function relay(url, response) {
  const failed = (error) => {
    if (!response.headersSent) response.writeHead(502)
    response.end(String(error))
  }
  http
    .get(url, (answer) => {
      response.writeHead(answer.statusCode)
      answer.on('error', failed).pipe(response)
    })
    .on('error', failed)
}

module.exports = { serve }
