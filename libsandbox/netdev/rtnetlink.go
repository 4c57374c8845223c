// This file holds the rtnetlink messages: find, move, raise a link; list and add addresses.

package netdev

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

var native = binary.NativeEndian

// nlaTypeMask takes the nested and byte-order bits off an attribute type (linux/netlink.h).
const nlaTypeMask = 0x3fff

// conn is an rtnetlink socket; it serves the network namespace it was opened in.
type conn struct {
	fd  int
	seq uint32
}

func dial() (*conn, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	c := &conn{fd: fd}
	// Both only better the error texts.
	_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_EXT_ACK, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_CAP_ACK, 1)
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return c, nil
}

func (c *conn) Close() { unix.Close(c.fd) }

// request sends one message and gives the payloads of the answers, up to the acknowledgement or
// the end of the dump.
func (c *conn) request(typ, flags uint16, payload []byte) ([][]byte, error) {
	c.seq++
	m := make([]byte, unix.NLMSG_HDRLEN, unix.NLMSG_HDRLEN+len(payload))
	native.PutUint32(m[0:], uint32(unix.NLMSG_HDRLEN+len(payload)))
	native.PutUint16(m[4:], typ)
	native.PutUint16(m[6:], flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	native.PutUint32(m[8:], c.seq)
	m = append(m, payload...)
	if err := unix.Sendto(c.fd, m, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, err
	}
	var answers [][]byte
	buf := make([]byte, 64<<10) // a dump comes in messages of at most 32 KiB
	for {
		n, from, err := unix.Recvfrom(c.fd, buf, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		if a, ok := from.(*unix.SockaddrNetlink); !ok || a.Pid != 0 {
			continue // not from the kernel: any process may send to a netlink socket
		}
		done, got, err := parse(buf[:n], c.seq)
		answers = append(answers, got...)
		if done || err != nil {
			return answers, err
		}
	}
}

// parse splits one datagram; done says that it holds the end of the answer.
func parse(b []byte, seq uint32) (done bool, answers [][]byte, err error) {
	for len(b) >= unix.NLMSG_HDRLEN {
		l := int(native.Uint32(b))
		if l < unix.NLMSG_HDRLEN || l > len(b) {
			return true, answers, errors.New("malformed netlink message")
		}
		typ, body := native.Uint16(b[4:]), b[unix.NLMSG_HDRLEN:l]
		mine := native.Uint32(b[8:]) == seq
		b = b[min((l+3)&^3, len(b)):]
		switch {
		case !mine:
		case typ == unix.NLMSG_ERROR:
			return true, answers, ackError(body)
		case typ == unix.NLMSG_DONE:
			return true, answers, nil
		default:
			answers = append(answers, append([]byte(nil), body...))
		}
	}
	return false, answers, nil
}

// ackError makes an error of an acknowledgement: the errno, and the kernel's own words if any.
func ackError(body []byte) error {
	if len(body) < 4 {
		return errors.New("malformed netlink acknowledgement")
	}
	code := int32(native.Uint32(body))
	if code == 0 {
		return nil
	}
	errno := unix.Errno(-code)
	if len(body) >= 20 { // the errno and, capped, the header of our message
		for typ, val := range attributes(body[20:]) {
			if typ == unix.NLMSGERR_ATTR_MSG {
				return fmt.Errorf("%w (%s)", errno, strings.TrimRight(string(val), "\x00"))
			}
		}
	}
	return errno
}

// attributes walks the attributes of a message; it stops at the first malformed one.
func attributes(b []byte) func(yield func(uint16, []byte) bool) {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= unix.SizeofRtAttr {
			l := int(native.Uint16(b))
			if l < unix.SizeofRtAttr || l > len(b) {
				return
			}
			if !yield(native.Uint16(b[2:])&nlaTypeMask, b[unix.SizeofRtAttr:l]) {
				return
			}
			b = b[min((l+3)&^3, len(b)):]
		}
	}
}

func appendAttr(b []byte, typ uint16, val []byte) []byte {
	b = native.AppendUint16(b, uint16(unix.SizeofRtAttr+len(val)))
	b = native.AppendUint16(b, typ)
	b = append(b, val...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func appendU32(b []byte, typ uint16, v uint32) []byte {
	return appendAttr(b, typ, native.AppendUint32(nil, v))
}

// ifinfo is a struct ifinfomsg.
func ifinfo(index int32, flags, change uint32) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	native.PutUint32(b[4:], uint32(index))
	native.PutUint32(b[8:], flags)
	native.PutUint32(b[12:], change)
	return b
}

func (c *conn) linkIndex(name string) (int32, error) {
	got, err := c.request(unix.RTM_GETLINK, 0, appendAttr(ifinfo(0, 0, 0), unix.IFLA_IFNAME, append([]byte(name), 0)))
	if err != nil {
		return 0, err
	}
	if len(got) != 1 || len(got[0]) < unix.SizeofIfInfomsg {
		return 0, errors.New("unexpected answer of the kernel")
	}
	return int32(native.Uint32(got[0][4:])), nil
}

// moveLink moves a link and names it in one message, so that nobody sees it under the old name in
// the new namespace: do_setlink moves first, and uses the new name if the old one is taken there.
func (c *conn) moveLink(index int32, netns *os.File, name string) error {
	raw, err := netns.SyscallConn()
	if err != nil {
		return err
	}
	var rerr error
	err = raw.Control(func(fd uintptr) {
		b := appendU32(ifinfo(index, 0, 0), unix.IFLA_NET_NS_FD, uint32(fd))
		b = appendAttr(b, unix.IFLA_IFNAME, append([]byte(name), 0))
		_, rerr = c.request(unix.RTM_NEWLINK, 0, b)
	})
	if err != nil {
		return err
	}
	return rerr
}

func (c *conn) linkUp(index int32) error {
	_, err := c.request(unix.RTM_NEWLINK, 0, ifinfo(index, unix.IFF_UP, unix.IFF_UP))
	return err
}

// address is what is kept of an address of a device.
type address struct {
	family, prefix byte
	flags          uint32
	local, peer    []byte // IFA_LOCAL; IFA_ADDRESS, which differs from it on point-to-point links
	broadcast      []byte
	label          []byte
	priority       []byte
}

func (a address) String() string {
	b := a.local
	if b == nil {
		b = a.peer
	}
	var s strings.Builder
	for i := range b {
		if a.family == unix.AF_INET {
			if i > 0 {
				s.WriteByte('.')
			}
			s.WriteString(strconv.Itoa(int(b[i])))
		} else {
			if i > 0 && i%2 == 0 {
				s.WriteByte(':')
			}
			fmt.Fprintf(&s, "%02x", b[i])
		}
	}
	return s.String() + "/" + strconv.Itoa(int(a.prefix))
}

// addresses lists the permanent addresses of global scope of a link. Without IFA_F_PERMANENT an
// address has a lifetime that somebody on the host (DHCP, router advertisements) looks after.
func (c *conn) addresses(index int32) ([]address, error) {
	got, err := c.request(unix.RTM_GETADDR, unix.NLM_F_DUMP, make([]byte, unix.SizeofIfAddrmsg))
	if err != nil {
		return nil, err
	}
	var list []address
	for _, b := range got {
		if len(b) < unix.SizeofIfAddrmsg || int32(native.Uint32(b[4:])) != index || b[3] != unix.RT_SCOPE_UNIVERSE {
			continue
		}
		a := address{family: b[0], prefix: b[1], flags: uint32(b[2])}
		for typ, val := range attributes(b[unix.SizeofIfAddrmsg:]) {
			switch typ {
			case unix.IFA_LOCAL:
				a.local = val
			case unix.IFA_ADDRESS:
				a.peer = val
			case unix.IFA_BROADCAST:
				a.broadcast = val
			case unix.IFA_LABEL:
				a.label = val
			case unix.IFA_RT_PRIORITY:
				a.priority = val
			case unix.IFA_FLAGS:
				if len(val) == 4 {
					a.flags = native.Uint32(val)
				}
			}
		}
		if a.flags&unix.IFA_F_PERMANENT != 0 && (a.family == unix.AF_INET || a.family == unix.AF_INET6) {
			list = append(list, a)
		}
	}
	return list, nil
}

// addAddress adds an address to a link. Flags that report a state are not carried over; a label
// begins with the device's name, so it goes when that changes.
func (c *conn) addAddress(index int32, a address, sameName bool) error {
	b := make([]byte, unix.SizeofIfAddrmsg)
	b[0], b[1], b[3] = a.family, a.prefix, unix.RT_SCOPE_UNIVERSE
	native.PutUint32(b[4:], uint32(index))
	for _, x := range []struct {
		typ uint16
		val []byte
	}{{unix.IFA_LOCAL, a.local}, {unix.IFA_ADDRESS, a.peer}, {unix.IFA_BROADCAST, a.broadcast},
		{unix.IFA_RT_PRIORITY, a.priority}} {
		if x.val != nil {
			b = appendAttr(b, x.typ, x.val)
		}
	}
	if sameName && a.label != nil {
		b = appendAttr(b, unix.IFA_LABEL, a.label)
	}
	const keep = unix.IFA_F_NODAD | unix.IFA_F_HOMEADDRESS | unix.IFA_F_MANAGETEMPADDR |
		unix.IFA_F_NOPREFIXROUTE | unix.IFA_F_MCAUTOJOIN
	b = appendU32(b, unix.IFA_FLAGS, a.flags&keep)
	_, err := c.request(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, b)
	return err
}
