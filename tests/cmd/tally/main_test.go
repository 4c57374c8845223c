package main

import (
	"io"
	"strings"
	"testing"
)

func TestReadGo(t *testing.T) {
	line := func(action, test string) string {
		return `{"Action":"` + action + `","Package":"p","Test":"` + test + `"}` + "\n"
	}
	pkg := func(action string) string { return `{"Action":"` + action + `","Package":"p"}` + "\n" }
	for _, tc := range []struct {
		name, in string
		want     counts
	}{
		{"leaves count, parents do not", line("run", "A") + line("run", "A/x") + line("pass", "A/x") +
			line("run", "A/y") + line("skip", "A/y") + line("pass", "A") + pkg("pass"), counts{1, 0, 1}},
		{"a failing leaf counts once", line("run", "A/x") + line("fail", "A/x") + line("fail", "A") +
			pkg("fail"), counts{0, 1, 0}},
		{"a parent failing by itself counts", line("run", "A/x") + line("pass", "A/x") + line("fail", "A") +
			pkg("fail"), counts{1, 1, 0}},
		{"a package that does not build counts", pkg("fail"), counts{0, 1, 0}},
		{"no test files", pkg("skip"), counts{0, 0, 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := readGo(strings.NewReader(tc.in), io.Discard, io.Discard)
			if err != nil || got != tc.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tc.want)
			}
		})
	}
}

func TestReadTAP(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     counts
	}{
		{"all kinds", "1..3\nok 1 a\nnot ok 2 b\n# why\nok 3 c # skip no root\n", counts{1, 1, 1}},
		{"ended early", "1..3\nok 1 a\n", counts{1, 2, 0}},
		{"nothing", "1..0\n", counts{0, 0, 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := readTAP(strings.NewReader(tc.in), io.Discard, io.Discard)
			if err != nil || got != tc.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tc.want)
			}
		})
	}
}

func TestFailuresAreRepeated(t *testing.T) {
	var got strings.Builder
	in := "1..3\nnot ok 1 a\n# why\nok 2 b\n# chatter\nnot ok 3 c\n"
	if _, err := readTAP(strings.NewReader(in), io.Discard, &got); err != nil {
		t.Fatal(err)
	}
	if want := "not ok 1 a\n# why\nnot ok 3 c\n"; got.String() != want {
		t.Errorf("TAP: got %q, want %q", got.String(), want)
	}
	got.Reset()
	in = `{"Action":"output","Package":"p","Test":"A","Output":"why\n"}
{"Action":"fail","Package":"p","Test":"A"}
{"Action":"output","Package":"p","Test":"B","Output":"chatter\n"}
{"Action":"pass","Package":"p","Test":"B"}
`
	if _, err := readGo(strings.NewReader(in), io.Discard, &got); err != nil {
		t.Fatal(err)
	}
	if want := "FAIL p A\nwhy\n"; got.String() != want {
		t.Errorf("go: got %q, want %q", got.String(), want)
	}
}
