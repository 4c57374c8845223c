// Fuzzing of the way from config.json to a linked plan:
//
//	go test -fuzz FuzzPlaces -fuzztime 5m ./libsandbox/lower

package lower_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
	"github.com/sandbox-runtime/sandbox-runtime/specconv"
)

// goldenConfigs are the configurations that golden plans are made of, and the one with everything.
func goldenConfigs(t testing.TB) (list [][]byte) {
	t.Helper()
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range append(files, "../../specconv/testdata/full.json") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, data)
	}
	return list
}

// place is a setter for one value somewhere in a document.
type place func(any)

// placesOf lists all values of a document, objects and arrays included, in a fixed order.
func placesOf(v any, set place) (out []place) {
	out = append(out, set)
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			out = append(out, placesOf(v[key], func(x any) { v[key] = x })...)
		}
	case []any:
		for i := range v {
			out = append(out, placesOf(v[i], func(x any) { v[i] = x })...)
		}
	}
	return out
}

// FuzzPlaces puts two values into any two places of a configuration. What passes the checks is
// lowered and linked or gives an error, the same plan each time.
func FuzzPlaces(f *testing.F) {
	configs := goldenConfigs(f)
	for i := range configs {
		f.Add(uint8(i), uint16(1), `"x"`, uint16(40), `[]`)
		f.Add(uint8(i), uint16(20), `{"a":"b"}`, uint16(90), `[{"destination":"a/../..","type":"tmpfs","options":["rro",",,"]}]`)
	}
	for n := uint16(0); n < 300; n += 3 {
		f.Add(uint8(len(configs)-1), n, `-1`, n+1, `["/", "//", "..", ""]`)
	}
	f.Fuzz(func(t *testing.T, which uint8, p1 uint16, v1 string, p2 uint16, v2 string) {
		data := configs[int(which)%len(configs)]
		for _, m := range []struct {
			at    uint16
			value string
		}{{p1, v1}, {p2, v2}} {
			data = replace(t, data, int(m.at), m.value)
		}
		spec, err := specconv.Decode(data)
		if err != nil || specconv.Check(spec) != nil || spec.Process == nil || spec.Linux == nil {
			return
		}
		var printed [2][]byte
		for i := range printed {
			res, err := lower.Init(spec, facts(spec))
			if err != nil {
				return
			}
			if _, err := res.Plan.Link([]byte("code")); err != nil {
				t.Fatalf("lowered but not linked: %v", err)
			}
			var out bytes.Buffer
			if err := res.Plan.Print(&out); err != nil {
				t.Fatal(err)
			}
			printed[i] = out.Bytes()
		}
		if !bytes.Equal(printed[0], printed[1]) {
			t.Fatalf("two plans of one configuration:\n%s", firstDiff(printed[0], printed[1]))
		}
	})
}

// replace sets place n of a document, counted from the start and around, to a JSON value, or to
// the text where it is none.
func replace(t *testing.T, data []byte, n int, value string) []byte {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var doc any
	if decoder.Decode(&doc) != nil {
		return data
	}
	var v any = value
	if json.Valid([]byte(value)) {
		v = json.RawMessage(value)
	}
	places := placesOf(doc, func(x any) { doc = x })
	places[n%len(places)](v)
	out, err := json.Marshal(doc)
	if err != nil {
		t.Skip()
	}
	return out
}
