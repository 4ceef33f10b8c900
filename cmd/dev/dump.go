package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// ensureDumpPrograms installs Postgres' client programs where it can and they are missing: servers that were fetched come without, and
// the tests of backups dump and restore. Where it cannot, it says what to install.
func ensureDumpPrograms(ctx context.Context) {
	if hasDumpPrograms() {
		return
	}
	if !onDebianAsRoot() {
		fmt.Println("WARNING: the tests of backups fail without pg_dump and pg_restore: install Postgres' client programs (postgresql-client, libpq)")
		return
	}
	fmt.Println("installing Postgres' client programs for the tests of backups, once")
	if err := aptInstall(ctx, "postgresql-client"); err != nil {
		fmt.Println("WARNING:", err)
	}
}

func hasDumpPrograms() bool {
	if _, err := exec.LookPath("pg_dump"); err == nil {
		return true
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump")
	return err == nil && len(found) > 0
}
