package main

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestCheck(t *testing.T) {
	for _, tc := range []struct{ name, file, text, want string }{
		{"pure imports os", "libsandbox/plan/a.go", `package p; import _ "os"`, "must not import os"},
		{"pure makes a system call", "libsandbox/lower/a.go",
			`package p; import "x/unix"; func f() { unix.Mount() }`, "no unix.Mount here"},
		{"pure computes", "libsandbox/lower/a.go",
			`package p; import "x/unix"; func f() { unix.Mkdev(1, 3) }`, ""},
		{"leaf imports the library", "libsandbox/cgroup/a.go",
			`package p; import _ "` + module + `/libsandbox"`, "lies below libsandbox"},
		{"path in a root", "libsandbox/hooks/a.go",
			`package p; func f() { _ = filepath.Join(c.rootfs, "etc") }`, "path inside the root"},
		{"path in a root, with a reason", "libsandbox/hooks/a.go",
			"package p; func f() { _ = filepath.Join(rootfs, x) // layers:ok only printed\n}", ""},
		{"path elsewhere", "libsandbox/hooks/a.go",
			`package p; func f() { _ = filepath.Join(stateDir, "etc") }`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := check(fstest.MapFS{tc.file: {Data: []byte(tc.text)}})
			if err != nil {
				t.Fatal(err)
			}
			if text := strings.Join(got, "\n"); tc.want == "" && text != "" || !strings.Contains(text, tc.want) {
				t.Errorf("got %q, want %q", text, tc.want)
			}
		})
	}
}
