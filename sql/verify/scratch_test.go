package verify

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestScratch(t *testing.T) {
	conn, err := pgx.Connect(t.Context(), os.Getenv("DATABASE_URL"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	conn.Exec(t.Context(), "set jit = off")
	all := time.Duration(0)
	for _, c := range checks {
		b := time.Now()
		var n, m int64
		if err := conn.QueryRow(t.Context(), "select ("+c.looked+")").Scan(&n); err != nil {
			t.Fatal(err)
		}
		l := time.Since(b)
		err := conn.QueryRow(t.Context(), "with "+busy+" select count(*) from ("+c.broken+") b (id)").Scan(&m)
		d := time.Since(b)
		all += d
		fmt.Printf("%7.2f %7.2f s %9d %6d %s %v\n", l.Seconds(), d.Seconds(), n, m, c.Name, err)
	}
	fmt.Println("all", all)
}
