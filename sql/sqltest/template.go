package sqltest

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// Template is a migrated database that is filled once in a process, for tests that begin where filling it has ended. It goes with a
// throwaway server and stays on any other.
type Template struct {
	// Fill fills the database at an address. Nobody may be connected to it afterwards.
	Fill func(t testing.TB, address string)

	once sync.Once
	name string
}

// URL returns the address of a copy that nobody else uses.
func (c *Template) URL(t testing.TB) string {
	t.Helper()
	s, err := theServer()
	require.NoError(t, err)
	c.once.Do(func() { c.fill(t, s) })
	require.NotEmpty(t, c.name, "the database to be copied could not be filled: see the test that was the first to want it")
	return s.create(t, c.name)
}

// Pool returns a pool on a copy that nobody else uses, as the function Pool does on an empty one.
func (c *Template) Pool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return pool(t, c.URL(t))
}

func (c *Template) fill(t testing.TB, s *server) {
	t.Helper()
	migrated, err := s.template()
	require.NoError(t, err)
	name := "filled_" + strings.ToLower(rand.Text())
	ctx, cancel := context.WithTimeout(t.Context(), setUpTimeout)
	defer cancel()
	require.NoError(t, s.copy(ctx, migrated, name))
	c.Fill(t, s.address(name))
	c.name = name
}
