// The tables of sabotages: reading them, and applying one to the source.

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// sabotage is one weakening of the source, and the test that must notice it.
type sabotage struct {
	where string // table and line, for messages
	name  string
	edits []edit
	test  test
	fatal bool // it breaks a plain `run` too
}

// touches says whether a file below dir is changed.
func (s *sabotage) touches(dir string) bool {
	return slices.ContainsFunc(s.edits, func(e edit) bool { return strings.HasPrefix(e.file, dir) })
}

// edit replaces a text of a file that is in it exactly once.
type edit struct{ file, old, new string }

// test is either a bats file with a filter, or a package with the name of a Go test. All tests that
// the pattern selects must fail.
type test struct{ file, pkg, pattern string }

func (t test) String() string {
	if t.pkg != "" {
		return t.pkg + " " + t.pattern
	}
	return filepath.Base(t.file) + ": " + t.pattern
}

// tables is what the files hold: sabotages, and why a bats file has none.
type tables struct {
	rows []sabotage
	none map[string]string
}

func (t *tables) read(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	p := parser{tables: t}
	for i, line := range strings.Split(string(text), "\n") {
		p.where = fmt.Sprintf("%s:%d", filepath.Base(path), i+1)
		if err := p.line(line); err != nil {
			return fmt.Errorf("%s: %w", p.where, err)
		}
	}
	return p.end()
}

// parser reads a table line by line; see tests/sabotage/README.md for the format.
type parser struct {
	*tables
	where string
	row   *sabotage
	file  string
	plus  bool // the last line was a replacement: the next "-" starts another edit
}

func (p *parser) line(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	if word == "none" {
		file, why, ok := strings.Cut(rest, ": ")
		if !ok {
			return fmt.Errorf("want: none FILE: REASON")
		}
		p.none[file] = why
		return nil
	}
	switch {
	case strings.TrimSpace(line) == "" || line[0] == '#':
		return nil
	case line[0] == '[':
		if err := p.end(); err != nil {
			return err
		}
		p.row = &sabotage{where: p.where, name: strings.Trim(line, "[]")}
		p.file, p.plus = "", false
		return nil
	case p.row == nil:
		return fmt.Errorf("a sabotage begins with [NAME]")
	case line[0] == '-' || line[0] == '+':
		return p.change(line[0] == '+', line[1:])
	}
	switch word {
	case "file":
		p.file, p.plus = rest, true
	case "fatal":
		p.row.fatal = true
	case "bats":
		file, pattern, ok := strings.Cut(rest, ": ")
		if !ok {
			return fmt.Errorf("want: bats FILE: PATTERN")
		}
		p.row.test = test{file: file, pattern: pattern}
	case "go":
		pkg, pattern, ok := strings.Cut(rest, " ")
		if !ok {
			return fmt.Errorf("want: go PACKAGE PATTERN")
		}
		p.row.test = test{pkg: pkg, pattern: pattern}
	default:
		return fmt.Errorf("unknown keyword %q", word)
	}
	return nil
}

// change takes a line to be found (-) or to be put in its place (+).
func (p *parser) change(plus bool, text string) error {
	if p.file == "" {
		return fmt.Errorf("no file is named yet")
	}
	r := p.row
	if !plus && (p.plus || len(r.edits) == 0) {
		r.edits = append(r.edits, edit{file: p.file, old: text})
		p.plus = false
		return nil
	}
	if len(r.edits) == 0 || r.edits[len(r.edits)-1].file != p.file {
		return fmt.Errorf("nothing to replace: a + needs a - before it")
	}
	e := &r.edits[len(r.edits)-1]
	switch {
	case !plus:
		e.old += "\n" + text
	case p.plus:
		e.new += "\n" + text
	default:
		e.new = text
	}
	p.plus = plus
	return nil
}

// end checks the row that is complete.
func (p *parser) end() error {
	r := p.row
	switch {
	case r == nil:
		return nil
	case len(r.edits) == 0:
		return fmt.Errorf("%s: [%s] changes nothing", r.where, r.name)
	case r.test == test{}:
		return fmt.Errorf("%s: [%s] names no test", r.where, r.name)
	}
	p.rows = append(p.rows, *r)
	p.row = nil
	return nil
}

// apply returns the changed files, by their paths in the tree.
func (s *sabotage) apply(top string) (map[string]string, error) {
	changed := map[string]string{}
	for _, e := range s.edits {
		text, ok := changed[e.file]
		if !ok {
			b, err := os.ReadFile(filepath.Join(top, e.file))
			if err != nil {
				return nil, err
			}
			text = string(b)
		}
		if n := strings.Count(text, e.old); n != 1 {
			return nil, fmt.Errorf("%s has this text %d times, want once: %q", e.file, n, e.old)
		}
		if e.old == e.new {
			return nil, fmt.Errorf("%s: the replacement changes nothing: %q", e.file, e.old)
		}
		changed[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	return changed, nil
}

var batsTest = regexp.MustCompile(`(?m)^@test ["'](.*)["'] \{`)

// exists says whether the test's pattern selects something; for a Go test only whether its
// function is there.
func (t test) exists(top string) error {
	if t.pkg != "" {
		name, _, _ := strings.Cut(strings.Trim(t.pattern, "^$"), "/")
		files, err := filepath.Glob(filepath.Join(top, t.pkg, "*_test.go"))
		if err != nil {
			return err
		}
		for _, f := range files {
			if b, err := os.ReadFile(f); err == nil && strings.Contains(string(b), "func "+strings.TrimRight(name, "$")) {
				return nil
			}
		}
		return fmt.Errorf("%s has no test %s", t.pkg, name)
	}
	text, err := os.ReadFile(filepath.Join(top, t.file))
	if err != nil {
		return err
	}
	pattern, err := regexp.Compile(t.pattern)
	if err != nil {
		return err
	}
	for _, m := range batsTest.FindAllStringSubmatch(string(text), -1) {
		if pattern.MatchString(m[1]) {
			return nil
		}
	}
	return fmt.Errorf("%s has no test like %q", t.file, t.pattern)
}
