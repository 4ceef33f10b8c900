package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"ates/handlers"
	"ates/jobs"
)

// watched completes the configuration of the web side with what operations ask of this process.
func (c *serve) watched(cfg handlers.Config, bus *jobs.Bus) handlers.Config {
	cfg.Operations, cfg.MetricsToken, cfg.Dependencies = operations{bus}, c.Metrics, c.dependencies(cfg.Pool, bus)
	cfg.Metrics = append(bus.Metrics(), thisBuild().metric())
	return cfg
}

// serveProbes serves probes and metrics at an address of their own until the context ends.
func serveProbes(ctx context.Context, address string, probes http.Handler) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen on %s (ATES_PROBES_ADDR names another address): %w", address, err)
	}
	slog.InfoContext(ctx, "probes are served", "address", listener.Addr().String())
	server := &http.Server{Handler: probes, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn)}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		<-ctx.Done()
		return server.Close()
	})
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve probes: %w", err)
		}
		return nil
	})
	return group.Wait()
}
