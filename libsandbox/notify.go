// A container's notifications to the service manager (sd_notify(3)), as runc passes them on.

package libsandbox

import (
	"errors"
	"os"
	"path"
	"strings"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/sdnotify"
)

// notifyDir is the folder of the socket: in the state folder, and in the container.
const (
	notifyDir    = "notify"
	notifyInside = "/run/notify"
)

// addNotify gives the container a folder for a notification socket, and the environment that
// names it. The socket itself is made by whoever starts the program.
func (cr *creation) addNotify() error {
	if cr.o.NotifySocket == "" {
		return nil
	}
	dir := cr.c.dir.File(notifyDir)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // whatever the umask: the container's user goes through it
		return err
	}
	cr.spec.Mounts = append(cr.spec.Mounts, specs.Mount{
		Destination: notifyInside, Source: dir, Options: []string{"bind", "nosuid", "noexec", "nodev", "ro"},
	})
	p := *cr.spec.Process
	p.Env = nil
	for _, e := range cr.spec.Process.Env {
		if !strings.HasPrefix(e, "NOTIFY_SOCKET=") { // the host's would lead nowhere
			p.Env = append(p.Env, e)
		}
	}
	p.Env = append(p.Env, "NOTIFY_SOCKET="+path.Join(notifyInside, sdnotify.SocketName))
	cr.spec.Process = &p
	return cr.r.openSource(cr.spec, len(cr.spec.Mounts)-1, cr.o.Bundle, cr.facts, &cr.in)
}

// listenNotify makes the socket; nil if none is wanted.
func (c *Container) listenNotify(hostSocket string) (*sdnotify.Proxy, error) {
	if hostSocket == "" {
		return nil, nil
	}
	proxy, err := sdnotify.Listen(c.dir.File(notifyDir))
	if errors.Is(err, syscall.ENOENT) {
		c.rt.warn("$NOTIFY_SOCKET is set, but was not when the container was created: it has no socket to notify by")
		return nil, nil
	}
	return proxy, err
}

// passOn waits until the container says that it is ready, and passes that on together with the pid
// of the service's main process. It returns early if the init, of pidfd, ends.
func passOn(p *sdnotify.Proxy, hostSocket string, mainPid int, pidfd *os.File) error {
	if p == nil {
		return nil
	}
	defer p.Close()
	_, err := p.Run(hostSocket, mainPid, pidfd, 0)
	return err
}

// Notify waits until the program says that it is ready (sd_notify(3)), and passes that on to
// CreateOptions.NotifySocket with mainPid as the service's main process: the init's for
// a detached container, the caller's own in the foreground. It returns at once if there is no
// such socket, and when the init ends.
func (f *Foreground) Notify(mainPid int) error {
	return passOn(f.cr.notify, f.cr.o.NotifySocket, mainPid, f.cr.proc.PidFD)
}

// StartNotify is Start, and then waits as Foreground.Notify does: hostSocket is the service
// manager's, empty for none.
func (r *Runtime) StartNotify(id, hostSocket string) error {
	c, err := r.load(id, true)
	if err != nil {
		return err
	}
	proxy, err := c.listenNotify(hostSocket)
	if err != nil {
		c.dir.Close()
		return err
	}
	fd := -1
	if proxy != nil {
		if fd, err = c.openPidfd(); err != nil {
			proxy.Close()
			proxy = nil // start says what is wrong
		}
	}
	err = c.start()
	c.dir.Close() // others may now kill and delete
	if proxy == nil {
		return err
	}
	pidfd := os.NewFile(uintptr(fd), "pidfd")
	defer pidfd.Close()
	if err != nil {
		proxy.Close()
		return err
	}
	return passOn(proxy, hostSocket, c.st.Pid, pidfd)
}
