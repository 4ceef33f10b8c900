package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
)

// onDebianAsRoot says that packages can be installed without asking anybody: on a machine of CI, or in a container.
func onDebianAsRoot() bool {
	_, err := exec.LookPath("apt-get")
	return err == nil && os.Geteuid() == 0
}

func aptInstall(ctx context.Context, packages ...string) error {
	steps := [][]string{
		{"update", "--quiet"},
		append([]string{"install", "--quiet", "--yes", "--no-install-recommends"}, packages...),
	}
	for _, args := range steps {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		// Packages may be larger than a /tmp in memory.
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "TMPDIR=/var/tmp")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", cmd, err, bytes.TrimSpace(out))
		}
	}
	return nil
}
