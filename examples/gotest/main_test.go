package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
)

const hostile = `package m

import (
	"os"
	"syscall"
	"testing"
)

func TestOwn(t *testing.T) {
	if err := os.WriteFile("written", nil, 0o644); err != nil {
		t.Error(err)
	}
	if _, err := os.ReadDir("/root"); err == nil {
		t.Error("sees root's home")
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	if syscall.Connect(fd, &syscall.SockaddrInet4{Port: 9, Addr: [4]byte{192, 0, 2, 1}}) == nil {
		t.Error("has a network")
	}
}
`

func TestUntrustedModule(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles Go's own packages from nothing: half a minute and more")
	}
	root, err := goRoot()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/tmp", "gotest-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"go.mod": "module m\n\ngo 1.24\n", "m_test.go": hostile} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// The layer for writes keeps the folder's mode, and the program may not be its owner.
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c := config(dir, root, "-vet=off", "-v", "./...")
	c.Stdout, c.Stderr = &out, &out
	r, err := libsandbox.Execute(context.Background(), c)
	if err != nil || r.ExitCode != 0 || !strings.Contains(out.String(), "--- PASS: TestOwn") {
		t.Errorf("%+v %v\n%s", r, err, &out)
	}
	if _, err := os.Stat(filepath.Join(dir, "written")); err == nil {
		t.Error("what the test wrote reached the host")
	}
}
