package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/stretchr/testify/require"
)

// peak is the most memory that the program has used, in MiB; 0 where the system does not tell.
func (p *program) peak() int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		return 0
	}
	kilobytes, _ := strconv.Atoi(string(found[1]))
	return kilobytes >> 10
}

// TestAThousandWrongPasswordsKeepNobodyOut_ASVS_2_2 has 50 addresses guess one login's password while its person signs in.
func TestAThousandWrongPasswordsKeepNobodyOut_ASVS_2_2(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	p := launch(t, plain(t), append(demo(database), "ATES_TRUSTED_PROXIES=127.0.0.0/8,::1")).untilReady(t)
	const addresses, guesses, login = 50, 20, "worker"
	// The hash is one of those that people have who are no demo.
	hash, err := argon2id.CreateHash("demo-"+login, &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	require.NoError(t, err)
	_, err = dial(t, database).Exec(t.Context(), "update auth.accounts set password_hash = $1 where login = $2", hash, login)
	require.NoError(t, err)
	from := func(n int) http.Header { return http.Header{"X-Forwarded-For": {fmt.Sprintf("198.51.100.%d", n)}} }
	// atTheDoor is a browser with the sign-in page open.
	atTheDoor := func(someone *person) func(password string, header http.Header) (status int, body string) {
		_, page := someone.get("/login")
		request := hidden(t, page, "request")
		return func(password string, header http.Header) (int, string) {
			return someone.do(http.MethodPost, "/auth/login", url.Values{"request": {request}, "login": {login}, "password": {password}}, header)
		}
	}
	// The person has signed in with this browser before, at an address from which others are going to guess.
	regular := nobody(t, p.address)
	status, _ := atTheDoor(regular)("demo-"+login, from(1))
	require.Equal(t, http.StatusOK, status)
	regular.post("/logout", nil)
	returns, arrives := atTheDoor(regular), atTheDoor(nobody(t, p.address))
	before := p.peak()

	var tried, wait atomic.Int64
	var group sync.WaitGroup
	begin := time.Now()
	stormy := make(chan struct{})
	for n := range addresses {
		guess := atTheDoor(nobody(t, p.address))
		group.Go(func() {
			<-stormy
			for i := range guesses {
				switch status, body := guess(fmt.Sprintf("wrong-%d", i), from(1+n)); status {
				case http.StatusUnprocessableEntity:
					tried.Add(1)
				case http.StatusTooManyRequests:
					wait.Add(1)
				default:
					t.Errorf("answered with %d: %.300s", status, body)
				}
			}
		})
	}
	close(stormy)
	require.Eventually(t, func() bool { return tried.Load() > addresses/2 }, time.Minute, time.Millisecond)
	timed := func(enter func(string, http.Header) (int, string), header http.Header) time.Duration {
		begin := time.Now()
		status, body := enter("demo-"+login, header)
		require.Equal(t, http.StatusOK, status, "%.3000s", body)
		require.NotContains(t, body, `name="password"`, "signed in")
		return time.Since(begin)
	}
	regulars := timed(returns, from(1))
	group.Wait()
	took := time.Since(begin)
	strangers := timed(arrives, from(addresses+1))

	peak := p.peak()
	t.Logf("%d guesses from %d addresses in %s: %d were looked at, %d had to wait; the person got in within %s in the midst of it with a browser that is known, "+
		"within %s right after it from a new address; memory rose from %d MiB to %d MiB", addresses*guesses, addresses, took.Round(time.Millisecond), tried.Load(), wait.Load(),
		regulars.Round(time.Millisecond), strangers.Round(time.Millisecond), before, peak)
	require.EqualValues(t, addresses*guesses, tried.Load()+wait.Load())
	require.Less(t, tried.Load(), int64(addresses*guesses/2), "most cost no hash")
	// Moments on an idle machine; the figures above say. Here everything else runs too.
	require.Less(t, regulars, 10*time.Second)
	require.Less(t, strangers, 10*time.Second)
	// The hashes of all 50 at once would be a gigabyte.
	require.Less(t, peak-before, 300)
	require.NotContains(t, p.logged(), "wrong-1", "passwords stay out of the log")
	require.NotContains(t, p.logged(), "level=ERROR", "nothing broke")
}
