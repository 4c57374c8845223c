// docs/errors.md lists every hint that an error can carry: this test reads them out of the source, so
// that neither of the two can be changed alone.

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var verb = regexp.MustCompile(`%(\.\*)?[a-z]`)

// hintText is an expression's text with … for what is only known at run time; "" if all of it is.
func hintText(e ast.Expr, consts map[string]string) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		if err != nil {
			return "…"
		}
		return verb.ReplaceAllString(s, "…")
	case *ast.BinaryExpr:
		l, r := hintText(e.X, consts), hintText(e.Y, consts)
		if l == "" {
			l = "…"
		}
		if r == "" {
			r = "…"
		}
		return l + r
	case *ast.CallExpr:
		if sel, ok := e.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Sprintf" && len(e.Args) > 0 {
			return hintText(e.Args[0], consts)
		}
	case *ast.Ident:
		return consts[e.Name]
	}
	return ""
}

// hintsIn collects what is assigned to a field Hint, and what a function named …Hint returns as text.
func hintsIn(file *ast.File) []string {
	consts := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Names) == 1 && len(v.Values) == 1 && strings.HasPrefix(v.Names[0].Name, "hint") {
			consts[v.Names[0].Name] = hintText(v.Values[0], nil)
		}
		return true
	})
	var hints []string
	add := func(e ast.Expr) {
		if t := hintText(e, consts); len(t) > len("…") {
			hints = append(hints, t)
		}
	}
	for _, t := range consts {
		hints = append(hints, t)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, l := range n.Lhs {
				if sel, ok := l.(*ast.SelectorExpr); ok && sel.Sel.Name == "Hint" && len(n.Rhs) == len(n.Lhs) {
					add(n.Rhs[i])
				}
			}
		case *ast.KeyValueExpr:
			if k, ok := n.Key.(*ast.Ident); ok && k.Name == "Hint" {
				add(n.Value)
			}
		case *ast.FuncDecl:
			if !strings.HasSuffix(n.Name.Name, "Hint") || n.Body == nil {
				return true
			}
			ast.Inspect(n.Body, func(m ast.Node) bool {
				if r, ok := m.(*ast.ReturnStmt); ok && len(r.Results) == 1 {
					add(r.Results[0])
				}
				return true
			})
		}
		return true
	})
	return hints
}

func sourceHints(t *testing.T) map[string]string {
	found := map[string]string{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (name == "tests" || name == "bench" || name == "build" || name != "." && d.Name()[0] == '.') {
			return fs.SkipDir
		}
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			return err
		}
		for _, h := range hintsIn(file) {
			found[h] = name
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestErrorsDoc(t *testing.T) {
	doc, err := os.ReadFile("docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(doc)) {
		if h, ok := strings.CutPrefix(line, "### "); ok {
			listed[strings.TrimSpace(h)] = true
		}
	}
	found := sourceHints(t)
	if len(found) < 20 {
		t.Fatalf("only %d hints found: has the source changed its form?", len(found))
	}
	for h, file := range found {
		if !listed[h] {
			t.Errorf("docs/errors.md does not explain this hint of %s:\n### %s", file, h)
		}
		delete(listed, h)
	}
	for h := range listed {
		t.Errorf("docs/errors.md explains a hint that no error carries:\n### %s", h)
	}
}
