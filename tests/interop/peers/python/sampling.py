"""Decides about spans with OpenTelemetry's composable samplers.

Usage: sampling.py QUESTIONS ANSWERS. Each line of QUESTIONS is JSON: the probability, the trace id,
the value of `ot`, and whether the parent was sampled (null for a root). Each line of ANSWERS says
whether the span is kept, and its `th`.
"""

import json
import sys

from opentelemetry import trace
from opentelemetry.sdk.trace import _sampling_experimental as samplers
from opentelemetry.sdk.trace.sampling import Decision


def parent_of(trace_id, ot, sampled):
    state = trace.TraceState([("ot", ot)]) if ot else trace.TraceState()
    if sampled is None:
        return None, state
    flags = trace.TraceFlags(1 if sampled else 0)
    context = trace.SpanContext(trace_id, 1, True, flags, state)
    return trace.set_span_in_context(trace.NonRecordingSpan(context)), state


def answer(question):
    trace_id = int(question["trace_id"], 16)
    sampler = samplers.composable_traceid_ratio_based(question["probability"])
    if question["follow"]:
        sampler = samplers.composable_parent_threshold(sampler)
    context, state = parent_of(trace_id, question["ot"], question["sampled"])
    result = samplers.composite_sampler(sampler).should_sample(
        context, trace_id, "span", trace_state=state
    )
    kept = result.decision is Decision.RECORD_AND_SAMPLE
    ot = (result.trace_state or {}).get("ot", "") or ""
    found = [part[3:] for part in ot.split(";") if part.startswith("th:")]
    # A dropped span has no threshold; Python may leave the parent's in its trace state.
    return {"kept": kept, "th": found[0] if kept and found else None}


with open(sys.argv[1]) as questions, open(sys.argv[2], "w") as answers:
    for line in questions:
        print(json.dumps(answer(json.loads(line))), file=answers)
