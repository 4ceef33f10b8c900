package jobs

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"ates/domain"
)

// A batch is taken apart only when it is at fault itself: what passes by itself is waited for.
func TestWhatIsAFaultOfTheWorkItself(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"an event that cannot be read":   {&badEvent{domain.Envelope{}, errors.New("bad")}, true},
		"a check that is violated":       {&pgconn.PgError{Code: "23514"}, true},
		"a number that does not fit":     {&pgconn.PgError{Code: "22003"}, true},
		"a deadlock":                     {&pgconn.PgError{Code: "40P01"}, false},
		"a serialization failure":        {&pgconn.PgError{Code: "40001"}, false},
		"a lock that is not to be had":   {&pgconn.PgError{Code: "55P03"}, false},
		"too many connections":           {&pgconn.PgError{Code: "53300"}, false},
		"a database that is shut down":   {&pgconn.PgError{Code: "57P01"}, false},
		"a server that takes no writes":  {&pgconn.PgError{Code: "25006"}, false},
		"a commit nobody knows of":       {&pgconn.PgError{Code: "08007"}, false},
		"a connection that broke":        {&pgconn.PgError{Code: "08006"}, false},
		"a disk that is full":            {&pgconn.PgError{Code: "53100"}, false},
		"a job that took too long":       {context.DeadlineExceeded, false},
		"a process that is stopped":      {context.Canceled, false},
		"a job that others have by now":  {errLostJob, false},
		"something that nobody foresees": {errors.New("?"), false},
	} {
		require.Equal(t, c.want, fault(fmt.Errorf("book fees: %w", c.err)), name)
	}
}
