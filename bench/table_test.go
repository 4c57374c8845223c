// The arithmetic and the budget, without running anything.

package main

import (
	"strings"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		want float64
	}{{[]float64{7}, 7}, {[]float64{9, 1, 2}, 2}, {[]float64{8, 1, 4, 2}, 3}} {
		if got := median(c.in); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.in, got, c.want)
		}
	}
}

// walls are samples of that many milliseconds each.
func walls(v ...int) samples {
	var s samples
	for _, ms := range v {
		s = append(s, cost{Wall: time.Duration(ms) * time.Millisecond, CPU: time.Millisecond})
	}
	return s
}

func benchOf(ours, crun samples, kb float64) *bench {
	return &bench{
		options: &options{cases: []string{"run"}, runtimes: []runtimeUnderTest{{name: "ours"}, {name: "crun"}}},
		samples: map[string]map[string]samples{"run": {"ours": ours, "crun": crun}},
		pss:     map[string][]float64{"ours": {kb}},
	}
}

func TestBudget(t *testing.T) {
	for _, c := range []struct {
		name       string
		ours, crun samples
		pss        float64
		want       string // part of the error, "" for none
	}{
		{"met", walls(8, 8, 8), walls(10, 10, 10), 64, ""},
		{"minimum missed", walls(9, 9, 9), walls(10, 20, 20), 64, "run: minimum 0.90"},
		{"median missed", walls(5, 17, 18), walls(10, 20, 20), 64, "median 0.85"},
		{"memory missed", walls(8, 8, 8), walls(10, 10, 10), 65, "Pss 65 KB"},
		{"nothing to compare with", walls(8), nil, 1, "nothing to compare"},
	} {
		err := benchOf(c.ours, c.crun, c.pss).checkBudget()
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestTableRow(t *testing.T) {
	table := benchOf(walls(4, 6, 8), walls(10, 12, 20), 36).table()
	for _, want := range []string{
		"| run, ms | 4.00 / 6.00 | 10.00 / 12.00 | 0.40 / 0.50 | ≤ 0.80 |",
		"| Pss of the created init, KB (median) | 36 | – | – | ≤ 64 |",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
}

func TestBetween(t *testing.T) {
	doc := "a\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nz\n"
	got, err := between([]byte(doc), "bench", "new\n")
	if err != nil || string(got) != "a\n<!-- bench:begin -->\nnew\n<!-- bench:end -->\nz\n" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := between([]byte(doc), "density", "new\n"); err == nil {
		t.Error("no error without the markers")
	}
}

// TestFailureIsAnError is what keeps a runtime that does not work out of the table.
func TestFailureIsAnError(t *testing.T) {
	s, err := newSpawner(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.run("/bin/sh", "-c", "echo why >&2; exit 3"); err == nil || !strings.Contains(err.Error(), "why") {
		t.Errorf("%v, want an error with what was on stderr", err)
	}
	if c, err := s.run("/bin/sh", "-c", "exit 0"); err != nil || c.Wall <= 0 {
		t.Errorf("%v, %v", c, err)
	}
}
