// Fuzz targets. Without -fuzz they run their seeds as ordinary tests:
//
//	go test -fuzz FuzzDecode -fuzztime 5m ./specconv

package specconv

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// withoutForeign removes the sections of other systems, which Decode does not look into.
func withoutForeign(data []byte) []byte {
	var top map[string]json.RawMessage
	if json.Unmarshal(data, &top) != nil {
		return data
	}
	for key := range top {
		for _, section := range []string{"solaris", "windows", "vm", "zos", "freebsd"} {
			if strings.EqualFold(key, section) {
				delete(top, key)
			}
		}
	}
	data, _ = json.Marshal(top)
	return data
}

// FuzzDecode holds Decode against encoding/json: both read a document alike, or both refuse it.
func FuzzDecode(f *testing.F) {
	f.Add(fullJSON(f))
	f.Add([]byte(`{"mounts":[{"source":"a"},null],"MOUNTS":[{"type":"\ud800"}],"windows":{"servicing":1}}`))
	f.Add([]byte(`{"linux":{"resources":{"unified":{"a":"b","a":null}},"timeOffsets":{"x":{"secs":-1e2}}}}`))
	for _, b := range brokenTypes {
		f.Add(mutate(f, b.path, b.value))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Decode(data)
		want, wantErr := reference(data)
		if wantErr != nil {
			_, wantErr = reference(withoutForeign(data))
			if err == nil && wantErr != nil {
				t.Fatalf("Decode takes what encoding/json refuses: %v", wantErr)
			}
			return
		}
		if err != nil {
			t.Fatalf("Decode refuses what encoding/json takes: %v", err)
		}
		if !reflect.DeepEqual(got, want) {
			a, _ := json.Marshal(got)
			b, _ := json.Marshal(want)
			t.Fatalf("got  %s\nwant %s", a, b)
		}
	})
}

// leaves lists the paths of all values in a document that hold no others.
func leaves(path string, v any) (out []string) {
	switch v := v.(type) {
	case map[string]any:
		for key, elem := range v {
			name := path + "." + key
			if path == "" {
				name = key
			}
			if strings.ContainsAny(key, ".") {
				name = fmt.Sprintf("%s[%q]", path, key)
			}
			out = append(out, leaves(name, elem)...)
		}
	case []any:
		for i, elem := range v {
			out = append(out, leaves(fmt.Sprintf("%s[%d]", path, i), elem)...)
		}
	default:
		out = []string{path}
	}
	return out
}

// FuzzCheck puts any value into any one place of the full configuration. Nothing may panic, and an
// error must be one line about one field, the same each time.
func FuzzCheck(f *testing.F) {
	var doc any
	if err := json.Unmarshal(fullJSON(f), &doc); err != nil {
		f.Fatal(err)
	}
	places := leaves("", doc)
	slices.Sort(places)
	for i := range places {
		f.Add(uint16(i), `0`)
		f.Add(uint16(i), ``)
	}
	for _, value := range []string{`-1`, `4294967295`, `a/../b`, "a\nb", "\x00", `0-3,7:1/2`, `{"":{}}`, `[{}]`, `null`} {
		f.Add(uint16(len(value)), value)
	}
	f.Fuzz(func(t *testing.T, place uint16, value string) {
		if !json.Valid([]byte(value)) {
			quoted, _ := json.Marshal(value)
			value = string(quoted)
		}
		spec, err := Decode(mutate(t, places[int(place)%len(places)], value))
		if err == nil {
			Warnings(spec)
			err = Check(spec)
			if again := Check(spec); fmt.Sprint(err) != fmt.Sprint(again) {
				t.Fatalf("first %v, then %v", err, again)
			}
		}
		if err == nil {
			return
		}
		var e *errdetail.Error
		if !errors.As(err, &e) || e.Field == "" {
			t.Fatalf("the error names no field: %v", err)
		}
		if text := err.Error(); strings.ContainsAny(text, "\n\x00") || len(text) > 2000 {
			t.Fatalf("not one line of text: %q", text)
		}
	})
}
