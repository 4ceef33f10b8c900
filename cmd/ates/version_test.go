package main

import (
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// requireVersion requires that a running program says everywhere which it is.
func requireVersion(t testing.TB, p *program) {
	t.Helper()
	first, _, _ := strings.Cut(p.logged(), "\n")
	require.Contains(t, first, `msg="ates starts" version=v9.8.7 commit=0123456789ab go=`+runtime.Version())
	someone := nobody(t, p.address)
	for _, path := range []string{"/login", "/nowhere", "/signed-out"} {
		_, page := someone.get(path)
		require.Contains(t, page, "<span>v9.8.7 0123456789ab</span>", path)
	}
	_, metrics := someone.get("/metrics")
	require.Contains(t, metrics, `ates_build_info{commit="0123456789ab",go="`+runtime.Version()+`",version="v9.8.7"} 1`)
	said, err := exec.Command(plain(t), "--version").Output()
	require.NoError(t, err)
	require.Equal(t, "ates v9.8.7 0123456789ab\n", string(said))
}

func TestAVersionSaysItsCommitOnce(t *testing.T) {
	t.Parallel()
	for want, b := range map[string]build{
		"v1.4.0 65285d4a1b2c":                      {Version: "v1.4.0", Commit: "65285d4a1b2c"},
		"v0.0.0-20261130235959-65285d4a1b2c+dirty": {Version: "v0.0.0-20261130235959-65285d4a1b2c+dirty", Commit: "65285d4a1b2c"},
		"development 65285d4a1b2c":                 {Version: "(devel)", Commit: "65285d4a1b2c"},
		"development":                              {},
	} {
		require.Equal(t, want, b.known().String())
	}
}
