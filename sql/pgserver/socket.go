package pgserver

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The kernel's limit for the path of a socket is 104 bytes on macOS and 108 on Linux.
const maxSocketPath = 100

func socketIn(dir string) string { return filepath.Join(dir, ".s.PGSQL."+port) }

// makeSocketDir makes the folder of the socket, which only the account may enter: in dir, or under /tmp when that path would
// be too long, or has a comma, which separates servers in an address.
func makeSocketDir(dir string, a account) (string, error) {
	at := filepath.Join(dir, "run")
	if len(socketIn(at)) > maxSocketPath || strings.Contains(at, ",") {
		sum := sha256.Sum256([]byte(dir))
		at = filepath.Join("/tmp", "ates-"+hex.EncodeToString(sum[:8]))
	}
	if err := a.mkdir(at); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make the folder of the socket: %w", err)
	}
	// Under /tmp anybody may have made it before us, and would then own what is in it.
	info, err := os.Lstat(at)
	if err != nil {
		return "", err
	}
	owner, err := ownerOf(at)
	if err != nil {
		return "", err
	}
	if !info.IsDir() || owner != a.uid {
		return "", fmt.Errorf("%s, the folder of the socket, is not a folder of user %s: remove it and start again", at, a.name)
	}
	if err := os.Chmod(at, 0o700); err != nil {
		return "", err
	}
	return at, nil
}

// removeSocketDir leaves nothing behind under /tmp.
func (c cluster) removeSocketDir() error {
	if filepath.Dir(c.socketDir) == c.dir {
		return nil
	}
	return os.RemoveAll(c.socketDir)
}
