package main

import (
	"context"
	"io"
	"log/slog"

	"go.opentelemetry.io/otel/trace"

	"ates/domain"
)

// startLogging sends the program's log to w, one line an entry, each with the id of the request it belongs to.
func startLogging(w io.Writer) {
	slog.SetDefault(slog.New(requestHandler{slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelInfo})}))
}

// requestHandler adds what the context knows.
type requestHandler struct{ slog.Handler }

// Handle adds the id of the request, which jobs that the request caused carry on as theirs, and the trace, where somebody traces.
func (h requestHandler) Handle(ctx context.Context, record slog.Record) error {
	if id := domain.RequestID(ctx); id != "" {
		record.AddAttrs(slog.String("request", id))
	}
	if of := trace.SpanContextFromContext(ctx); of.IsSampled() {
		record.AddAttrs(slog.String("trace", of.TraceID().String()))
	}
	return h.Handler.Handle(ctx, record)
}

// WithAttrs keeps the wrapping.
func (h requestHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the wrapping.
func (h requestHandler) WithGroup(name string) slog.Handler {
	return requestHandler{h.Handler.WithGroup(name)}
}
