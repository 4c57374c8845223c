// The broken configurations once more, through the program itself: exit code 1, the field first in
// the one line of the error, and nothing left behind.

package specconv

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// buildProgram builds the runtime into a folder of the test.
func buildProgram(t *testing.T) string {
	t.Helper()
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("needs the go command to build the program: ", err)
	}
	bin := filepath.Join(t.TempDir(), "sandbox-runtime")
	build := exec.Command(goTool, "build", "-tags", "urfave_cli_no_docs", "-o", bin, "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// names lists a folder; one that is missing is empty.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return strings.Join(list, " ")
}

func TestBrokenConfigsByTheProgram(t *testing.T) {
	bin := buildProgram(t)
	bundle, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(filepath.Join(bundle, "rootfs"), 0o755); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(bundle, ConfigName)
	cases := brokenConfigs()
	for _, b := range cases {
		name := b.path + " = " + clip(b.value)
		field := b.field
		if field == "" {
			field = b.path
		}
		if err := os.WriteFile(config, mutate(t, b.path, b.value), 0o600); err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		create := exec.Command(bin, "--root", state, "create", "--bundle", bundle, "broken-config-test")
		create.Stderr = &stderr
		err := create.Run()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 {
			t.Errorf("%s: want exit code 1, got %v", name, err)
		}
		text := strings.TrimSuffix(stderr.String(), "\n")
		if !strings.HasPrefix(text, "sandbox-runtime: "+field) || strings.Contains(text, "\n") {
			t.Errorf("%s: want one line about %s, got %q", name, field, text)
		}
		if left := names(t, state); left != "" {
			t.Fatalf("%s: left in the state folder: %s", name, left)
		}
		if left := names(t, bundle) + ", " + names(t, filepath.Join(bundle, "rootfs")); left != "config.json rootfs, " {
			t.Fatalf("%s: left in the bundle: %s", name, left)
		}
	}
	if left, _ := filepath.Glob("/sys/fs/cgroup/*/a/b"); len(left) > 0 {
		t.Errorf("left cgroups: %v", left)
	}
	t.Logf("%d broken configurations", len(cases))
}
