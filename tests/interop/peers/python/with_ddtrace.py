"""Datadog's tracer: run it with ddtrace-run, DD_* says the rest."""

from ddtrace.trace import tracer
from flask import Flask

from service import Seen, serve


class Datadog:
    def seen(self) -> Seen:
        span = tracer.current_root_span()
        if span.context.sampling_priority is None:
            tracer.sample(span)  # which it puts off until it must
        return Seen(
            trace_id=f"{span.trace_id:032x}",
            span_id=f"{span.span_id:016x}",
            sampled=span.context.sampling_priority > 0,
            baggage=span.context.get_all_baggage_items(),
        )

    def put(self, key: str, value: str) -> None:
        tracer.current_root_span().context.set_baggage_item(key, value)

    def flush(self) -> None:
        tracer.flush()


if __name__ == "__main__":
    serve(Datadog(), Flask(__name__))
