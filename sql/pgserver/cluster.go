package pgserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	database  = "ates"
	superuser = "ates"
	port      = "5432" // only a part of the socket's name
)

// cluster is a data folder with what belongs to it:
//
//	lock          held by the process that runs the server
//	data/         the cluster itself, data.new/ while it is being made
//	run/          the socket, unless the path is too long for one
//	postgres.log  what the server said in this run, and postgres.log.1 in the run before
type cluster struct {
	dir       string
	socketDir string
	account   account
	throwaway bool
}

func openCluster(dir string) (cluster, error) {
	if dir == "" {
		return cluster{}, errors.New("no data folder given")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return cluster{}, err
	}
	if err := mkdirEnterable(dir); err != nil {
		return cluster{}, fmt.Errorf("make the data folder: %w", err)
	}
	// One folder, one lock and one socket, by whatever path it was named.
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return cluster{}, err
	}
	c := cluster{dir: dir}
	if c.account, err = accountFor(c.data()); err != nil {
		return cluster{}, err
	}
	if err := c.account.canEnter(dir); err != nil {
		return cluster{}, err
	}
	if c.socketDir, err = makeSocketDir(dir, c.account); err != nil {
		return cluster{}, err
	}
	return c, nil
}

func (c cluster) data() string     { return filepath.Join(c.dir, "data") }
func (c cluster) lockFile() string { return filepath.Join(c.dir, "lock") }
func (c cluster) logFile() string  { return filepath.Join(c.dir, "postgres.log") }

// url names everything that the environment could otherwise decide, such as PGPORT.
func (c cluster) url(db string) string {
	query := url.Values{"host": {c.socketDir}, "port": {port}, "sslmode": {"disable"}}.Encode()
	u := url.URL{
		Scheme: "postgres",
		User:   url.User(superuser),
		Path:   "/" + db,
		// PostgreSQL's clients take a plus sign for itself.
		RawQuery: strings.ReplaceAll(query, "+", "%20"),
	}
	return u.String()
}

// version is the major version that made the cluster, 0 when it is still to be made.
func (c cluster) version() (int, error) {
	raw, err := os.ReadFile(filepath.Join(c.data(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		entries, err := os.ReadDir(c.data())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
		if len(entries) > 0 {
			return 0, fmt.Errorf("%s is neither empty nor a PostgreSQL cluster: choose another folder", c.data())
		}
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return 0, fmt.Errorf("version of the cluster in %s: %w", c.data(), err)
	}
	return major, nil
}

// init makes the cluster beside its place and moves it there when it is whole, so that an interrupted one is never taken
// for a cluster.
func (c cluster) init(ctx context.Context, bin binaries) error {
	unfinished := c.data() + ".new"
	if err := os.RemoveAll(unfinished); err != nil {
		return fmt.Errorf("remove an unfinished cluster: %w", err)
	}
	if err := c.account.mkdir(unfinished); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, bin.path("initdb"), append([]string{"--pgdata", unfinished}, initOptions(bin, c.throwaway)...)...)
	cmd.Dir = unfinished
	cmd.Env = c.environ()
	c.account.runs(cmd)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("initdb in %s: %w\n%s", c.dir, c.account.explain(err), bytes.TrimSpace(said.Bytes()))
	}
	if err := os.Remove(c.data()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(unfinished, c.data())
}

// environ leaves out all that could change what the server does, PGDATA and LD_LIBRARY_PATH among it.
func (c cluster) environ() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.dir, "LC_ALL=" + systemLocale, "TZ=UTC"}
}
