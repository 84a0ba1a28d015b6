// A small service traced by OpenTelemetry's instrumentation of net/http: `/relay?to=URL` and `/seen`.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/contrib/propagators/autoprop"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()

	// Endpoint, sampler, resource and formats are what the OTEL_* variables say.
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return err
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter))
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(autoprop.NewTextMapPropagator())

	routes := http.NewServeMux()
	routes.HandleFunc("GET /relay", relay)
	routes.HandleFunc("GET /seen", seen)
	server := &http.Server{
		Addr:    "127.0.0.1:" + os.Getenv("PORT"),
		Handler: otelhttp.NewHandler(routes, "server"),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	return errors.Join(server.Shutdown(context.Background()), provider.Shutdown(context.Background()))
}

var client = http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport)}

func relay(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if entry := r.FormValue("baggage"); entry != "" {
		key, value, _ := strings.Cut(entry, "=")
		member, err := baggage.NewMemberRaw(key, value)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		entries, err := baggage.FromContext(ctx).SetMember(member)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		ctx = baggage.ContextWithBaggage(ctx, entries)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.FormValue("to"), nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	response, err := client.Do(request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer response.Body.Close()
	w.WriteHeader(response.StatusCode)
	if _, err := io.Copy(w, response.Body); err != nil {
		log.Print(err)
	}
}

func seen(w http.ResponseWriter, r *http.Request) {
	headers := map[string]string{}
	for name, values := range r.Header {
		headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	entries := map[string]string{}
	for _, member := range baggage.FromContext(r.Context()).Members() {
		entries[member.Key()] = member.Value()
	}
	span := oteltrace.SpanContextFromContext(r.Context())
	w.Header().Set("content-type", "application/json")
	err := json.NewEncoder(w).Encode(map[string]any{
		"headers":  headers,
		"trace_id": span.TraceID().String(),
		"span_id":  span.SpanID().String(),
		"sampled":  span.IsSampled(),
		"baggage":  entries,
	})
	if err != nil {
		log.Print(err)
	}
}
