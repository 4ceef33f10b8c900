package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ates/static"
)

// webSource is package handlers as its source has it, tests left out.
type webSource struct {
	files     map[string]*ast.File
	constants map[string]string
	// functions are those of each name; methods of several types may share one.
	functions map[string][]*ast.FuncDecl
}

// readWebSource reads the source of package handlers.
func readWebSource(t *testing.T) *webSource {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "handlers", "*.go"))
	require.NoError(t, err)
	s := &webSource{files: map[string]*ast.File{}, constants: map[string]string{"Prefix": static.Prefix}, functions: map[string][]*ast.FuncDecl{}}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		parsed, err := parser.ParseFile(token.NewFileSet(), file, source, 0)
		require.NoError(t, err)
		s.files[file] = parsed
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				s.functions[n.Name.Name] = append(s.functions[n.Name.Name], n)
			case *ast.ValueSpec:
				for i, value := range n.Values {
					if text, ok := written(value, nil); ok && len(n.Names) == len(n.Values) {
						s.constants[n.Names[i].Name] = text
					}
				}
			}
			return true
		})
	}
	return s
}

// readers are the methods by which handlers read what a request names. What headers are read by is left to requestHeaders.
var readers = map[string]bool{"Get": true, "Has": true, "FormValue": true, "PostFormValue": true, "PathValue": true, "FormFile": true}

// computed are the functions that put the names of fields together; their fields stand on pages.
var computed = []string{"setPreferences", "chooseNotifications"}

// shared are the functions behind every route that read fields to show a form again, whichever it was.
var shared = []string{"failed"}

// namesRead are the names of path values, parameters, fields and files that the handlers of each route read: all that the functions
// they call do, which are found by their names.
func (s *webSource) namesRead(t *testing.T) map[string][]string {
	t.Helper()
	names := map[string][]string{}
	for _, file := range s.files {
		for _, declared := range file.Decls {
			where, ok := declared.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(where, func(n ast.Node) bool {
				if pattern, handler, ok := s.route(n); ok {
					names[pattern] = append(names[pattern], s.readBy(t, s.reached(where, handler))...)
					slices.Sort(names[pattern])
					names[pattern] = slices.Compact(names[pattern])
				}
				return true
			})
		}
	}
	return names
}

// route is the pattern and the handler of a call that gives a router both.
func (s *webSource) route(n ast.Node) (pattern string, handler ast.Expr, ok bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) != 2 {
		return "", nil, false
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || method.Sel.Name != "Handle" && method.Sel.Name != "HandleFunc" {
		return "", nil, false
	}
	pattern, ok = written(call.Args[0], s.constants)
	return pattern, call.Args[1], ok
}

// reached are the functions of the package that an expression names, those that these name, and so on.
func (s *webSource) reached(where *ast.FuncDecl, from ast.Node) (reached []*ast.FuncDecl) {
	s.follow(where, from, &reached)
	for i := 0; i < len(reached); i++ {
		s.follow(reached[i], reached[i].Body, &reached)
	}
	return reached
}

// follow adds the functions that a part of one names: its own methods by its receiver, and functions and methods where they are
// called or handed over.
func (s *webSource) follow(where *ast.FuncDecl, part ast.Node, reached *[]*ast.FuncDecl) {
	own := ""
	if where.Recv != nil {
		own = where.Recv.List[0].Names[0].Name
	}
	add := func(name string, fits func(*ast.FuncDecl) bool) {
		for _, f := range s.functions[name] {
			if fits(f) && !slices.Contains(shared, name) && !slices.Contains(*reached, f) {
				*reached = append(*reached, f)
			}
		}
	}
	ast.Inspect(part, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == own {
				add(n.Sel.Name, func(f *ast.FuncDecl) bool { return receiver(f) == receiver(where) })
			}
		case *ast.CallExpr:
			for _, named := range append(n.Args, n.Fun) {
				switch named := named.(type) {
				case *ast.Ident:
					add(named.Name, func(f *ast.FuncDecl) bool { return f.Recv == nil })
				case *ast.SelectorExpr:
					// A field that is handed over is named like this too; those of fields, such as h.signIn.login, are methods.
					if x, ok := named.X.(*ast.Ident); !ok || x.Name != own && named == n.Fun {
						add(named.Sel.Name, func(f *ast.FuncDecl) bool { return f.Recv != nil })
					}
				}
			}
		}
		return true
	})
}

// receiver is the type whose method a function is, "" for none.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	of := f.Recv.List[0].Type
	if pointer, ok := of.(*ast.StarExpr); ok {
		of = pointer.X
	}
	name, _ := of.(*ast.Ident)
	if name == nil {
		return ""
	}
	return name.Name
}

// readBy are the names that functions read.
func (s *webSource) readBy(t *testing.T, functions []*ast.FuncDecl) (names []string) {
	t.Helper()
	for _, f := range functions {
		ast.Inspect(f.Body, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !readers[method.Sel.Name] || isHeader(method.X) {
				return true
			}
			found, ok := s.possible(call.Args[0], f, functions)
			require.True(t, ok || slices.Contains(computed, f.Name.Name), "%s reads a name that is not written out; if pages have it, add it to those that are computed", f.Name.Name)
			names = append(names, found...)
			return true
		})
	}
	return names
}

// isHeader reports whether an expression is the header of a request or of an answer.
func isHeader(e ast.Expr) bool {
	if call, ok := e.(*ast.CallExpr); ok {
		e = call.Fun
	}
	switch e := e.(type) {
	case *ast.SelectorExpr:
		return e.Sel.Name == "Header"
	case *ast.Ident:
		return e.Name == "header"
	}
	return false
}

// possible are the texts that an expression in a function can be: the one it is, those that are given for a parameter, or those of
// a list that is gone through.
func (s *webSource) possible(e ast.Expr, in *ast.FuncDecl, calledBy []*ast.FuncDecl) (texts []string, ok bool) {
	if text, ok := written(e, s.constants); ok && text != "" {
		return []string{text}, true
	}
	name, ok := e.(*ast.Ident)
	if !ok {
		return nil, false
	}
	place := 0
	for _, field := range in.Type.Params.List {
		for _, parameter := range field.Names {
			if parameter.Name == name.Name {
				return s.given(in, place, calledBy)
			}
			place++
		}
	}
	ast.Inspect(in.Body, func(n ast.Node) bool {
		loop, isLoop := n.(*ast.RangeStmt)
		if !isLoop {
			return true
		}
		value, _ := loop.Value.(*ast.Ident)
		list, isList := loop.X.(*ast.CompositeLit)
		if value == nil || value.Name != name.Name || !isList {
			return true
		}
		for _, element := range list.Elts {
			if text, ok := written(element, s.constants); ok {
				texts = append(texts, text)
			}
		}
		return true
	})
	return texts, len(texts) > 0
}

// given are the texts that functions give another one for a parameter.
func (s *webSource) given(to *ast.FuncDecl, place int, by []*ast.FuncDecl) (texts []string, ok bool) {
	ok = true
	for _, f := range by {
		ast.Inspect(f.Body, func(n ast.Node) bool {
			call, isCall := n.(*ast.CallExpr)
			if !isCall || place >= len(call.Args) {
				return true
			}
			called := ""
			switch fun := call.Fun.(type) {
			case *ast.Ident:
				called = fun.Name
			case *ast.SelectorExpr:
				called = fun.Sel.Name
			}
			if called == to.Name.Name {
				found, written := s.possible(call.Args[place], f, by)
				texts, ok = append(texts, found...), ok && written
			}
			return true
		})
	}
	return texts, ok && len(texts) > 0
}

// requestHeaders are the headers of requests that package handlers reads by name.
func (s *webSource) requestHeaders() (names []string) {
	for _, file := range s.files {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || method.Sel.Name != "Get" && method.Sel.Name != "Values" {
				return true
			}
			header, ok := method.X.(*ast.SelectorExpr)
			if !ok || header.Sel.Name != "Header" {
				return true
			}
			if name, ok := written(call.Args[0], s.constants); ok {
				names = append(names, name)
			}
			return true
		})
	}
	slices.Sort(names)
	return slices.Compact(names)
}
