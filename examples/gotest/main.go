// Command gotest runs the tests of an untrusted Go module: `go test ./...` in a sandbox that sees
// the module and the Go installation read-only, and nothing of the network. What the tests write
// into the module goes to a layer that is thrown away.
//
//	go run ./examples/gotest path/to/module
//
// A module with dependencies has to bring them along (go mod vendor): there is no network to get them.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
)

// config is the sandbox for the module in dir.
func config(dir, goroot string, args ...string) libsandbox.ProcessConfig {
	mod := "-mod=mod"
	if _, err := os.Stat(filepath.Join(dir, "vendor")); err == nil {
		mod = "-mod=vendor"
	}
	return libsandbox.ProcessConfig{
		Program: "/go/bin/go", Args: append([]string{"test"}, args...), Dir: "/module",
		Mounts: []libsandbox.Mount{
			{Kind: libsandbox.BindReadOnly, Source: goroot, Dest: "/go"},
			{Kind: libsandbox.OverlayMount, Source: dir, Dest: "/module"},
		},
		Env: []string{"GOFLAGS=" + mod, "GOPROXY=off", "GOTOOLCHAIN=local", "GOCACHE=/tmp/cache", "GOPATH=/tmp/gopath",
			"CGO_ENABLED=0", "GOROOT=/go", "GOMAXPROCS=" + fmt.Sprint(runtime.NumCPU())},
		Timeout: 5 * time.Minute,
		Limits:  libsandbox.Limits{Memory: 4 << 30, Pids: 512, AllowWeaker: true},
	}
}

// goRoot is where the host's Go is installed.
func goRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	return strings.TrimSpace(string(out)), err
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gotest MODULE")
		os.Exit(2)
	}
	dir, err := filepath.Abs(os.Args[1])
	if err == nil {
		var root string
		if root, err = goRoot(); err == nil {
			c := config(dir, root, "./...")
			c.Stdout, c.Stderr = os.Stdout, os.Stderr
			var r *libsandbox.Result
			if r, err = libsandbox.Execute(context.Background(), c); err == nil {
				os.Exit(r.Code())
			}
		}
	}
	fmt.Fprintln(os.Stderr, "gotest:", err)
	os.Exit(1)
}
