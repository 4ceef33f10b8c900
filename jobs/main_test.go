package jobs_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Whoever stops a bus gets everything stopped. The exceptions belong to the databases of the tests, which stay until the
// process ends.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("github.com/jackc/pgx/v5/pgxpool.(*Pool).backgroundHealthCheck"),
		goleak.IgnoreAnyFunction("ates/sql/pgserver.(*Server).watch"),
		goleak.IgnoreAnyFunction("os/exec.(*Cmd).Wait"),
	)
}
