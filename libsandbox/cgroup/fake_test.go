// Tests on made up trees: detection, paths, creation, without privileges.

package cgroup

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func put(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func fakeV2(t testing.TB) string {
	root := t.TempDir()
	put(t, root+"/cgroup.controllers", "cpuset cpu io memory pids\n")
	put(t, root+"/cgroup.subtree_control", "")
	return root
}

func fakeV1(t testing.TB, names ...string) string {
	root := t.TempDir()
	for _, n := range names {
		put(t, root+"/"+n+"/cgroup.procs", "")
	}
	return root
}

func detect(t testing.TB, root string) *Layout {
	t.Helper()
	l, err := Detect(root)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestDetect(t *testing.T) {
	if l := detect(t, fakeV2(t)); l.Mode != V2 || len(l.Hierarchies) != 1 {
		t.Errorf("v2: %+v", l)
	}
	root := fakeV1(t, "memory", "cpu,cpuacct", "systemd", "something")
	for _, n := range []string{"cpu", "cpuacct"} {
		if err := os.Symlink("cpu,cpuacct", root+"/"+n); err != nil {
			t.Fatal(err)
		}
	}
	l := detect(t, root)
	if l.Mode != V1 || len(l.Hierarchies) != 3 {
		t.Fatalf("v1: %+v", l)
	}
	if h := l.Hierarchies[0]; h.Name != "cpu,cpuacct" || strings.Join(h.Links, " ") != "cpu cpuacct" {
		t.Errorf("co-mounted: %+v", h)
	}
	put(t, root+"/unified/cgroup.controllers", "")
	if l := detect(t, root); l.Mode != Hybrid {
		t.Errorf("hybrid: %+v", l)
	}
	if _, err := Detect(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no cgroup file system is mounted") {
		t.Errorf("nothing: %v", err)
	}
	if _, err := Detect(t.TempDir() + "/missing"); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("no directory: %v", err)
	}
}

func TestMountinfo(t *testing.T) {
	file := t.TempDir() + "/mountinfo"
	put(t, file, `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /cg/cpu\040x rw,relatime shared:3 - cgroup cgroup rw,cpu,cpuacct
33 31 0:30 / /cg/again rw,relatime - cgroup cgroup rw,cpu,cpuacct
34 31 0:31 / /cg/named rw,relatime - cgroup cgroup rw,name=other
35 31 0:32 / /cg/sd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /cg/two rw,relatime - cgroup2 cgroup2 rw,nsdelegate
`)
	l := &Layout{Root: DefaultRoot}
	if err := l.scanMountinfo(file); err != nil {
		t.Fatal(err)
	}
	l.setMode()
	var got []string
	for _, h := range l.Hierarchies {
		got = append(got, h.Mountpoint+"="+strings.Join(h.Controllers, "+"))
	}
	if s := strings.Join(got, " "); s != "/cg/cpu x=cpu+cpuacct /cg/sd=name=systemd /cg/two=" || l.Mode != Hybrid {
		t.Errorf("%s, mode %s", s, l.Mode)
	}
}

func TestPaths(t *testing.T) {
	proc := t.TempDir() + "/cgroup"
	put(t, proc, "4:memory:/a/b\n3:cpu,cpuacct:/\n0::/user.slice/session.scope\n")
	v1, v2 := fakeV1(t, "memory", "cpu,cpuacct", "pids"), fakeV2(t)
	put(t, v1+"/memory/a/b/cgroup.procs", "")
	for _, c := range []struct{ root, path, want string }{
		{v1, "", "memory=/memory/a/b/id cpu=/cpu,cpuacct/id"}, // pids is not in the own view
		{v1, "x/../../y", "memory=/memory/a/b/y cpu=/cpu,cpuacct/y"},
		{v1, "/x/../../y", "memory=/memory/y cpu=/cpu,cpuacct/y pids=/pids/y"},
		{v2, "", "=/user.slice/id"},
		{v2, "rel", "=/user.slice/rel"},
		{v2, "/abs/x", "=/abs/x"},
		{v2, "/", "!"},
		{v2, "..", "=/user.slice/id"},
	} {
		m, err := newManager(Options{ID: "id", Path: c.path}, detect(t, c.root), proc)
		if err != nil {
			if c.want != "!" {
				t.Errorf("%q: %v", c.path, err)
			}
			continue
		}
		paths := m.Paths()
		wants := strings.Fields(c.want)
		for _, w := range wants {
			k, p, _ := strings.Cut(w, "=")
			if paths[k] != c.root+p {
				t.Errorf("path %q, %q: %s, want %s", c.path, k, paths[k], c.root+p)
			}
		}
		if _, ok := paths["pids"]; ok != strings.Contains(c.want, "pids") {
			t.Errorf("path %q: pids is %q", c.path, paths["pids"])
		}
		if got := FromRecord(m.Plan()).Paths(); len(got) != len(paths) || got["memory"] != paths["memory"] || got[""] != paths[""] {
			t.Errorf("path %q: the record gives %v, want %v", c.path, got, paths)
		}
	}
}

func TestFakeCreate(t *testing.T) {
	root := fakeV1(t, "cpuset", "devices")
	put(t, root+"/cpuset/cpuset.cpus", "0-3\n")
	put(t, root+"/cpuset/cpuset.mems", "0\n")
	m, err := newManager(Options{ID: "c", Path: "/p/c", Root: root}, detect(t, root), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(root+"/cpuset/p", 0o755); err != nil { // somebody's, not configured yet
		t.Fatal(err)
	}
	put(t, root+"/cpuset/p/cpuset.cpus", "\n")
	put(t, root+"/cpuset/p/cpuset.mems", "\n")
	if err := m.Create(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"/cpuset/p/cpuset.cpus", "/cpuset/p/c/cpuset.cpus"} {
		if b, _ := os.ReadFile(root + p); string(b) != "0-3" {
			t.Errorf("%s holds %q", p, b)
		}
	}
	if err := m.Join(42); err != nil {
		t.Fatal(err)
	}
	if err := m.Apply(); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(root + "/devices/p/c/devices.deny"); string(b) != "a\n" {
		t.Errorf("devices.deny: %q", b)
	}
	if b, _ := os.ReadFile(root + "/devices/p/c/devices.allow"); !strings.Contains(string(b), "c 1:3 rwm\n") {
		t.Errorf("devices.allow: %q", b)
	}
	if pids, _ := m.Pids(true); len(pids) != 1 || pids[0] != 42 {
		t.Errorf("pids %v", pids)
	}
	other, _ := newManager(Options{ID: "c", Path: "/p/c", Root: root}, detect(t, root), "")
	if err := other.Create(); err == nil || !strings.Contains(err.Error(), root+"/cpuset/p/c") {
		t.Errorf("a cgroup in use: %v", err)
	}
	if err := FromRecord(m.Record()).Delete(context.Background()); err != nil {
		t.Fatal(err)
	}
	if exists(root+"/cpuset/p/c") || !exists(root+"/cpuset/p") {
		t.Error("delete removed too much or too little")
	}
}

func TestSubPathsStayBelow(t *testing.T) {
	d := &dir{h: Hierarchy{Version: 2, Mountpoint: "/m"}, rel: "c"}
	for _, s := range []string{"..", "a/../..", "/../x"} {
		if p, err := subPath(d, map[string]string{"": s}); err == nil {
			t.Errorf("%q leads to %s", s, p)
		}
	}
	if p, err := subPath(d, map[string]string{"": "a/b"}); err != nil || p != "/m/c/a/b" {
		t.Errorf("%s, %v", p, err)
	}
}
