package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"ates/sql/pgserver"
)

// chaosSite is a whole installation on this machine: a Postgres of its own that keeps what it has said to keep, or a database of
// another's, some processes of the program, and a balancer in front of them.
type chaosSite struct {
	dir string
	// postgres is nil where the database is another's.
	postgres *pgserver.Server
	database string
	programs []*chaosProgram
	requests requests
	turn     atomic.Uint64
	// last is the one that was up when the balancer last looked for one.
	last atomic.Pointer[chaosProgram]
	// patience is how long the balancer waits for a process to say whether it is ready.
	patience time.Duration
	balancer *http.Server
	// address is the balancer's, which is what people know.
	address string
	// ahead is how far the programs' clocks are ahead of the machine's.
	ahead time.Duration
}

// chaosProgram is one process of the program, and where it listens.
type chaosProgram struct {
	// path is that of the program, empty for this one.
	path, listens string
	proxy         *httputil.ReverseProxy
	// busy is how many requests it has from the balancer, streams not counted.
	busy  atomic.Int64
	cmd   *exec.Cmd
	said  *os.File
	ended chan struct{}
	// up is what the balancer thinks of it; aside is whether somebody has taken it out of the balancer.
	up, aside atomic.Bool
}

// openChaosSite starts Postgres; the programs and the balancer come with serve.
func openChaosSite(ctx context.Context) (s *chaosSite, err error) {
	if s, err = newChaosSite(); err != nil {
		return nil, err
	}
	return s, s.startPostgres(ctx)
}

func newChaosSite() (s *chaosSite, err error) {
	s = &chaosSite{patience: time.Second}
	if s.dir, err = os.MkdirTemp("", "ates-chaos-"); err != nil {
		return nil, fmt.Errorf("make a folder for the installation: %w", err)
	}
	return s, os.Chmod(s.dir, 0o755) //nolint:gosec // Postgres runs as somebody else where this is root
}

func (s *chaosSite) startPostgres(ctx context.Context) (err error) {
	if s.postgres, err = pgserver.Start(ctx, pgserver.Config{Dir: filepath.Join(s.dir, "pg"), Log: slog.New(slog.DiscardHandler)}); err == nil {
		s.database = s.postgres.URL()
	}
	return err
}

// serve starts the balancer and the programs, and returns when all of them are ready.
func (s *chaosSite) serve(ctx context.Context, programs int) error {
	if err := s.open(ctx, make([]string, programs)...); err != nil {
		return err
	}
	for _, p := range s.programs {
		if err := s.start(p); err != nil {
			return err
		}
	}
	return until(ctx, time.Minute, "all processes are ready", func() (bool, error) {
		for _, p := range s.programs {
			if p.isOver() {
				return false, fmt.Errorf("a process ended: %s", p.lastWords())
			}
		}
		return !slices.ContainsFunc(s.programs, func(p *chaosProgram) bool { return !p.up.Load() }), nil
	})
}

// open starts the balancer, which finds nobody yet, and gives each program a place.
func (s *chaosSite) open(ctx context.Context, paths ...string) error {
	front, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return fmt.Errorf("listen as the balancer: %w", err)
	}
	s.address = "http://localhost:" + portOf(front)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout, transport.MaxIdleConnsPerHost = 10*s.patience, 100
	for _, path := range paths {
		back, err := net.Listen("tcp", "localhost:0")
		if err != nil {
			return fmt.Errorf("find a port: %w", err)
		}
		s.programs = append(s.programs, newChaosProgram(path, "localhost:"+portOf(back), transport))
		if err := back.Close(); err != nil {
			return err
		}
	}
	s.balancer = &http.Server{Handler: http.HandlerFunc(s.balance), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	go func() { _ = s.balancer.Serve(front) }()
	for _, p := range s.programs {
		go s.watch(ctx, p)
	}
	return nil
}

// newChaosProgram is one that is not running yet. What cannot be sent to it is answered with 502.
func newChaosProgram(path, listens string, transport http.RoundTripper) *chaosProgram {
	return &chaosProgram{path: path, listens: listens, proxy: &httputil.ReverseProxy{
		Transport:     transport,
		FlushInterval: -1,
		ErrorLog:      slog.NewLogLogger(slog.DiscardHandler, 0),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: listens})
			r.Out.Host = r.In.Host
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}}
}

func portOf(l net.Listener) string { return strconv.Itoa(l.Addr().(*net.TCPAddr).Port) }

// start starts a process, with the clock that the others have.
func (s *chaosSite) start(p *chaosProgram) error {
	program := p.path
	var err error
	if program == "" {
		if program, err = os.Executable(); err != nil {
			return fmt.Errorf("find the program: %w", err)
		}
	}
	name := filepath.Join(s.dir, "ates-"+p.listens[strings.LastIndex(p.listens, ":")+1:]+".log")
	if p.said, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600); err != nil { //nolint:gosec // a file of this run
		return fmt.Errorf("open the log of a process: %w", err)
	}
	p.ended = make(chan struct{})
	p.cmd = exec.Command(program, "serve") //nolint:gosec // it is this program
	p.cmd.Env = append(os.Environ(), "DATABASE_URL="+s.database, "DATABASE_DIRECT_URL=", "DATABASE_REPLICA_URL=", "ATES_ADDR="+p.listens, "ATES_PUBLIC_URL="+s.address, "ATES_TRUSTED_PROXIES=127.0.0.0/8,::1/128",
		"ATES_DEMO=1", "ATES_CLOCK_OFFSET="+s.ahead.String(), "ATES_TIME_ZONE=UTC", "ATES_CURRENCY=USD", "ATES_PAYOUTS=book", "SMTP_URL=", "ATES_MAIL_FROM=", "OIDC_ISSUER=", "ATES_METRICS_TOKEN=",
		"ATES_DRAIN="+drainsFor.String())
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	// Its own group, so that Ctrl-C reaches this process alone, which then ends the others.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start a process: %w", err)
	}
	go func(cmd *exec.Cmd, said *os.File, ended chan struct{}) {
		_ = cmd.Wait() // it is to be killed
		_ = said.Close()
		close(ended)
	}(p.cmd, p.said, p.ended)
	return nil
}

func (p *chaosProgram) isOver() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

var goroutines = regexp.MustCompile(`(?m)^go_goroutines (\d+)$`)

// goroutines is how many a process has by its metrics, 0 when it does not answer.
func (p *chaosProgram) goroutines() (n int) {
	client := http.Client{Timeout: 10 * time.Second}
	res, err := client.Get("http://" + p.listens + "/metrics")
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err == nil {
		if found := goroutines.FindSubmatch(body); found != nil {
			n, _ = strconv.Atoi(string(found[1]))
		}
	}
	return n
}

// kill is kill -9; it returns when the process is gone.
func (p *chaosProgram) kill() {
	p.up.Store(false)
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	_ = p.cmd.Process.Kill() // it may be gone already
	<-p.ended
}

// lastWords is the end of what a process has printed.
func (p *chaosProgram) lastWords() string {
	const most = 4000
	if p.said == nil {
		return "nothing"
	}
	content, err := os.ReadFile(p.said.Name())
	if err != nil {
		return err.Error()
	}
	return string(content[max(0, len(content)-most):])
}

// watch asks a process every moment whether it is ready, as balancers do.
func (s *chaosSite) watch(ctx context.Context, p *chaosProgram) {
	const every = 200 * time.Millisecond
	client := &http.Client{Timeout: s.patience}
	look := time.NewTicker(every)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			p.up.Store(get(ctx, client, "http://"+p.listens+"/readyz") == nil)
		}
	}
}

func get(ctx context.Context, client *http.Client, address string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	if err = errors.Join(err, res.Body.Close()); err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", res.StatusCode)
	}
	return err
}

// balance sends each request to a process that is up, in turn, or to the last one that was. It sends none twice: that is for people to
// decide.
func (s *chaosSite) balance(w http.ResponseWriter, r *http.Request) {
	n := s.turn.Add(1)
	for i := range s.programs {
		if p := s.programs[(n+uint64(i))%uint64(len(s.programs))]; p.up.Load() && !p.aside.Load() {
			s.last.Store(p)
			break
		}
	}
	p := s.last.Load()
	if p == nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	if r.URL.Path != "/live" {
		p.busy.Add(1)
		defer p.busy.Add(-1)
	}
	p.proxy.ServeHTTP(w, r)
}

// postmasterOf is the id of the first process of the server whose data are in a folder.
func postmasterOf(data string) (int, error) {
	content, err := os.ReadFile(filepath.Join(data, "postmaster.pid")) //nolint:gosec // a file of this run
	if err != nil {
		return 0, fmt.Errorf("find the server's process: %w", err)
	}
	first, err := strconv.Atoi(strings.SplitN(string(content), "\n", 2)[0])
	if err != nil {
		return 0, fmt.Errorf("read the server's process: %w", err)
	}
	return first, nil
}

// postgresProcesses are the ids of all processes of the server, its first one first.
func (s *chaosSite) postgresProcesses() ([]int, error) {
	first, err := postmasterOf(filepath.Join(s.dir, "pg", "data"))
	if err != nil {
		return nil, err
	}
	all, err := processes()
	if err != nil {
		return nil, err
	}
	found := []int{first}
	for pid, p := range all {
		if p.parent == first {
			found = append(found, pid)
		}
	}
	return found, nil
}

// signalPostgres sends a signal to all processes of the server.
func (s *chaosSite) signalPostgres(signal syscall.Signal) error {
	processes, err := s.postgresProcesses()
	if err != nil {
		return err
	}
	for _, pid := range processes {
		if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("signal the server: %w", err)
		}
	}
	return nil
}

// killPostgres is kill -9 for the whole server.
func (s *chaosSite) killPostgres(ctx context.Context) error {
	if err := s.signalPostgres(syscall.SIGKILL); err != nil {
		return err
	}
	return s.postgres.Stop(ctx) // it is gone; this lets go of its folder
}

// end closes the installation, and returns the error that a measurement of it ended with, if it did, with what the programs said last.
func (s *chaosSite) end(ctx context.Context, err error) error {
	if err != nil {
		for _, p := range s.programs {
			err = fmt.Errorf("%w; %s said: %s", err, p.listens, p.lastWords())
		}
	}
	return errors.Join(err, s.close(ctx))
}

// close ends everything and removes the folder.
func (s *chaosSite) close(ctx context.Context) error {
	for _, p := range s.programs {
		p.kill()
	}
	var err error
	if s.balancer != nil {
		err = s.balancer.Close()
	}
	if s.postgres != nil {
		err = errors.Join(err, s.postgres.Stop(ctx))
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}
