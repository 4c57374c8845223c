// Command judge compiles a C program and runs it on test cases, as a programming contest does.
// Compiler and program are untrusted alike: each has a sandbox of its own.
//
//	go run ./examples/judge solution.c tests/        # tests/1.in, tests/1.out, ...
package main

import (
	"bytes"
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
	tooSlow     verdict = "time limit exceeded"
	tooMuch     verdict = "memory limit exceeded"
	crashed     verdict = "runtime error"
	notCompiled verdict = "compile error"
)

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
	var out bytes.Buffer
	r, err := libsandbox.Execute(ctx, libsandbox.ProcessConfig{
		Program: "/program", Stdin: in, Stdout: &out,
		Mounts:         []libsandbox.Mount{{Kind: libsandbox.BindReadOnly, Source: program, Dest: "/program"}},
		SeccompProfile: "essential", // a contest's program reads, computes and writes
		Timeout:        2 * time.Second,
		Limits:         libsandbox.Limits{Memory: 128 << 20, Pids: 1},
	})
	switch {
	case err != nil:
		return "", nil, err
	case r.TimedOut:
		return tooSlow, r, nil
	case r.OOMKilled:
		return tooMuch, r, nil
	case !r.Success():
		return crashed, r, nil
	case strings.TrimSpace(out.String()) != strings.TrimSpace(string(want)):
		return wrong, r, nil
	}
	return accepted, r, nil
}

// contest compiles source and runs it on every test of the folder, until one is not passed.
func contest(ctx context.Context, source, tests string) (verdict, string, error) {
	// The sandbox's user has to enter it, whoever runs this program.
	dir, err := os.MkdirTemp("", "judge-")
	if err != nil {
		return "", "", err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o777); err != nil {
		return "", "", err
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
	for _, input := range inputs {
		want, err := os.ReadFile(strings.TrimSuffix(input, ".in") + ".out")
		if err != nil {
			return "", "", err
		}
		v, r, err := judge(ctx, filepath.Join(dir, "program"), input, want)
		if err != nil || v != accepted {
			return v, fmt.Sprintf("%s: %+v", filepath.Base(input), r), err
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
