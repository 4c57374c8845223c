// The decoder against encoding/json: what that reads, Decode reads alike.

package specconv

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// reference decodes with encoding/json and drops what Decode leaves out on purpose.
func reference(data []byte) (*specs.Spec, error) {
	var spec specs.Spec
	if err := json.Unmarshal(data, &spec); err != nil {
		return nil, err
	}
	spec.Solaris, spec.Windows, spec.VM, spec.ZOS, spec.FreeBSD = nil, nil, nil, nil, nil
	return &spec, nil
}

// same fails the test where Decode and encoding/json read a document differently.
func same(t *testing.T, data []byte) {
	t.Helper()
	want, err := reference(data)
	if err != nil {
		t.Fatalf("encoding/json: %v\n%s", err, data)
	}
	got, err := Decode(data)
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	if !reflect.DeepEqual(got, want) {
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(want)
		t.Fatalf("from %s\ngot  %s\nwant %s", data, a, b)
	}
}

// filler sets values by reflection; where random is nil, every field to something that is not zero.
type filler struct {
	random *rand.Rand
	count  int
}

func (f *filler) skip() bool { return f.random != nil && f.random.IntN(3) == 0 }

func (f *filler) fill(v reflect.Value) {
	f.count++
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			switch v.Field(i).Interface().(type) {
			case *specs.Solaris, *specs.Windows, *specs.VM, *specs.ZOS, *specs.FreeBSD:
				continue
			}
			if !f.skip() {
				f.fill(v.Field(i))
			}
		}
	case reflect.Slice:
		n := 2
		if f.random != nil {
			n = f.random.IntN(5)
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			f.fill(v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			f.fill(key)
			f.fill(elem)
			v.SetMapIndex(key, elem)
		}
	default:
		f.scalar(v)
	}
}

func (f *filler) scalar(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(f.text())
	case reflect.Bool:
		v.SetBool(f.random == nil || f.random.IntN(2) == 0)
	case reflect.Int, reflect.Int32, reflect.Int64:
		n := int64(f.count)
		if f.random != nil {
			n = int64(f.random.Uint64()) >> (64 - v.Type().Bits())
		}
		v.SetInt(n)
	case reflect.Uint, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n := uint64(f.count)
		if f.random != nil {
			n = f.random.Uint64() >> (64 - v.Type().Bits())
		}
		v.SetUint(n)
	default:
		panic("no way to fill " + v.Type().String())
	}
}

func (f *filler) text() string {
	if f.random == nil {
		return fmt.Sprint("s", f.count)
	}
	alphabet := []string{"a", "\"", "\\", "\n", "\x00", "ä", "\u2028", "😀", "<", "/", "\x7f", "\xff"}
	var b strings.Builder
	for range f.random.IntN(8) {
		b.WriteString(alphabet[f.random.IntN(len(alphabet))])
	}
	return b.String()
}

// TestEveryFieldIsDecoded fills every field of the Linux configuration with something, so that a
// field the generator missed, or that a new version of the specification adds, shows up as a
// difference.
func TestEveryFieldIsDecoded(t *testing.T) {
	var spec specs.Spec
	f := &filler{}
	f.fill(reflect.ValueOf(&spec).Elem())
	noZero(t, "spec", reflect.ValueOf(spec))
	data, err := json.Marshal(&spec)
	if err != nil {
		t.Fatal(err)
	}
	same(t, data)
	got, _ := Decode(data)
	if !reflect.DeepEqual(got, &spec) {
		t.Error("the decoded spec differs from the encoded one")
	}
}

// noZero proves that the filler left nothing out, since a zero field would prove nothing.
func noZero(t *testing.T, path string, v reflect.Value) {
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.IsZero() {
		switch v.Interface().(type) {
		case *specs.Solaris, *specs.Windows, *specs.VM, *specs.ZOS, *specs.FreeBSD:
			return
		}
		t.Errorf("%s is not filled", path)
		return
	}
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			noZero(t, path+"."+v.Type().Field(i).Name, v.Field(i))
		}
	}
	if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct {
		noZero(t, path+"[0]", v.Index(0))
	}
}

func TestDecodeRandomSpecs(t *testing.T) {
	for seed := range uint64(300) {
		var spec specs.Spec
		f := &filler{random: rand.New(rand.NewPCG(seed, 1))}
		f.fill(reflect.ValueOf(&spec).Elem())
		data, err := json.Marshal(&spec)
		if err != nil {
			t.Fatal(err)
		}
		same(t, data)
	}
}

func TestDecodeLikeEncodingJSON(t *testing.T) {
	for _, doc := range []string{
		`{}`, ` null `, `{"process":null}`, `{"mounts":null}`, `{"mounts":[]}`, `{"mounts":[null]}`,
		`{"linux":{"sysctl":null}}`, `{"linux":{"sysctl":{}}}`, `{"linux":{"sysctl":{"a":null}}}`,
		`{"hostname":null}`, `{"process":{"oomScoreAdj":null,"terminal":null,"user":null}}`,
		`{"process":{"oomScoreAdj":-0,"user":{"uid":0}}}`,
		// The case of names; a name that matches exactly wins wherever it stands.
		`{"OCIVERSION":"1","Mounts":[{"DESTINATION":"/"}],"linux":{"uidmappings":[{"ContainerId":1}]}}`,
		`{"hoſtname":"long s folds to s"}`, `{"Hostname":"a","hostname":"b"}`, `{"hostname":"b","HOSTNAME":"a"}`,
		// Twice the same name: scalars are replaced, objects merged, arrays read over each other.
		`{"hostname":"a","hostname":"b"}`, `{"hostname":"a","hostname":null}`,
		`{"process":{"cwd":"/a"},"process":{"args":["x"]}}`, `{"process":{"cwd":"/a"},"process":null}`,
		`{"mounts":[{"source":"a"},{"source":"b"}],"mounts":[{"type":"c"}]}`,
		`{"mounts":[{"source":"a"},{"source":"b"}],"mounts":[{"type":"c"}],"mounts":[{},{},{}]}`,
		`{"annotations":{"a":"1"},"annotations":{"b":"2"}}`, `{"annotations":{"a":"1","a":"2"}}`,
		`{"linux":{"netDevices":{"a":{"name":"x"},"a":{}}}}`,
		`{"process":{"args":["a","b"],"args":[null]}}`,
		// What the specification does not know, or knows for other systems.
		`{"foo":{"a":[1,{"b":null}],"c":"\ud800"},"process":{"bar":1e999}}`,
		`{"windows":{"layerFolders":["x"]},"solaris":{},"vm":{"kernel":{"path":"k"}},"hostname":"h"}`,
		// Strings.
		`{"hostname":"\u00e4\ud83d\ude00\n\/"}`, `{"hostname":"\ud800"}`, `{"hostname":"\udc00\ud800x"}`,
		"{\"hostname\":\"\xff\xc3\"}", "{\"ho\xffst\":1}", `{"annotations":{"\u0061":"1","a":"2"}}`,
		"{\"annotations\":{\"\xff\":\"1\",\"\ufffd\":\"2\"}}", `{"\u0068ostname":"x"}`, `{"hostname":"\u0000"}`,
		"\r\n\t {\"hostname\" : \"x\" }\n",
	} {
		same(t, []byte(doc))
	}
	same(t, fullJSON(t))
}

// TestDecodeRefusesWhatEncodingJSONRefuses holds the two against each other on broken documents;
// every broken type of the table of configurations is among them.
func TestDecodeRefusesWhatEncodingJSONRefuses(t *testing.T) {
	docs := []string{``, ` `, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,}`, `{a:1}`, `[1,]`, `[`, `1 2`, `{} {}`,
		`{"hostname":"` + "\n" + `"}`, `{"hostname":"\x"}`, `{"hostname":"\u12"}`, `{"a":01}`, `{"a":+1}`, `{"a":tru}`,
		`// x`, "\ufeff{}", `{"hostname":'a'}`, `[]`, `"x"`, `1`, `true`, strings.Repeat("[", 20000)}
	for _, b := range brokenTypes {
		docs = append(docs, string(mutate(t, b.path, b.value)))
	}
	for _, doc := range docs {
		if _, err := reference([]byte(doc)); err == nil {
			t.Fatalf("encoding/json takes %q", doc)
		}
		var e *errdetail.Error
		if _, err := Decode([]byte(doc)); !errors.As(err, &e) {
			t.Errorf("%q: want an error, got %v", clip(doc), err)
		}
	}
}

func TestDecodeErrorsNameThePlace(t *testing.T) {
	for _, c := range []struct{ doc, want string }{
		{"", "the file is empty (line 1, column 1)"},
		{"{\n", "the file ends in the middle of a value (line 2, column 1)"},
		{"{\n \"a\": x}", "(line 2, column 7)"},
		{"{\"ä\": x}", "(line 1, column 7)"},
		{"{}\n}", "want the end of the file after the JSON value"},
		{"{\n\t\"process\": {\n\t\t\"user\": {\"uid\": \"abc\"}}}",
			`process.user.uid: want a number from 0 to 4294967295, got "abc" (line 3, column 19)`},
		{`{"Process": {"USER": {"Uid": []}}}`, "process.user.uid: want a number from 0 to 4294967295, got an array"},
		{`{"linux":{"netDevices":{"a\"b":{"name":1}}}}`, `linux.netDevices["a\"b"].name: want a string, got 1`},
		{`{"mounts":[{},{"options":["a",{}]}]}`, "mounts[1].options[1]: want a string, got an object"},
		{`{"hostname":` + strings.Repeat("1", 5000) + `}`, "hostname: want a string, got " + strings.Repeat("1", 60) + "…"},
	} {
		_, err := Decode([]byte(c.doc))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: want %q, got %v", clip(c.doc), c.want, err)
		}
	}
}

func TestDecodeLimits(t *testing.T) {
	big := append([]byte(`{"annotations":{"a":"`), make([]byte, MaxConfigSize)...)
	if _, err := Decode(big); err == nil || !strings.Contains(err.Error(), "larger than 16777216 bytes") {
		t.Errorf("too large a document: %v", err)
	}
	var b strings.Builder
	b.WriteString(`{"annotations":{"x":""`)
	for i := range MaxElements {
		fmt.Fprintf(&b, `,"%d":""`, i)
	}
	b.WriteString("}}")
	if _, err := Decode([]byte(b.String())); err == nil || !strings.Contains(err.Error(), "annotations: has more than 65536 entries") {
		t.Errorf("too many annotations: %v", err)
	}
}

func TestDecodeParts(t *testing.T) {
	p, err := DecodeProcess([]byte(`{"cwd":"/","args":["a"],"user":{"uid":7}}`))
	if err != nil || p.User.UID != 7 || CheckProcess(p) != nil {
		t.Errorf("process: %+v, %v", p, err)
	}
	if _, err := DecodeProcess([]byte(`{"user":{"uid":-1}}`)); err == nil || !strings.HasPrefix(err.Error(), "user.uid: want") {
		t.Errorf("process: %v", err)
	}
	r, err := DecodeResources([]byte(`{"pids":{"limit":5}}`))
	if err != nil || *r.Pids.Limit != 5 || CheckResources(r) != nil {
		t.Errorf("resources: %+v, %v", r, err)
	}
	if err := CheckResources(&specs.LinuxResources{CPU: &specs.LinuxCPU{Cpus: "x"}}); err == nil ||
		!strings.HasPrefix(err.Error(), "cpu.cpus: want") {
		t.Errorf("resources: %v", err)
	}
}

func TestLoad(t *testing.T) {
	bundle := t.TempDir()
	name := filepath.Join(bundle, ConfigName)
	refused := func(want string) {
		t.Helper()
		if _, err := Load(bundle); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	write := func(data []byte) {
		t.Helper()
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refused("JSON specification file " + name + " not found")
	if _, err := Load(bundle); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("want fs.ErrNotExist, got %v", err)
	}
	write(fullJSON(t))
	spec, err := Load(bundle)
	if want, _ := reference(fullJSON(t)); err != nil || !reflect.DeepEqual(spec, want) {
		t.Errorf("got %+v, %v", spec, err)
	}
	write(mutate(t, "process.cwd", `"x"`))
	refused(`process.cwd: Cwd must be an absolute path, got "x"`)
	write([]byte("{"))
	refused("read " + name + ": the file ends in the middle of a value")
	if err := os.Truncate(name, MaxConfigSize+1); err != nil {
		t.Fatal(err)
	}
	refused("larger than 16777216 bytes")
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(name, 0o700); err != nil {
		t.Fatal(err)
	}
	refused("not a regular file")
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("not a regular file")
}

func BenchmarkDecode(b *testing.B) {
	data, err := json.MarshalIndent(Default(), "", "\t")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	spec := Default()
	b.ReportAllocs()
	for b.Loop() {
		if err := Check(spec); err != nil {
			b.Fatal(err)
		}
	}
}
