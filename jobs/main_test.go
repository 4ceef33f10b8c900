package jobs_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Whoever stops a bus gets everything stopped. The exceptions belong to the databases of the tests, which stay until the
// process ends.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("github.com/jackc/pgx/v5/pgxpool.(*Pool).backgroundHealthCheck"),
		// After a slow write pgx reads ahead, in a pool that stays until the next time the connection is used.
		goleak.IgnoreAnyFunction("github.com/jackc/pgx/v5/pgconn/internal/bgreader.(*BGReader).bgRead"),
		goleak.IgnoreAnyFunction("ates/sql/pgserver.(*Server).watch"),
		goleak.IgnoreAnyFunction("os/exec.(*Cmd).Wait"),
	)
}

// patience is how long a test waits for what jobs do before it takes it that they never will.
const patience = 2 * time.Minute
