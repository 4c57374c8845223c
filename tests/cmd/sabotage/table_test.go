package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// All sabotages of the tables still apply, and the tests that they name exist.
func TestTablesApply(t *testing.T) {
	const top = "../../.."
	paths, err := filepath.Glob(filepath.Join(top, "tests/sabotage/*.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no tables: %v", err)
	}
	untried, err := filepath.Glob(filepath.Join(top, "tests/sabotage/untried/*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	paths = append(paths, untried...)
	all := tables{none: map[string]string{}}
	for _, path := range paths {
		if err := all.read(path); err != nil {
			t.Fatal(err)
		}
	}
	l := &lab{top: top}
	for i := range all.rows {
		if v := l.applies(&all.rows[i]); v.err != nil {
			t.Errorf("%s: [%s]: %v", all.rows[i].where, all.rows[i].name, v.err)
		}
	}
}

func readText(t *testing.T, text string) (tables, error) {
	path := filepath.Join(t.TempDir(), "table.txt")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	all := tables{none: map[string]string{}}
	return all, all.read(path)
}

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.txt")
	text := "# comment\n\n[one]\nfile a.go\n-x := 1\n-y := 2\n+x := 2\n-z\n+\n+zz\nfile b.go\n-gone\nbats tests/a.bats: a: ^b$\n" +
		"[two]\nfatal\nfile a.go\n-x\n+y\ngo lib TestX/y\nnone tests/c.bats: no reason\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	all := tables{none: map[string]string{}}
	if err := all.read(path); err != nil {
		t.Fatal(err)
	}
	if len(all.rows) != 2 || all.none["tests/c.bats"] != "no reason" {
		t.Fatalf("got %+v", all)
	}
	want := []edit{{"a.go", "x := 1\ny := 2", "x := 2"}, {"a.go", "z", "\nzz"}, {"b.go", "gone", ""}}
	for i, e := range all.rows[0].edits {
		if e != want[i] {
			t.Errorf("edit %d: got %+v, want %+v", i, e, want[i])
		}
	}
	if got := all.rows[0].test; got != (test{file: "tests/a.bats", pattern: "a: ^b$"}) {
		t.Errorf("got %+v", got)
	}
	if two := all.rows[1]; !two.fatal || two.test != (test{pkg: "lib", pattern: "TestX/y"}) {
		t.Errorf("got %+v", two)
	}
}

func TestReadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"file a.go\n":                             "begins with [NAME]",
		"[x]\n-a\n":                               "no file",
		"[x]\nfile a.go\n+a\n":                    "needs a -",
		"[x]\nbats a.bats: b\n":                   "changes nothing",
		"[x]\nfile a.go\n-a\n+b\n":                "names no test",
		"[x]\nfile a.go\n-a\n+b\nbats a.bats\n":   "bats FILE",
		"[x]\nfile a.go\n-a\n+b\nrun a.bats: b\n": "unknown keyword",
	} {
		if _, err := readText(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func TestApplyWantsTheTextOnce(t *testing.T) {
	top := t.TempDir()
	if err := os.WriteFile(filepath.Join(top, "a.go"), []byte("one two two"), 0o644); err != nil {
		t.Fatal(err)
	}
	for old, ok := range map[string]bool{"one": true, "two": false, "three": false} {
		s := sabotage{edits: []edit{{"a.go", old, "x"}}}
		if _, err := s.apply(top); (err == nil) != ok {
			t.Errorf("%q: got %v", old, err)
		}
	}
}
