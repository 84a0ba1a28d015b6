"""The program of OpenTelemetry's first steps in Python: a dice with a span and a counter of its own.

Run it with opentelemetry-instrument. It rolls at /rolldice, which a service in front may call, and
/game lets the one at `to` roll first.
"""

import logging
import os
import random
import signal
import sys

import requests
from flask import Flask, request
from opentelemetry import metrics, trace

tracer = trace.get_tracer("dice.tracer")
rolls = metrics.get_meter("dice.meter").create_counter(
    "dice.rolls", description="How often each value was rolled"
)
logger = logging.getLogger(__name__)
app = Flask(__name__)


@app.get("/rolldice")
def roll_dice():
    player = request.args.get("player")
    value = roll()
    logger.warning("%s rolled %d", player or "somebody", value)
    return str(value)


@app.get("/game")
def game():
    theirs = requests.get(request.args["to"], timeout=10)
    return f"{theirs.text} and {roll()}"


def roll() -> int:
    with tracer.start_as_current_span("roll") as span:
        value = random.randint(1, 6)
        span.set_attribute("roll.value", value)
        rolls.add(1, {"roll.value": value})
        return value


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    app.run("127.0.0.1", int(os.environ["PORT"]))
