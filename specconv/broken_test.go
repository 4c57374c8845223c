// Broken configurations: each is testdata/full.json with one thing changed, and the error that the
// change must give.

package specconv

import (
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// broken is one change to the full configuration and what must be said about it.
type broken struct {
	path  string // the field to set, or to remove where value is "-"
	value string // JSON; @N stands for an array of N times what follows it
	field string // that the error names; path itself where empty
	text  string // part of the error's text
}

func fullJSON(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/full.json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// steps splits mounts[4].options[1] or linux.sysctl["a.b"] into names and indexes.
func steps(t testing.TB, path string) (out []any) {
	t.Helper()
	for path != "" {
		if rest, ok := strings.CutPrefix(path, "["); ok {
			inside, after, _ := strings.Cut(rest, "]")
			if n, err := strconv.Atoi(inside); err == nil {
				out = append(out, n)
			} else if key, err := strconv.Unquote(inside); err == nil {
				out = append(out, key)
			} else {
				t.Fatalf("no path: %s", path)
			}
			path = strings.TrimPrefix(after, ".")
			continue
		}
		end := strings.IndexAny(path, ".[")
		if end < 0 {
			end = len(path)
		}
		out = append(out, path[:end])
		path = strings.TrimPrefix(path[end:], ".")
	}
	return out
}

// change returns doc with the value at the end of the way replaced, removed or added.
func change(t testing.TB, doc any, way []any, value json.RawMessage) any {
	t.Helper()
	if len(way) == 0 {
		return value
	}
	switch step := way[0].(type) {
	case string:
		object, ok := doc.(map[string]any)
		if !ok {
			object = map[string]any{}
		}
		if len(way) == 1 && value == nil {
			if _, ok := object[step]; !ok {
				t.Fatalf("nothing to remove: %s", step)
			}
			delete(object, step)
			return object
		}
		object[step] = change(t, object[step], way[1:], value)
		return object
	case int:
		array, _ := doc.([]any)
		if len(way) == 1 && value == nil {
			return append(array[:step:step], array[step+1:]...)
		}
		for len(array) <= step {
			array = append(array, nil)
		}
		array[step] = change(t, array[step], way[1:], value)
		return array
	}
	panic("unreachable")
}

// mutate is the full configuration with one change.
func mutate(t testing.TB, path, value string) []byte {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(string(fullJSON(t))))
	decoder.UseNumber()
	var doc any
	if err := decoder.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	var raw json.RawMessage
	if rest, ok := strings.CutPrefix(value, "@"); ok {
		times, item, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(times)
		if err != nil {
			t.Fatal(err)
		}
		raw = json.RawMessage("[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]")
	} else if value != "-" {
		raw = json.RawMessage(value)
	}
	data, err := json.Marshal(change(t, doc, steps(t, path), raw))
	if err != nil {
		t.Fatalf("%s = %s: %v", path, value, err)
	}
	return data
}

func decodeAndCheck(data []byte) error {
	spec, err := Decode(data)
	if err == nil {
		err = Check(spec)
	}
	return err
}

func TestFullConfigIsAccepted(t *testing.T) {
	if err := decodeAndCheck(fullJSON(t)); err != nil {
		t.Fatal(err)
	}
	spec, _ := Decode(fullJSON(t))
	if w := Warnings(spec); len(w) != 0 {
		t.Errorf("warned of nothing wrong: %q", w)
	}
}

func TestBrokenConfigs(t *testing.T) {
	cases := brokenConfigs()
	if len(cases) < 200 {
		t.Fatalf("only %d broken configurations", len(cases))
	}
	seen := map[string]bool{}
	for _, b := range cases {
		key := b.path + " = " + b.value
		if seen[key] {
			t.Errorf("listed twice: %s", key)
		}
		seen[key] = true
		err := decodeAndCheck(mutate(t, b.path, b.value))
		name := b.path + " = " + clip(b.value)
		var e *errdetail.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: want an *errdetail.Error, got %v", name, err)
			continue
		}
		field := b.field
		if field == "" {
			field = b.path
		}
		if e.Field != field {
			t.Errorf("%s: want an error about %s, got %q", name, field, err)
		}
		if !strings.Contains(err.Error(), b.text) {
			t.Errorf("%s: want %q in the error, got %q", name, b.text, err)
		}
		if len(err.Error()) > 700 || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: the error is not one short line: %q", name, err)
		}
	}
}

// TestBrokenSpecs holds what one change to the full configuration cannot show: a field that lacks
// another one, and counts that only a caller in Go can reach.
func TestBrokenSpecs(t *testing.T) {
	for _, c := range []struct {
		change      func(*specs.Spec)
		field, text string
	}{
		{func(s *specs.Spec) {
			s.Mounts = []specs.Mount{{Destination: "/a", Source: "/b", Options: []string{"bind", "idmap"}}}
		}, "mounts[0].options[1]", "idmap needs uidMappings and gidMappings"},
		{func(s *specs.Spec) { s.Process.User.AdditionalGids = make([]uint32, maxGroups+1) },
			"process.user.additionalGids", "has 65537 entries"},
		{func(s *specs.Spec) { s.Process.Args = make([]string, maxArgs+1); s.Process.Args[0] = "a" },
			"process.args", "has 65537 entries"},
		{func(s *specs.Spec) { s.Linux.Sysctl = map[string]string{"user.max_net_namespaces": "1"} },
			`linux.sysctl["user.max_net_namespaces"]`, "is not allowed without a user namespace"},
		{func(s *specs.Spec) {
			s.Hostname, s.Linux.Sysctl = "", map[string]string{"kernel.domainname": "a"}
			s.Linux.Namespaces = []specs.LinuxNamespace{{Type: specs.MountNamespace}}
		}, `linux.sysctl["kernel.domainname"]`, "is not allowed in the hosts uts namespace"},
		{func(s *specs.Spec) { s.Linux.Sysctl = map[string]string{"net.a\nb": "1"} },
			`linux.sysctl["net.a\nb"]`, "must be a single line"},
		{func(s *specs.Spec) { s.Linux.ReadonlyPaths, s.Linux.MaskedPaths = nil, []string{"/a", "b"} },
			"linux.maskedPaths[1]", "want an absolute path"},
		{func(s *specs.Spec) {
			s.Linux.Namespaces = s.Linux.Namespaces[:4]
			s.Linux.MaskedPaths, s.Hostname = nil, ""
		},
			"linux.readonlyPaths", "without a private MNT namespace"},
	} {
		spec := Default()
		c.change(spec)
		var e *errdetail.Error
		if err := Check(spec); !errors.As(err, &e) || e.Field != c.field || !strings.Contains(err.Error(), c.text) {
			t.Errorf("want %s: … %s, got %v", c.field, c.text, err)
		}
	}
}
