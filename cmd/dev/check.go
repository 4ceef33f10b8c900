package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

type checkCommand struct{}

// errNotChecked says that a step could not be done here, which is no failure of the code.
var errNotChecked = errors.New("not checked")

type check struct {
	name string
	// run returns what there is to say; an error makes the check fail.
	run func(ctx context.Context) (string, error)
}

var checks = []check{
	{"gofmt", checkGofmt},
	{"templ fmt", checkTemplFmt},
	{"templ generate", checkTemplGenerate},
	{"sqlc diff", func(ctx context.Context) (string, error) { return sqlc.output(ctx, "diff") }},
	{"go mod tidy", func(ctx context.Context) (string, error) { return output(ctx, "go", "mod", "tidy", "-diff") }},
	{"go vet", func(ctx context.Context) (string, error) { return output(ctx, "go", "vet", "./...") }},
	{"golangci-lint", func(ctx context.Context) (string, error) { return golangciLint.output(ctx, "run", "./...") }},
	{"govulncheck", checkVulnerabilities},
}

// Run does every check, so that one round shows all there is to repair.
func (checkCommand) Run(ctx context.Context) error {
	failed := 0
	for _, c := range checks {
		begin := time.Now()
		said, err := c.run(ctx)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		verdict := "ok"
		switch {
		case errors.Is(err, errNotChecked):
			verdict = err.Error()
		case err != nil:
			verdict = "FAILED: " + err.Error()
			failed++
		}
		fmt.Printf("%-15s %6.1fs  %s\n", c.name, time.Since(begin).Seconds(), verdict)
		if err != nil && said != "" {
			fmt.Println("\t" + strings.ReplaceAll(said, "\n", "\n\t"))
		}
	}
	if failed > 0 {
		fmt.Printf("%d of %d checks failed\n", failed, len(checks))
		return errFailed
	}
	fmt.Println("all checks passed")
	return nil
}

func checkGofmt(ctx context.Context) (string, error) {
	root, err := output(ctx, "go", "env", "GOROOT")
	if err != nil {
		return root, err
	}
	files, err := output(ctx, filepath.Join(root, "bin", "gofmt"), "-l", ".")
	if err == nil && files != "" {
		err = errors.New("not formatted: gofmt -w these files")
	}
	return files, err
}

// checkTemplFmt leaves the formatted templates in place. A prettier that happens to be installed is kept out, for it would make
// the result depend on the machine.
func checkTemplFmt(ctx context.Context) (string, error) {
	out, err := output(ctx, "go", "tool", "templ", "fmt", "-fail", "-log-level", "warn", "-prettier-command", "none", ".")
	if err != nil {
		err = fmt.Errorf("was not formatted, and is now, unless it says otherwise: %w", err)
	}
	return out, err
}

// checkTemplGenerate leaves the new code in place, where it is to be committed.
func checkTemplGenerate(ctx context.Context) (string, error) {
	before, err := generatedSums()
	if err != nil {
		return "", err
	}
	if out, err := templGenerate(ctx); err != nil {
		return out, err
	}
	after, err := generatedSums()
	if err != nil {
		return "", err
	}
	var differ []string
	for path, sum := range after {
		if before[path] != sum {
			differ = append(differ, path)
		}
		delete(before, path)
	}
	for path := range before {
		differ = append(differ, path+" (has no template)")
	}
	if len(differ) > 0 {
		err = errors.New("was not up to date, and is now")
	}
	return strings.Join(differ, "\n"), err
}

func generatedSums() (map[string][sha256.Size]byte, error) {
	paths, err := filesWithSuffix("_templ.go")
	if err != nil {
		return nil, err
	}
	sums := map[string][sha256.Size]byte{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		sums[path] = sha256.Sum256(text)
	}
	return sums, nil
}

func filesWithSuffix(suffix string) (paths []string, err error) {
	err = filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != "." && strings.HasPrefix(entry.Name(), ".") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, suffix) {
			paths = append(paths, path)
		}
		return nil
	})
	return paths, err
}
