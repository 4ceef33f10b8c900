package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// lookedAt is a page that somebody looks at.
type lookedAt struct {
	login, what, path string
}

func (p lookedAt) String() string { return p.what + " (" + p.login + ")" }

// measurePages asks for every page again and again, as people with a session do, by HTTP and without a browser's own files. What it is
// measured against is the smallest page that passes through the same server for the same person: the one that says that there is nothing
// at an address. So the ratio is what a page costs beside its session, its layout and its compression.
func measurePages(ctx context.Context, m *measuring) (rows []row, err error) {
	db, err := m.server.create(ctx)
	if err != nil {
		return nil, err
	}
	company, err := openCompany(ctx, db, pagesFirst)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, company.close()) }()
	if err := fillPast(ctx, company, m.benchSize); err != nil {
		return nil, err
	}
	return m.lookAtPages(ctx, company)
}

// lookAtPages asks for every page of a company as often as is wanted.
func (m *measuring) lookAtPages(ctx context.Context, company *benchCompany) (rows []row, err error) {
	tour, err := m.openTour(ctx, company)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, tour.close()) }()
	for round := range m.Requests {
		if round%20 == 0 {
			if err := m.alone(ctx, fmt.Sprintf("request %d", round+1)); err != nil {
				return nil, err
			}
		}
		if err := tour.goRound(ctx); err != nil {
			return nil, err
		}
	}
	for i, p := range tour.pages {
		what := fmt.Sprintf("%s, %.1f KB", p, float64(tour.weights[i])/1000)
		rows = append(rows, newRow(what, "ms", tour.times[i]).against("nothing here", tour.times[i], tour.nothing[i]))
	}
	load, err := tour.visitors["worker"].firstLoad(ctx, "/tasks")
	if err != nil {
		return nil, err
	}
	m.note("first load of the board: %.1f KB compressed in all, in %d files: %s", float64(load.bytes)/1000, len(load.files), strings.Join(load.files, ", "))
	m.note("books: %d tasks, %d ledger entries, %d workers, %d closed days; written by set-based SQL through the database's own constraints and triggers, today by commands and jobs, and verified", m.Tasks, m.Ledger, m.Staff, pagesDays)
	m.note("one request at a time, compressed, over the loopback interface; nothing here is a page without a query of its own, asked for just before each by the same person")
	return rows, nil
}

// pagesOf are the pages of every role.
func pagesOf(ctx context.Context, pool *pgxpool.Pool) ([]lookedAt, error) {
	var worker, task, busy, draw, creation string
	var number, deep int64
	var place, ofWorker string
	err := pool.QueryRow(ctx, `select w.id::text,
			(select id::text from tracker.tasks order by number limit 1 offset 7), (select number from tracker.tasks order by number desc limit 1),
			(select number from tracker.tasks order by number limit 1 offset (select count(*) / 2 from tracker.tasks)),
			(select id::text from tracker.tasks order by assignment desc, number limit 1),
			(select day || '/' || id from accounting.transfers order by day, id limit 1 offset (select count(*) / 2 from accounting.transfers)),
			(select day || '/' || id from accounting.transfers where wallet = w.id order by day, id limit 1 offset (select count(*) / 2 from accounting.transfers where wallet = w.id)),
			(select correlation_id::text from log.events where name = 'Tasks.Drawn' order by position desc limit 1),
			(select correlation_id::text from log.events where name = 'Task.Created' order by position desc limit 1)
		from auth.accounts w where w.login = 'worker'`).Scan(&worker, &task, &number, &deep, &busy, &place, &ofWorker, &draw, &creation)
	if err != nil {
		return nil, fmt.Errorf("choose what to look at: %w", err)
	}
	q := url.QueryEscape
	yesterday := benchDay.AddDate(0, 0, -1).Format("2006-01-02")
	pages := []lookedAt{
		{"worker", "board", "/tasks"},
		{"worker", "board, open", "/tasks?status=open"},
		{"worker", "board, of one worker", "/tasks?assignee=" + worker},
		{"worker", "board, search with many hits", "/tasks?q=sunflower"},
		{"worker", "board, search with few hits", "/tasks?q=" + q("perch of nest 77")},
		{"worker", "board, search with none", "/tasks?q=flamingo"},
		{"worker", "board, search by number", fmt.Sprintf("/tasks?q=%d", number)},
		{"worker", "board, by reward", "/tasks?sort=reward"},
		{"worker", "board, deep", fmt.Sprintf("/tasks?after=0.%d", deep)},
		{"worker", "board, by reward, deep", "/tasks?sort=reward&after=2500.7"},
		{"worker", "my tasks", "/tasks/mine"},
		{"worker", "task", "/tasks/" + task},
		{"worker", "task of many assignments", "/tasks/" + busy},
		{"worker", "new task", "/tasks/new"},
		{"worker", "balance", "/balance"},
		{"worker", "balance, deep", "/balance?before=" + q(ofWorker)},
		{"worker", "audit, own", "/audit"},
		{"worker", "notifications", "/notifications"},
		{"worker", "sessions", "/sessions"},
		{"manager", "board", "/tasks"},
		{"manager", "assign, preview", "/tasks/assign"},
		{"manager", "draws", "/tasks/draws"},
		{"manager", "accounting of today", "/accounting"},
		{"manager", "accounting of a day", "/accounting?day=" + yesterday},
		{"manager", "audit", "/audit"},
		{"manager", "audit, of one worker", "/audit?worker=" + worker},
		{"manager", "audit, of a day", "/audit?day=" + yesterday},
		{"manager", "audit, of a kind", "/audit?type=payout"},
		{"manager", "audit, of a worker and a kind", "/audit?worker=" + worker + "&type=reward"},
		{"manager", "audit, deep", "/audit?before=" + q(place)},
		{"top-manager", "analytics", "/analytics"},
		{"top-manager", "accounting of a day", "/accounting?day=" + yesterday},
		{"top-manager", "audit", "/audit"},
		{"admin", "people", "/people"},
		{"admin", "people, searched", "/people?q=lorikeet"},
		{"admin", "person", "/people/" + worker},
		{"admin", "operations", "/ops"},
		{"admin", "mails", "/ops/mail"},
		{"admin", "flows", "/ops/events"},
		{"admin", "flow of a creation", "/ops/events/" + creation},
		{"admin", "flow of a draw", "/ops/events/" + draw},
	}
	return pages, nil
}
