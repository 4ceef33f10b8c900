package pgserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestACompanionRunsAsTheServersAccount(t *testing.T) {
	t.Parallel()
	a, err := ServerAccount()
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "ates-companion-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	own := filepath.Join(dir, "own")
	require.NoError(t, a.Mkdir(own))
	ended := func(p *Program) {
		select {
		case <-p.Ended():
		case <-time.After(time.Minute):
			t.Fatal("it does not end")
		}
	}
	cmd := exec.Command("sh", "-c", "id -u > who")
	cmd.Dir = own
	p, err := a.Start(cmd)
	require.NoError(t, err)
	ended(p)
	who, err := os.ReadFile(filepath.Join(own, "who"))
	require.NoError(t, err)
	require.Equal(t, strconv.Itoa(a.uid), strings.TrimSpace(string(who)))
	require.NotEqual(t, "0", strings.TrimSpace(string(who)), "Postgres refuses to run as root")

	cmd = exec.Command("sleep", "1000")
	cmd.Dir = own
	p, err = a.Start(cmd)
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(p.PID(), 0))
	p.Signal(syscall.SIGTERM)
	ended(p)
	p.Signal(syscall.SIGTERM)
}
