// The command line: the plain forms only, as quick.go of package main reads them.

package early

import "unsafe"

// parse reads the command line; false means that it is nothing for this package.
//
//go:nosplit
func (c *call) parse() bool {
	if c.argc < 3 || c.argc > 32 {
		return false
	}
	i, ok := c.globals()
	if !ok || i >= c.argc {
		return false
	}
	word := c.arg(i)
	switch {
	case is(word, "start"):
		c.verb = start
	case is(word, "kill"):
		c.verb = kill
	case is(word, "delete"):
		c.verb = remove
	default:
		return false
	}
	i++
	if c.verb == remove && i < c.argc && (is(c.arg(i), "--force") || is(c.arg(i), "-f")) {
		c.force = true
		i++
	}
	if i >= c.argc {
		return false
	}
	c.id = c.arg(i)
	i++
	if c.verb == kill {
		if !c.readSignal(&i) {
			return false
		}
	}
	return i == c.argc && plainID(c.id) && c.ready()
}

// globals reads --root, --log and --log-format; each may be there once.
//
//go:nosplit
func (c *call) globals() (next int, ok bool) {
	i, format := 1, false
	for i < c.argc {
		a := c.arg(i)
		if len(a) == 0 || a[0] != '-' {
			return i, true
		}
		if i++; i >= c.argc {
			return 0, false
		}
		value := c.arg(i)
		i++
		if len(value) == 0 {
			return 0, false // empty means "not given" to some flags
		}
		switch {
		case is(a, "--root") && c.root == nil:
			c.root = value
		case is(a, "--log") && c.log == nil:
			c.log = value
		case is(a, "--log-format") && !format && (is(value, "json") || is(value, "text")):
			format = true
		default:
			return 0, false
		}
	}
	return 0, false
}

// ready says whether the surroundings are the plain ones too, and fills in the state folder.
//
//go:nosplit
func (c *call) ready() bool {
	notify, runtimeDir := false, false
	for i := 0; ; i++ {
		if i == maxArgs {
			return false
		}
		p := c.env[i]
		if p == nil {
			break
		}
		notify = notify || begins(p, "NOTIFY_SOCKET=")
		runtimeDir = runtimeDir || begins(p, "XDG_RUNTIME_DIR=")
	}
	if c.verb == start && notify {
		return false
	}
	if c.root == nil { // libsandbox.DefaultRoot
		if geteuid() != 0 || runtimeDir && !hostIDs() {
			return false
		}
		c.root = defaultRoot[:]
	}
	return plainPath(c.root)
}

var defaultRoot = [...]byte{'/', 'r', 'u', 'n', '/', 's', 'a', 'n', 'd', 'b', 'o', 'x', '-', 'r', 'u', 'n', 't', 'i', 'm', 'e'}

// plainPath says that a path is absolute and means the same to the kernel as to filepath.Abs.
//
//go:nosplit
func plainPath(p []byte) bool {
	if len(p) == 0 || p[0] != '/' {
		return false
	}
	for i := 1; i < len(p); i++ {
		if p[i-1] == '/' && (p[i] == '/' || p[i] == '.') {
			return false
		}
	}
	return true
}

// plainID says that an id is valid, see libsandbox.CheckID, and no flag or command.
//
//go:nosplit
func plainID(id []byte) bool {
	if len(id) == 0 || len(id) > 255 || id[0] == '-' || id[0] == '.' || is(id, "help") || is(id, "h") {
		return false
	}
	for i := 0; i < len(id); i++ {
		b := id[i]
		switch {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9':
		case b == '_' || b == '+' || b == '-' || b == '.':
		default:
			return false
		}
	}
	return true
}

// readSignal reads argument *i, if there is one: 1 to 64, or the name of one that engines send.
//
//go:nosplit
func (c *call) readSignal(i *int) bool {
	const term = 15
	c.signal = term
	if *i >= c.argc {
		return true
	}
	s := c.arg(*i)
	*i++
	if len(s) > 3 && is(s[:3], "SIG") {
		s = s[3:]
	}
	switch {
	case is(s, "TERM"):
	case is(s, "KILL"):
		c.signal = 9
	case is(s, "INT"):
		c.signal = 2
	case is(s, "HUP"):
		c.signal = 1
	case is(s, "QUIT"):
		c.signal = 3
	default:
		s = c.arg(*i - 1)
		n, end := number(s, 0)
		if len(s) == 0 || end != len(s) || n < 1 || n > 64 {
			return false
		}
		c.signal = uintptr(n)
	}
	return true
}

// arg is argument i, which is there. One that is too long to be used is empty.
//
//go:nosplit
func (c *call) arg(i int) []byte {
	if i < 0 || i >= c.argc || i >= maxArgs {
		return nil
	}
	p := c.argv[i]
	if p == nil {
		return nil
	}
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		if n++; n > maxArg {
			return nil
		}
	}
	return unsafe.Slice(p, n)
}

//go:nosplit
func is(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := 0; i < len(s); i++ {
		if b[i] != s[i] {
			return false
		}
	}
	return true
}

// begins says whether the string at p, which ends with 0, begins with s.
//
//go:nosplit
func begins(p *byte, s string) bool {
	for i := 0; i < len(s); i++ {
		if *(*byte)(unsafe.Add(unsafe.Pointer(p), i)) != s[i] {
			return false
		}
	}
	return true
}

// number reads decimal digits at b[at:], at least one and no leading 0; end is behind them, or at if
// there are none.
//
//go:nosplit
func number(b []byte, at int) (n uint64, end int) {
	end = at
	for end >= 0 && end < len(b) && b[end] >= '0' && b[end] <= '9' {
		if end == at && b[end] == '0' || end-at == 19 {
			return 0, at
		}
		n = n*10 + uint64(b[end]-'0')
		end++
	}
	return n, end
}
