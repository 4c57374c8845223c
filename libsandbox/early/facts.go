// What is needed of state.json. It is written by package state and nobody else, so the scanner
// knows no more of JSON than that uses, and does not look into what it passes over.

package early

import "unsafe"

// facts are the entries of state.json that count here.
type facts struct {
	version uint64
	pid     uint64
	start   uint64
	ready   bool
	odd     bool // has what this package leaves to others: hooks, a shared PID namespace, a systemd unit
	mode    []byte
	freezer []byte // the cgroup that can be frozen, or nil
	dirs    [maxDirs][]byte
	count   int
}

const maxDirs = 32

// scanner walks through JSON.
type scanner struct {
	in  []byte
	pos int
	bad bool
}

// read fills f.
//
//go:nosplit
func (f *facts) read(in []byte) bool {
	s := scanner{in: in}
	s.expect('{')
	for !s.bad && !s.take('}') {
		key := s.str()
		s.expect(':')
		switch {
		case is(key, "version"):
			f.version = s.num()
		case is(key, "pid"):
			f.pid = s.num()
		case is(key, "start"):
			f.start = s.num()
		case is(key, "ready"):
			f.ready = s.truth()
		case is(key, "sharedPid"), is(key, "hooks"), is(key, "noProgram"):
			f.odd = s.truth() || f.odd
		case is(key, "cgroup"):
			f.cgroup(&s)
		case says(key):
			s.skip()
		default:
			s.bad = true // a later version's: it may mean anything
		}
		s.comma('}')
	}
	s.take('\n')
	return !s.bad && s.pos == len(in) && f.finish()
}

// says says that an entry only tells something, to people or to other commands.
//
//go:nosplit
func says(key []byte) bool {
	return is(key, "id") || is(key, "ociVersion") || is(key, "bundle") || is(key, "rootfs") || is(key, "created") ||
		is(key, "owner") || is(key, "creator") || is(key, "creatorStart") || is(key, "annotations") || is(key, "mounts") ||
		is(key, "tail")
}

// cgroup reads libsandbox's record of the cgroup.
//
//go:nosplit
func (f *facts) cgroup(s *scanner) {
	s.expect('{')
	for !s.bad && !s.take('}') {
		key := s.str()
		s.expect(':')
		value := s.str()
		switch {
		case len(key) >= 5 && is(key[:5], "path:"):
			if f.count == maxDirs || !plainPath(value) || len(value) > maxArg {
				s.bad = true
				return
			}
			f.dirs[f.count] = value
			f.count++
			if is(key, "path:freezer") {
				f.freezer = value
			}
		case is(key, "mode"):
			f.mode = value
		case is(key, "root"):
			f.odd = f.odd || !is(value, "/sys/fs/cgroup") // a made-up tree of a test
		case is(key, "rootless"): // nothing else is done then
		default:
			f.odd = true
		}
		s.comma('}')
	}
}

// finish judges the whole.
//
//go:nosplit
func (f *facts) finish() bool {
	if is(f.mode, "v2") && f.count > 0 {
		f.freezer = f.dirs[0]
	}
	return f.version == 1 && f.ready && !f.odd && f.pid > 0 && f.pid < 1<<31
}

// take reads b if it is next.
//
//go:nosplit
func (s *scanner) take(b byte) bool {
	if s.bad || s.pos < 0 || s.pos >= len(s.in) || s.in[s.pos] != b {
		return false
	}
	s.pos++
	return true
}

//go:nosplit
func (s *scanner) expect(b byte) {
	if !s.take(b) {
		s.bad = true
	}
}

// comma reads what is between two entries: nothing before the closing one.
//
//go:nosplit
func (s *scanner) comma(end byte) {
	if s.take(',') {
		if s.pos < len(s.in) && s.in[s.pos] == end {
			s.bad = true
		}
		return
	}
	if s.pos >= len(s.in) || s.in[s.pos] != end {
		s.bad = true
	}
}

// str reads a string; one with escapes is not for this package.
//
//go:nosplit
func (s *scanner) str() []byte {
	s.expect('"')
	from := s.pos
	for !s.bad && s.pos < len(s.in) {
		b := s.in[s.pos]
		switch {
		case b == '"':
			s.pos++
			return s.cut(from, s.pos-1)
		case b == '\\' || b == 0:
			s.bad = true
		}
		s.pos++
	}
	s.bad = true
	return nil
}

// cut is s.in[from:to] without a check that could panic.
//
//go:nosplit
func (s *scanner) cut(from, to int) []byte {
	if from < 0 || to <= from || to > len(s.in) {
		return nil
	}
	return unsafe.Slice(&s.in[from], to-from)
}

//go:nosplit
func (s *scanner) num() uint64 {
	if s.bad {
		return 0
	}
	n, end := number(s.in, s.pos)
	if end == s.pos {
		s.bad = true
	}
	s.pos = end
	return n
}

// truth reads true; package state writes no other.
//
//go:nosplit
func (s *scanner) truth() bool {
	const word = "true"
	for i := 0; i < len(word); i++ {
		s.expect(word[i])
	}
	return !s.bad
}

// skip passes a value over: a string, or what is between brackets, or a word up to a comma.
//
//go:nosplit
func (s *scanner) skip() {
	depth := 0
	for !s.bad && s.pos < len(s.in) {
		switch s.in[s.pos] {
		case '"':
			s.skipString()
			if depth == 0 {
				return
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return
			}
			if depth--; depth == 0 {
				s.pos++
				return
			}
		case ',':
			if depth == 0 {
				return
			}
		}
		s.pos++
	}
	s.bad = true
}

//go:nosplit
func (s *scanner) skipString() {
	s.expect('"')
	for !s.bad && s.pos < len(s.in) {
		b := s.in[s.pos]
		s.pos++
		switch b {
		case '\\':
			s.pos++
		case '"':
			return
		}
	}
	s.bad = true
}
