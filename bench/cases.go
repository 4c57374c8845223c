// What is measured: one round of every case with one runtime.

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// allCases in the order of the table. "life" is the sum of create, start and delete and of what the
// init itself has used; "kill" is delete --force of a running container.
var allCases = []string{"run", "create", "start", "delete", "life", "exec", "kill"}

func isCase(s string) bool { return slices.Contains(allCases, s) }

// samples are the figures of one case with one runtime, in the order of the rounds.
type samples []cost

// bench is a benchmark under way.
type bench struct {
	*options
	*spawner
	work    string
	samples map[string]map[string]samples // case, then runtime's name
	pss     map[string][]float64          // runtime's name: KB, of the created init
	peak    map[string]float64            // runtime's name: KB, of `run`
	serial  int                           // of container ids
}

// floorName and its variant without cgroups are rows like a runtime's, with the case "run" only.
const (
	floorName     = "floor"
	floorNoCgroup = "floor, no cgroups"
)

func newBench(o *options, work string) (*bench, error) {
	s, err := newSpawner(work)
	if err != nil {
		return nil, err
	}
	b := &bench{options: o, spawner: s, work: work, samples: map[string]map[string]samples{},
		pss: map[string][]float64{}, peak: map[string]float64{}}
	if o.without {
		if err := b.removeCgroups(); err != nil {
			return nil, err
		}
	}
	for i := range o.runtimes {
		r := &o.runtimes[i]
		if o.without && r.name == "crun" {
			r.global = []string{"--cgroup-manager=disabled"}
		}
		r.root = filepath.Join(work, r.name)
		if err := r.identify(); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// measure runs all rounds and returns the table.
func (b *bench) measure() (string, error) {
	const warmUp = 2
	idle, err := b.idleBundle()
	if err != nil {
		return "", err
	}
	if b.wants("exec") {
		for i := range b.runtimes {
			if err := b.startIdle(&b.runtimes[i], idle, idleID(&b.runtimes[i])); err != nil {
				return "", err
			}
		}
	}
	for round := range b.rounds + warmUp {
		if round == warmUp {
			clear(b.samples)
			clear(b.pss)
		}
		runtime.GC()
		if err := b.round(round, idle); err != nil {
			return "", err
		}
	}
	for i := range b.runtimes {
		if err := b.measurePeak(&b.runtimes[i]); err != nil {
			return "", err
		}
		if b.wants("exec") {
			if err := b.removeIdle(&b.runtimes[i], idleID(&b.runtimes[i])); err != nil {
				return "", err
			}
		}
	}
	return b.table(), nil
}

// round runs every case with every runtime, a different one first each time, and the floor.
func (b *bench) round(n int, idle string) error {
	for i := range b.runtimes {
		r := &b.runtimes[(i+n)%len(b.runtimes)]
		for _, measure := range []func(*runtimeUnderTest, string) error{b.run1, b.life1, b.exec1, b.kill1} {
			if err := measure(r, idle); err != nil {
				return err
			}
		}
	}
	if b.floor == "" || !b.wants("run") {
		return nil
	}
	rootfs, err := filepath.EvalSymlinks(filepath.Join(b.bundle, "rootfs"))
	if err != nil {
		return err
	}
	if !b.without {
		c, err := b.spawner.run(b.floor, rootfs, "/bin/true")
		if err != nil {
			return err
		}
		b.add("run", floorName, c)
	}
	c, err := b.spawner.run(b.floor, "--no-cgroups", rootfs, "/bin/true")
	b.add("run", floorNoCgroup, c)
	return err
}

func (b *bench) wants(c string) bool { return slices.Contains(b.cases, c) }

func (b *bench) add(c, name string, v cost) {
	if b.samples[c] == nil {
		b.samples[c] = map[string]samples{}
	}
	b.samples[c][name] = append(b.samples[c][name], v)
}

func (b *bench) id() string {
	b.serial++
	return fmt.Sprintf("bench-%d-%d", os.Getpid(), b.serial)
}

// idleID is the container that exec runs in. Not the same for two runtimes, since its cgroup is named
// after it.
func idleID(r *runtimeUnderTest) string { return fmt.Sprintf("bench-%d-idle-%s", os.Getpid(), r.name) }

// run1 is one `run`: the program has ended and everything is gone when it returns.
func (b *bench) run1(r *runtimeUnderTest, _ string) error {
	if !b.wants("run") {
		return nil
	}
	c, err := b.spawner.run(r.args("run", "--bundle", b.bundle, b.id())...)
	b.add("run", r.name, c)
	return err
}

// life1 is one container through create, start and delete, as a container manager does it: delete
// comes after the end of the program has been seen.
func (b *bench) life1(r *runtimeUnderTest, _ string) error {
	if !b.wants("create") && !b.wants("start") && !b.wants("delete") && !b.wants("life") {
		return nil
	}
	id, pidFile := b.id(), filepath.Join(b.work, "pid")
	create, err := b.spawner.run(r.args("create", "--bundle", b.bundle, "--pid-file", pidFile, id)...)
	if err != nil {
		return err
	}
	pid, err := readPid(pidFile)
	if err != nil {
		return err
	}
	kb, err := pss(pid)
	if err != nil {
		return err
	}
	b.pss[r.name] = append(b.pss[r.name], kb)
	start, err := b.spawner.run(r.args("start", id)...)
	if err != nil {
		return err
	}
	init, err := reap(pid)
	if err != nil {
		return err
	}
	del, err := b.spawner.run(r.args("delete", id)...)
	if err != nil {
		return err
	}
	b.add("create", r.name, create)
	b.add("start", r.name, start)
	b.add("delete", r.name, del)
	b.add("life", r.name, cost{Wall: create.Wall + start.Wall + del.Wall, CPU: create.CPU + start.CPU + del.CPU + init})
	return nil
}

// exec1 is one `exec` of /bin/true in a container that is there all the time.
func (b *bench) exec1(r *runtimeUnderTest, _ string) error {
	if !b.wants("exec") {
		return nil
	}
	c, err := b.spawner.run(r.args("exec", idleID(r), "/bin/true")...)
	b.add("exec", r.name, c)
	return err
}

// kill1 is one `delete --force` of a running container.
func (b *bench) kill1(r *runtimeUnderTest, idle string) error {
	if !b.wants("kill") {
		return nil
	}
	id := b.id()
	if err := b.startIdle(r, idle, id); err != nil {
		return err
	}
	pid, err := readPid(b.pidFile(r, id))
	if err != nil {
		return err
	}
	c, err := b.spawner.run(r.args("delete", "--force", id)...)
	if err != nil {
		return err
	}
	b.add("kill", r.name, c)
	_, err = reap(pid)
	return errors.Join(err, os.Remove(b.pidFile(r, id)))
}

// idleBundle makes a second bundle, next to nothing but a process that sleeps.
func (b *bench) idleBundle() (string, error) {
	return b.derive("idle", func(config map[string]any) {
		config["process"].(map[string]any)["args"] = []string{"/bin/sleep", "100000"}
	})
}

// removeCgroups goes on with a bundle that has neither the mount nor limits. A runtime that makes a
// cgroup all the same is measured doing so.
func (b *bench) removeCgroups() error {
	dir, err := b.derive("bare", func(config map[string]any) {
		config["mounts"] = slices.DeleteFunc(config["mounts"].([]any), func(m any) bool {
			return m.(map[string]any)["type"] == "cgroup"
		})
		delete(config["linux"].(map[string]any), "resources")
	})
	b.bundle = dir
	return err
}

// derive makes a bundle with the same root file system and another config.json.
func (b *bench) derive(name string, change func(config map[string]any)) (string, error) {
	text, err := os.ReadFile(filepath.Join(b.bundle, "config.json"))
	if err != nil {
		return "", err
	}
	var config map[string]any
	if err := json.Unmarshal(text, &config); err != nil {
		return "", err
	}
	rootfs, err := filepath.EvalSymlinks(filepath.Join(b.bundle, "rootfs"))
	if err != nil {
		return "", err
	}
	dir := filepath.Join(b.work, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	if err := os.Symlink(rootfs, filepath.Join(dir, "rootfs")); err != nil {
		return "", err
	}
	change(config)
	config["root"].(map[string]any)["path"] = rootfs
	if text, err = json.Marshal(config); err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, "config.json"), text, 0o644)
}

func (b *bench) pidFile(r *runtimeUnderTest, id string) string {
	return filepath.Join(b.work, r.name+"."+id+".pid")
}

func (b *bench) startIdle(r *runtimeUnderTest, bundle, id string) error {
	_, err := b.spawner.run(r.args("create", "--bundle", bundle, "--pid-file", b.pidFile(r, id), id)...)
	if err != nil {
		return err
	}
	_, err = b.spawner.run(r.args("start", id)...)
	return err
}

func (b *bench) removeIdle(r *runtimeUnderTest, id string) error {
	pid, err := readPid(b.pidFile(r, id))
	if err != nil {
		return err
	}
	if _, err := b.spawner.run(r.args("delete", "--force", id)...); err != nil {
		return err
	}
	_, err = reap(pid)
	return err
}

// measurePeak runs `run` below a small parent of its own, untimed; see floor/peak.c.
func (b *bench) measurePeak(r *runtimeUnderTest) error {
	if b.options.peak == "" || !b.wants("run") {
		return nil
	}
	file := filepath.Join(b.work, "peak")
	var worst float64
	for range 5 {
		argv := append([]string{b.options.peak, file}, r.args("run", "--bundle", b.bundle, b.id())...)
		if _, err := b.spawner.run(argv...); err != nil {
			return err
		}
		kb, err := readPid(file)
		if err != nil {
			return err
		}
		worst = max(worst, float64(kb))
	}
	b.peak[r.name] = worst
	return nil
}

// leftovers removes containers that a failure has left, and reports what should not be there:
// state, or a cgroup with one of our ids.
func (b *bench) leftovers() error {
	var errs []error
	for i := range b.runtimes {
		r := &b.runtimes[i]
		left, err := filepath.Glob(filepath.Join(r.root, "*"))
		if err != nil {
			return err
		}
		for _, path := range left {
			id := filepath.Base(path)
			if !strings.HasPrefix(id, "bench-") {
				continue // a lock file or the like
			}
			errs = append(errs, fmt.Errorf("%s has left %s", r.name, path))
			if _, err := b.spawner.run(r.args("delete", "--force", id)...); err != nil {
				errs = append(errs, err)
			}
		}
	}
	var status syscall.WaitStatus
	for { // zombies of inits
		if pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil); pid <= 0 || err != nil {
			break
		}
	}
	cgroups, err := filepath.Glob(fmt.Sprintf("/sys/fs/cgroup/*/bench-%d-*", os.Getpid())) // v1
	if err != nil {
		return err
	}
	unified, err := filepath.Glob(fmt.Sprintf("/sys/fs/cgroup/bench-%d-*", os.Getpid())) // v2
	if err != nil {
		return err
	}
	for _, path := range append(cgroups, unified...) {
		errs = append(errs, fmt.Errorf("left: %s", path))
		if err := os.Remove(path); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
