// Building what a sabotage makes of the source, and running tests with it.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// patience is how long one run of a test may take. Tests give up on a hanging runtime earlier.
const patience = 5 * time.Minute

// lab is where sabotaged programs are built and tried.
type lab struct {
	top, dir, runtime string
	count             atomic.Int64

	lock  sync.Mutex
	clean map[test]func() outcome // each test without sabotage, run once
	built map[string]func() built // by the sabotaged source: several tests may be aimed at one place
}

// built is a sabotaged runtime: whether it compiles, and whether a plain run works with it.
type built struct {
	bin      string
	err, run error
}

func newLab(top, runtime string) (*lab, error) {
	top, err := filepath.Abs(top)
	if err != nil {
		return nil, err
	}
	if runtime, err = filepath.Abs(runtime); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "sabotage.")
	if err != nil {
		return nil, err
	}
	// Containers with other ids than root must be able to reach their bundles.
	return &lab{top: top, dir: dir, runtime: runtime, clean: map[test]func() outcome{}, built: map[string]func() built{}},
		os.Chmod(dir, 0o755)
}

func (l *lab) close() { _ = os.RemoveAll(l.dir) }

// prepare makes the bundle of the plain run, and sees that it works unchanged.
func (l *lab) prepare() error {
	bundle := filepath.Join(l.dir, "plain")
	if err := os.Mkdir(bundle, 0o755); err != nil {
		return err
	}
	script := `scripts/rootfs.sh busybox "$1/rootfs" && "$2" spec --bundle "$1" &&
		jq '.process.terminal = false | .process.args = ["true"]' "$1/config.json" >"$1/c" && mv "$1/c" "$1/config.json"`
	cmd := exec.Command("sh", "-c", script, "sh", bundle, l.runtime)
	cmd.Dir = l.top
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("making a bundle: %w\n%s", err, out)
	}
	return l.plainRun(l.runtime)
}

// applies checks a row without building anything.
func (l *lab) applies(s *sabotage) verdict {
	if _, err := s.apply(l.top); err != nil {
		return verdict{err: err}
	}
	return verdict{err: s.test.exists(l.top)}
}

// try carries one sabotage out.
func (l *lab) try(s *sabotage) verdict {
	if v := l.applies(s); v.err != nil {
		return v
	}
	if before := l.cleanRun(s.test); before.err != nil || before.skip != "" {
		return verdict{skip: before.skip, err: before.err}
	} else if len(before.passed) == 0 || len(before.failed) > 0 {
		return verdict{err: fmt.Errorf("it must pass without the sabotage, and did not:\n%s", before.text)}
	}
	var after outcome
	if s.test.pkg != "" {
		overlay, err := l.overlay(s)
		if err != nil {
			return verdict{err: err}
		}
		after = l.goTest(s.test, overlay)
	} else {
		b := l.runtimeOf(s)
		if b.err != nil {
			return verdict{err: b.err}
		}
		if b.run != nil && !s.fatal {
			return verdict{err: fmt.Errorf("it breaks everything, which proves nothing: %w", b.run)}
		}
		after = l.bats(s.test, b.bin)
	}
	switch {
	case after.err != nil:
		return verdict{err: after.err}
	case len(after.failed) == 0:
		return verdict{err: fmt.Errorf("no test noticed it\n%s", after.text)}
	case len(after.passed) > 0:
		return verdict{err: fmt.Errorf("these tests did not notice it: %s", strings.Join(after.passed, "; "))}
	}
	return verdict{}
}

// overlay writes the changed files and the list of them for the compiler.
func (l *lab) overlay(s *sabotage) (string, error) {
	changed, err := s.apply(l.top)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(l.dir, "src"+strconv.FormatInt(l.count.Add(1), 10))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	replace := map[string]string{}
	for name, text := range changed {
		path := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return "", err
		}
		replace[filepath.Join(l.top, name)] = path
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, b, 0o644)
}

// runtimeOf builds the runtime with a sabotage, once for those that change the same.
func (l *lab) runtimeOf(s *sabotage) built {
	key := fmt.Sprintf("%q", s.edits)
	l.lock.Lock()
	get := l.built[key]
	if get == nil {
		get = sync.OnceValue(func() (b built) {
			overlay, err := l.overlay(s)
			if err != nil {
				return built{err: err}
			}
			if b.bin, b.err = l.build(s, overlay); b.err == nil {
				b.run = l.plainRun(b.bin)
			}
			return b
		})
		l.built[key] = get
	}
	l.lock.Unlock()
	return get()
}

// build makes the runtime. It is entered in Go, or package early would do what is broken elsewhere;
// unless that is the one.
func (l *lab) build(s *sabotage, overlay string) (string, error) {
	bin := filepath.Join(filepath.Dir(overlay), "sandbox-runtime")
	args := []string{"-s", "-C", l.top, "build", "OUT=" + bin}
	if !s.touches("libsandbox/early/") {
		args = append(args, "ENTRY=")
	}
	cmd := exec.Command("make", args...)
	cmd.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false -overlay="+overlay)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the sabotaged source does not compile:\n%s", out)
	}
	return bin, nil
}

// plainRun runs true in a container.
func (l *lab) plainRun(runtime string) error {
	id := "plain" + strconv.FormatInt(l.count.Add(1), 10)
	root := filepath.Join(l.dir, id)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := isolated(ctx, runtime, "--root", root, "run", "--bundle", filepath.Join(l.dir, "plain"), filepath.Base(l.dir)+"-"+id)
	out, err := cmd.CombinedOutput()
	sweep(filepath.Base(l.dir) + "-" + id)
	if err != nil {
		return fmt.Errorf("run of true: %w\n%s", err, out)
	}
	return nil
}

// outcome is what a run of a test came to.
type outcome struct {
	passed, failed []string
	skip           string // the reason, if all were skipped
	err            error  // no outcome at all
	text           string
}

func (l *lab) cleanRun(t test) outcome {
	l.lock.Lock()
	run := l.clean[t]
	if run == nil {
		run = sync.OnceValue(func() outcome {
			if t.pkg != "" {
				return l.goTest(t, "")
			}
			return l.bats(t, l.runtime)
		})
		l.clean[t] = run
	}
	l.lock.Unlock()
	return run()
}

// isolated runs a command with mount and PID namespaces of its own: whatever a sabotaged
// runtime leaves behind goes with them, but for its cgroups.
func isolated(ctx context.Context, args ...string) *exec.Cmd {
	// Frozen processes of cgroup v1 do not die, and the PID namespace would wait for them.
	script := `"$@"; code=$?
		find /sys/fs/cgroup/freezer -path "*${SBT_RUN:-/none}*" -name freezer.state 2>/dev/null |
			while read -r f; do echo THAWED >"$f"; done
		exit $code`
	all := append([]string{"--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script, "sh"}, args...)
	cmd := exec.CommandContext(ctx, "unshare", all...)
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

var tapLine = regexp.MustCompile(`^(ok|not ok) \d+ (.*?)(?: # skip ?(.*))?$`)

func (l *lab) bats(t test, runtime string) outcome {
	mark := "sbt.sab" + strconv.Itoa(os.Getpid()) + "n" + strconv.FormatInt(l.count.Add(1), 10)
	tmp := filepath.Join(l.dir, mark)
	if err := os.Mkdir(tmp, 0o755); err != nil {
		return outcome{err: err}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := isolated(ctx, "bats", "--tap", "-f", t.pattern, filepath.Join(l.top, t.file))
	cmd.Dir = l.top
	cmd.Env = append(os.Environ(), "RUNTIME="+runtime, "RECVTTY="+filepath.Join(l.top, "build/bin/recvtty"),
		"TMPDIR="+tmp, "SBT_RUN="+mark, "RT_TIMEOUT=30")
	out, err := cmd.CombinedOutput()
	sweep(mark)
	_ = os.RemoveAll(tmp)
	if ctx.Err() != nil {
		return outcome{err: fmt.Errorf("the test did not end in %v\n%s", patience, out)}
	}
	o := outcome{text: string(out)}
	skips := map[string]bool{}
	for _, line := range strings.Split(string(out), "\n") {
		m := tapLine.FindStringSubmatch(line)
		switch {
		case m == nil:
		case m[1] == "not ok":
			o.failed = append(o.failed, m[2])
		case m[3] != "":
			skips[m[3]] = true
		default:
			o.passed = append(o.passed, m[2])
		}
	}
	return o.settle(skips, err)
}

// settle tells a run in which all was skipped, or nothing was run, from others.
func (o outcome) settle(skips map[string]bool, err error) outcome {
	if len(o.passed)+len(o.failed) > 0 {
		return o
	}
	for reason := range skips {
		o.skip = reason
	}
	if o.skip == "" {
		o.err = fmt.Errorf("no test was run (%v)\n%s", err, o.text)
	}
	return o
}

var goLine = regexp.MustCompile(`(?m)^ *--- (PASS|FAIL|SKIP): (\S+)`)

// goTest runs Go tests. Of a test with sub-tests only those count.
func (l *lab) goTest(t test, overlay string) outcome {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	args := []string{"test", "-v", "-count=1", "-run", t.pattern}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./"+t.pkg)...)
	cmd.Dir = l.top
	out, err := cmd.CombinedOutput()
	o := outcome{text: string(out)}
	if bytes.Contains(out, []byte("[build failed]")) || bytes.Contains(out, []byte("[setup failed]")) {
		return outcome{err: fmt.Errorf("the sabotaged source does not compile:\n%s", out)}
	}
	skips := map[string]bool{}
	matches := goLine.FindAllStringSubmatch(string(out), -1)
	for _, m := range matches {
		parent := false
		for _, other := range matches {
			parent = parent || strings.HasPrefix(other[2], m[2]+"/")
		}
		switch {
		case parent:
		case m[1] == "PASS":
			o.passed = append(o.passed, m[2])
		case m[1] == "FAIL":
			o.failed = append(o.failed, m[2])
		default:
			skips[m[2]+" is skipped on this host"] = true
		}
	}
	if len(o.failed) == 0 && bytes.Contains(out, []byte("\npanic: ")) {
		o.failed = append(o.failed, "panic")
	}
	return o.settle(skips, err)
}

// sweep removes the cgroups that carry a mark; their processes have gone with their PID namespace.
func sweep(mark string) {
	var found []string
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.Contains(path, mark) {
			found = append(found, path)
		}
		return nil
	})
	for i := len(found) - 1; i >= 0; i-- { // children first
		for range 50 {
			if err := os.Remove(found[i]); !errors.Is(err, syscall.EBUSY) {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}
