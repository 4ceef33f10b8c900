package pgserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is whom the server runs as: this process's own user, or somebody with fewer rights when that is root.
type account struct {
	name     string
	uid, gid int
	// drop says that the account is not this process's own.
	drop bool
}

// accountFor chooses the account for the cluster in data, which need not exist.
func accountFor(data string) (account, error) {
	owner, err := ownerOf(data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		owner = -1
	case err != nil:
		return account{}, err
	}
	if me := os.Geteuid(); me != 0 {
		if owner >= 0 && owner != me {
			return account{}, fmt.Errorf("%s belongs to user %s: run this as that user, or as root", data, userName(owner))
		}
		return account{name: userName(me), uid: me, gid: os.Getegid()}, nil
	}
	if owner == 0 {
		return account{}, fmt.Errorf("%s belongs to root, as whom PostgreSQL refuses to run: give it to another user with chown -R", data)
	}
	names := []string{"postgres", "nobody"}
	if name := os.Getenv("ATES_PG_USER"); name != "" {
		names = []string{name}
	}
	var found *user.User
	if owner > 0 {
		found, err = user.LookupId(strconv.Itoa(owner))
	} else {
		for _, name := range names {
			if found, err = user.Lookup(name); err == nil {
				break
			}
		}
	}
	if err != nil {
		return account{}, fmt.Errorf("PostgreSQL refuses to run as root, and there is no other user for it (name one with ATES_PG_USER): %w", err)
	}
	uid, err := strconv.Atoi(found.Uid)
	if err != nil {
		return account{}, fmt.Errorf("user %s: %w", found.Username, err)
	}
	gid, err := strconv.Atoi(found.Gid)
	if err != nil {
		return account{}, fmt.Errorf("user %s: %w", found.Username, err)
	}
	if uid == 0 {
		return account{}, errors.New("PostgreSQL refuses to run as root: name another user with ATES_PG_USER")
	}
	return account{name: found.Username, uid: uid, gid: gid, drop: true}, nil
}

// runs makes cmd run as the account.
func (a account) runs(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	if a.drop {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
}

// mkdir makes a folder that only the account may enter.
func (a account) mkdir(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	if !a.drop {
		return nil
	}
	return a.explain(os.Chown(path, a.uid, a.gid))
}

// explain adds what is the matter when root may not act for the account, as in a container that knows no other users.
func (a account) explain(err error) error {
	if a.drop && (errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EPERM)) {
		return fmt.Errorf("%w: PostgreSQL refuses to run as root, and this root may not become user %s; start this program as an ordinary user", err, a.name)
	}
	return err
}

// canEnter reports, as an error that names the obstacle, whether the account may enter dir and all folders above it. The
// account of this process itself is not asked: it finds out by trying.
func (a account) canEnter(dir string) error {
	if !a.drop {
		return nil
	}
	for at := dir; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		need := fs.FileMode(0o001)
		switch {
		case int(st.Uid) == a.uid:
			need = 0o100
		case int(st.Gid) == a.gid:
			need = 0o010
		}
		if info.Mode().Perm()&need == 0 {
			return fmt.Errorf("user %s, as whom PostgreSQL has to run instead of root, cannot enter %s (mode %#o): choose a folder elsewhere, or another user with ATES_PG_USER",
				a.name, at, info.Mode().Perm())
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}

// mkdirEnterable makes a folder and those above it such that other accounts may enter them, whatever mask this process has.
// Folders that exist stay as they are.
func mkdirEnterable(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := mkdirEnterable(filepath.Dir(dir)); err != nil {
		return err
	}
	err := os.Mkdir(dir, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return nil // made by a process that starts at the same time
	}
	if err != nil {
		return err
	}
	return os.Chmod(dir, 0o755)
}

func ownerOf(path string) (uid int, err error) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0, err
	}
	return int(info.Sys().(*syscall.Stat_t).Uid), nil
}

func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}
