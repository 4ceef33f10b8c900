package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
)

// wire is a way by TCP to an address of this machine, which can be cut without either end being told: what is sent then stays on the way,
// and so do connections that are made, as with a machine that has lost its network.
type wire struct {
	listener net.Listener
	to       string

	mu sync.Mutex
	// passes is closed while the wire is whole.
	passes chan struct{}
	open   map[net.Conn]struct{}
	group  sync.WaitGroup
}

// newWire makes a wire to an address, or to the path of a socket, which need not be listened on yet. It must be closed.
func newWire(ctx context.Context, to string) (*wire, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("find a port: %w", err)
	}
	w := &wire{listener: listener, to: to, passes: make(chan struct{}), open: map[net.Conn]struct{}{}}
	close(w.passes)
	w.group.Go(func() { w.accept(ctx) })
	return w, nil
}

// address is where the wire begins.
func (w *wire) address() string { return w.listener.Addr().String() }

// cut lets nothing through any more.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.passes = make(chan struct{})
}

// mend lets everything through that has waited.
func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.passes)
}

// pass waits until the wire is whole.
func (w *wire) pass(ctx context.Context) error {
	w.mu.Lock()
	passes := w.passes
	w.mu.Unlock()
	select {
	case <-passes:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *wire) accept(ctx context.Context) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	for {
		from, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.group.Go(func() { w.carry(ctx, from) })
	}
}

// carry is one connection.
func (w *wire) carry(ctx context.Context, from net.Conn) {
	if !w.hold(from) {
		return
	}
	defer w.drop(from)
	if w.pass(ctx) != nil {
		return
	}
	network := "tcp"
	if strings.HasPrefix(w.to, "/") {
		network = "unix"
	}
	to, err := (&net.Dialer{}).DialContext(ctx, network, w.to)
	if err != nil || !w.hold(to) {
		return
	}
	defer w.drop(to)
	ctx, end := context.WithCancel(ctx)
	defer end()
	back := make(chan struct{})
	go func() {
		defer close(back)
		w.pump(ctx, to, from)
		_ = from.Close() // so that the other direction ends too
	}()
	w.pump(ctx, from, to)
	_ = to.Close()
	<-back
}

// pump carries what one end sends to the other, and ends when either has ended and the other may be told of it.
func (w *wire) pump(ctx context.Context, from io.Reader, to io.Writer) {
	const most = 32 << 10
	buffer := make([]byte, most)
	for {
		n, err := from.Read(buffer)
		if w.pass(ctx) != nil {
			return
		}
		if _, failed := to.Write(buffer[:n]); err != nil || failed != nil {
			return
		}
	}
}

// hold notes a connection for the end, unless that has come.
func (w *wire) hold(conn net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open == nil {
		_ = conn.Close()
		return false
	}
	w.open[conn] = struct{}{}
	return true
}

func (w *wire) drop(conn net.Conn) {
	_ = conn.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, conn)
}

// close ends all connections.
func (w *wire) close() error {
	err := w.listener.Close()
	w.mu.Lock()
	for conn := range w.open {
		_ = conn.Close()
	}
	w.open = nil
	w.mu.Unlock()
	w.group.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
