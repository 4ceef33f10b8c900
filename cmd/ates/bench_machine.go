package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// tooBusy is the share of the processors from which on something else disturbs what is measured.
	tooBusy = 0.15
	// quietWithin is how long a benchmark waits for a machine that is busy before it gives up.
	quietWithin = time.Minute
)

// machine watches how busy this one is with something else than what is measured: than this process, those it has started, and
// the server of the databases. It knows on Linux only, and is never busy elsewhere.
type machine struct {
	measured []int
	last     load
	// round is what has been measured since last.
	round string
}

// load are ticks of all processors since the start of the machine.
type load struct{ idle, all, measured uint64 }

// watchMachine finds the processes that belong to what is measured.
func watchMachine(ctx context.Context, server *pgxpool.Pool) (machine, error) {
	w := machine{measured: []int{os.Getpid()}}
	var pid int
	var host string
	if err := server.QueryRow(ctx, "select pg_backend_pid(), coalesce(host(inet_server_addr()), '127.0.0.1')").Scan(&pid, &host); err != nil {
		return w, fmt.Errorf("find the server's process: %w", err)
	}
	all, err := processes()
	if err != nil {
		return w, err
	}
	if address, err := netip.ParseAddr(host); err == nil && address.IsLoopback() && isPostgres(pid) {
		w.measured = append(w.measured, all[pid].parent)
	}
	return w, nil
}

func isPostgres(pid int) bool {
	name, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "comm"))
	return err == nil && string(bytes.TrimSpace(name)) == "postgres"
}

// look returns the load by now.
func (w machine) look() (now load, ok bool) {
	if now.idle, now.all, ok = processorTimes(); !ok {
		return now, false
	}
	all, err := processes()
	now.measured = ticksOf(all, w.measured)
	return now, err == nil
}

// elsewhere is the share of the processors that something else had between two looks.
func (l load) elsewhere(since load) float64 {
	if l.all <= since.all {
		return 0
	}
	busy := float64(l.all-since.all) - float64(l.idle-since.idle) - (float64(l.measured) - float64(since.measured))
	return max(0, busy/float64(l.all-since.all))
}

// alone is asked before each round. It waits for a while until the machine is busy with nothing else, and is an error when that does not
// come, or when something else was at work during the round before: figures of such a time say nothing about the program.
func (m *measuring) alone(ctx context.Context, round string) error {
	if err := m.wasAlone(ctx); err != nil {
		return err
	}
	const look = time.Second
	share := 1.0
	for begun := time.Now(); !m.Busy && share > tooBusy; {
		before, ok := m.machine.look()
		pauseFor(ctx, look)
		now, known := m.machine.look()
		if !ok || !known {
			break
		}
		if share = now.elsewhere(before); share > tooBusy && (time.Since(begun) > quietWithin || ctx.Err() != nil) {
			return errBusy("before "+round, share)
		}
	}
	m.machine.last, _ = m.machine.look()
	m.machine.round = round
	slog.InfoContext(ctx, "round", "of", round)
	return ctx.Err()
}

// wasAlone is an error when something else had too much of the processors during the round that was begun last.
func (m *measuring) wasAlone(ctx context.Context) error {
	now, known := m.machine.look()
	if m.machine.round == "" || !known {
		return nil
	}
	share := now.elsewhere(m.machine.last)
	slog.InfoContext(ctx, "measured", "round", m.machine.round, "busy with something else", fmt.Sprintf("%.0f%%", share*100))
	if share <= tooBusy {
		return nil
	}
	if !m.Busy {
		return errBusy("during "+m.machine.round, share)
	}
	m.note("WARNING: %s something else had %.0f%% of the processors", "during "+m.machine.round, share*100)
	return nil
}

func errBusy(when string, share float64) error {
	return fmt.Errorf("%s something else had %.0f%% of the processors, so the figures would not be the program's; measure when the machine has nothing else to do, or all the same with --busy", when, share*100)
}

// processorTimes are the ticks since the start of the machine, see proc_stat(5).
func processorTimes() (idle, all uint64, ok bool) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, false
	}
	lines := bufio.NewScanner(bytes.NewReader(stat))
	if !lines.Scan() {
		return 0, 0, false
	}
	var user, nice, system, idling, waiting, irq, softirq, steal uint64
	if _, err := fmt.Sscanf(lines.Text(), "cpu %d %d %d %d %d %d %d %d", &user, &nice, &system, &idling, &waiting, &irq, &softirq, &steal); err != nil {
		return 0, 0, false
	}
	idle = idling + waiting
	return idle, idle + user + nice + system + irq + softirq + steal, true
}
