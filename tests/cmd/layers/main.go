// Command layers checks the rules of where code may go that no compiler knows:
//
//   - pure packages (they decide, without side effects) import nothing that could act and make no
//     system call, so that a plan can be tested without root and fuzzed;
//   - nothing below libsandbox imports it, and nothing imports package main's neighbours upwards;
//   - no path string is built inside a container's root: such a path is resolved by the host, and a
//     symlink in the root then leads outside (CVE-2019-19921, CVE-2021-30465 and their family).
//
// usage: layers [DIR]. A line that has to break the third rule says why in a comment
// `layers:ok REASON` on the same line.
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const module = "github.com/sandbox-runtime/sandbox-runtime"

func main() {
	dir := "."
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	problems, err := check(os.DirFS(dir))
	if err != nil {
		fmt.Fprintln(os.Stderr, "layers:", err)
		os.Exit(2)
	}
	for _, p := range problems {
		fmt.Println(p)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
}

// check reads all Go files of the module that are not tests.
func check(tree fs.FS) ([]string, error) {
	var problems []string
	fset := token.NewFileSet()
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "build" || name != "." && d.Name()[0] == '.'):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(fset, name, text, parser.ParseComments)
		if err != nil {
			return err
		}
		problems = append(problems, checkFile(fset, path.Dir(name), file)...)
		return nil
	})
	return problems, err
}

func checkFile(fset *token.FileSet, dir string, file *ast.File) []string {
	var problems []string
	report := func(pos token.Pos, format string, args ...any) {
		problems = append(problems, fmt.Sprintf("%s: %s", fset.Position(pos), fmt.Sprintf(format, args...)))
	}
	for _, spec := range file.Imports {
		if why := badImport(dir, strings.Trim(spec.Path.Value, `"`)); why != "" {
			report(spec.Pos(), "%s", why)
		}
	}
	excused := map[int]bool{}
	for _, group := range file.Comments {
		for _, c := range group.List {
			if _, reason, ok := strings.Cut(c.Text, "layers:ok"); ok && strings.TrimSpace(reason) != "" {
				excused[fset.Position(c.Pos()).Line] = true
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		pkg, name := callee(call)
		if isPure(dir) && (pkg == "unix" || pkg == "syscall") && !slices.Contains(harmless(), name) {
			report(call.Pos(), "%s is pure: no %s.%s here", dir, pkg, name)
		}
		if strings.HasPrefix(dir, "libsandbox") && pkg == "filepath" && name == "Join" && len(call.Args) > 0 &&
			namesRoot(call.Args[0]) && !excused[fset.Position(call.Pos()).Line] {
			report(call.Pos(), "a path inside the root as a string: use rootfs.Root")
		}
		return true
	})
	return problems
}

func isPure(dir string) bool {
	return slices.Contains([]string{"libsandbox/plan", "libsandbox/lower", "libsandbox/exitrecord"}, dir)
}

// harmless are functions of x/sys/unix and syscall that only compute.
func harmless() []string {
	return []string{"Mkdev", "Major", "Minor", "Errno", "ErrnoName", "SignalNum", "SignalName", "Signal", "WaitStatus",
		"BytePtrFromString", "ByteSliceFromString", "ByteSliceToString", "CmsgSpace", "CmsgLen"}
}

// badImport says why a package of this folder may not import another, or nothing.
func badImport(dir, imported string) string {
	if isPure(dir) && slices.Contains([]string{"os", "os/exec", "os/user", "net", "net/http", "io/ioutil", "log"}, imported) {
		return fmt.Sprintf("%s is pure: it must not import %s", dir, imported)
	}
	own, ok := strings.CutPrefix(imported, module+"/")
	switch {
	case !ok:
		return ""
	case isPure(dir) && !isPure(own) && own != "libsandbox/errdetail" && strings.HasPrefix(own, "libsandbox"):
		// Other leaf packages hold tables that lowering needs; they are pure where they are listed.
		if !slices.Contains([]string{"libsandbox/seccomp", "libsandbox/landlock"}, own) {
			return fmt.Sprintf("%s is pure: it must not import %s", dir, own)
		}
	case own == "libsandbox" && strings.HasPrefix(dir, "libsandbox/") || own == "libsandbox" && dir == "specconv":
		return fmt.Sprintf("%s lies below libsandbox: it must not import it", dir)
	}
	return ""
}

// callee is the package-or-receiver and the name of a called selector.
func callee(call *ast.CallExpr) (string, string) {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	x, ok := sel.X.(*ast.Ident)
	if !ok {
		return "", sel.Sel.Name
	}
	return x.Name, sel.Sel.Name
}

// namesRoot tells whether an expression is, by its name, a container's root folder. The state folder
// (--root) is never called just that in this code base.
func namesRoot(e ast.Expr) bool {
	var name string
	switch e := e.(type) {
	case *ast.Ident:
		name = e.Name
	case *ast.SelectorExpr:
		name = e.Sel.Name
		if x, ok := e.X.(*ast.SelectorExpr); ok {
			name = x.Sel.Name + name
		}
	}
	name = strings.ToLower(name)
	return slices.Contains([]string{"rootfs", "rootpath", "rootdir", "ctrroot", "rootfspath"}, filepath.Base(name))
}
