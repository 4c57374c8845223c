// Limits: linux.resources as a list of file writes. The translation is pure: it looks at the
// version of the hierarchy and at nothing else, so that it can be compared, diffed and tested.

package cgroup

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// setting is one value for one cgroup file.
type setting struct {
	field      string // in config.json
	controller string // v2 name on v2, v1 name on v1; "cgroup" for core files
	file       string
	value      string
	// altFile and altValue are for kernels that have no such file, but another.
	altFile, altValue string
	// optional means that a kernel without the file already behaves as the value asks.
	optional bool
}

// program collects settings; memory's are kept apart, because they are written last.
type program struct {
	v2   bool
	list []setting
	last []setting
}

const res = "linux.resources."

func (p *program) add(field, controller, file, value string) *setting {
	s := setting{field: res + field, controller: controller, file: file, value: value}
	to := &p.list
	if controller == "memory" {
		to = &p.last
	}
	*to = append(*to, s)
	return &(*to)[len(*to)-1]
}

// compile translates r for cgroup v2 or v1. A limit that the version cannot enforce is an error
// with its field; a value that means "not set" (0, where runc says so) gives nothing.
func compile(v2 bool, r *specs.LinuxResources) ([]setting, error) {
	if r == nil {
		return nil, nil
	}
	p := &program{v2: v2}
	p.cpuset(r.CPU)
	p.pids(r.Pids)
	if err := p.cpu(r.CPU); err != nil {
		return nil, err
	}
	if err := p.blockIO(r.BlockIO); err != nil {
		return nil, err
	}
	p.hugepages(r.HugepageLimits)
	if err := p.network(r.Network); err != nil {
		return nil, err
	}
	p.rdma(r.Rdma)
	if err := p.memory(r.Memory); err != nil {
		return nil, err
	}
	if err := p.unified(r.Unified); err != nil {
		return nil, err
	}
	return append(p.list, p.last...), nil
}

// checkResources lets New refuse what could never be set.
func (m *Manager) checkResources(r *specs.LinuxResources) error {
	if _, err := compile(m.mode == V2, r); err != nil {
		return err
	}
	return checkDevices(r.Devices)
}

// firstLimit is the field of the first limit in r, or "".
func firstLimit(r *specs.LinuxResources) string {
	list, err := compile(true, r)
	if err != nil || len(list) == 0 {
		return ""
	}
	return list[0].field
}

// firstDomainLimit is the same for controllers that a threaded v2 cgroup cannot have.
func firstDomainLimit(r *specs.LinuxResources) string {
	list, _ := compile(true, r)
	for i := range list {
		switch list[i].controller {
		case "memory", "io", "hugetlb":
			return list[i].field
		}
	}
	return ""
}

func (p *program) pids(r *specs.LinuxPids) {
	if r == nil || r.Limit == nil {
		return
	}
	v := "max"
	switch {
	case *r.Limit > 0:
		v = strconv.FormatInt(*r.Limit, 10)
	case *r.Limit == 0:
		v = "1" // as runc: systemd knows no 0, and init alone is allowed in both cases
	}
	p.add("pids.limit", "pids", "pids.max", v)
}

func (p *program) hugepages(limits []specs.LinuxHugepageLimit) {
	suffix := ".limit_in_bytes"
	if p.v2 {
		suffix = ".max"
	}
	for i, l := range limits {
		f := "hugepageLimits[" + strconv.Itoa(i) + "].limit"
		v := strconv.FormatUint(l.Limit, 10)
		p.add(f, "hugetlb", "hugetlb."+l.Pagesize+suffix, v)
		// reservations are limited as well where the kernel can (5.7)
		p.add(f, "hugetlb", "hugetlb."+l.Pagesize+".rsvd"+suffix, v).optional = true
	}
}

func (p *program) network(n *specs.LinuxNetwork) error {
	if n == nil {
		return nil
	}
	if n.ClassID != nil && *n.ClassID != 0 {
		if p.v2 {
			return onlyV1("network.classID")
		}
		p.add("network.classID", "net_cls", "net_cls.classid", strconv.FormatUint(uint64(*n.ClassID), 10))
	}
	for i, prio := range n.Priorities {
		f := "network.priorities[" + strconv.Itoa(i) + "]"
		if p.v2 {
			return onlyV1(f)
		}
		p.add(f, "net_prio", "net_prio.ifpriomap", prio.Name+" "+strconv.FormatUint(uint64(prio.Priority), 10))
	}
	return nil
}

func (p *program) rdma(limits map[string]specs.LinuxRdma) {
	for _, dev := range slices.Sorted(maps.Keys(limits)) {
		v := dev
		if h := limits[dev].HcaHandles; h != nil {
			v += " hca_handle=" + strconv.FormatUint(uint64(*h), 10)
		}
		if o := limits[dev].HcaObjects; o != nil {
			v += " hca_object=" + strconv.FormatUint(uint64(*o), 10)
		}
		if v != dev {
			p.add("rdma["+strconv.Quote(dev)+"]", "rdma", "rdma.max", v)
		}
	}
}

// unified are v2 files by name. They come after the converted limits, so they win.
func (p *program) unified(u map[string]string) error {
	for _, file := range slices.Sorted(maps.Keys(u)) {
		f := "unified[" + strconv.Quote(file) + "]"
		controller, _, ok := strings.Cut(file, ".")
		switch {
		case !p.v2:
			return errdetail.New(res+f, "cannot be set, because this host has cgroup v1")
		case strings.Contains(file, "/"):
			return errdetail.New(res+f, "must be a file name, without a slash")
		case !ok:
			return errdetail.New(res+f, "must have the form CONTROLLER.PARAMETER")
		}
		for line := range strings.SplitSeq(strings.TrimRight(u[file], "\n"), "\n") {
			p.add(f, controller, file, line) // such files take one line per write
		}
	}
	return nil
}

func onlyV1(field string) error {
	return &errdetail.Error{Field: res + field,
		Err: errors.New("cannot be enforced on this host: cgroup v2 has no such limit")}
}
