package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// tracing is whether and where traces are sent, by the variables that OpenTelemetry has for it. The rest of its variables, such as
// those for headers, certificates and sampling, its library reads by itself.
type tracing struct {
	Traces   string `name:"traces" env:"OTEL_TRACES_EXPORTER" placeholder:"otlp" help:"Send traces: otlp or none (default: otlp where there is an endpoint)."`
	Endpoint string `name:"otlp-endpoint" env:"OTEL_EXPORTER_OTLP_ENDPOINT" placeholder:"URL" help:"OpenTelemetry collector, such as http://localhost:4318 (default: no traces)."`
	// TracesEndpoint is for traces alone.
	TracesEndpoint string `name:"otlp-traces-endpoint" env:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" hidden:""`
	Protocol       string `name:"otlp-protocol" env:"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL,OTEL_EXPORTER_OTLP_PROTOCOL" hidden:""`
	Disabled       bool   `name:"otel-disabled" env:"OTEL_SDK_DISABLED" hidden:""`
}

// endpoint is the address that traces are posted to, "" where none are sent, or an error that names the variable at fault.
func (c tracing) endpoint() (string, error) {
	switch c.Traces {
	case "", "otlp", "none":
	default:
		return "", fmt.Errorf("OTEL_TRACES_EXPORTER is %q; use otlp or none", c.Traces)
	}
	switch c.Protocol {
	case "", "http/protobuf", "http/json":
	default:
		return "", fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is %q; use http/protobuf, which every collector takes, at its port 4318", c.Protocol)
	}
	name, address := "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", c.TracesEndpoint
	if address == "" && c.Endpoint != "" {
		name, address = "OTEL_EXPORTER_OTLP_ENDPOINT", strings.TrimSuffix(c.Endpoint, "/")+"/v1/traces"
	}
	if c.Disabled || c.Traces == "none" || c.Traces == "" && address == "" {
		return "", nil
	}
	if address == "" {
		address = "http://localhost:4318/v1/traces"
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("%s cannot be read; use an address such as http://localhost:4318", name)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("%s leads to %q; use an address such as http://localhost:4318", name, u.Redacted())
	}
	return address, nil
}

// flushWithin is how long the last traces may take to leave.
const flushWithin = 5 * time.Second

// tracer is what traces are made with, nil where none are sent; stop sends what is left.
func (c tracing) tracer(ctx context.Context) (tracer trace.Tracer, stop func(), err error) {
	address, err := c.endpoint()
	if err != nil || address == "" {
		return nil, func() {}, err
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(address))
	if err != nil {
		return nil, nil, fmt.Errorf("send traces: %w", err)
	}
	this := thisBuild()
	// What the environment says of the service wins.
	about, err := resource.Merge(resource.NewSchemaless(attribute.String("service.name", "ates"), attribute.String("service.version", this.String())), resource.Environment())
	if err != nil {
		return nil, nil, fmt.Errorf("say whose traces they are: %w", err)
	}
	otel.SetErrorHandler(&tracingFaults{})
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	return provider.Tracer("ates"), func() {
		flushing, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushWithin)
		defer cancel()
		if err := provider.Shutdown(flushing); err != nil {
			slog.WarnContext(ctx, "the last traces were not sent", "error", err)
		}
	}, nil
}

// tracingFaults logs that traces do not get away, once a minute: they are sent every few seconds, and their loss harms nobody.
type tracingFaults struct{ logged atomic.Int64 }

// Handle is told of each fault.
func (f *tracingFaults) Handle(err error) {
	last, now := f.logged.Load(), time.Now()
	if now.Sub(time.Unix(last, 0)) >= time.Minute && f.logged.CompareAndSwap(last, now.Unix()) {
		slog.Warn("traces are lost", "error", err)
	}
}
