// The code in docs/library.md, compiled and run as it stands there.

package libsandbox_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
)

func asWithOsExec(code string) ([]byte, error) {
	cmd := libsandbox.Command("python3", "-c", code)
	cmd.Timeout = 2 * time.Second
	cmd.Limits = libsandbox.Limits{Memory: 64 << 20, Pids: 8}
	out, err := cmd.CombinedOutput()
	fmt.Println(cmd.Result.TimedOut, cmd.Result.OOMKilled, cmd.Result.Code())
	return out, err
}

func asWithSandboxRs(ctx context.Context, code string) (*libsandbox.Result, error) {
	result, err := libsandbox.Execute(ctx, libsandbox.ProcessConfig{
		Program: "python3", Args: []string{"-c", code},
		SeccompProfile: "io-heavy", Timeout: 2 * time.Second,
		Limits: libsandbox.Limits{Memory: 64 << 20, CPUs: 0.5},
	})
	return result, err
}

func TestLibraryDocIsThisCode(t *testing.T) {
	doc, err := os.ReadFile("../docs/library.md")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.ReadFile("library_doc_test.go")
	if err != nil {
		t.Fatal(err)
	}
	plain := func(b []byte) string { return strings.Join(strings.Fields(string(b)), " ") }
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(doc, -1)
	if len(blocks) != 2 {
		t.Errorf("%d pieces of Go in docs/library.md, want 2: add the others here", len(blocks))
	}
	for _, b := range blocks {
		if !strings.Contains(plain(self), plain(b[1])) {
			t.Errorf("this piece of docs/library.md is not in this file:\n%s", b[1])
		}
	}
}

func TestLibraryDocRuns(t *testing.T) {
	for range 10 { // two seconds may be short on a busy machine
		out, err := asWithOsExec("print(6*7)")
		if err == nil && string(out) == "42\n" {
			break
		}
		if err == nil || err.Error() != "timed out" {
			t.Fatalf("%s %v", out, err)
		}
	}
	if r, err := asWithSandboxRs(context.Background(), "raise SystemExit(3)"); err != nil || r.ExitCode != 3 && !r.TimedOut {
		t.Errorf("%+v %v", r, err)
	}
}
