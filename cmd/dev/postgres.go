package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// ensurePostgres installs Postgres with its client programs where it can and they are missing. The tests could do with a server that is
// fetched, but that comes without pg_dump and pg_restore, which the tests of backups need, of the server's version or a newer one.
// Where it cannot, it says what to install.
func ensurePostgres(ctx context.Context) {
	if hasDump() {
		return
	}
	if !onDebianAsRoot() {
		fmt.Println("WARNING: the test of dumps fails without pg_dump and pg_restore: install Postgres, or its client programs")
		return
	}
	fmt.Println("installing Postgres for the tests, once")
	if err := errors.Join(noCluster(), aptInstall(ctx, "postgresql")); err != nil {
		fmt.Println("WARNING:", err)
	}
}

func hasDump() bool {
	if _, err := exec.LookPath("pg_dump"); err == nil {
		return true
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump")
	return err == nil && len(found) > 0
}

// noCluster keeps Debian from starting a server of its own along with the package. See pg_createcluster(1).
func noCluster() error {
	const folder = "/etc/postgresql-common"
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(folder, "createcluster.conf"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = file.WriteString("create_main_cluster = false\n")
	return errors.Join(err, file.Close())
}
