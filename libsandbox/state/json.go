// state.json by a streaming tokenizer: encoding/json's first look at a type costs more than
// everything else that `state` or `kill` does.

package state

import (
	"bytes"
	"fmt"
	"sort"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Encode returns s as JSON.
func (s *State) Encode() ([]byte, error) {
	var buf bytes.Buffer
	e := writer{jsontext.NewEncoder(&buf, jsontext.AllowDuplicateNames(true)), nil}
	e.token(jsontext.BeginObject)
	e.num("version", uint64(s.Version))
	e.str("id", s.ID)
	e.str("ociVersion", s.OCIVersion)
	e.str("bundle", s.Bundle)
	e.str("rootfs", s.Rootfs)
	e.str("created", s.Created.Format(time.RFC3339Nano))
	e.str("owner", s.Owner)
	e.num("pid", uint64(s.Pid))
	e.num("start", s.Start)
	e.num("creator", uint64(s.Creator))
	e.num("creatorStart", s.CreatorStart)
	e.flag("ready", s.Ready)
	e.flag("sharedPid", s.SharedPid)
	e.flag("hooks", s.Hooks)
	e.flag("noProgram", s.NoProgram)
	e.strs("cgroup", s.Cgroup)
	e.strs("annotations", s.Annotations)
	e.list("mounts", s.Mounts)
	e.token(jsontext.String("tail"))
	e.token(jsontext.BeginArray)
	for i := range s.Tail {
		t := &s.Tail[i]
		e.token(jsontext.BeginObject)
		e.num("addr", t.Addr)
		e.str("field", t.Field)
		e.str("detail", t.Detail)
		e.str("op", t.Op)
		e.str("syscall", t.Syscall)
		e.str("args", t.Args)
		e.token(jsontext.EndObject)
	}
	e.token(jsontext.EndArray)
	e.token(jsontext.EndObject)
	return buf.Bytes(), e.err
}

type writer struct {
	enc *jsontext.Encoder
	err error
}

func (w *writer) token(t jsontext.Token) {
	if w.err == nil {
		w.err = w.enc.WriteToken(t)
	}
}

func (w *writer) str(k, v string) {
	if v != "" {
		w.token(jsontext.String(k))
		w.token(jsontext.String(v))
	}
}

func (w *writer) num(k string, v uint64) {
	if v != 0 {
		w.token(jsontext.String(k))
		w.token(jsontext.Uint(v))
	}
}

func (w *writer) flag(k string, v bool) {
	if v {
		w.token(jsontext.String(k))
		w.token(jsontext.True)
	}
}

func (w *writer) strs(k string, m map[string]string) {
	if len(m) == 0 {
		return
	}
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	w.token(jsontext.String(k))
	w.token(jsontext.BeginObject)
	for _, key := range keys {
		w.token(jsontext.String(key))
		w.token(jsontext.String(m[key]))
	}
	w.token(jsontext.EndObject)
}

func (w *writer) list(k string, l []string) {
	if len(l) == 0 {
		return
	}
	w.token(jsontext.String(k))
	w.token(jsontext.BeginArray)
	for _, v := range l {
		w.token(jsontext.String(v))
	}
	w.token(jsontext.EndArray)
}

// Decode parses what Encode wrote. Fields it does not know are skipped.
func Decode(data []byte) (*State, error) {
	// A Buffer is read in place. Looking for duplicate names would cost more than the rest.
	r := reader{dec: jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true))}
	s := &State{}
	r.object(func(key string) {
		switch key {
		case "version":
			s.Version = int(r.num())
		case "id":
			s.ID = r.str()
		case "ociVersion":
			s.OCIVersion = r.str()
		case "bundle":
			s.Bundle = r.str()
		case "rootfs":
			s.Rootfs = r.str()
		case "created":
			s.Created, _ = time.Parse(time.RFC3339Nano, r.str())
		case "owner":
			s.Owner = r.str()
		case "pid":
			s.Pid = int(r.num())
		case "start":
			s.Start = r.num()
		case "creator":
			s.Creator = int(r.num())
		case "creatorStart":
			s.CreatorStart = r.num()
		case "ready":
			s.Ready = r.flag()
		case "sharedPid":
			s.SharedPid = r.flag()
		case "noProgram":
			s.NoProgram = r.flag()
		case "hooks":
			s.Hooks = r.flag()
		case "cgroup":
			s.Cgroup = r.strs()
		case "annotations":
			s.Annotations = r.strs()
		case "mounts":
			r.array(func() { s.Mounts = append(s.Mounts, r.str()) })
		case "tail":
			r.array(func() { s.Tail = append(s.Tail, r.step()) })
		default:
			r.skip()
		}
	})
	if r.err != nil {
		return nil, fmt.Errorf("state.json: %w", r.err)
	}
	return s, nil
}

type reader struct {
	dec *jsontext.Decoder
	err error
}

func (r *reader) token() jsontext.Token {
	if r.err != nil {
		return jsontext.Null
	}
	t, err := r.dec.ReadToken()
	if err != nil {
		r.err = err
		return jsontext.Null
	}
	return t
}

func (r *reader) want(kind jsontext.Kind) jsontext.Token {
	t := r.token()
	if r.err == nil && t.Kind() != kind {
		r.err = fmt.Errorf("found %v, want %v at %s", t.Kind(), kind, r.dec.StackPointer())
	}
	return t
}

func (r *reader) str() string {
	t := r.want('"')
	if r.err != nil {
		return ""
	}
	return t.String()
}

func (r *reader) num() uint64 {
	t := r.want('0')
	if r.err != nil {
		return 0
	}
	n, err := t.Uint()
	if err != nil && r.err == nil {
		r.err = err
	}
	return n
}

func (r *reader) flag() bool { return r.token().Kind() == 't' }

func (r *reader) skip() {
	if r.err == nil {
		r.err = r.dec.SkipValue()
	}
}

func (r *reader) object(f func(key string)) {
	r.want('{')
	for r.err == nil && r.dec.PeekKind() != '}' {
		f(r.str())
	}
	r.token()
}

func (r *reader) array(f func()) {
	r.want('[')
	for r.err == nil && r.dec.PeekKind() != ']' {
		f()
	}
	r.token()
}

func (r *reader) strs() map[string]string {
	m := map[string]string{}
	r.object(func(key string) { m[key] = r.str() })
	return m
}

func (r *reader) step() (s Step) {
	r.object(func(key string) {
		switch key {
		case "addr":
			s.Addr = r.num()
		case "field":
			s.Field = r.str()
		case "detail":
			s.Detail = r.str()
		case "op":
			s.Op = r.str()
		case "syscall":
			s.Syscall = r.str()
		case "args":
			s.Args = r.str()
		default:
			r.skip()
		}
	})
	return s
}
