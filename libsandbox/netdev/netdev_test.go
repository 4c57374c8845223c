// Tests of the netdev package, on real devices in network namespaces of their own.

package netdev

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// inNewNS puts the test's thread into a network namespace of its own; the thread ends with the test.
func inNewNS(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes network namespaces")
	}
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
}

// newNS makes another network namespace.
func newNS(t *testing.T) *os.File {
	t.Helper()
	got := make(chan *os.File)
	go func() {
		runtime.LockOSThread()
		var f *os.File
		if unix.Unshare(unix.CLONE_NEWNET) == nil {
			f, _ = os.Open("/proc/thread-self/ns/net")
		}
		got <- f
	}()
	f := <-got
	if f == nil {
		t.Fatal("no network namespace")
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// ip runs ip(8) in the test's namespace, or in ns.
func ip(t *testing.T, ns *os.File, args ...string) string {
	t.Helper()
	cmd := exec.Command("ip", args...)
	if ns != nil {
		cmd = exec.Command("nsenter", append([]string{"--net=/proc/self/fd/3", "ip"}, args...)...)
		cmd.ExtraFiles = []*os.File{ns}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("ip %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func TestMoveRenamesAndKeepsAddresses(t *testing.T) {
	inNewNS(t)
	ns := newNS(t)
	ip(t, nil, "link", "add", "d0", "type", "veth", "peer", "name", "peerd0")
	ip(t, nil, "link", "set", "d0", "mtu", "1400", "address", "02:00:00:00:00:77")
	ip(t, nil, "link", "set", "d0", "up")
	ip(t, nil, "addr", "add", "192.0.2.5/24", "brd", "192.0.2.255", "dev", "d0")
	ip(t, nil, "addr", "add", "192.0.2.77", "peer", "192.0.2.78/32", "dev", "d0", "metric", "7")
	ip(t, nil, "addr", "add", "192.0.2.66/24", "dev", "d0", "valid_lft", "300", "preferred_lft", "300") // temporary
	ip(t, nil, "addr", "add", "169.254.1.1/16", "scope", "link", "dev", "d0")
	ip(t, nil, "addr", "add", "2001:db8::5/64", "dev", "d0", "nodad")
	if err := MoveAll(ns, map[string]specs.LinuxNetDevice{"d0": {Name: "eth9"}}); err != nil {
		t.Fatal(err)
	}
	if out := ip(t, nil, "-o", "link"); strings.Contains(out, " d0@") {
		t.Errorf("still here: %s", out)
	}
	link := ip(t, ns, "-o", "link", "show", "eth9")
	for _, want := range []string{"mtu 1400", "02:00:00:00:00:77", "UP"} {
		if !strings.Contains(link, want) {
			t.Errorf("no %q in %s", want, link)
		}
	}
	addrs := ip(t, ns, "-o", "addr", "show", "eth9")
	for _, want := range []string{"192.0.2.5/24 brd 192.0.2.255 scope global eth9", "192.0.2.77 peer 192.0.2.78/32 metric 7", "2001:db8::5/64"} {
		if !strings.Contains(addrs, want) {
			t.Errorf("no %q in %s", want, addrs)
		}
	}
	for _, not := range []string{"192.0.2.66", "169.254"} {
		if strings.Contains(addrs, not) {
			t.Errorf("%s was kept: %s", not, addrs)
		}
	}
	if strings.Contains(link, " d0") {
		t.Errorf("old name: %s", link)
	}
}

func TestMoveKeepsNameAndLabel(t *testing.T) {
	inNewNS(t)
	ns := newNS(t)
	ip(t, nil, "link", "add", "v0", "type", "veth", "peer", "name", "v1")
	ip(t, nil, "addr", "add", "192.0.2.5/24", "label", "v0:x", "dev", "v0")
	if err := MoveAll(ns, map[string]specs.LinuxNetDevice{"v0": {}}); err != nil {
		t.Fatal(err)
	}
	if out := ip(t, ns, "-o", "addr", "show", "v0"); !strings.Contains(out, "scope global v0:x") {
		t.Errorf("label lost: %s", out)
	}
	if out := ip(t, nil, "-o", "link"); !strings.Contains(out, "v1") {
		t.Errorf("the other end went along: %s", out)
	}
}

// The new name counts where the old one is taken in the container.
func TestMoveOverATakenName(t *testing.T) {
	inNewNS(t)
	ns := newNS(t)
	ip(t, nil, "link", "add", "d0", "type", "veth", "peer", "name", "peerd0")
	ip(t, ns, "link", "add", "d0", "type", "veth", "peer", "name", "other0")
	if err := Move(ns, "d0", "d1"); err != nil {
		t.Fatal(err)
	}
	if out := ip(t, ns, "-o", "link"); !strings.Contains(out, " d0@") || !strings.Contains(out, " d1@") {
		t.Errorf("got %s", out)
	}
	ip(t, nil, "link", "add", "d2", "type", "veth", "peer", "name", "peerd2")
	err := Move(ns, "d2", "d1")
	if !errors.Is(err, unix.EEXIST) || !strings.HasPrefix(err.Error(), "linux.netDevices[d2]: move the device: ") {
		t.Errorf("a new name that is taken: %v", err)
	}
	ip(t, nil, "link", "add", "d0", "type", "veth", "peer", "name", "other0")
	if err := Move(ns, "d0", "d0"); !errors.Is(err, unix.EEXIST) {
		t.Errorf("an old name that is taken: %v", err)
	}
}

func TestMoveErrors(t *testing.T) {
	inNewNS(t)
	ns := newNS(t)
	if err := Move(ns, "none0", "none0"); !errors.Is(err, unix.ENODEV) {
		t.Errorf("no such device: %v", err)
	}
	if err := Move(ns, "lo", "lo1"); err == nil {
		t.Error("lo was moved")
	}
	f, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ip(t, nil, "link", "add", "d0", "type", "veth", "peer", "name", "peerd0")
	if err := Move(f, "d0", "d0"); !errors.Is(err, unix.EINVAL) {
		t.Errorf("not a namespace: %v", err)
	}
	ip(t, nil, "link", "show", "d0") // it has stayed
}

func TestLoopbackUp(t *testing.T) {
	inNewNS(t)
	ns := newNS(t)
	if err := LoopbackUp(ns); err != nil {
		t.Fatal(err)
	}
	if out := ip(t, ns, "-o", "addr", "show", "lo"); !strings.Contains(out, "127.0.0.1/8") {
		t.Errorf("got %s", out)
	}
	if out := ip(t, nil, "-o", "link", "show", "lo"); !strings.Contains(out, "state DOWN") {
		t.Errorf("our own loopback changed: %s", out)
	}
}

func TestManyAddresses(t *testing.T) {
	inNewNS(t)
	ns := newNS(t)
	ip(t, nil, "link", "add", "d0", "type", "veth", "peer", "name", "peerd0")
	var batch strings.Builder
	for i := range 1000 {
		batch.WriteString("addr add 10.1." + itoa(i/250) + "." + itoa(i%250+1) + "/32 dev d0\n")
	}
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(batch.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	if err := Move(ns, "d0", "d0"); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(ip(t, ns, "-o", "-4", "addr", "show", "d0"), "scope global"); n != 1000 {
		t.Errorf("%d addresses of 1000", n)
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		devices map[string]specs.LinuxNetDevice
		field   string
	}{
		{nil, ""},
		{map[string]specs.LinuxNetDevice{"eth0": {}, "eth1": {Name: "x"}}, ""},
		{map[string]specs.LinuxNetDevice{"a": {Name: "b"}, "b": {Name: "a"}}, ""},
		{map[string]specs.LinuxNetDevice{"a": {Name: "b"}, "b": {}}, "linux.netDevices[b].name"},
		{map[string]specs.LinuxNetDevice{"": {}}, "linux.netDevices[]"},
		{map[string]specs.LinuxNetDevice{"a/b": {}}, "linux.netDevices[a/b]"},
		{map[string]specs.LinuxNetDevice{"a": {Name: ".."}}, "linux.netDevices[a].name"},
		{map[string]specs.LinuxNetDevice{"a": {Name: "eth%d"}}, "linux.netDevices[a].name"},
		{map[string]specs.LinuxNetDevice{"a": {Name: "a b"}}, "linux.netDevices[a].name"},
		{map[string]specs.LinuxNetDevice{"a": {Name: "sixteen-bytes-xx"}}, "linux.netDevices[a].name"},
		{map[string]specs.LinuxNetDevice{"a": {Name: "fifteen-bytes-x"}}, ""},
	} {
		err := Check(c.devices)
		var e *errdetail.Error
		if c.field == "" && err != nil || c.field != "" && (!errors.As(err, &e) || e.Field != c.field) {
			t.Errorf("%v: %v, want field %q", c.devices, err, c.field)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{36, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, uint32(1))
	f.Fuzz(func(t *testing.T, b []byte, seq uint32) {
		_, answers, _ := parse(b, seq)
		for _, a := range answers {
			for range attributes(a) {
			}
		}
	})
}
