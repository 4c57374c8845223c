// Tests of the class of service through a container's life, on a folder that looks like resctrl.

package libsandbox

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/stage"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/state"
)

func TestIntelRdtLife(t *testing.T) {
	root := t.TempDir()
	dir, err := state.New(t.TempDir(), "c1")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	r := &Runtime{ResctrlRoot: root}
	c := &Container{rt: r, dir: dir, st: &state.State{ID: "c1"}}
	if err := c.removeRdt(); err != nil {
		t.Errorf("without any: %v", err)
	}
	spec := &specs.Spec{Linux: &specs.Linux{IntelRdt: &specs.LinuxIntelRdt{L3CacheSchema: "L3:0=f"}}}
	cr := &creation{r: r, c: c, spec: spec, proc: &stage.Proc{Pid: 42}}
	if err := cr.intelRdt(); err != nil {
		t.Fatal(err)
	}
	if err := c.joinRdt(spec, 43); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"schemata": "L3:0=f\n", "tasks": "4243"} { // the kernel's tasks is not a text
		if b, err := os.ReadFile(filepath.Join(root, "c1", file)); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", file, b, err)
		}
	}
	if err := c.removeRdt(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(root); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	if _, err := os.Stat(dir.File(rdtFile)); err == nil {
		t.Error("the record is left")
	}
}

func TestIntelRdtWithoutResctrl(t *testing.T) {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), " - resctrl ") {
		t.Skip("this host has resctrl mounted")
	}
	spec := &specs.Spec{Linux: &specs.Linux{IntelRdt: &specs.LinuxIntelRdt{ClosID: "x"}}}
	cr := &creation{r: &Runtime{}, c: &Container{}, spec: spec}
	if err := cr.intelRdt(); err == nil || !strings.HasPrefix(err.Error(), "linux.intelRdt: no resctrl") {
		t.Errorf("got %v", err)
	}
}
