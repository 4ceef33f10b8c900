package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/views"
)

// DashboardPrefix is where River's dashboard is.
const DashboardPrefix = "/ops/jobs"

// jobs hands over to River's dashboard, which has neither roles nor a trail of its own: who acts on a job is logged here.
func (h *Handlers) jobs(w http.ResponseWriter, r *http.Request, p page) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		slog.InfoContext(r.Context(), "an admin acted on jobs", "admin", p.Person.Login, "method", r.Method, "path", r.URL.Path)
	}
	if err := readDashboard(r); err != nil {
		return err
	}
	w.Header().Set("Content-Security-Policy", dashboardPolicy)
	h.Dashboard.ServeHTTP(w, r)
	return nil
}

// readDashboard refuses what the dashboard would hand on to Postgres and to River and report as a fault of the program: what is no
// text, and lists without rows.
func readDashboard(r *http.Request) error {
	query := r.URL.Query()
	asked := []string{r.URL.Path}
	for _, values := range query {
		asked = append(asked, values...)
	}
	isText := func(s string) bool { return typed(s) == s }
	if n, err := strconv.Atoi(query.Get("limit")); err == nil && n < 1 || !isText(strings.Join(asked, "")) {
		return &domain.Refusal{Kind: domain.Invalid, Code: "jobs.address", Message: "The dashboard cannot read this address. Open it from the menu again."}
	}
	return nil
}

// failedJobsShown is how many failed jobs the page lists.
const failedJobsShown = 20

// operations shows the admin how the program is doing.
func (h *Handlers) operations(w http.ResponseWriter, r *http.Request, p page) error {
	ctx := r.Context()
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	data := views.OperationsData{Key: p.Key, Streams: h.hub.open()}
	for _, read := range []func(context.Context, *views.OperationsData) error{h.readQueues, h.readDays, h.readProof} {
		if err := read(ctx, &data); err != nil {
			return err
		}
	}
	return h.show(w, r, http.StatusOK, views.Operations(p.Page, data))
}

// readQueues looks at the jobs.
func (h *Handlers) readQueues(ctx context.Context, data *views.OperationsData) error {
	queues, err := h.Operations.QueueStates(ctx)
	if err != nil {
		return err
	}
	for _, q := range queues {
		data.Queues = append(data.Queues, views.QueueRow(q))
	}
	oldest, err := h.Operations.OldestJob(ctx)
	if err != nil {
		return err
	}
	for _, job := range oldest {
		data.Oldest = &views.OldestEvent{Kind: job.Kind, Age: job.Age, Flow: "/ops/events/" + job.Flow.String()}
	}
	failed, err := h.Operations.FailedJobs(ctx, failedJobsShown)
	if err != nil {
		return err
	}
	for _, job := range failed {
		shown := views.FailedJob{
			ID: job.ID, Kind: job.Kind, Queue: job.Queue, Attempt: job.Attempt, MaxAttempts: job.MaxAttempts, Dead: job.State == "discarded", Unknown: job.State == "available" || job.State == "scheduled",
			Next: max(0, job.Next), Error: reason(job.Error), Job: dashboardJob(job.ID),
		}
		if job.Flow != uuid.Nil {
			shown.Flow = "/ops/events/" + job.Flow.String()
		}
		data.Failed = append(data.Failed, shown)
	}
	return nil
}

// readDays looks at the business days, and at the mails about them.
func (h *Handlers) readDays(ctx context.Context, data *views.OperationsData) error {
	switch closed, err := h.queries.LastClosedDay(ctx); {
	case err == nil:
		data.ClosedDay, data.ClosedAt = h.Books.Begins(closed.Day), closed.ClosedAt
	case !errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("find the last closed day: %w", err)
	}
	switch next, err := h.queries.OldestDayNotClosed(ctx); {
	case err == nil:
		data.NextDay, data.NextEnds, data.Closing = h.Books.Begins(next.Day), next.Ends, next.Status == "closing"
	case !errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("find the next day to close: %w", err)
	}
	var err error
	data.Mails, err = h.countMails(ctx)
	return err
}

// readProof looks up when the books were verified last, and how large they are.
func (h *Handlers) readProof(ctx context.Context, data *views.OperationsData) (err error) {
	switch found, err := h.queries.LastVerification(ctx); {
	case err == nil:
		data.VerifiedAt, data.Sound = found.At, found.Sound
		if err := json.Unmarshal(found.Checks, &data.Checks); err != nil {
			return fmt.Errorf("read the last verification: %w", err)
		}
	case !errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("find the last verification: %w", err)
	}
	if data.DatabaseSize, err = h.queries.DatabaseSize(ctx); err != nil {
		return fmt.Errorf("measure the database: %w", err)
	}
	return nil
}

// verifyNow has the books verified at once.
func (h *Handlers) verifyNow(w http.ResponseWriter, r *http.Request, p page) error {
	if err := readForm(r); err != nil {
		return err
	}
	if err := h.Operations.VerifySoon(r.Context()); err != nil {
		return err
	}
	slog.InfoContext(r.Context(), "an admin had the books verified", "admin", p.Person.Login)
	return h.flashAndGo(w, r, "/ops", views.Flash{Kind: views.FlashDone, Text: views.T(r.Context(), "ops.verifying")})
}

// nothingHere answers for addresses that are none of ours, and for those that are but take no requests of this method.
func (h *Handlers) nothingHere(app *http.ServeMux) http.Handler {
	return h.public(func(w http.ResponseWriter, r *http.Request) error {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			other := r.Clone(r.Context())
			other.Method = method
			if _, pattern := app.Handler(other); pattern != "/" {
				w.Header().Add("Allow", method)
			}
		}
		if w.Header().Get("Allow") != "" {
			h.showError(w, r, views.ErrorData{Status: http.StatusMethodNotAllowed, RequestID: domain.RequestID(r.Context())})
			return nil
		}
		return &domain.Refusal{Kind: domain.NotFound, Code: "page.unknown", Message: "There is no such page."}
	})
}

// showError shows the page for what could not be done, in the frame of whoever is signed in, if that can still be found out.
func (h *Handlers) showError(w http.ResponseWriter, r *http.Request, data views.ErrorData) {
	p := h.frame(r, nil)
	if data.Status < http.StatusInternalServerError {
		p = h.frameOf(r)
	}
	w.Header().Set("Cache-Control", "no-store")
	if err := h.show(w, r, data.Status, views.Refused(p, data)); err != nil {
		h.logFault(r, fmt.Errorf("show an error: %w", err))
	}
}

// frameOf is the frame of whoever is signed in, or of nobody where that cannot be told.
func (h *Handlers) frameOf(r *http.Request) views.Page {
	person, ok, err := h.alive(r)
	if err != nil || !ok {
		return h.frame(r, nil)
	}
	p := h.frame(r, &person)
	p.Cursor = h.hub.at().String()
	return p
}
