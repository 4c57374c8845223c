package libsandbox

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"strings"
	"testing"
)

// TestEveryEntryPointHasAnExample: of the sandbox's API, functions and methods. The containers'
// life cycle is tested by its commands.
func TestEveryEntryPointHasAnExample(t *testing.T) {
	sandbox := map[string]bool{"Cmd": true, "CmdProcess": true, "ExitError": true, "Result": true, "Stream": true}
	containers := map[string]bool{"NewRuntime": true, "DefaultRoot": true, "CheckID": true}
	want, have := []string{}, map[string]bool{}
	parse := func(test bool) {
		pkgs, err := parser.ParseDir(token.NewFileSet(), ".", func(f fs.FileInfo) bool {
			return strings.HasSuffix(f.Name(), "_test.go") == test
		}, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, pkg := range pkgs {
			for _, f := range pkg.Files {
				for _, d := range f.Decls {
					fn, ok := d.(*ast.FuncDecl)
					if !ok {
						continue
					}
					if name := fn.Name.Name; test {
						have[name] = true
					} else if fn.Recv == nil && fn.Name.IsExported() && !containers[name] {
						want = append(want, "Example"+name)
					} else if r := receiver(fn); fn.Name.IsExported() && sandbox[r] {
						want = append(want, "Example"+r+"_"+name)
					}
				}
			}
		}
	}
	parse(false)
	parse(true)
	if len(want) < 25 {
		t.Fatalf("found only %d entry points", len(want))
	}
	for _, name := range want {
		if !have[name] {
			t.Errorf("%s is missing", name)
		}
	}
}

func receiver(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) != 1 {
		return ""
	}
	typ := fn.Recv.List[0].Type
	if p, ok := typ.(*ast.StarExpr); ok {
		typ = p.X
	}
	if id, ok := typ.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}
