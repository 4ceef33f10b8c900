package pgpool

import (
	"strings"
	"syscall"
)

// tcpUserTimeout is TCP_USER_TIMEOUT of tcp(7), which the standard library does not name.
const tcpUserTimeout = 0x12

// givesUpOnSilence has the kernel end a connection whose other end does not even acknowledge what was sent, as when a machine is cut off
// or loses its power. Without it that takes a quarter of an hour.
func givesUpOnSilence(network, _ string, conn syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	var failed error
	err := conn.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(silentAtMost.Milliseconds()))
	})
	if err != nil {
		return err
	}
	return failed
}
