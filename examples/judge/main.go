// Command judge compiles a C program and runs it on test cases, as a programming contest does.
// Compiler and program are untrusted alike: each has a sandbox of its own.
//
//	go run ./examples/judge solution.c tests/        # tests/1.in, tests/1.out, ...
//
// Run by root its limits are a cgroup's, else each process's own.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
)

// verdict is what a contestant is told.
type verdict string

const (
	accepted    verdict = "accepted"
	wrong       verdict = "wrong answer"
	tooLong     verdict = "output limit exceeded"
	tooSlow     verdict = "time limit exceeded"
	tooMuch     verdict = "memory limit exceeded"
	crashed     verdict = "runtime error"
	notCompiled verdict = "compile error"
)

// nobody is whom root's sandboxes run as.
const nobody = 65534

// maxOutput bounds what a program may print, in bytes. It is the judge's memory that holds it.
const maxOutput = 1 << 20

// bounded keeps what is written to it, and ends the sandbox when that is too much.
type bounded struct {
	data []byte
	full func()
}

func (b *bounded) Write(p []byte) (int, error) {
	if len(b.data)+len(p) > maxOutput {
		b.full()
		return 0, errors.New("too much output")
	}
	b.data = append(b.data, p...)
	return len(p), nil
}

// compile builds source in a sandbox that sees only it and an output folder.
func compile(ctx context.Context, source, outDir string) (string, error) {
	cmd := libsandbox.CommandContext(ctx, "gcc", "-O2", "-static", "-o", "/out/program", "/in/source.c", "-lm")
	cmd.Mounts = []libsandbox.Mount{
		{Kind: libsandbox.BindReadOnly, Source: source, Dest: "/in/source.c"},
		{Kind: libsandbox.Bind, Source: outDir, Dest: "/out"},
	}
	cmd.Timeout = 20 * time.Second
	cmd.Limits = libsandbox.Limits{Memory: 1 << 30, Pids: 32}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// judge runs the program on one input.
func judge(ctx context.Context, program, input string, want []byte) (verdict, *libsandbox.Result, error) {
	in, err := os.Open(input)
	if err != nil {
		return "", nil, err
	}
	defer in.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	flooded := false
	out := bounded{full: func() { flooded = true; cancel() }}
	r, err := libsandbox.Execute(ctx, libsandbox.ProcessConfig{
		Program: "/program", Stdin: in, Stdout: &out,
		Mounts:         []libsandbox.Mount{{Kind: libsandbox.BindReadOnly, Source: program, Dest: "/program"}},
		SeccompProfile: "essential", // a contest's program reads, computes and writes
		Timeout:        2 * time.Second,
		Limits:         libsandbox.Limits{Memory: 128 << 20, Pids: 1},
	})
	switch {
	case flooded:
		return tooLong, r, nil
	case err != nil:
		return "", nil, err
	case r.TimedOut:
		return tooSlow, r, nil
	case r.OOMKilled:
		return tooMuch, r, nil
	case !r.Success():
		return crashed, r, nil
	case strings.TrimSpace(string(out.data)) != strings.TrimSpace(string(want)):
		return wrong, r, nil
	}
	return accepted, r, nil
}

// contest compiles source and runs it on every test of the folder, until one is not passed.
func contest(ctx context.Context, source, tests string) (verdict, string, error) {
	dir, err := os.MkdirTemp("", "judge-")
	if err != nil {
		return "", "", err
	}
	defer os.RemoveAll(dir)
	// The compiler writes here, and it is not root: root's sandboxes run as nobody.
	if os.Geteuid() == 0 {
		if err := os.Chown(dir, nobody, nobody); err != nil {
			return "", "", err
		}
	}
	text, err := compile(ctx, source, dir)
	var exit *libsandbox.ExitError
	if errors.As(err, &exit) {
		return notCompiled, text, nil
	}
	if err != nil {
		return "", "", err
	}
	inputs, err := filepath.Glob(filepath.Join(tests, "*.in"))
	if err != nil {
		return "", "", err
	}
	if len(inputs) == 0 {
		return "", "", fmt.Errorf("%s: there is no test in it: want files 1.in and 1.out", tests)
	}
	for _, input := range inputs {
		want, err := os.ReadFile(strings.TrimSuffix(input, ".in") + ".out")
		if err != nil {
			return "", "", err
		}
		v, r, err := judge(ctx, filepath.Join(dir, "program"), input, want)
		if err != nil {
			return "", "", err
		}
		if v != accepted {
			return v, fmt.Sprintf("%s, after %v, code %d", filepath.Base(input), r.Wall.Round(time.Millisecond), r.Code()), nil
		}
	}
	return accepted, fmt.Sprintf("%d tests", len(inputs)), nil
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: judge SOURCE.c TESTS")
		os.Exit(2)
	}
	source, err := filepath.Abs(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	v, text, err := contest(context.Background(), source, os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(1)
	}
	fmt.Printf("%s: %s\n", v, text)
}
