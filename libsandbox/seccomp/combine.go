// Several rules for one system call: which are left, in which order they are tried, and which
// contradict each other. The order is the one that falls out of libseccomp's trees, because
// that is what profiles have been written against.

package seccomp

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// combine orders the rules of one call so that the first one that matches decides. The result
// is in list's memory.
func combine(list []rule, a *arch, nr uint32) ([]rule, error) {
	for i := range list {
		if len(list[i].conds) == 0 {
			return list[i : i+1], nil
		}
	}
	rules := list[:0]
	for _, n := range list {
		redundant := false
		for i := range rules {
			switch r := &rules[i]; {
			case prefix(r.conds, n.conds):
				if len(r.conds) == len(n.conds) && r.ret != n.ret {
					return nil, contradiction(n, *r, a, nr)
				}
				redundant = true
			case prefix(n.conds, r.conds) && r.ret != n.ret:
				return nil, contradiction(n, *r, a, nr)
			}
		}
		if !redundant {
			rules = append(rules, n)
		}
	}
	slices.SortStableFunc(rules, func(x, y rule) int { return before(x.conds, y.conds) })
	return rules, nil
}

// prefix says that the conditions short are those that long begins with.
func prefix(short, long []cond) bool {
	return len(short) <= len(long) && slices.Equal(short, long[:len(short)])
}

// contradiction refuses a rule that asks for another answer where an earlier one has decided.
// libseccomp refuses the same (EEXIST).
func contradiction(r, earlier rule, a *arch, nr uint32) error {
	what := a.nameOf(nr)
	return errdetail.New(fmt.Sprintf("linux.seccomp.syscalls[%d]", r.src),
		"its answer to %s (%s) contradicts that of linux.seccomp.syscalls[%d] under the same conditions: %s, %s",
		what, string(a.name), earlier.src, actionText(r.ret), actionText(earlier.ret))
}

// before orders two sets of conditions: negative if x is tried first.
func before(x, y []cond) int {
	for i := 0; i < len(x) && i < len(y); i++ {
		if c := beforeCond(x[i], y[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(x), len(y))
}

// beforeCond: conditions on a later argument come first; then the equalities, the upper bounds,
// the lower bounds; then larger values, except that of two upper bounds the lower one is
// narrower and comes first.
func beforeCond(x, y cond) int {
	if c := cmp.Compare(y.arg, x.arg); c != 0 {
		return c
	}
	if c := cmp.Compare(rank(x.op), rank(y.op)); c != 0 {
		return c
	}
	if rank(x.op) == 1 {
		return cmp.Compare(x.value, y.value)
	}
	return cmp.Compare(y.value, x.value)
}

// rank puts operators into the order they are tried in.
func rank(o op) int {
	switch o {
	case opEQ, opNE, opMasked:
		return 0
	case opLT, opLE:
		return 1
	}
	return 2
}
