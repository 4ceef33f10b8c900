package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"
	"riverqueue.com/riverui"

	"ates/domain/accounting"
	"ates/domain/auth"
	"ates/handlers"
	"ates/jobs"
	"ates/sql/migrations"
)

// serve is the program at work: pages, jobs, or both.
type serve struct {
	database
	company
	payouts
	mailing
	site
	clients
	openID
	profiling
	tracing
	leaving
	Web    bool          `name:"web" default:"true" negatable:"" help:"Serve pages."`
	Jobs   bool          `name:"jobs" default:"true" negatable:"" help:"Work on jobs."`
	Queues []string      `name:"queues" placeholder:"NAME" help:"Queues to work on (default: all)."`
	Demo   string        `name:"demo" env:"ATES_DEMO" placeholder:"1" help:"Demo people, tasks and logins: 1 or 0 (default: 1 with the private Postgres, else 0)."`
	Clock  time.Duration `name:"clock-offset" env:"ATES_CLOCK_OFFSET" placeholder:"DURATION" help:"Added to the program's clock; only with the demo."`
}

// drainWithin is how long requests and jobs have to end once the program does.
const drainWithin = 10 * time.Second

// Run serves until the context ends, takes its leave, and lets streams, requests and jobs end.
func (c *serve) Run(ctx context.Context, stdout io.Writer) (err error) {
	running := thisBuild()
	slog.InfoContext(ctx, "ates starts", "version", running.Version, "commit", running.Commit, "go", running.Go)
	demo, err := c.demo()
	if err != nil {
		return err
	}
	books, err := c.books()
	if err != nil {
		return err
	}
	provider, err := c.provider(c.company, books)
	if err != nil {
		return err
	}
	mails, err := c.server()
	if err != nil {
		return err
	}
	if _, err := c.publicURL(); err != nil {
		return err
	}
	if _, err := c.trustedProxies(); err != nil {
		return err
	}
	probes, err := c.probes()
	if err != nil {
		return err
	}
	if _, err := c.registered(); err != nil {
		return err
	}
	if err := c.checkDrain(); err != nil {
		return err
	}
	signIn, err := c.openIDProvider()
	if err != nil {
		return err
	}
	if c.ClientsFile != "" && c.foreign() {
		return errors.New("ATES_CLIENTS is set, but with OIDC_ISSUER nobody signs in here; register the other programs with that provider")
	}
	if !c.Web && !c.Jobs {
		return errors.New("with --web=false and --jobs=false there is nothing to do; leave one of them out")
	}
	queues, err := c.queues()
	if err != nil {
		return err
	}
	slog.InfoContext(ctx, "what this process does", "pages", c.Web, "queues", strings.Join(queues, ","))
	now := func() time.Time { return time.Now().Add(c.Clock) }
	stopProfile, err := c.profile()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopProfile()) }()
	tracer, sendTraces, err := c.tracer(ctx)
	if err != nil {
		return err
	}
	defer sendTraces()

	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	pool := db.pool
	applied, err := migrations.Up(ctx, db.direct)
	if err != nil {
		return err
	}
	slog.InfoContext(ctx, "the database is up to date", "applied", len(applied))
	bus, err := jobs.NewBus(jobs.BusConfig{Pool: pool, Direct: db.direct, Books: books, Payouts: provider, Mail: mails, Currency: c.Currency, PublicURL: strings.TrimSuffix(c.PublicURL, "/"), Now: now, Tracer: tracer})
	if err != nil {
		return err
	}
	if demo {
		if demo, err = seedPeople(ctx, pool, bus); err != nil {
			return err
		}
	}
	var first auth.InviteFirstAdmin
	if c.Web && !demo && signIn == nil {
		if err := bus.Do(ctx, &first); err != nil {
			return fmt.Errorf("invite the first Admin: %w", err)
		}
	}

	if c.Web {
		var cancel context.CancelFunc
		ctx, cancel = c.outlive(ctx)
		defer cancel()
	}
	group, ctx := errgroup.WithContext(ctx)
	if c.Jobs {
		group.Go(func() error { return bus.Work(ctx, queues...) })
		if demo {
			group.Go(func() error {
				// The rest of the program can do without.
				if err := seedTasks(ctx, pool, bus); err != nil && ctx.Err() == nil {
					slog.WarnContext(ctx, "the demo did not get all of its tasks; they come at the next start", "error", err)
				}
				return nil
			})
		}
	}
	if !c.Jobs {
		group.Go(func() error {
			bus.Notify(ctx)
			return nil
		})
	}
	if probes != "" && !c.Web {
		alone := handlers.NewProbes(c.watched(handlers.Config{Pool: pool, Books: books, Now: now}, bus))
		group.Go(func() error { return serveProbes(ctx, probes, alone) })
	}
	if c.Web {
		group.Go(func() error { return c.serveWeb(ctx, stdout, db, bus, books, signIn, demo, first, now, tracer) })
	}
	return group.Wait()
}

// queues are those that this process works on, none where it works on no jobs, or an error that names what is wrong.
func (c *serve) queues() ([]string, error) {
	for _, name := range c.Queues {
		if !slices.Contains(jobs.Queues(), name) {
			return nil, fmt.Errorf("--queues has %q, which is none; the queues are %s", name, strings.Join(jobs.Queues(), ", "))
		}
	}
	switch {
	case c.Jobs && len(c.Queues) == 0:
		return jobs.Queues(), nil
	case !c.Jobs && len(c.Queues) > 0:
		return nil, errors.New("--queues says on what jobs to work, and --jobs=false on none; leave one of them out")
	}
	return c.Queues, nil
}

// demo reports whether this is a demo, or why it cannot be.
func (c *serve) demo() (bool, error) {
	var on bool
	switch strings.ToLower(c.Demo) {
	case "":
		on = c.private() && !c.foreign()
	case "1", "true", "on", "yes":
		on = true
	case "0", "false", "off", "no":
	default:
		return false, fmt.Errorf("ATES_DEMO is %q; use 1 or 0", c.Demo)
	}
	if on && c.foreign() {
		return false, errors.New("ATES_DEMO is on, but with OIDC_ISSUER nobody signs in here, so there are no demo logins; unset one of them")
	}
	if c.Clock != 0 && !on {
		return false, errors.New("ATES_CLOCK_OFFSET moves the clock of a demo only; unset it, or set ATES_DEMO=1 where no real money is")
	}
	return on, nil
}

// serveWeb serves pages until the context ends.
func (c *serve) serveWeb(ctx context.Context, stdout io.Writer, db *postgres, bus *jobs.Bus, books accounting.Books, signIn *handlers.OpenIDProvider, demo bool, first auth.InviteFirstAdmin, now func() time.Time, tracer trace.Tracer) error {
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s (ATES_ADDR names another address): %w", c.Addr, err)
	}
	defer listener.Close()
	if c.PublicURL == "" {
		// Port 0 lets the system choose; people have to be told which it was.
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		host, _, _ := net.SplitHostPort(c.Addr)
		c.Addr = net.JoinHostPort(host, port)
	}
	public, err := c.publicURL()
	if err != nil {
		return err
	}
	proxies, err := c.trustedProxies()
	if err != nil {
		return err
	}
	others, err := c.registered()
	if err != nil {
		return err
	}
	dashboard, err := riverui.NewHandler(&riverui.HandlerOpts{
		Endpoints: riverui.NewEndpoints(bus.River(), nil), Logger: slog.Default(), Prefix: handlers.DashboardPrefix, JobListHideArgsByDefault: true,
	})
	if err != nil {
		return fmt.Errorf("make River's dashboard: %w", err)
	}
	if err := dashboard.Start(ctx); err != nil {
		return fmt.Errorf("start River's dashboard: %w", err)
	}
	probes, err := c.probes()
	if err != nil {
		return err
	}
	web, err := handlers.New(ctx, c.watched(handlers.Config{
		Pool: db.pool, Direct: db.direct, Standby: db.standby, Commands: bus, PublicURL: public, Books: books, Currency: c.Currency, OpenID: signIn, Demo: demo, TrustedProxies: proxies, Clients: others,
		Dashboard: dashboard, Now: now, Version: thisBuild().String(), Letter: bus.Letter, Tracer: tracer,
	}, bus))
	if err != nil {
		return err
	}
	past, err := hasPast(ctx, db.pool)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: c.part(web), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(web.Stop)

	group, ctx := errgroup.WithContext(ctx)
	if probes != "" {
		group.Go(func() error { return serveProbes(ctx, probes, web.Probes()) })
	}
	group.Go(func() error {
		web.Listen(ctx)
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainWithin)
		defer cancel()
		if err := server.Shutdown(draining); err != nil {
			return fmt.Errorf("not all requests ended in time: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		announce(stdout, public, demo, past)
		announceFirstAdmin(stdout, public, first)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	return group.Wait()
}
