// Golden plans: testdata/NAME.json lowers to testdata/NAME.plan. After a wanted change:
//
//	go test ./libsandbox/lower -update

package lower_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
	"github.com/sandbox-runtime/sandbox-runtime/specconv"
)

var update = flag.Bool("update", false, "write the golden files anew")

// facts are of a made-up host, so that plans are the same everywhere.
func facts(spec *specs.Spec) *lower.Facts {
	f := &lower.Facts{
		SockFD: 20, RootFD: 3, StartFD: 18, ResultFD: 19, FirstFD: 3, EndFD: 21,
		RootPath: "/bundle/rootfs", NamespaceFDs: map[specs.LinuxNamespaceType]int{},
		Sources: map[int]lower.Source{}, LastCap: 40, Home: "/root", Keyring: "_ses.ID",
		IDMaps: map[int]int{}, InOrder: true, ProcFD: 17,
		Hierarchies: []lower.Hierarchy{
			{Name: "cpu,cpuacct", Options: []string{"cpu", "cpuacct"}, Links: []string{"cpu", "cpuacct"}, Path: "/sys/fs/cgroup/cpu,cpuacct/ID"},
			{Name: "systemd", Options: []string{"none", "name=systemd"}, Path: "/sys/fs/cgroup/systemd/ID"},
		},
	}
	fd := 4
	for i := range spec.Mounts {
		m := &spec.Mounts[i]
		bind, _ := lower.IsBind(m)
		if mapped, _ := lower.IDMap(m); mapped && !bind {
			f.IDMaps[i] = fd
			fd++
		}
		if bind && !lower.Remount(m) {
			f.Sources[i] = lower.Source{FD: fd, Dir: !strings.Contains(m.Source, ".")}
			fd++
		}
	}
	for _, ns := range spec.Linux.Namespaces {
		if ns.Path != "" {
			f.NamespaceFDs[ns.Type] = fd
			fd++
		}
	}
	return f
}

func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden configs", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			spec, err := specconv.Decode(data)
			if err == nil {
				err = specconv.Check(spec)
			}
			if err != nil {
				t.Fatal(err)
			}
			res, err := lower.Init(spec, facts(spec))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := res.Plan.Link([]byte("code")); err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := res.Plan.Print(&got); err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(file, ".json") + ".plan"
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("the plan is not as in %s; first difference:\n%s", golden, firstDiff(want, got.Bytes()))
			}
		})
	}
}

func firstDiff(want, got []byte) string {
	w, g := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return "- " + w[i] + "\n+ " + g[i]
		}
	}
	return "one ends before the other"
}

// FuzzInit: whatever config.json passes the checks can be lowered and linked.
func FuzzInit(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		spec, err := specconv.Decode(data)
		if err != nil || specconv.Check(spec) != nil || spec.Process == nil || spec.Linux == nil {
			return
		}
		res, err := lower.Init(spec, facts(spec))
		if err != nil {
			return
		}
		if _, err := res.Plan.Link([]byte("code")); err != nil {
			t.Fatalf("lowered but not linked: %v", err)
		}
	})
}
