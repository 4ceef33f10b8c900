package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"ates/domain"
)

// noSpan stands where nobody traces.
var noSpan trace.Span = noop.Span{}

// span begins a span; where nobody traces it costs nothing and is none.
func span(ctx context.Context, tracer trace.Tracer, name string, kind trace.SpanKind) (context.Context, trace.Span) {
	if tracer == nil {
		return ctx, noSpan
	}
	return tracer.Start(ctx, name, trace.WithSpanKind(kind))
}

// traceCommand ends the span of a command with what became of it and with the events that it told, by name: a draw tells of as many
// tasks as there are.
func traceCommand(s trace.Span, correlation uuid.UUID, outcome string, told []domain.Envelope, err error) {
	if !s.IsRecording() {
		s.End()
		return
	}
	s.SetAttributes(attribute.String("ates.outcome", outcome), attribute.String("ates.correlation", correlation.String()))
	if outcome == commandFailed {
		s.SetStatus(codes.Error, err.Error())
	}
	times := map[string]int{}
	var names []string
	for _, e := range told {
		if times[e.Name]++; times[e.Name] == 1 {
			names = append(names, e.Name)
		}
	}
	for _, name := range names {
		s.AddEvent(name, trace.WithAttributes(attribute.Int("ates.events", times[name])))
	}
	s.End()
}

// traces carry a trace from whoever puts a job into the queue to whoever works on it, in the job's metadata. A job belongs to the trace
// of its command, since it follows within moments: what is seen of a trace is the whole flow. So does not River's own
// instrumentation, which begins a trace for each job.
type traces struct {
	river.MiddlewareDefaults
	tracer trace.Tracer
}

// InsertMany notes the trace in the metadata of the jobs.
func (t *traces) InsertMany(ctx context.Context, jobs []*rivertype.JobInsertParams, insert func(context.Context) ([]*rivertype.JobInsertResult, error)) ([]*rivertype.JobInsertResult, error) {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	if len(carrier) > 0 {
		for _, job := range jobs {
			noted, err := withTrace(job.Metadata, carrier)
			if err != nil {
				return nil, fmt.Errorf("note the trace of a job: %w", err)
			}
			job.Metadata = noted
		}
	}
	return insert(ctx)
}

// traceParent is the key of a trace in metadata, as W3C calls it.
const traceParent = "traceparent"

// withTrace adds to metadata, which are an object of JSON or nothing, unless they have a trace already.
func withTrace(metadata []byte, carrier propagation.MapCarrier) ([]byte, error) {
	all := map[string]any{}
	if len(metadata) > 0 {
		if err := json.Unmarshal(metadata, &all); err != nil {
			return nil, err
		}
	}
	if _, carried := all[traceParent]; carried {
		return metadata, nil
	}
	for key, value := range carrier {
		all[key] = value
	}
	return json.Marshal(all)
}

// Work works on a job within its trace.
func (t *traces) Work(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) error {
	ctx, s := beginJob(ctx, t.tracer, job)
	defer s.End()
	err := work(ctx)
	if err != nil && !errors.Is(err, context.Canceled) {
		s.SetStatus(codes.Error, err.Error())
	}
	return err
}

// beginJob begins the span of a job in the trace that its metadata name, or in one of its own.
func beginJob(ctx context.Context, tracer trace.Tracer, job *rivertype.JobRow) (context.Context, trace.Span) {
	var noted struct {
		Parent string `json:"traceparent"`
		State  string `json:"tracestate"`
	}
	ctx = trace.ContextWithSpanContext(ctx, trace.SpanContext{})
	if json.Unmarshal(job.Metadata, &noted) == nil && noted.Parent != "" {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{traceParent: noted.Parent, "tracestate": noted.State})
	}
	return tracer.Start(ctx, "job "+job.Kind, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		attribute.String("messaging.system", "river"), attribute.String("messaging.destination.name", job.Queue), attribute.Int64("messaging.message.id", job.ID),
		attribute.Int("ates.attempt", job.Attempt)))
}

// beginPieces begins the spans of a command that some jobs share: one in the trace of each. A job that nobody gave out begins here too.
func (b *Bus) beginPieces(ctx context.Context, name string, pieces []*piece) {
	if b.tracer == nil {
		return
	}
	for _, p := range pieces {
		if p.claimed {
			_, p.taken = beginJob(ctx, b.tracer, p.job.JobRow)
			p.in = p.taken.SpanContext()
		}
		_, p.command = b.tracer.Start(trace.ContextWithSpanContext(ctx, p.in), name, trace.WithAttributes(attribute.Int("ates.jobs", len(pieces))))
	}
}

// endPieces ends the spans of a command that some jobs shared, with what each of them told.
func endPieces(pieces []*piece, outcome string, err error) {
	for _, p := range pieces {
		if p.command == nil {
			continue
		}
		traceCommand(p.command, p.correlation(), outcome, p.told, err)
		if p.taken != nil {
			if err != nil {
				p.taken.SetStatus(codes.Error, err.Error())
			}
			p.taken.End()
		}
	}
}

// batchOf is the batch of what a run tells in a transaction that it shares: one of its own where somebody traces it, since its jobs then
// belong to its trace and to no other, and else that of all.
func batchOf(in trace.Span, own, shared uuid.UUID) uuid.UUID {
	if in != nil && in.SpanContext().IsSampled() {
		return own
	}
	return shared
}

// carryTrace notes in jobs to which trace they belong: that of a span, whatever else shares the transaction that puts them into their queues.
func carryTrace(of trace.Span, jobs []river.InsertManyParams) error {
	if of == nil || !of.SpanContext().IsValid() || len(jobs) == 0 {
		return nil
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpan(context.Background(), of), carrier)
	noted, err := withTrace(nil, carrier)
	if err != nil {
		return fmt.Errorf("note the trace of a job: %w", err)
	}
	for _, job := range jobs {
		job.InsertOpts.Metadata = noted
	}
	return nil
}

// spansOf are the spans of some jobs; none where nobody traces.
func spansOf(pieces []*piece) []trace.SpanContext {
	var all []trace.SpanContext
	for _, p := range pieces {
		if p.command != nil {
			all = append(all, p.in)
		}
	}
	return all
}
