"""The service that every tracer of Python is tried on: Flask in front, requests behind."""

import os
import signal
import sys
from dataclasses import asdict, dataclass, field
from typing import Protocol

import requests
from flask import Flask, jsonify, request


@dataclass
class Seen:
    """What a tracer makes of the request at hand."""

    trace_id: str
    span_id: str
    sampled: bool
    baggage: dict[str, str] = field(default_factory=dict)


class Tracer(Protocol):
    """What the service has to ask its tracer for."""

    def seen(self) -> Seen: ...

    def put(self, key: str, value: str) -> None:
        """Puts an entry into the baggage of the request at hand."""

    def flush(self) -> None:
        """Sends what has not been sent yet."""


def serve(tracer: Tracer, app: Flask) -> None:
    """Listens on PORT until SIGTERM."""

    @app.get("/relay")
    def relay():
        if entry := request.args.get("baggage"):
            tracer.put(*entry.split("=", 1))
        answer = requests.get(request.args["to"], timeout=10)
        return answer.content, answer.status_code

    @app.get("/seen")
    def seen():
        headers = {name.lower(): value for name, value in request.headers.items()}
        return jsonify(headers=headers, **asdict(tracer.seen()))

    def stop(*_):
        tracer.flush()
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    app.run("127.0.0.1", int(os.environ["PORT"]))
