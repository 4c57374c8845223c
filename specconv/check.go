// Check: what of a configuration can be known to be wrong without looking at the system. The
// specification decides; where it is silent, what runc refuses is refused. Functions named bad…
// return what is wrong with one value, or "" when nothing is; the text of a field is only put
// together once there is an error, because all of this runs on every create.

package specconv

import (
	"fmt"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// Check verifies what can be verified without touching the system. It returns the first mistake as
// an *errdetail.Error whose Field names it, and whose text says what is wrong and what is allowed.
// What is allowed but doubtful is found by Warnings.
func Check(spec *specs.Spec) error {
	checks := []func(*specs.Spec) error{
		checkVersion, checkRoot, checkProcessSection, checkHostnames, checkMounts,
		checkHooks, checkAnnotations, checkLinux,
	}
	for _, check := range checks {
		if err := check(spec); err != nil {
			return err
		}
	}
	return nil
}

// within puts the enclosing field in front of the one that err names.
func within(err error, format string, args ...any) error {
	e, ok := err.(*errdetail.Error)
	if !ok {
		return err
	}
	e.Field = fmt.Sprintf(format, args...) + "." + e.Field
	return e
}

// Namespaces looks up the namespaces of a configuration by type.
type Namespaces []specs.LinuxNamespace

func namespacesOf(spec *specs.Spec) Namespaces {
	if spec.Linux == nil {
		return nil
	}
	return spec.Linux.Namespaces
}

// Has reports whether the container gets a namespace of type t other than the runtime's, be it a
// new one or one joined by its path.
func (n Namespaces) Has(t specs.LinuxNamespaceType) bool {
	_, ok := n.Path(t)
	return ok
}

// Path is the file of the namespace of type t that is to be joined, "" for a new one; ok is false
// where the configuration has none of this type.
func (n Namespaces) Path(t specs.LinuxNamespaceType) (path string, ok bool) {
	for i := range n {
		if n[i].Type == t {
			return n[i].Path, true
		}
	}
	return "", false
}

// New reports whether a new namespace of type t is made.
func (n Namespaces) New(t specs.LinuxNamespaceType) bool {
	path, ok := n.Path(t)
	return ok && path == ""
}

func checkVersion(spec *specs.Spec) error {
	v := spec.Version
	if v == "" {
		return errdetail.New("ociVersion", "must be set, for example %q", specs.Version)
	}
	major, _, ok := parseVersion(v)
	if !ok {
		return errdetail.New("ociVersion",
			"want a version like %s (semver.org), got %q", specs.Version, v)
	}
	if major != "1" {
		return errdetail.New("ociVersion",
			"want a version 1.x.y, which this runtime supports up to %s, got %q", specs.Version, v)
	}
	return nil
}

// parseVersion splits a version by the grammar of SemVer 2.0.0, and reports whether it follows it.
func parseVersion(v string) (major, minor string, ok bool) {
	if len(v) > 256 {
		return "", "", false
	}
	rest, build, hasBuild := strings.Cut(v, "+")
	core, pre, hasPre := strings.Cut(rest, "-")
	numbers := strings.Split(core, ".")
	if len(numbers) != 3 || hasBuild && !identifiers(build, false) || hasPre && !identifiers(pre, true) {
		return "", "", false
	}
	for _, n := range numbers {
		if !allDigits(n) || len(n) > 1 && n[0] == '0' {
			return "", "", false
		}
	}
	return numbers[0], numbers[1], true
}

// identifiers checks the dot separated part after - or + of a version; only after - a number must
// not begin with 0.
func identifiers(s string, pre bool) bool {
	for id := range strings.SplitSeq(s, ".") {
		if id == "" || pre && len(id) > 1 && id[0] == '0' && allDigits(id) {
			return false
		}
		for i := range len(id) {
			if c := id[i]; !isDigit(c) && !isLetter(c) && c != '-' {
				return false
			}
		}
	}
	return true
}

func checkRoot(spec *specs.Spec) error {
	switch {
	case spec.Root == nil:
		return errdetail.New("root", "root must be specified")
	case spec.Root.Path == "":
		return errdetail.New("root.path",
			"must be set: the folder of the root file system, absolute or relative to the bundle")
	}
	if bad := badText(spec.Root.Path, maxPathSize); bad != "" {
		return errdetail.New("root.path", "%s", bad)
	}
	return nil
}

func checkProcessSection(spec *specs.Spec) error {
	if spec.Process == nil {
		return nil // only start needs it (config.md, "process")
	}
	if err := CheckProcess(spec.Process); err != nil {
		return within(err, "process")
	}
	return checkMappedUser(spec)
}

func checkHostnames(spec *specs.Spec) error {
	own := namespacesOf(spec).Has(specs.UTSNamespace)
	check := func(field, value string) error {
		if value == "" {
			return nil
		}
		if !own {
			return errdetail.New(field, "unable to set %s without a private UTS namespace: "+
				`add {"type": "uts"} to linux.namespaces`, field)
		}
		if bad := badText(value, maxHostname); bad != "" {
			return errdetail.New(field, "%s", bad)
		}
		return nil
	}
	if err := check("hostname", spec.Hostname); err != nil {
		return err
	}
	return check("domainname", spec.Domainname)
}

func checkAnnotations(spec *specs.Spec) error {
	if bad := badCount(len(spec.Annotations), maxAnnotations); bad != "" {
		return errdetail.New("annotations", "%s", bad)
	}
	if _, ok := spec.Annotations[""]; ok {
		return errdetail.New(`annotations[""]`, "the key of an annotation must not be empty")
	}
	return nil
}

func checkHooks(spec *specs.Spec) error {
	h := spec.Hooks
	if h == nil {
		return nil
	}
	kinds := [...]struct {
		name  string
		hooks []specs.Hook
	}{
		{"prestart", h.Prestart}, //nolint:staticcheck // deprecated, and still to be run
		{"createRuntime", h.CreateRuntime},
		{"createContainer", h.CreateContainer},
		{"startContainer", h.StartContainer},
		{"poststart", h.Poststart},
		{"poststop", h.Poststop},
	}
	for _, kind := range kinds {
		if bad := badCount(len(kind.hooks), maxHooks); bad != "" {
			return errdetail.New("hooks."+kind.name, "%s", bad)
		}
		for i := range kind.hooks {
			if err := checkHook(&kind.hooks[i]); err != nil {
				return within(err, "hooks.%s[%d]", kind.name, i)
			}
		}
	}
	return nil
}

func checkHook(h *specs.Hook) error {
	if bad := badPath(h.Path); bad != "" {
		return errdetail.New("path", "%s", bad)
	}
	if err := checkStrings("args", h.Args, maxArgs); err != nil {
		return err
	}
	if err := checkStrings("env", h.Env, maxEnv); err != nil {
		return err
	}
	if bad := badArgEnv(h.Args, h.Env); bad != "" {
		return errdetail.New("args", "%s", bad)
	}
	if h.Timeout != nil && *h.Timeout <= 0 {
		return errdetail.New("timeout", "want a number of seconds greater than 0, got %d", *h.Timeout)
	}
	return nil
}
