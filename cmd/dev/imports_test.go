package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rule says what the packages of a pattern may import of this module, by patterns relative to it, and what they must not
// reach at all, of anybody's, however indirectly.
type rule struct {
	packages string
	may      []string
	never    []string
	why      string
}

// The first rule whose pattern fits a package is its rule.
var rules = []rule{
	{packages: "cmd/*", may: []string{"*", "*/*"},
		why: "commands wire everything"},
	{packages: "handlers", may: []string{"domain", "domain/*", "views", "sql/dbsqlc", "static"},
		why: "a page asks for a command, not for how it runs"},
	{packages: "jobs", may: []string{"domain", "domain/*", "sql/dbsqlc", "views", "sql/migrations", "sql/pgpool", "sql/verify"},
		why: "a job knows no pages; of views it has the bodies of mails, of migrations the name of River's schema, of pgpool whether a commit is safe"},
	{packages: "domain", never: notInTheDomain,
		why: "the domain is the leaf that all contexts share"},
	{packages: "domain/*", may: []string{"domain", "sql/dbsqlc"}, never: notInTheDomain,
		why: "contexts meet only in jobs/reactions.go, and rules know neither queue nor web"},
	{packages: "views", may: []string{"static", "domain", "domain/*"},
		why: "a renamed column must not reach HTML"},
	{packages: "static",
		why: "files know nobody"},
	{packages: "sql/sqltest", may: []string{"sql/migrations", "sql/pgserver"},
		why: "the database knows no domain"},
	{packages: "sql/*",
		why: "the database knows no domain"},
}

var notInTheDomain = []string{"net/http", "github.com/riverqueue/", "riverqueue.com/", "github.com/a-h/templ"}

const module = "ates/"

type goPackage struct {
	ImportPath                               string
	Imports, TestImports, XTestImports, Deps []string
}

func TestPackagesImportWhatTheyMay(t *testing.T) {
	t.Parallel()
	for _, p := range listPackages(t) {
		for _, complaint := range complaints(p) {
			t.Error(complaint)
		}
	}
}

// The rules are only worth something if they can be broken.
func TestForbiddenImportsAreFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pkg  goPackage
		want string
	}{
		{goPackage{ImportPath: "ates/handlers", Imports: []string{"ates/jobs"}}, "handlers imports jobs: a page asks"},
		{goPackage{ImportPath: "ates/jobs", Imports: []string{"ates/handlers"}}, "jobs imports handlers"},
		{goPackage{ImportPath: "ates/domain/tracker", Imports: []string{"ates/domain/accounting"}}, "contexts meet only"},
		{goPackage{ImportPath: "ates/domain", Imports: []string{"ates/sql/dbsqlc"}}, "the leaf"},
		{goPackage{ImportPath: "ates/domain/auth", Deps: []string{"net/http"}}, "domain/auth reaches net/http"},
		{goPackage{ImportPath: "ates/domain/auth", Deps: []string{"github.com/riverqueue/river/rivertype"}}, "reaches github.com/riverqueue"},
		{goPackage{ImportPath: "ates/views", Imports: []string{"ates/sql/dbsqlc"}}, "a renamed column"},
		{goPackage{ImportPath: "ates/sql/dbsqlc", Imports: []string{"ates/domain"}}, "the database knows no domain"},
		{goPackage{ImportPath: "ates/cmd/ates", Imports: []string{"ates/cmd/dev"}}, "nobody imports a command"},
		{goPackage{ImportPath: "ates/jobs", Imports: []string{"ates/sql/sqltest"}}, "is for tests"},
		{goPackage{ImportPath: "ates/handlers", TestImports: []string{"ates/jobs"}}, "handlers imports jobs in a test"},
		{goPackage{ImportPath: "ates/elsewhere"}, "no rule"},
		{goPackage{ImportPath: "ates/jobs", Imports: []string{"unsafe"}}, "imports unsafe"},
		{goPackage{ImportPath: "ates/views", TestImports: []string{"unsafe"}}, "imports unsafe"},
	} {
		require.Contains(t, strings.Join(complaints(c.pkg), "\n"), c.want)
	}
	require.Empty(t, complaints(goPackage{ImportPath: "ates/jobs", Imports: []string{"ates/domain/tracker", "fmt"},
		TestImports: []string{"ates/sql/sqltest", "ates/jobs/jobstest"}, XTestImports: []string{"ates/jobs"}}))
	require.Empty(t, complaints(goPackage{ImportPath: "ates/jobs/jobstest", Imports: []string{"ates/jobs", "ates/sql/sqltest"}}))
}

// complaints says how the package breaks the rules.
func complaints(p goPackage) (said []string) {
	name := strings.TrimPrefix(p.ImportPath, module)
	r, ok := ruleFor(name)
	if !ok {
		return []string{fmt.Sprintf("%s: there is no rule for it; the table of rules says where things are", name)}
	}
	if slices.Contains(slices.Concat(p.Imports, p.TestImports, p.XTestImports), "unsafe") {
		said = append(said, name+" imports unsafe: cmd/dev tests without -d=checkptr, since nobody does")
	}
	for _, imported := range ours(p.Imports) {
		switch {
		case matches("cmd/*", imported):
			said = append(said, fmt.Sprintf("%s imports %s: nobody imports a command", name, imported))
		case forTests(imported) && !forTests(name):
			said = append(said, fmt.Sprintf("%s imports %s, which is for tests", name, imported))
		case forTests(name) && allowedInTests(r, name, imported):
		case !r.allows(imported):
			said = append(said, fmt.Sprintf("%s imports %s: %s", name, imported, r.why))
		}
	}
	for _, imported := range ours(slices.Concat(p.TestImports, p.XTestImports)) {
		if !allowedInTests(r, name, imported) {
			said = append(said, fmt.Sprintf("%s imports %s in a test: %s", name, imported, r.why))
		}
	}
	for _, dep := range p.Deps {
		if slices.ContainsFunc(r.never, func(never string) bool { return strings.HasPrefix(dep, never) }) {
			said = append(said, fmt.Sprintf("%s reaches %s: %s", name, dep, r.why))
		}
	}
	return said
}

// allowedInTests adds to what a package may import: itself, all of sql/, and the packages that are for tests.
func allowedInTests(r rule, name, imported string) bool {
	return r.allows(imported) || imported == subject(name) || matches("sql/*", imported) || forTests(imported)
}

func (r rule) allows(imported string) bool {
	return slices.ContainsFunc(r.may, func(pattern string) bool { return matches(pattern, imported) })
}

// ruleFor finds the rule of a package; one for tests, such as jobs/jobstest, has the rule of the package it helps to test.
func ruleFor(name string) (rule, bool) {
	at := slices.IndexFunc(rules, func(r rule) bool { return matches(r.packages, subject(name)) })
	if at < 0 {
		return rule{}, false
	}
	return rules[at], true
}

func subject(name string) string {
	if forTests(name) && name != "sql/sqltest" {
		return path.Dir(name)
	}
	return name
}

// forTests says that a package holds what tests of its parent folder need: jobs/jobstest, sql/sqltest.
func forTests(name string) bool { return path.Base(name) == path.Base(path.Dir(name))+"test" }

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

func ours(imports []string) (names []string) {
	for _, path := range imports {
		if name, ok := strings.CutPrefix(path, module); ok {
			names = append(names, name)
		}
	}
	return names
}

func listPackages(t *testing.T) (packages []goPackage) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Imports,TestImports,XTestImports,Deps", "./...")
	cmd.Dir = root
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	require.NoError(t, err, complaint.String())
	for list := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		err := list.Decode(&p)
		if errors.Is(err, io.EOF) {
			require.NotEmpty(t, packages)
			return packages
		}
		require.NoError(t, err)
		if strings.HasPrefix(p.ImportPath, module) {
			packages = append(packages, p)
		}
	}
}
