package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/domain/accounting"
	"ates/sql/dbsqlc"
	"ates/views"
)

// rowsOfExport is how many rows of the ledger are read at once for a file.
const rowsOfExport = 1000

// audit shows the ledger's rows that fit the filter in the address.
func (h *Handlers) audit(w http.ResponseWriter, r *http.Request, p page) error {
	ctx := r.Context()
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	query := r.URL.Query()
	filter, err := h.readAuditFilter(ctx, query, p)
	if err != nil {
		return err
	}
	filter.Rows = rowsOfPage + 1
	rows, err := h.listLedger(ctx, filter)
	if err != nil {
		return err
	}
	data := views.AuditData{
		Address: address("/audit", query), Export: address("/audit.csv", query, "before", ""), Interests: auditTopics(filter, p),
		Filter: views.AuditFilter{Worker: query.Get("worker"), Day: query.Get("day"), Task: query.Get("task"), Kind: query.Get("type")},
		OfOne:  filter.Worker != nil,
	}
	if len(rows) > rowsOfPage {
		rows = rows[:rowsOfPage]
		last := rows[rowsOfPage-1]
		data.Older = address("/audit", query, "before", place{last.Day, last.ID}.String())
	}
	if query.Get("before") != "" {
		data.First = address("/audit", query, "before", "")
	}
	for _, row := range rows {
		data.Entries = append(data.Entries, h.auditEntry(row))
	}
	if data.Before, err = h.balanceBefore(ctx, filter, data.Entries); err != nil {
		return err
	}
	if p.Person.Role != domain.Worker {
		owners, err := h.queries.ListWalletOwners(ctx)
		if err != nil {
			return fmt.Errorf("list the owners of wallets: %w", err)
		}
		for _, owner := range owners {
			data.Workers = append(data.Workers, views.Option{Value: owner.ID.String(), Label: owner.Name})
		}
	}
	return h.show(w, r, http.StatusOK, views.Audit(p.Page, data))
}

// exportAudit answers with all rows of the ledger that fit the filter.
func (h *Handlers) exportAudit(w http.ResponseWriter, r *http.Request, p page) error {
	ctx := r.Context()
	filter, err := h.readAuditFilter(ctx, r.URL.Query(), p)
	if err != nil {
		return err
	}
	filter.Rows = rowsOfExport
	rows, err := h.listLedger(ctx, filter)
	if err != nil {
		return err
	}
	file := newExport(w, r, "audit")
	word := func(id string) cell { return textCell(views.T(ctx, id)) }
	header := []cell{word("audit.transfer"), word("audit.day"), word("audit.occurred"), word("audit.booked"), word("audit.worker"), word("audit.type"), word("audit.task"),
		word("audit.description"), word("audit.assignment"), word("audit.from"), word("audit.to"), word("audit.amount"), word("audit.change")}
	if filter.Worker != nil {
		header = append(header, word("audit.balance"))
	}
	file.row(append(header, word("audit.cause"), word("audit.event"), word("audit.command"), word("audit.actor"), word("audit.jira_id"))...)
	for {
		for _, row := range rows {
			file.row(h.exportedEntry(ctx, file, row, filter.Worker != nil)...)
		}
		if len(rows) < rowsOfExport {
			return file.end()
		}
		if err := file.flush(); err != nil {
			file.abort(err)
		}
		last := rows[len(rows)-1]
		filter.BeforeDay, filter.BeforeID = last.Day, last.ID
		if rows, err = h.listLedger(ctx, filter); err != nil {
			h.logFault(r, err)
			file.abort(err)
		}
	}
}

// exportedEntry is a row of the ledger for a spreadsheet; its balance only where the ledger is that of one worker.
func (h *Handlers) exportedEntry(ctx context.Context, file *export, row dbsqlc.ListLedgerRow, ofOne bool) []cell {
	e := h.auditEntry(row)
	assignment := ""
	if row.Assignment != nil {
		assignment = strconv.Itoa(e.Assignment)
	}
	cells := []cell{
		textCell(e.ID), textCell(row.Day.Format(time.DateOnly)), textCell(row.OccurredAt.UTC().Format(time.RFC3339)), textCell(row.BookedAt.UTC().Format(time.RFC3339)),
		textCell(e.Worker.Name), textCell(e.Kind.Name(ctx)), textCell(e.Task()), textCell(e.Description), textCell(assignment),
		textCell(e.Kind.From(ctx)), textCell(e.Kind.To(ctx)), file.money(e.Amount), file.money(e.Change),
	}
	if ofOne {
		cells = append(cells, file.money(e.Balance))
	}
	return append(cells, textCell(e.Event), textCell(e.EventID), textCell(e.Command), textCell(e.By.Name), textCell(e.JiraID))
}

// listLedger reads a page of the ledger.
func (h *Handlers) listLedger(ctx context.Context, filter dbsqlc.ListLedgerParams) (rows []dbsqlc.ListLedgerRow, err error) {
	err = pgx.BeginTxFunc(ctx, reads{h.pool}, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		q := dbsqlc.New(tx)
		if _, err := q.PlanForFilters(ctx); err != nil {
			return fmt.Errorf("plan for the filter: %w", err)
		}
		if rows, err = q.ListLedger(ctx, filter); err != nil {
			return fmt.Errorf("list the ledger: %w", err)
		}
		return nil
	})
	return rows, err
}

// readAuditFilter is the ledger's filter as a query. A worker's is narrowed to their own rows, whatever the address says; asking
// for somebody else's is refused.
func (h *Handlers) readAuditFilter(ctx context.Context, query url.Values, p page) (filter dbsqlc.ListLedgerParams, err error) {
	if s := query.Get("worker"); s != "" {
		id, err := uuid.Parse(s)
		if err != nil {
			return filter, refusedAudit("worker")
		}
		filter.Worker = &id
	}
	if p.Person.Role == domain.Worker {
		if filter.Worker != nil && *filter.Worker != p.Person.ID {
			return filter, &domain.Refusal{Kind: domain.Forbidden, Code: "audit.not_yours", Message: "You can see only your own entries."}
		}
		filter.Worker = &p.Person.ID
	}
	if s := query.Get("day"); s != "" {
		day, err := time.Parse(time.DateOnly, s)
		if err != nil {
			return filter, refusedAudit("day")
		}
		filter.Day = &day
	}
	if kind := query.Get("type"); kind != "" {
		if !slices.Contains(views.TransferKinds(), views.TransferKind(kind)) {
			return filter, refusedAudit("type")
		}
		filter.Kind = &kind
	}
	if s := strings.TrimSpace(query.Get("task")); s != "" {
		if filter.Task, err = h.taskByNumber(ctx, s); err != nil {
			return filter, err
		}
	}
	before, err := readPlace(query.Get("before"))
	if err != nil {
		return filter, refusedAudit("before")
	}
	filter.BeforeDay, filter.BeforeID = before.day, before.transfer
	return filter, nil
}

// taskByNumber is the task that somebody calls T-12, or 12. One that is not there has no rows.
func (h *Handlers) taskByNumber(ctx context.Context, s string) (*uuid.UUID, error) {
	number, err := strconv.ParseInt(strings.TrimPrefix(strings.ToUpper(s), "T-"), 10, 64)
	if err != nil {
		return nil, refusedAudit("task")
	}
	id, err := h.queries.FindTaskByNumber(ctx, number)
	if errors.Is(err, pgx.ErrNoRows) {
		return &uuid.Nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find a task by its number: %w", err)
	}
	return &id, nil
}

func refusedAudit(field string) error {
	return &domain.Refusal{Kind: domain.Invalid, Code: "audit.filter", Field: field,
		Message: "The address of this list cannot be read. Go to the ledger and filter it again."}
}

// auditTopics are what changes a page of the ledger.
func auditTopics(filter dbsqlc.ListLedgerParams, p page) string {
	switch {
	case p.Person.Role == domain.Worker:
		return "balance/" + p.Person.ID.String()
	case filter.Day != nil:
		return dayTopic(*filter.Day)
	default:
		return "accounting"
	}
}

// balanceBefore is a worker's balance before the oldest of the entries of a page, where it holds all entries of a time.
func (h *Handlers) balanceBefore(ctx context.Context, filter dbsqlc.ListLedgerParams, entries []views.AuditEntry) (*int64, error) {
	if filter.Worker == nil || filter.Kind != nil || filter.Task != nil {
		return nil, nil //nolint:nilnil // no balance is an answer here
	}
	if len(entries) > 0 {
		oldest := entries[len(entries)-1]
		before := oldest.Balance - oldest.Change
		return &before, nil
	}
	day := h.Books.Day(h.Now())
	if filter.Day != nil {
		day = *filter.Day
	}
	before, err := h.queries.OpeningBalance(ctx, dbsqlc.OpeningBalanceParams{Worker: *filter.Worker, Day: day})
	if err != nil {
		return nil, fmt.Errorf("read the opening balance: %w", err)
	}
	return &before, nil
}

// auditEntry is a row of the ledger as it is shown.
func (h *Handlers) auditEntry(row dbsqlc.ListLedgerRow) views.AuditEntry {
	e := views.AuditEntry{
		ID: strconv.FormatInt(row.ID, 10), Kind: views.TransferKind(row.Kind), Day: h.Books.Begins(row.Day), At: row.OccurredAt,
		Worker: views.Person{ID: row.Worker.String(), Name: row.WorkerName}, Amount: row.Amount, Balance: row.Balance, EventID: row.Event.String(),
	}
	switch row.Kind {
	case accounting.Reward:
		e.Change = row.Amount
	case accounting.Fee, accounting.Reset:
		e.Change = -row.Amount
	}
	if row.Task != nil && row.Assignment != nil {
		e.TaskID, e.Assignment = row.Task.String(), int(*row.Assignment)
	}
	if row.Number != nil && row.Description != nil {
		e.TaskNumber, e.JiraID, e.Description = int(*row.Number), row.JiraID, *row.Description
	}
	if row.EventName != nil {
		e.Event = *row.EventName
	}
	if row.Correlation != nil {
		e.Command = row.Correlation.String()
	}
	if row.Actor != nil {
		e.By = views.Person{ID: row.Actor.String(), Name: row.ActorName}
	}
	return e
}

// auditOf is the address at which the ledger begins with a transfer.
func auditOf(p place) string {
	return address("/audit", nil, "before", place{p.day, p.transfer + 1}.String()) + "#entry-" + strconv.FormatInt(p.transfer, 10)
}
