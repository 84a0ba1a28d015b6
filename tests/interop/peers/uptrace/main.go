// Uptrace's own client for Go, which sends one span, measurement and log record to a DSN, or says where it would send.
//
// Usage: program send DSN, or program addresses DSN...
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/uptrace/uptrace-go/uptrace"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/log/global"
)

type addresses struct {
	HTTP, GRPC string
}

func main() {
	if os.Args[1] == "send" {
		send(os.Args[2])
		return
	}
	var all []addresses
	for _, text := range os.Args[2:] {
		dsn, err := uptrace.ParseDSN(text)
		check(err)
		all = append(all, addresses{
			HTTP: dsn.Scheme + "://" + dsn.OTLPHttpEndpoint(),
			GRPC: dsn.Scheme + "://" + dsn.OTLPGrpcEndpoint(),
		})
	}
	check(json.NewEncoder(os.Stdout).Encode(all))
}

func send(dsn string) {
	uptrace.ConfigureOpentelemetry(
		uptrace.WithDSN(dsn),
		uptrace.WithServiceName("shop"),
		uptrace.WithServiceVersion("1.2.3"),
		uptrace.WithDeploymentEnvironment("staging"),
	)
	ctx, span := otel.Tracer("peer").Start(context.Background(), "order")
	counter, err := otel.Meter("peer").Int64Counter("orders")
	check(err)
	counter.Add(ctx, 1)
	var record log.Record
	record.SetBody(log.StringValue("ordered"))
	global.Logger("peer").Emit(ctx, record)
	span.End()
	ending, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	check(uptrace.Shutdown(ending))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
