package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
)

// pageTour asks for all pages of a company, as the people of its demo do.
type pageTour struct {
	site     *benchSite
	pages    []lookedAt
	visitors map[string]*visitor
	// weights are how many bytes each page came in, times how many milliseconds it took, and nothing how many the answer just before
	// it took that there is nothing at an address.
	weights        []int
	times, nothing [][]float64
}

// openTour lets everybody in and asks for every page once: the first request finds connections and plans unmade, whoever comes later
// does not. Pages that the company has no use for are left out. It must be closed.
func (m *measuring) openTour(ctx context.Context, company *benchCompany) (t *pageTour, err error) {
	all, err := pagesOf(ctx, company.pool)
	if err != nil {
		return nil, err
	}
	t = &pageTour{visitors: map[string]*visitor{}}
	if t.site, err = openSite(ctx, company); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.close())
			t = nil
		}
	}()
	defer quietly(ctx)()
	for _, p := range all {
		if t.visitors[p.login] == nil {
			if t.visitors[p.login], err = signInAt(ctx, t.site.address, demoPerson(p.login)); err != nil {
				return t, err
			}
		}
		got, err := t.visitors[p.login].get(ctx, p.path, http.StatusOK)
		if got.status == http.StatusNotFound || got.status == http.StatusUnprocessableEntity {
			m.note("left out: %s, which answered %d to %s", p, got.status, p.path)
			continue
		}
		if err != nil {
			return t, fmt.Errorf("%s: %w", p, err)
		}
		t.pages, t.weights = append(t.pages, p), append(t.weights, got.bytes)
	}
	t.times, t.nothing = make([][]float64, len(t.pages)), make([][]float64, len(t.pages))
	return t, nil
}

// goRound asks for every page once, in any order.
func (t *pageTour) goRound(ctx context.Context) error {
	// A line for each request would bury all others.
	defer quietly(ctx)()
	for _, i := range rand.Perm(len(t.pages)) {
		p := t.pages[i]
		nothing, err := t.visitors[p.login].get(ctx, "/nothing-here", http.StatusNotFound)
		if err != nil {
			return err
		}
		got, err := t.visitors[p.login].get(ctx, p.path, http.StatusOK)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		t.times[i], t.nothing[i] = append(t.times[i], milliseconds(got.took)), append(t.nothing[i], milliseconds(nothing.took))
	}
	return nil
}

func (t *pageTour) close() error { return t.site.close() }
