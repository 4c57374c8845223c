// Package netdev moves network devices of the host into a container's network namespace, as
// linux.netDevices of config.json asks (runtime-spec 1.3, config-linux.md, "Network Devices"),
// and brings the loopback device up. It speaks rtnetlink(7) itself: the few messages that it needs
// come cheaper than a library whose imports cost every start of the runtime.
package netdev

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// Field is the setting in config.json.
const Field = "linux.netDevices"

// OpenPID opens the network namespace of a process, for the functions of this package.
func OpenPID(pid int) (*os.File, error) {
	path := "/proc/" + strconv.Itoa(pid) + "/ns/net"
	f, err := os.Open(path)
	if err != nil {
		return nil, &errdetail.Error{Op: "open the network namespace", Err: err}
	}
	return f, nil
}

// CheckName checks a device name as the kernel's dev_valid_name does, and refuses '%' too, by
// which the kernel would number the device.
func CheckName(name, field string) error {
	if name == "" || len(name) >= unix.IFNAMSIZ {
		return errdetail.New(field, "a device name has 1 to %d bytes, not %d", unix.IFNAMSIZ-1, len(name))
	}
	if name == "." || name == ".." {
		return errdetail.New(field, "%q is not a device name", name)
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c == '/', c == ':', c == '%', c <= ' ', c == 0x7f:
			return errdetail.New(field, "%q is not allowed in a device name", string(rune(c)))
		}
	}
	return nil
}

// Check checks the whole setting without touching the system: names, and that no two devices get
// the same one.
func Check(devices map[string]specs.LinuxNetDevice) error {
	taken := map[string]string{}
	for _, host := range sorted(devices) {
		field := Field + "[" + host + "]"
		if err := CheckName(host, field); err != nil {
			return err
		}
		final := finalName(host, devices[host])
		if final != host {
			if err := CheckName(final, field+".name"); err != nil {
				return err
			}
		}
		if other, ok := taken[final]; ok {
			return errdetail.New(field+".name", "%q is what %s[%s] is called too", final, Field, other)
		}
		taken[final] = host
	}
	return nil
}

// MoveAll moves the devices, in the order of their names, and stops at the first that fails: the
// ones before it are then in netns, with which the kernel ends them or gives them back.
func MoveAll(netns *os.File, devices map[string]specs.LinuxNetDevice) error {
	if len(devices) == 0 {
		return nil
	}
	if err := Check(devices); err != nil {
		return err
	}
	for _, host := range sorted(devices) {
		if err := Move(netns, host, finalName(host, devices[host])); err != nil {
			return err
		}
	}
	return nil
}

func sorted(devices map[string]specs.LinuxNetDevice) []string {
	names := make([]string, 0, len(devices))
	for n := range devices {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func finalName(host string, d specs.LinuxNetDevice) string {
	if d.Name != "" {
		return d.Name
	}
	return host
}

// Move moves the device called name from the caller's network namespace into netns, calls it
// newName there, gives it back its addresses and brings it up. As the spec says, of the addresses
// those are kept that are permanent and of global scope; MTU and hardware address stay with the
// device by themselves; routes are lost. It needs CAP_NET_ADMIN over both namespaces and
// CAP_SYS_ADMIN over netns.
func Move(netns *os.File, name, newName string) error {
	fail := func(op, msg string, err error) error {
		return &errdetail.Error{Field: Field + "[" + name + "]", Op: op, Syscall: msg, Err: err}
	}
	if name == "lo" {
		return fail("", "", errors.New("the loopback device can't change its network namespace"))
	}
	here, err := dial()
	if err != nil {
		return fail("move the device", "socket", err)
	}
	defer here.Close()
	index, err := here.linkIndex(name)
	if err != nil {
		return fail("find the device on the host", "RTM_GETLINK", err)
	}
	addrs, err := here.addresses(index)
	if err != nil {
		return fail("read the device's addresses", "RTM_GETADDR", err)
	}
	there, err := dialIn(netns)
	if err != nil {
		return fail("enter the network namespace", "setns", err)
	}
	defer there.Close()
	if err := here.moveLink(index, netns, newName); err != nil {
		if errors.Is(err, unix.EEXIST) {
			err = fmt.Errorf("%w: the container has a device %s already", err, newName)
		}
		return fail("move the device", "RTM_NEWLINK", err)
	}
	// The device may have another index now: the namespace counts its own.
	if index, err = there.linkIndex(newName); err != nil {
		return fail("find the moved device", "RTM_GETLINK", err)
	}
	for _, a := range addrs {
		if err := there.addAddress(index, a, name == newName); err != nil && !errors.Is(err, unix.EEXIST) {
			return fail("give the device its address "+a.String(), "RTM_NEWADDR", err)
		}
	}
	if err := there.linkUp(index); err != nil {
		return fail("bring the device up", "RTM_NEWLINK", err)
	}
	return nil
}

// LoopbackUp brings the loopback device of a network namespace up. It needs CAP_NET_ADMIN and
// CAP_SYS_ADMIN over it; who lacks them has the container's own process do it.
func LoopbackUp(netns *os.File) error {
	c, err := dialIn(netns)
	if err != nil {
		return &errdetail.Error{Op: "enter the network namespace", Syscall: "setns", Err: err}
	}
	defer c.Close()
	index, err := c.linkIndex("lo")
	if err == nil {
		err = c.linkUp(index)
	}
	if err != nil {
		return &errdetail.Error{Op: "bring the loopback device up", Syscall: "RTM_NEWLINK", Err: err}
	}
	return nil
}

// dialIn opens an rtnetlink socket that belongs to another network namespace. The calling thread
// is there for a moment; should it not find back, it is ended rather than reused.
func dialIn(netns *os.File) (*conn, error) {
	type result struct {
		c   *conn
		err error
	}
	done := make(chan result, 1)
	go func() {
		runtime.LockOSThread()
		own, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			runtime.UnlockOSThread()
			done <- result{nil, err}
			return
		}
		defer unix.Close(own)
		if err := setns(netns); err != nil {
			runtime.UnlockOSThread()
			done <- result{nil, err}
			return
		}
		c, err := dial()
		if unix.Setns(own, unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		done <- result{c, err}
	}()
	r := <-done
	return r.c, r.err
}

func setns(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var serr error
	if err := raw.Control(func(fd uintptr) { serr = unix.Setns(int(fd), unix.CLONE_NEWNET) }); err != nil {
		return err
	}
	return serr
}
