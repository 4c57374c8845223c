// As much of D-Bus as talking to systemd takes: connect, call a method, wait for a job. The protocol
// is that of the D-Bus specification, version 0.43. A D-Bus library would cost every start of the
// runtime its initialisation (see the package's documentation).

package cgroup

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	systemdName  = "org.freedesktop.systemd1"
	systemdPath  = "/org/freedesktop/systemd1"
	managerIface = "org.freedesktop.systemd1.Manager"
)

// Message types and header fields.
const (
	msgCall, msgReturn, msgError, msgSignal                   = 1, 2, 3, 4
	hdrPath, hdrIface, hdrMember, hdrError, hdrReply, hdrDest = 1, 2, 3, 4, 5, 6
	hdrSignature                                              = 8
	maxMessage                                                = 1 << 27
)

// bus is a connection to a message bus with systemd on it.
type bus struct {
	fd     int
	serial uint32
	jobs   map[string]string // finished jobs: object path → result
	in     []byte            // received, not yet used
}

// busError is an error reply.
type busError struct{ name, text string }

func (e *busError) Error() string { return e.text + " (" + e.name + ")" }

// isBusError reports whether err is the named systemd error.
func isBusError(err error, name string) bool {
	var e *busError
	return errors.As(err, &e) && e.name == systemdName+"."+name
}

// dialBus connects to the system bus, or with user to the user's own.
func dialBus(ctx context.Context, user bool) (*bus, error) {
	addr := os.Getenv("DBUS_SYSTEM_BUS_ADDRESS")
	if addr == "" {
		addr = "unix:path=/run/dbus/system_bus_socket"
	}
	if user {
		addr = os.Getenv("DBUS_SESSION_BUS_ADDRESS")
		if dir := os.Getenv("XDG_RUNTIME_DIR"); addr == "" && dir != "" {
			addr = "unix:path=" + dir + "/bus"
		}
		if addr == "" {
			return nil, errors.New("neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set, " +
				"so the user's own systemd cannot be found")
		}
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, &pathError{"socket for", addr, err}
	}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: socketName(addr)}); err != nil {
		unix.Close(fd)
		return nil, &pathError{"connect to", addr, err}
	}
	b := &bus{fd: fd, jobs: map[string]string{}}
	if err := b.hello(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// socketName is the first usable of the addresses in addr.
func socketName(addr string) string {
	for one := range strings.SplitSeq(addr, ";") {
		opts, ok := strings.CutPrefix(one, "unix:")
		if !ok {
			continue
		}
		for kv := range strings.SplitSeq(opts, ",") {
			switch k, v, _ := strings.Cut(kv, "="); k {
			case "path":
				return v
			case "abstract":
				return "@" + v
			}
		}
	}
	return ""
}

func (b *bus) close() { unix.Close(b.fd) }

// hello authenticates and registers. The server takes the user from the socket's credentials, so none
// is named, which is right in user namespaces too.
func (b *bus) hello(ctx context.Context) error {
	if err := b.send([]byte("\x00AUTH EXTERNAL\r\nDATA\r\n")); err != nil {
		return err
	}
	for {
		line, err := b.line(ctx)
		if err != nil {
			return err
		}
		if strings.HasPrefix(line, "OK") {
			break
		}
		if !strings.HasPrefix(line, "DATA") {
			return fmt.Errorf("the message bus refuses this user: %s", line)
		}
	}
	if err := b.send([]byte("BEGIN\r\n")); err != nil {
		return err
	}
	_, err := b.callAt(ctx, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello", "", nil)
	return err
}

func (b *bus) line(ctx context.Context) (string, error) {
	for {
		if i := bytes.Index(b.in, []byte("\r\n")); i >= 0 {
			s := string(b.in[:i])
			b.in = b.in[i+2:]
			return s, nil
		}
		if err := b.fill(ctx); err != nil {
			return "", err
		}
	}
}

// fill receives at least one byte more.
func (b *bus) fill(ctx context.Context) error {
	if err := waitFD(ctx, b.fd, unix.POLLIN, -1); err != nil {
		return &pathError{"wait for", "the message bus", err}
	}
	var buf [8192]byte
	n, err := unix.Read(b.fd, buf[:])
	switch {
	case err == unix.EINTR:
		return nil
	case err != nil:
		return &pathError{"read from", "the message bus", err}
	case n == 0:
		return &pathError{"read from", "the message bus", unix.ECONNRESET}
	}
	b.in = append(b.in, buf[:n]...)
	return nil
}

func (b *bus) send(p []byte) error {
	for len(p) > 0 {
		n, err := unix.SendmsgN(b.fd, p, nil, nil, unix.MSG_NOSIGNAL)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return &pathError{"write to", "the message bus", err}
		}
		p = p[n:]
	}
	return nil
}

// call calls a method of systemd's manager.
func (b *bus) call(ctx context.Context, member, signature string, args func(*encoder)) (*decoder, error) {
	return b.callAt(ctx, systemdName, systemdPath, managerIface, member, signature, args)
}

func (b *bus) callAt(ctx context.Context, dest, path, iface, member, signature string, args func(*encoder)) (*decoder, error) {
	b.serial++
	serial := b.serial
	body := &encoder{}
	if args != nil {
		args(body)
	}
	e := &encoder{b: []byte{'l', msgCall, 0, 1}}
	e.u32(uint32(len(body.b)))
	e.u32(serial)
	e.array(8, func() {
		header := func(code byte, sig, v string) {
			e.align(8)
			e.byte(code)
			e.signature(sig)
			if sig == "g" {
				e.signature(v)
			} else {
				e.string(v)
			}
		}
		header(hdrPath, "o", path)
		header(hdrIface, "s", iface)
		header(hdrMember, "s", member)
		header(hdrDest, "s", dest)
		if signature != "" {
			header(hdrSignature, "g", signature)
		}
	})
	e.align(8)
	if err := b.send(append(e.b, body.b...)); err != nil {
		return nil, err
	}
	for {
		m, err := b.receive(ctx)
		if err != nil {
			return nil, err
		}
		if m.reply != serial {
			continue
		}
		if m.kind == msgError {
			return nil, &busError{m.errName, m.body.string()}
		}
		return m.body, nil
	}
}

// message is a received message.
type message struct {
	kind            byte
	reply           uint32
	member, errName string
	body            *decoder
}

// receive takes the next message and notes finished jobs on the way.
func (b *bus) receive(ctx context.Context) (*message, error) {
	for len(b.in) < 16 {
		if err := b.fill(ctx); err != nil {
			return nil, err
		}
	}
	var order binary.ByteOrder = binary.LittleEndian
	if b.in[0] == 'B' {
		order = binary.BigEndian
	}
	bodyLen, hdrLen := order.Uint32(b.in[4:]), order.Uint32(b.in[12:])
	if bodyLen > maxMessage || hdrLen > maxMessage {
		return nil, errors.New("the message bus sent a message of invalid size")
	}
	start := (16 + int(hdrLen) + 7) &^ 7
	for len(b.in) < start+int(bodyLen) {
		if err := b.fill(ctx); err != nil {
			return nil, err
		}
	}
	m := &message{kind: b.in[1]}
	h := &decoder{b: b.in[:16+hdrLen], at: 16, order: order}
	for h.at < len(h.b) && !h.bad {
		h.align(8)
		switch code, sig := h.byte(), h.signature(); {
		case sig == "u" && code == hdrReply:
			m.reply = h.u32()
		case sig == "u":
			h.u32()
		case sig == "g":
			h.signature()
		default:
			s := h.string()
			switch code {
			case hdrMember:
				m.member = s
			case hdrError:
				m.errName = s
			}
		}
	}
	m.body = &decoder{b: bytes.Clone(b.in[start : start+int(bodyLen)]), order: order}
	b.in = b.in[start+int(bodyLen):]
	if m.kind == msgSignal && m.member == "JobRemoved" {
		m.body.u32()
		job := m.body.string()
		m.body.string()
		b.jobs[job] = m.body.string()
	}
	return m, nil
}

// job calls a method that starts a job and waits for its result, "done" if all went well.
func (b *bus) job(ctx context.Context, member, signature string, args func(*encoder)) (string, error) {
	_, err := b.callAt(ctx, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", "s",
		func(e *encoder) { e.string("type='signal',interface='" + managerIface + "',member='JobRemoved'") })
	if err != nil {
		return "", err
	}
	if _, err := b.call(ctx, "Subscribe", "", nil); err != nil && !isBusError(err, "AlreadySubscribed") {
		return "", err
	}
	d, err := b.call(ctx, member, signature, args)
	if err != nil {
		return "", err
	}
	job := d.string()
	for {
		if result, ok := b.jobs[job]; ok {
			return result, nil
		}
		if _, err := b.receive(ctx); err != nil {
			return "", err
		}
	}
}

// managerProperty reads a string property of systemd's manager.
func (b *bus) managerProperty(ctx context.Context, name string) (string, error) {
	d, err := b.callAt(ctx, systemdName, systemdPath, "org.freedesktop.DBus.Properties", "Get", "ss", func(e *encoder) {
		e.string(managerIface)
		e.string(name)
	})
	if err != nil {
		return "", err
	}
	if sig := d.signature(); sig != "s" {
		return "", fmt.Errorf("systemd's property %s is not a string", name)
	}
	return d.string(), nil
}
