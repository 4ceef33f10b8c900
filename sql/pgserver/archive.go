package pgserver

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// unpackChecked unpacks the folder package/native of an npm archive into dst, after it has checked the archive's SHA-512,
// in base64, and makes the symbolic links that npm archives cannot hold. Nothing lands outside dst.
func unpackChecked(archive, sum, dst string) error {
	raw, err := os.ReadFile(archive)
	if err != nil {
		return err
	}
	got := sha512.Sum512(raw)
	if base64.StdEncoding.EncodeToString(got[:]) != sum {
		return fmt.Errorf("%s is not the archive this program expects: its SHA-512 differs", filepath.Base(archive))
	}
	if err := mkdirEnterable(dst); err != nil {
		return err
	}
	root, err := os.OpenRoot(dst)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := unpack(bytes.NewReader(raw), root); err != nil {
		return err
	}
	return makeLinks(root)
}

const nativePrefix = "package/native/"

func unpack(archive io.Reader, root *os.Root) error {
	gz, err := gzip.NewReader(archive)
	if err != nil {
		return err
	}
	for entries := tar.NewReader(gz); ; {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name, ok := strings.CutPrefix(entry.Name, nativePrefix)
		if !ok || entry.Typeflag != tar.TypeReg {
			continue
		}
		if err := makeFolders(root, path.Dir(name)); err != nil {
			return fmt.Errorf("%s: %w", entry.Name, err)
		}
		if err := writeFile(root, name, entry.FileInfo().Mode(), entries); err != nil {
			return fmt.Errorf("%s: %w", entry.Name, err)
		}
	}
}

// Modes are set once more after the making, without the process's mask: another account has to use these files.

func makeFolders(root *os.Root, dir string) error {
	if _, err := root.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeFolders(root, path.Dir(dir)); err != nil {
		return err
	}
	if err := root.Mkdir(dir, 0o755); err != nil {
		return err
	}
	return root.Chmod(dir, 0o755)
}

func writeFile(root *os.Root, name string, mode fs.FileMode, content io.Reader) error {
	perm := fs.FileMode(0o644)
	if mode&0o111 != 0 {
		perm = 0o755
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Chmod(perm), f.Close())
}

// makeLinks makes the links that pg-symlinks.json lists; without them the libraries do not find each other.
func makeLinks(root *os.Root) error {
	list, err := root.ReadFile("pg-symlinks.json")
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(list, &links); err != nil {
		return fmt.Errorf("pg-symlinks.json: %w", err)
	}
	for _, l := range links {
		source, ok1 := strings.CutPrefix(l.Source, "native/")
		target, ok2 := strings.CutPrefix(l.Target, "native/")
		if !ok1 || !ok2 || !filepath.IsLocal(source) || !filepath.IsLocal(target) {
			return fmt.Errorf("pg-symlinks.json: link from %q to %q leaves the package", l.Target, l.Source)
		}
		to, err := filepath.Rel(path.Dir(target), source)
		if err != nil {
			return err
		}
		if err := root.Symlink(to, target); err != nil {
			return err
		}
	}
	return nil
}
