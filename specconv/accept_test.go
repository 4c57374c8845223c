// What must be accepted, so that checks do not grow stricter than the specification and the
// engines allow; and what is accepted with a warning.

package specconv

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

func TestAccepted(t *testing.T) {
	for _, c := range []struct{ path, value string }{
		{"ociVersion", `"1.0.2-dev"`}, {"ociVersion", `"1.0.0-rc5"`}, {"ociVersion", `"1.0.0"`},
		{"ociVersion", `"1.2.1+dev.4"`}, {"ociVersion", `"1.0.0-rc6.1-x+001"`}, {"ociVersion", `"1.99.0"`},
		{"foo", `{"bar": 1}`}, {"windows", `{}`}, {"linux.foo", `[1]`},
		{"root.path", `"../elsewhere"`}, {"root.path", `"/abs"`},
		{"hostname", quoted("h", 64)}, {"domainname", `""`},
		{"annotations", `{"a b": "", "c": "\n"}`}, {"hooks", `-`}, {"hooks", `{}`},
		{"process.env", `-`}, {"process.env[0]", `"A=B=C"`}, {"process.env[0]", `"A="`}, {"process.args[1]", `""`},
		{"process.user.umask", `0`}, {"process.user.umask", `511`}, {"process.user.umask", `-`},
		{"process.user.uid", `199`}, {"process.user.additionalGids", `[]`},
		{"process.capabilities", `-`}, {"process.capabilities", `{}`}, {"process.rlimits", `-`},
		{"process.oomScoreAdj", `-1000`}, {"process.oomScoreAdj", `1000`}, {"process.consoleSize", `-`},
		{"process.scheduler", `{"policy":"SCHED_FIFO","priority":99}`}, {"process.scheduler", `{"policy":"SCHED_IDLE"}`},
		{"process.scheduler", `{"policy":"SCHED_OTHER","nice":-20}`}, {"process.scheduler.period", `0`},
		{"process.execCPUAffinity", `{}`}, {"process.execCPUAffinity.initial", `"0,2-2,65535"`},
		{"mounts", `-`}, {"mounts[0].destination", `"proc"`}, {"mounts[0].options", `["ro","rw","private","shared"]`},
		{"mounts[0]", `{"destination":"/a","options":["bind"],"source":"/b"}`},
		{"mounts[0]", `{"destination":"/a","type":"bind","source":"/b"}`},
		{"mounts[0]", `{"destination":"/a","options":["rprivate"]}`},
		{"mounts[0]", `{"destination":"/a","options":["rbind","mode=755"],"source":"/b"}`},
		{"mounts[0]", `{"destination":"/","type":"bind","options":["remount","ro"]}`},
		{"mounts[2].options[2]", `"ridmap"`}, {"mounts[2].options[2]", `"nosuid"`},
		{"mounts[2]", `{"destination":"/a","source":"/b","options":["bind","idmap"]}`},
		{"mounts[2].uidMappings[0]", `{"containerID":0,"hostID":0,"size":4294967295}`},
		{"linux.namespaces[5].path", `"/proc/1/ns/user"`}, {"linux.namespaces[0].path", `""`},
		{"linux.namespaces[6]", `-`}, {"linux.timeOffsets", `{}`},
		{`linux.timeOffsets["boottime"].secs`, `-9223372036`},
		{"linux.sysctl", `{"net.ipv4.conf.eth0/100.rp_filter":"1","net/core/somaxconn":"1","kernel.sem":"1","kernel.shm_rmid_forced":"1","kernel/shmmax":"1"}`},
		{"linux.cgroupsPath", `"system.slice:runc:a..b"`}, {"linux.cgroupsPath", `"a/..b/c"`}, {"linux.cgroupsPath", `-`},
		{"linux.devices[0].fileMode", `8630`}, {"linux.devices[0].type", `"u"`}, {"linux.devices[0].minor", `1048575`},
		{"linux.netDevices", `{"fifteen-bytes-x":{},"ä":{}}`}, {"linux.netDevices", `{"a":{"name":"x%d"},"b":{"name":"x%d"}}`},
		{"linux.rootfsPropagation", `"rprivate"`}, {"linux.rootfsPropagation", `"unbindable"`},
		{"linux.intelRdt.closID", `"/"`}, {"linux.intelRdt", `{}`},
		{"linux.memoryPolicy", `{"mode":"MPOL_DEFAULT"}`}, {"linux.memoryPolicy", `{"mode":"MPOL_PREFERRED"}`},
		{"linux.memoryPolicy", `{"mode":"MPOL_BIND","nodes":"0","flags":["MPOL_F_NUMA_BALANCING"]}`},
		{"linux.personality.domain", `"LINUX"`},
		{"linux.resources", `{}`}, {"linux.resources.pids.limit", `0`}, {"linux.resources.pids.limit", `-1`},
		{"linux.resources.memory", `{"limit":-1,"swap":-1}`}, {"linux.resources.memory.swap", `0`},
		{"linux.resources.cpu", `{"quota":-1,"burst":5,"period":0,"shares":0,"cpus":"","idle":1}`},
		{"linux.resources.devices[1]", `{"allow":true,"type":"a","major":-1,"minor":-1}`},
		{"linux.resources.blockIO.weight", `0`}, {"linux.resources.hugepageLimits[0].pageSize", `"64KB"`},
		{"linux.resources.unified", `{"memory.high":"max","hugetlb.1GB.max":"0"}`},
		{"linux.seccomp", `{"defaultAction":"SCMP_ACT_ALLOW","flags":[],"architectures":[]}`},
		{"linux.seccomp.defaultErrnoRet", `0`}, {"linux.seccomp.flags[0]", `"SECCOMP_FILTER_FLAG_TSYNC"`},
		{"linux.seccomp", `-`}, {"linux.personality", `-`},
	} {
		spec, err := Decode(mutate(t, c.path, c.value))
		if err == nil {
			Warnings(spec)
			err = Check(spec)
		}
		if err != nil {
			t.Errorf("%s = %s: %v", c.path, c.value, err)
		}
	}
	// Without a terminal its size is to be ignored, and without a linux section there is no error.
	for _, doc := range []string{
		`{"ociVersion":"1.3.0","root":{"path":"r"},"process":{"cwd":"/","args":["a"],"consoleSize":{"height":99999,"width":1}}}`,
		`{"ociVersion":"1.3.0","root":{"path":"r"},"process":{"cwd":"/","args":["a"]},"linux":{}}`,
	} {
		if err := decodeAndCheck([]byte(doc)); err != nil {
			t.Errorf("%s: %v", doc, err)
		}
	}
}

func TestWarnings(t *testing.T) {
	for _, c := range []struct{ path, value, want string }{
		{"ociVersion", `"1.4.0"`, "ociVersion: 1.4.0 is newer than 1.3.0"},
		{"process.capabilities.bounding[1]", `"CAP_FOO"`, `process.capabilities.bounding[1]: unknown capability "CAP_FOO" is ignored`},
		{"process.capabilities.bounding[1]", `"cap_kill"`, "unknown capability"},
		{"process.capabilities.effective[0]", `"CAP_CHOWN"`, "process.capabilities.effective[0]: CAP_CHOWN cannot be granted"},
		{"process.capabilities.inheritable", `[]`, "process.capabilities.ambient[0]: CAP_KILL cannot be granted"},
		{"mounts[0].destination", `"proc"`, "mounts[0].destination: relative destination path"},
		{"mounts[2].options[1]", `"readonly"`, `mounts[2].options[1]: "readonly" is not known`},
		{"mounts[2].options[2]", `"nosuid"`, `mounts[2].options: should hold "idmap" or "ridmap"`},
		{"linux.personality.flags", `["x"]`, "linux.personality.flags: ignored"},
		{"linux.intelRdt.l3CacheSchema", `"0=f"`, `should start with "L3:"`},
		{"linux.resources.memory.kernel", `1`, "linux.resources.memory.kernel: ignored"},
		{"linux.devices[1].path", `"/dev/fuse"`, "linux.devices[1].path: \"/dev/fuse\" is listed already"},
	} {
		spec, err := Decode(mutate(t, c.path, c.value))
		if err == nil {
			err = Check(spec)
		}
		if err != nil {
			t.Errorf("%s = %s: %v", c.path, c.value, err)
			continue
		}
		if w := Warnings(spec); len(w) != 1 || !strings.Contains(w[0], c.want) {
			t.Errorf("%s = %s: want the warning %q, got %q", c.path, c.value, c.want, w)
		}
	}
	p := &specs.Process{Capabilities: &specs.LinuxCapabilities{Bounding: []string{"CAP_FOO"}}}
	if w := ProcessWarnings(p); len(w) != 1 || !strings.HasPrefix(w[0], "capabilities.bounding[0]: ") {
		t.Errorf("warned %q", w)
	}
}

func TestDefault(t *testing.T) {
	for _, rootless := range []bool{false, true} {
		spec := Default()
		if rootless {
			Rootless(spec, 1000, 100)
		}
		if err := Check(spec); err != nil {
			t.Errorf("rootless %t: %v", rootless, err)
		}
		if w := Warnings(spec); len(w) != 0 {
			t.Errorf("rootless %t: %q", rootless, w)
		}
		data, err := json.Marshal(spec)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Decode(data); err != nil || !reflect.DeepEqual(back, spec) {
			t.Errorf("rootless %t: written and read again: %+v, %v", rootless, back, err)
		}
	}
	spec := Default()
	if !spec.Process.Terminal || !spec.Process.NoNewPrivileges || !spec.Root.Readonly ||
		spec.Process.Args[0] != "sh" || spec.Process.Rlimits[0].Soft != 1024 {
		t.Errorf("got %+v", spec.Process)
	}
	if c := spec.Process.Capabilities; len(c.Inheritable) != 0 || len(c.Ambient) != 0 || len(c.Bounding) != 3 {
		t.Errorf("capabilities %+v", c)
	}
}

func TestRootless(t *testing.T) {
	spec := Default()
	Rootless(spec, 1000, 100)
	n := Namespaces(spec.Linux.Namespaces)
	if n.Has(specs.NetworkNamespace) || !n.New(specs.UserNamespace) || !n.New(specs.PIDNamespace) {
		t.Errorf("namespaces %+v", n)
	}
	if m := spec.Linux.UIDMappings; len(m) != 1 || m[0] != (specs.LinuxIDMapping{HostID: 1000, Size: 1}) {
		t.Errorf("uidMappings %+v", m)
	}
	if m := spec.Linux.GIDMappings; len(m) != 1 || m[0] != (specs.LinuxIDMapping{HostID: 100, Size: 1}) {
		t.Errorf("gidMappings %+v", m)
	}
	if spec.Linux.Resources != nil {
		t.Error("resources are left")
	}
	for _, m := range spec.Mounts {
		if m.Destination == "/sys" && (!slices.Contains(m.Options, "rbind") || m.Source != "/sys") {
			t.Errorf("/sys: %+v", m)
		}
		for _, o := range m.Options {
			if strings.HasPrefix(o, "gid=") {
				t.Errorf("%s keeps %s", m.Destination, o)
			}
		}
	}
}

func TestSysctlPath(t *testing.T) {
	for _, c := range [][2]string{
		{"net.ipv4.ip_forward", "net/ipv4/ip_forward"},
		{"net/ipv4/ip_forward", "net/ipv4/ip_forward"},
		{"net.ipv4.conf.eth0/100.mtu", "net/ipv4/conf/eth0.100/mtu"},
		{"net/ipv4/conf/eth0.100/mtu", "net/ipv4/conf/eth0.100/mtu"},
		{"plain", "plain"}, {"", ""},
	} {
		if got := SysctlPath(c[0]); got != c[1] {
			t.Errorf("%s: want %s, got %s", c[0], c[1], got)
		}
	}
}

func TestCheckProcessNamesFieldsOfTheFile(t *testing.T) {
	var e *errdetail.Error
	if err := CheckProcess(&specs.Process{Cwd: "/"}); !errors.As(err, &e) || e.Field != "args" {
		t.Errorf("got %v", err)
	}
}

// TestGeneratedIsCurrent runs the generator and compares.
func TestGeneratedIsCurrent(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("needs the go command to run the generator: ", err)
	}
	dir := t.TempDir()
	if out, err := exec.Command(goTool, "run", "./internal/gen", "-dir", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	old, err := filepath.Glob("decode*_gen.go")
	fresh, ferr := filepath.Glob(dir + "/*")
	if err != nil || ferr != nil || len(old) != len(fresh) {
		t.Fatalf("there are %v (%v), the generator writes %v (%v)", old, err, fresh, ferr)
	}
	for _, name := range old {
		got, err := os.ReadFile(name)
		want, werr := os.ReadFile(filepath.Join(dir, name))
		if err != nil || werr != nil || string(got) != string(want) {
			t.Errorf("%s is not what the generator writes now (%v, %v): run go generate ./specconv", name, err, werr)
		}
	}
}
