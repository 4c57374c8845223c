// A layer for writes over the whole root of a sandbox.

package libsandbox

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
)

// rootOverlay puts the layer over root, a folder of the host.
//
// An overlay shows one file system, not what is mounted in it, and in a user namespace the kernel
// refuses to look below what is mounted (mount_namespaces(7), locked mounts). So if something is
// mounted below root, as it always is below "/", each folder gets an overlay of its own, all with
// one layer. What is mounted from the kernel itself (/sys), and single files, are read-only.
func (p *prepared) rootOverlay(root string) error {
	o := p.cfg.RootOverlay
	mounts, err := mountsBelow(root)
	if err != nil {
		return &errdetail.Error{Field: "RootOverlay", Op: "look for mounts below " + root, Err: err}
	}
	if len(mounts) == 0 {
		p.sandbox.RootOverlays = []lower.Overlay{{Field: "RootOverlay", Dest: "/", Lower: root, Upper: o.Upper, Work: o.Work, Size: o.Size}}
		return nil
	}
	if o.Upper != "" {
		return errdetail.New("RootOverlay.Upper", "cannot be kept: %s is mounted below %s, and one layer cannot be over both", mounts[0].at, root)
	}
	p.sandbox.EmptyRoot = true
	return p.overlayFolders(root, root, mounts)
}

// hostMount is a mount of the host below the root.
type hostMount struct {
	at     string
	kernel bool // not a file system to write to
}

// mountsBelow lists the mounts strictly below root.
func mountsBelow(root string) ([]hostMount, error) {
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		return nil, err
	}
	infos, err := mountinfo.GetMounts(mountinfo.PrefixFilter(real))
	if err != nil {
		return nil, err
	}
	var list []hostMount
	for _, m := range infos {
		if m.Mountpoint != real {
			list = append(list, hostMount{m.Mountpoint, !writableType(m.FSType)})
		}
	}
	return list, nil
}

// writableType says whether a layer over such a file system makes sense.
func writableType(fs string) bool {
	return !slices.Contains([]string{"proc", "sysfs", "cgroup", "cgroup2", "devtmpfs", "devpts", "mqueue", "debugfs", "tracefs",
		"securityfs", "bpf", "fusectl", "configfs", "pstore", "binfmt_misc", "efivarfs", "autofs", "nsfs"}, fs)
}

// overlayFolders gives every folder in dir an overlay, and goes into those that have mounts.
func (p *prepared) overlayFolders(root, dir string, mounts []hostMount) error {
	const field = "RootOverlay"
	entries, err := os.ReadDir(dir)
	if err != nil {
		if os.IsPermission(err) {
			return nil // nor could the program look into it
		}
		return &errdetail.Error{Field: field, Op: "look into " + dir, Err: err}
	}
	for _, e := range entries {
		host := filepath.Join(dir, e.Name())
		dest := path.Join("/", strings.TrimPrefix(host, root))
		if dest == "/proc" || dest == "/dev" || dest == "/tmp" {
			continue // the sandbox has its own
		}
		kernel, below := false, false
		for _, m := range mounts {
			kernel = kernel || m.at == host && m.kernel
			below = below || strings.HasPrefix(m.at, host+"/")
		}
		switch {
		case e.Type()&os.ModeSymlink != 0:
			if target, err := os.Readlink(host); err == nil {
				p.sandbox.Links = append(p.sandbox.Links, [2]string{target, dest})
			}
		case kernel, e.Type().IsRegular():
			p.add(field, specs.Mount{Source: host, Destination: dest, Options: []string{"rbind", "rro", "rnosuid", "rnodev"}})
		case e.IsDir() && below:
			if err := p.overlayFolders(root, host, mounts); err != nil {
				return err
			}
		case e.IsDir():
			p.sandbox.RootOverlays = append(p.sandbox.RootOverlays, lower.Overlay{Field: field, Dest: dest, Lower: host,
				Shared: true, Size: p.cfg.RootOverlay.Size})
		}
	}
	return nil
}
