package main

import (
	"slices"
	"testing"
)

// TestSpawnFlagsAreTheDocumentedOnes: what help lists is what is read, and the other way round.
func TestSpawnFlagsAreTheDocumentedOnes(t *testing.T) {
	listed := 0
	for _, f := range spawnFlags() {
		for _, name := range f.Names() {
			full, wants, known := spawnFlag(name)
			if !known || full != f.Names()[0] {
				t.Errorf("%s is listed, and read as %q", name, full)
				continue
			}
			listed++
			if tv, ok := f.(interface{ TakesValue() bool }); !ok || tv.TakesValue() != wants {
				t.Errorf("%s: help and parser differ about its value", name)
			}
		}
	}
	if listed != 36 {
		t.Errorf("%d names listed: update this number with the flags", listed)
	}
}

func TestParseSpawn(t *testing.T) {
	a, err := parseSpawn([]string{"--env", "A=1,2", "-e", "B=x", "--json", "--memory=1G", "--summary=false", "--", "--env", "x"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a.StringSlice("env"), []string{"A=1,2", "B=x"}) || !a.Bool("json") || a.Bool("summary") ||
		a.String("memory") != "1G" || !slices.Equal(a.rest, []string{"--env", "x"}) {
		t.Errorf("%+v", a)
	}
	if a, err := parseSpawn([]string{"--json", "ls", "--json", "--no-such"}); err != nil || !slices.Equal(a.rest, []string{"ls", "--json", "--no-such"}) {
		t.Errorf("a program's own flags: %+v %v", a, err)
	}
	for _, bad := range [][]string{{"--no-such"}, {"--memory"}, {"--json=maybe"}, {"--json", "-x", "true"}} {
		if a, err := parseSpawn(bad); err == nil {
			t.Errorf("%q: %+v", bad, a)
		}
	}
	if a, err := parseSpawn([]string{"--help"}); err != nil || !a.help {
		t.Errorf("%+v %v", a, err)
	}
}
