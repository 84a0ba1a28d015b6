// The part of the Datadog Agent that receives OTLP, samples and counts, from its own module. What the Agent would
// send to Datadog is sent to itself, decoded, and answered at /seen as JSON.
//
// Usage: program HTTP_PORT GRPC_PORT
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	compression "github.com/DataDog/datadog-agent/comp/trace/compression/impl-gzip"
	"github.com/DataDog/datadog-agent/pkg/opentelemetry-mapping-go/otlp/attributes"
	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/DataDog/datadog-agent/pkg/trace/agent"
	"github.com/DataDog/datadog-agent/pkg/trace/config"
	"github.com/DataDog/datadog-agent/pkg/trace/telemetry"
	"github.com/DataDog/datadog-go/v5/statsd"
	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/pb/sketchpb"
	"github.com/tinylib/msgp/msgp"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/protobuf/proto"
)

// span is what the Agent keeps of a span, and the priority of its trace.
type span struct {
	Service, Name, Resource, Type string
	TraceID, SpanID, ParentID     string
	Error                         int32
	Meta                          map[string]string
	Metrics                       map[string]float64
	Priority                      int32
	Env                           string
}

// group is what the Agent counts: all requests of one kind. Each hit has a latency.
type group struct {
	Service, Name, Resource, Type, Env string
	StatusCode                         uint32
	Hits, Errors, TopLevelHits         uint64
	Latencies                          float64
}

type seen struct {
	sync.Mutex
	Spans  []span
	Groups []group
}

func main() {
	httpPort, grpcPort := os.Args[1], os.Args[2]
	listener, err := net.Listen("tcp", "127.0.0.1:"+httpPort)
	check(err)
	here := "http://" + listener.Addr().String()

	conf := config.New()
	conf.Hostname, conf.DefaultEnv = "interop", "none"
	conf.Endpoints = []*config.Endpoint{{Host: here, APIKey: "none"}}
	conf.ReceiverEnabled = false
	conf.DebugServerPort = 0
	conf.RemoteConfigClient = nil
	conf.BucketInterval = time.Second
	conf.TraceWriter.FlushPeriodSeconds = 0.2
	conf.OTLPReceiver.BindHost = "127.0.0.1"
	conf.OTLPReceiver.GRPCPort, err = strconv.Atoi(grpcPort)
	check(err)
	conf.OTLPReceiver.AttributesTranslator, err = attributes.NewTranslator(componenttest.NewNopTelemetrySettings())
	check(err)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	agnt := agent.NewAgent(ctx, conf, telemetry.NewNoopCollector(), &statsd.NoOpClient{}, compression.NewComponent())
	go agnt.Run()

	found := &seen{Spans: []span{}, Groups: []group{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v0.2/traces", found.traces)
	mux.HandleFunc("/api/v0.2/stats", found.stats)
	mux.HandleFunc("/seen", func(w http.ResponseWriter, _ *http.Request) {
		found.Lock()
		defer found.Unlock()
		w.Header().Set("content-type", "application/json")
		check(json.NewEncoder(w).Encode(found))
	})
	// The core Agent takes OTLP over HTTP and hands it on to the receiver as it is.
	mux.HandleFunc("/v1/traces", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		check(err)
		request := ptraceotlp.NewExportRequest()
		if err := request.UnmarshalProto(body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, err = agnt.OTLPReceiver.Export(r.Context(), request)
		check(err)
		w.Header().Set("content-type", "application/x-protobuf")
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	fmt.Printf("listening on %s\n", here)
	check(http.Serve(listener, mux))
}

func (s *seen) traces(w http.ResponseWriter, r *http.Request) {
	var payload pb.AgentPayload
	check(proto.Unmarshal(plain(r), &payload))
	s.Lock()
	defer s.Unlock()
	for _, tracer := range payload.TracerPayloads {
		for _, chunk := range tracer.Chunks {
			for _, one := range chunk.Spans {
				s.Spans = append(s.Spans, span{
					Service: one.Service, Name: one.Name, Resource: one.Resource, Type: one.Type,
					TraceID:  strconv.FormatUint(one.TraceID, 10),
					SpanID:   strconv.FormatUint(one.SpanID, 10),
					ParentID: strconv.FormatUint(one.ParentID, 10),
					Error:    one.Error, Meta: one.Meta, Metrics: one.Metrics,
					Priority: chunk.Priority, Env: tracer.Env,
				})
			}
		}
	}
	w.WriteHeader(http.StatusOK)
}

func (s *seen) stats(w http.ResponseWriter, r *http.Request) {
	var payload pb.StatsPayload
	check(msgp.Decode(bytes.NewReader(plain(r)), &payload))
	s.Lock()
	defer s.Unlock()
	for _, client := range payload.Stats {
		for _, bucket := range client.Stats {
			for _, one := range bucket.Stats {
				s.Groups = append(s.Groups, group{
					Service: one.Service, Name: one.Name, Resource: one.Resource, Type: one.Type,
					Env: client.Env, StatusCode: one.HTTPStatusCode,
					Hits: one.Hits, Errors: one.Errors, TopLevelHits: one.TopLevelHits,
					Latencies: latencies(one.OkSummary) + latencies(one.ErrorSummary),
				})
			}
		}
	}
	w.WriteHeader(http.StatusOK)
}

// latencies is the number of durations in a sketch.
func latencies(summary []byte) float64 {
	var message sketchpb.DDSketch
	check(proto.Unmarshal(summary, &message))
	sketch, err := ddsketch.FromProto(&message)
	check(err)
	return sketch.GetCount()
}

func plain(r *http.Request) []byte {
	body, err := io.ReadAll(r.Body)
	check(err)
	if r.Header.Get("content-encoding") == "gzip" {
		reader, err := gzip.NewReader(bytes.NewReader(body))
		check(err)
		body, err = io.ReadAll(reader)
		check(err)
	}
	return body
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
