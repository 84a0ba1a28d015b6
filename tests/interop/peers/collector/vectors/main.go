// Reads thresholds and random numbers with the Collector's own package.
//
// Each line of standard input is JSON: a probability and a precision, or the value of `ot`. Each line of
// standard output says what they are read as; a field that is missing is none.
package main

import (
	"bufio"
	"encoding/json"
	"log"
	"os"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
)

type question struct {
	Probability float64 `json:"probability"`
	Precision   int     `json:"precision"`
	Ot          *string `json:"ot"`
}

type answer struct {
	Th    string  `json:"th"`
	Rv    string  `json:"rv"`
	Count float64 `json:"count"`
	Kept  bool    `json:"kept"`
}

func (q question) answer() answer {
	if q.Ot == nil {
		th, err := sampling.ProbabilityToThresholdWithPrecision(q.Probability, q.Precision)
		if err != nil {
			return answer{}
		}
		return answer{Th: th.TValue(), Count: th.AdjustedCount()}
	}
	// An error is one field that cannot be read; the others are there.
	state, _ := sampling.NewOpenTelemetryTraceState(*q.Ot)
	found := answer{Rv: state.RValue(), Count: state.AdjustedCount()}
	th, hasTh := state.TValueThreshold()
	if hasTh {
		found.Th = th.TValue()
	}
	if rnd, hasRv := state.RValueRandomness(); hasTh && hasRv {
		found.Kept = th.ShouldSample(rnd)
	}
	return found
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var q question
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			log.Fatal(err)
		}
		if err := encoder.Encode(q.answer()); err != nil {
			log.Fatal(err)
		}
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
}
