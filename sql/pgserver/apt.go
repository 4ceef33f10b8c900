package pgserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

func hasApt() bool {
	_, err := exec.LookPath("apt-get")
	return err == nil
}

// aptInstall installs the distribution's PostgreSQL, without the cluster and the running server that the package would
// otherwise set up for itself.
func aptInstall(ctx context.Context, major int, log *slog.Logger) error {
	name := "postgresql"
	if major != 0 {
		name = fmt.Sprintf("postgresql-%d", major)
	}
	log.Info("no PostgreSQL here: installing it with apt-get, which takes a minute", "package", name)
	if err := apt(ctx, "update"); err != nil {
		return err
	}
	// The setting is in a file of postgresql-common, which therefore comes first.
	if err := apt(ctx, "install", "postgresql-common"); err != nil {
		return err
	}
	if err := refuseMainCluster("/etc/postgresql-common/createcluster.conf"); err != nil {
		return err
	}
	return apt(ctx, "install", name)
}

func apt(ctx context.Context, verb string, packages ...string) error {
	args := append([]string{verb, "--quiet", "--yes"}, packages...)
	if verb == "install" {
		args = append(args, "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold")
	}
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "TMPDIR=/var/tmp")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, bytes.TrimSpace(out))
	}
	return nil
}

var mainCluster = regexp.MustCompile(`(?m)^\s*#?\s*create_main_cluster\s*=.*$`)

// refuseMainCluster says in the file that installing a server makes no cluster.
func refuseMainCluster(path string) error {
	const setting = "create_main_cluster = false"
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if mainCluster.Match(text) {
		text = mainCluster.ReplaceAll(text, []byte(setting))
	} else {
		text = append(text, "\n"+setting+"\n"...)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}
