// What may stand in one value: texts, paths, names, lists of numbers. Every function returns what
// is wrong with its argument and what would be right, or "" when nothing is wrong.

package specconv

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func allDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// badText judges a string on its way to the kernel, where a NUL would end it early and so make it
// another string than the one that was checked.
func badText(s string, most int) string {
	if len(s) > most {
		return fmt.Sprintf("has %d bytes, at most %d are allowed", len(s), most)
	}
	if strings.IndexByte(s, 0) >= 0 {
		return "contains null byte"
	}
	return ""
}

// badLine judges a text that becomes one line of a kernel file, where a second line would be a
// second setting.
func badLine(s string, most int) string {
	if strings.IndexByte(s, '\n') >= 0 {
		return "must be a single line"
	}
	return badText(s, most)
}

// badPath judges a path that has to be absolute.
func badPath(s string) string {
	switch {
	case s == "":
		return "must be set to an absolute path"
	case s[0] != '/':
		return fmt.Sprintf("want an absolute path, got %q", clip(s))
	}
	return badText(s, maxPathSize)
}

func badCount(n, most int) string {
	if n > most {
		return fmt.Sprintf("has %d entries, at most %d are allowed", n, most)
	}
	return ""
}

// clip shortens a value for an error's text.
func clip(s string) string {
	const most = 80
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// printable is s clipped, and quoted where it holds what would break an error's one line.
func printable(s string) string {
	s = clip(s)
	if quoted := strconv.Quote(s); quoted != `"`+s+`"` {
		return quoted
	}
	return s
}

// checkStrings judges a list of arguments or of environment entries, each as long as execve(2)
// takes it.
func checkStrings(field string, list []string, most int) error {
	if bad := badCount(len(list), most); bad != "" {
		return errdetail.New(field, "%s", bad)
	}
	for i, s := range list {
		if bad := badText(s, maxStringSize); bad != "" {
			return errdetail.New(fmt.Sprintf("%s[%d]", field, i), "%s", bad)
		}
	}
	return nil
}

// badArgEnv judges arguments and environment together: execve(2) answers E2BIG beyond 6 MiB,
// whatever the stack's limit. Each string costs its terminating NUL and a pointer too.
func badArgEnv(args, env []string) string {
	total := 0
	for _, list := range [...][]string{args, env} {
		for _, s := range list {
			total += len(s) + 1 + 8
		}
	}
	if total > maxArgEnvBytes {
		return fmt.Sprintf("args and env together take %d bytes, the kernel allows at most %d (argument list too long)",
			total, maxArgEnvBytes)
	}
	return ""
}

// badInterface judges the name of a network device by the kernel's rule (dev_valid_name): 1 to 15
// bytes, neither . nor .., and no slash, colon or white space.
func badInterface(name string) string {
	bad := name == "" || len(name) > 15 || name == "." || name == ".."
	for i := range len(name) {
		switch name[i] {
		// The kernel's isspace counts the Latin-1 hard space too, here as a byte.
		case 0, '/', ':', ' ', '\t', '\n', '\v', '\f', '\r', 0xa0:
			bad = true
		}
	}
	if !bad {
		return ""
	}
	return fmt.Sprintf("invalid network device name %q: "+
		"want 1 to 15 bytes without slash, colon or space", clip(name))
}

// badList judges a list of CPU or node numbers in the kernel's notation, like 0-3,7. Where the
// text goes to a cgroup file, stride admits what the kernel understands beyond that: 0-31:2/8.
func badList(s string, most int, stride bool) string {
	for part := range strings.SplitSeq(strings.TrimSuffix(s, "\n"), ",") {
		span, step, hasStep := strings.Cut(part, ":")
		if hasStep && !(stride && goodStride(step)) {
			return badListText(s)
		}
		first, last, isRange := strings.Cut(strings.TrimSpace(span), "-")
		if !isRange {
			last = first
		}
		low, ok1 := smallNumber(first)
		high, ok2 := smallNumber(last)
		if !ok1 || !ok2 {
			return badListText(s)
		}
		if low > high {
			return fmt.Sprintf("%q: the range %q runs backwards", clip(s), clip(part))
		}
		if high > most {
			return fmt.Sprintf("%q: want numbers from 0 to %d", clip(s), most)
		}
	}
	return ""
}

func badListText(s string) string {
	return fmt.Sprintf("want a list of numbers and ranges like 0-3,7, got %q", clip(s))
}

// goodStride checks USED/GROUP, where of each GROUP numbers the first USED are meant.
func goodStride(s string) bool {
	used, group, ok := strings.Cut(s, "/")
	u, ok1 := smallNumber(used)
	g, ok2 := smallNumber(group)
	return ok && ok1 && ok2 && g > 0 && u > 0 && u <= g
}

// smallNumber parses digits and nothing else; strconv would take a sign.
func smallNumber(s string) (int, bool) {
	if !allDigits(s) || len(s) > 9 {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// oneOf says what is allowed in place of a value.
func oneOf(got string, allowed ...string) string {
	return fmt.Sprintf("want one of %s, got %q", strings.Join(allowed, ", "), clip(got))
}

// sortedKeys gives the keys of a map in the one order that makes the first mistake found the same
// one in every run.
func sortedKeys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }
