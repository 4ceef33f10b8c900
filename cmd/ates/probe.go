package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// probe asks a process on this machine whether it can do its work, for whoever has no other way of asking, as in a container.
type probe struct {
	Addr   string `name:"addr" env:"ATES_ADDR" default:"localhost:8080" help:"Address that the process listens on."`
	Probes string `name:"probes-addr" env:"ATES_PROBES_ADDR" placeholder:"ADDRESS" help:"Its other address for probes, asked instead if it has one."`
}

// Run prints what the process answers; the error is that it cannot work, or does not answer.
func (c *probe) Run(ctx context.Context, stdout io.Writer) error {
	address := cmp.Or(c.Probes, c.Addr)
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is no address; use host:port such as localhost:8080", address)
	}
	if host == "" || net.ParseIP(host).IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("no process answers at %s: %w", address, err)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(io.LimitReader(res.Body, 10_000))
	if err != nil {
		return fmt.Errorf("read what the process says: %w", err)
	}
	fmt.Fprint(stdout, strings.TrimSuffix(string(said), "\n")+"\n")
	if res.StatusCode != http.StatusOK {
		return errors.New("the process cannot do its work")
	}
	return nil
}
