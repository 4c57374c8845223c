// What a cgroup costs at a container's start and end, here and in the reference library.
//
//	go test -run '^$' -bench LifeCycle ./libsandbox/cgroup

package cgroup

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	oci "github.com/opencontainers/cgroups"
	_ "github.com/opencontainers/cgroups/devices"
	"github.com/opencontainers/cgroups/manager"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// phases collects durations by name and reports minimum and median in microseconds.
type phases map[string][]time.Duration

func (p phases) time(name string, f func() error) error {
	start := time.Now()
	err := f()
	p[name] = append(p[name], time.Since(start))
	return err
}

func (p phases) report(b *testing.B) {
	for name, d := range p {
		slices.Sort(d)
		b.ReportMetric(float64(d[0])/1e3, name+"-min-µs")
		b.ReportMetric(float64(d[len(d)/2])/1e3, name+"-med-µs")
	}
	b.ReportMetric(0, "ns/op")
}

// benchPath is a new path for each round, and a way back to where the process came from.
func benchRoot(b *testing.B) (path string, back func(pid int)) {
	if os.Geteuid() != 0 {
		b.Skip("not root")
	}
	l, err := Detect("")
	if err != nil {
		b.Fatal(err)
	}
	return realPath(b), func(pid int) {
		for _, h := range l.Hierarchies {
			_ = writePath(h.Mountpoint+"/cgroup.procs", strconv.Itoa(pid), os.O_WRONLY)
		}
	}
}

func BenchmarkLifeCycle(b *testing.B) {
	path, back := benchRoot(b)
	pid := command(b, "sleep", "1000").Process.Pid
	p := phases{}
	for i := 0; b.Loop(); i++ {
		var m *Manager
		do := func(name string, f func() error) {
			if err := p.time(name, f); err != nil {
				b.Fatal(name, err)
			}
		}
		do("new", func() (err error) {
			m, err = New(Options{ID: "c", Path: path + strconv.Itoa(i)})
			return err
		})
		do("create", m.Create)
		do("join", func() error { return m.Join(pid) })
		do("devices", func() error { return m.Apply() })
		back(pid)
		do("delete", func() error { return m.Delete(b.Context()) })
	}
	p.report(b)
}

func BenchmarkLifeCycleLibrary(b *testing.B) {
	path, back := benchRoot(b)
	pid := command(b, "sleep", "1000").Process.Pid
	p := phases{}
	for i := 0; b.Loop(); i++ {
		var m oci.Manager
		do := func(name string, f func() error) {
			if err := p.time(name, f); err != nil {
				b.Fatal(name, err)
			}
		}
		do("new", func() (err error) {
			m, err = manager.New(&oci.Cgroup{Path: path + strconv.Itoa(i), Resources: &oci.Resources{}})
			return err
		})
		do("create", func() error { return m.Apply(-1) }) // -1: make, but attach nothing
		do("join", func() error { return m.Apply(pid) })
		do("devices", func() error { return m.Set(&oci.Resources{}) })
		back(pid)
		do("delete", m.Destroy)
	}
	p.report(b)
}

// BenchmarkManyRunning shows that a life does not grow with what runs beside it.
func BenchmarkManyRunning(b *testing.B) {
	for _, n := range []int{0, 100, 1000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			path, back := benchRoot(b)
			for i := range n {
				m, err := New(Options{ID: "c", Path: path + "-idle" + strconv.Itoa(i)})
				if err == nil {
					err = m.Create()
				}
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() { _ = m.Delete(b.Context()) })
			}
			pid := command(b, "sleep", "1000").Process.Pid
			p := phases{}
			for i := 0; b.Loop(); i++ {
				_ = p.time("life", func() error {
					m, err := New(Options{ID: "c", Path: path + strconv.Itoa(i), Resources: &specs.LinuxResources{}})
					if err != nil {
						return err
					}
					if err = m.Create(); err == nil {
						err = m.Join(pid)
					}
					back(pid)
					if err != nil {
						b.Fatal(err)
					}
					return m.Delete(b.Context())
				})
			}
			p.report(b)
		})
	}
}
