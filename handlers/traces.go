package handlers

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"ates/domain"
)

// noSpan stands where nobody traces.
var noSpan trace.Span = noop.Span{}

// traceRequest begins the span of a request. A proxy that is trusted may have begun its trace; anybody else could have theirs kept at
// will by saying so. What is asked for all the time is not traced, nor are streams, which last for hours.
func (h *Handlers) traceRequest(r *http.Request) (context.Context, trace.Span) {
	ctx := r.Context()
	if h.Tracer == nil || r.URL.Path == liveRoute || quiet.MatchString(r.URL.Path) {
		return ctx, noSpan
	}
	if fromProxy(r, h.TrustedProxies) {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	return h.Tracer.Start(ctx, methodLabel(r.Method), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", methodLabel(r.Method)), attribute.String("url.path", typed(r.URL.Path)),
		attribute.String("ates.request", domain.RequestID(ctx))))
}

// endRequest ends the span of a request, under the route that was found for it.
func endRequest(s trace.Span, r *http.Request, route string, status int) {
	if s.IsRecording() {
		s.SetName(methodLabel(r.Method) + " " + route)
		s.SetAttributes(attribute.String("http.route", route), attribute.Int("http.response.status_code", status))
		if status >= http.StatusInternalServerError {
			s.SetStatus(codes.Error, http.StatusText(status))
		}
	}
	s.End()
}

// fromProxy reports whether the other end of a connection is a trusted proxy.
func fromProxy(r *http.Request, trusted []netip.Prefix) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && slices.ContainsFunc(trusted, func(proxies netip.Prefix) bool { return proxies.Contains(peer.Addr().Unmap()) })
}

// beginTelling begins the span of telling open pages what has changed, in each of the traces that a notification names.
func beginTelling(ctx context.Context, tracer trace.Tracer, heard string) (traced []trace.Span) {
	if tracer == nil || heard == "" {
		return nil
	}
	for _, parent := range strings.Fields(heard) {
		of := propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": parent})
		if !trace.SpanContextFromContext(of).IsValid() {
			continue
		}
		_, s := tracer.Start(of, "tell pages", trace.WithSpanKind(trace.SpanKindConsumer))
		traced = append(traced, s)
	}
	return traced
}

// endTelling ends the spans with how many streams wanted to hear of what had changed.
func endTelling(traced []trace.Span, streams int, err error) {
	for _, s := range traced {
		s.SetAttributes(attribute.Int("ates.streams", streams))
		if err != nil {
			s.SetStatus(codes.Error, err.Error())
		}
		s.End()
	}
}
