package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// servers are those that tests put before the program or before Postgres, with the packages that have them.
var servers = map[string]string{"pgbouncer": "pgbouncer", "nginx": "nginx-light"}

// ensureServers installs those where it can. Where it cannot, it says what to install: their tests fail without them.
func ensureServers(ctx context.Context) {
	for name, pack := range servers {
		switch {
		case hasServer(name):
		case !onDebianAsRoot():
			fmt.Printf("WARNING: some tests fail without %s: install the package %s\n", name, pack)
		default:
			fmt.Printf("installing %s for the tests, once\n", name)
			if err := aptInstall(ctx, pack); err != nil {
				fmt.Println("WARNING:", err)
			}
		}
	}
}

// hasServer looks also where programs of administrators are, which may not be in the path.
func hasServer(name string) bool {
	_, err := exec.LookPath(name)
	if err != nil {
		_, err = exec.LookPath(filepath.Join("/usr/sbin", name))
	}
	return err == nil
}
