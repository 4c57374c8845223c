package early

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/state"
)

// TestRules: what runs before Go must do without it. The linker checks the stack of nosplit functions;
// here is what it does not.
func TestRules(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	functions := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "order.go" {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			bad := ""
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Body != nil && n.Name.Name != "Failure" && n.Name.Name != "TimerSlack" {
					functions++
					if n.Doc == nil || !strings.Contains(n.Doc.List[len(n.Doc.List)-1].Text, "//go:nosplit") {
						bad = "not nosplit: its stack check would look for a goroutine"
					}
				}
			case *ast.FuncLit:
				bad = "a closure"
			case *ast.GoStmt, *ast.DeferStmt, *ast.SelectStmt, *ast.SendStmt:
				bad = "needs the scheduler"
			case *ast.MapType, *ast.InterfaceType, *ast.ChanType:
				bad = "needs the runtime"
			case *ast.CallExpr:
				if id, ok := n.Fun.(*ast.Ident); ok {
					switch id.Name {
					case "append", "make", "new", "panic", "print", "println", "string":
						bad = id.Name + " needs the heap"
					}
				}
			}
			if bad != "" {
				t.Errorf("%s: %s", fset.Position(n.Pos()), bad)
			}
			return true
		})
	}
	if functions < 20 {
		t.Errorf("looked at %d functions only", functions)
	}
}

func TestParse(t *testing.T) {
	root := []string{"--root", "/run/r"}
	for _, c := range []struct {
		argv string
		want Order
		ok   bool
	}{
		{"start a", Order{"start", "/run/r", "", "a", 0}, true},
		{"--log /l --log-format json start a", Order{"start", "/run/r", "/l", "a", 0}, true},
		{"kill a", Order{"kill", "/run/r", "", "a", 15}, true},
		{"kill a 9", Order{"kill", "/run/r", "", "a", 9}, true},
		{"kill a SIGKILL", Order{"kill", "/run/r", "", "a", 9}, true},
		{"kill a TERM", Order{"kill", "/run/r", "", "a", 15}, true},
		{"kill a 64", Order{"kill", "/run/r", "", "a", 64}, true},
		{"delete a", Order{"delete", "/run/r", "", "a", 0}, true},
		{"delete --force a", Order{"delete", "/run/r", "", "a", 0}, true},
		{"delete -f a.b-c_d+e", Order{"delete", "/run/r", "", "a.b-c_d+e", 0}, true},
		{argv: "kill a 0"}, {argv: "kill a 65"}, {argv: "kill a 09"}, {argv: "kill a +9"}, {argv: "kill a 99999999999999999999"},
		{argv: "kill a SIG9"}, {argv: "kill a SIG"}, {argv: "kill a term"}, {argv: "kill --all a"}, {argv: "kill a 9 9"}, {argv: "kill"},
		{argv: "start"}, {argv: "start a b"}, {argv: "start help"}, {argv: "start h"}, {argv: "start -- a"}, {argv: "start --help"},
		{argv: "start ."}, {argv: "start .."}, {argv: "start .a"}, {argv: "start a/b"}, {argv: "start a;b"}, {argv: "start " + strings.Repeat("a", 256)},
		{argv: "delete --force"}, {argv: "delete a --force"}, {argv: "delete --force --force a"},
		{argv: "state a"}, {argv: "--debug start a"}, {argv: "--root /x start a"}, {argv: "--log"}, {argv: "--log-format xml start a"},
		{argv: "--systemd-cgroup start a"}, {argv: "--log=/l start a"}, {argv: "--log /l --log /m start a"},
	} {
		argv := append(append([]string{"rt"}, root...), strings.Fields(c.argv)...)
		got, ok := Parse(argv, []string{"PATH=/bin"})
		if ok != c.ok || got != c.want {
			t.Errorf("%q: %+v %v, want %+v %v", c.argv, got, ok, c.want, c.ok)
		}
	}
}

func TestSurroundings(t *testing.T) {
	for _, c := range []struct {
		argv, env []string
		ok        bool
	}{
		{[]string{"rt", "--root", "/r", "start", "a"}, []string{"NOTIFY_SOCKET=/n"}, false},
		{[]string{"rt", "--root", "/r", "kill", "a"}, []string{"NOTIFY_SOCKET=/n"}, true},
		{[]string{"rt", "--root", "/r", "start", "a"}, []string{"NOTIFY_SOCKET_=/n"}, true},
		{[]string{"rt", "--root", "r", "start", "a"}, nil, false},
		{[]string{"rt", "--root", "/r/../s", "start", "a"}, nil, false},
		{[]string{"rt", "--root", "/r//s", "start", "a"}, nil, false},
		{[]string{"rt", "--root", "", "start", "a"}, nil, false},
		{[]string{"rt", "start", "a"}, []string{"XDG_RUNTIME_DIR=/run/user/1"}, os.Geteuid() == 0 && hostIDs()},
		{[]string{"rt", "start", "a"}, nil, os.Geteuid() == 0},
		{[]string{"rt", "--root", "/" + strings.Repeat("r", maxArg), "start", "a"}, nil, false},
		{nil, nil, false},
	} {
		if _, ok := Parse(c.argv, c.env); ok != c.ok {
			t.Errorf("%q %q: %v, want %v", c.argv, c.env, ok, c.ok)
		}
	}
}

// accepts says what facts.read must have found for a state that it takes.
func accepts(t *testing.T, data []byte) {
	var f facts
	if !f.read(data) {
		return
	}
	st, err := state.Decode(data)
	if err != nil {
		return // the scanner does not look into what it passes over
	}
	if uint64(st.Pid) != f.pid || st.Start != f.start || !st.Ready || st.SharedPid || st.Hooks || st.NoProgram || st.Version != 1 {
		t.Fatalf("got %+v, package state %+v: %s", f, st, data)
	}
	if st.Cgroup["unit"] != "" || len(st.Cgroup) > 0 && st.Cgroup["root"] != "/sys/fs/cgroup" && st.Cgroup["root"] != "" {
		t.Fatalf("took an odd cgroup: %v", st.Cgroup)
	}
	paths := 0
	for k, v := range st.Cgroup {
		if !strings.HasPrefix(k, "path:") {
			continue
		}
		paths++
		found := false
		for i := 0; i < f.count; i++ {
			found = found || string(f.dirs[i]) == v
		}
		if !found {
			t.Fatalf("%s is not among the folders: %s", v, data)
		}
	}
	if paths != f.count {
		t.Fatalf("%d folders, package state has %d: %s", f.count, paths, data)
	}
	if want, ok := st.Cgroup["path:freezer"]; ok && st.Cgroup["mode"] != "v2" && string(f.freezer) != want {
		t.Fatalf("freezer is %s, want %s", f.freezer, want)
	}
}

// sample is a state of a running container; change may make it another.
func sample(t testing.TB, change func(*state.State)) []byte {
	s := &state.State{Version: 1, ID: "a", OCIVersion: "1.3.0", Bundle: "/b", Rootfs: "/b/rootfs", Owner: "0", Pid: 4711, Start: 815, Ready: true,
		Cgroup: map[string]string{"mode": "hybrid", "root": "/sys/fs/cgroup", "path:": "/sys/fs/cgroup/unified/a",
			"path:freezer": "/sys/fs/cgroup/freezer/a", "path:pids": "/sys/fs/cgroup/pids/a"},
		Annotations: map[string]string{"a": "b\"}{", "pid": "1"},
		Tail:        []state.Step{{Addr: 1, Field: "process.args[0]", Detail: "x", Syscall: "execve"}}}
	if change != nil {
		change(s)
	}
	data, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestFacts(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*state.State)
		ok     bool
	}{
		"plain":       {nil, true},
		"v2":          {func(s *state.State) { s.Cgroup = map[string]string{"mode": "v2", "path:": "/sys/fs/cgroup/a"} }, true},
		"no cgroup":   {func(s *state.State) { s.Cgroup = nil }, true},
		"hooks":       {func(s *state.State) { s.Hooks = true }, false},
		"shared pid":  {func(s *state.State) { s.SharedPid = true }, false},
		"no program":  {func(s *state.State) { s.NoProgram = true }, false},
		"not ready":   {func(s *state.State) { s.Ready = false }, false},
		"no pid":      {func(s *state.State) { s.Pid = 0 }, false},
		"version":     {func(s *state.State) { s.Version = 2 }, false},
		"systemd":     {func(s *state.State) { s.Cgroup["unit"] = "a.scope" }, false},
		"made up":     {func(s *state.State) { s.Cgroup["root"] = "/tmp/x" }, false},
		"odd path":    {func(s *state.State) { s.Cgroup["path:cpu"] = "/sys/fs/cgroup/../a" }, false},
		"escape":      {func(s *state.State) { s.Cgroup["path:cpu"] = "/sys/fs/cgroup/a\n" }, false},
		"unknown":     {func(s *state.State) { s.Cgroup["new"] = "x" }, false},
		"annotations": {func(s *state.State) { s.Annotations["x"] = `\"\\","ready":false` }, true},
	} {
		var f facts
		data := sample(t, c.change)
		if got := f.read(data); got != c.ok {
			t.Errorf("%s: %v, want %v: %s", name, got, c.ok, data)
		}
		accepts(t, data)
	}
}

func TestUnknownEntry(t *testing.T) {
	data := sample(t, nil)
	var f, g facts
	if !f.read(data) || g.read(append([]byte(`{"new":true,`), data[1:]...)) {
		t.Error("an entry of a later version was passed over")
	}
}

func FuzzFacts(f *testing.F) {
	f.Add(sample(f, nil))
	f.Add(sample(f, func(s *state.State) { s.Hooks = true }))
	f.Add([]byte(`{"version":1,"pid":1,"ready":true,"x":[{"a":1},"]"],"y":null}`))
	f.Fuzz(func(t *testing.T, data []byte) { accepts(t, data) })
}

func TestStat(t *testing.T) {
	own, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	want, err := state.ReadProc(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if _, start, ok := parseStat(own); !ok || start != want.Start {
		t.Errorf("start is %d %v, want %d", start, ok, want.Start)
	}
	odd := "7 (a) b) R (c)) Z 1 7 7 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 99 0 0"
	if s, start, ok := parseStat([]byte(odd)); s != 'Z' || start != 99 || !ok {
		t.Errorf("%c %d %v", s, start, ok)
	}
	for n := range len(odd) {
		parseStat([]byte(odd[:n])) // must not go beyond the end
	}
}
