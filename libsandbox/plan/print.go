// Printing a plan for people and for golden tests.

package plan

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Format is the step as one would read it in strace: name(args) = result, then its rules.
func (p *Plan) Format(i int) string {
	s := &p.Steps[i]
	var b strings.Builder
	switch {
	case s.Name == "goto":
		fmt.Fprintf(&b, "go on at %d", p.labels[s.ifZero]+1)
		return b.String()
	case s.Nr == Move:
		b.WriteString(s.dstTxt + " = " + s.Args[0].String())
	default:
		b.WriteString(s.Name + "(" + p.ArgText(i) + ")")
		if s.dst != 0 {
			b.WriteString(" = " + s.dstTxt)
		}
	}
	if s.ifZero != 0 {
		fmt.Fprintf(&b, "; if 0 go on at %d", p.labels[s.ifZero]+1)
	}
	if s.onGoto != 0 {
		b.WriteString("; ")
		b.WriteString(errnoNames(s.on))
		if int(p.labels[s.onGoto]) == i+1 {
			b.WriteString(" is fine")
		} else {
			fmt.Fprintf(&b, ": go on at %d", p.labels[s.onGoto]+1)
		}
	}
	return b.String()
}

func errnoNames(list [4]uint16) string {
	var names []string
	for _, n := range list {
		e := syscall.Errno(n)
		switch {
		case e == 0:
		case e == AnyErrno:
			return "any error"
		default:
			names = append(names, unix.ErrnoName(e))
		}
	}
	return strings.Join(names, " or ")
}

// ArgText is the arguments of step i, comma separated.
func (p *Plan) ArgText(i int) string {
	s := &p.Steps[i]
	parts := make([]string, len(s.Args))
	for j := range parts {
		parts[j] = s.Args[j].String()
	}
	return strings.Join(parts, ", ")
}

// String is the argument as it is printed.
func (a Arg) String() string {
	switch {
	case a.quote:
		return strconv.Quote(a.text)
	case a.text != "":
		return a.text
	}
	return strconv.FormatInt(a.val, 10)
}

// Print writes the plan as numbered steps under the heading of what each part is for.
func (p *Plan) Print(w io.Writer) error {
	b := bufio.NewWriter(w)
	last := -1
	for i := range p.Steps {
		if n := p.Steps[i].Section; n != last && n >= 0 {
			sec := p.Sections[n]
			b.WriteString("\n# " + sec.Title)
			if sec.Field != "" {
				b.WriteString("    [" + sec.Field)
				if sec.Detail != "" && sec.Detail != sec.Field {
					b.WriteString(" " + sec.Detail)
				}
				b.WriteString("]")
			}
			b.WriteString("\n")
			last = n
		}
		fmt.Fprintf(b, "%5d  %s\n", i+1, p.Format(i))
	}
	return b.Flush()
}

// StepDoc is a step as explain --format json prints it.
type StepDoc struct {
	N       int    `json:"n"`
	Field   string `json:"field,omitempty"`
	Detail  string `json:"detail,omitempty"`
	Section string `json:"section,omitempty"`
	Syscall string `json:"syscall"`
	Args    string `json:"args,omitempty"`
	Text    string `json:"text"`
}

// Doc lists all steps for machines.
func (p *Plan) Doc() []StepDoc {
	out := make([]StepDoc, len(p.Steps))
	for i := range p.Steps {
		d := StepDoc{N: i + 1, Syscall: p.Steps[i].Name, Args: p.ArgText(i), Text: p.Format(i)}
		if n := p.Steps[i].Section; n >= 0 {
			sec := p.Sections[n]
			d.Field, d.Detail, d.Section = sec.Field, sec.Detail, sec.Title
		}
		out[i] = d
	}
	return out
}

// Size is the number of steps and the bytes of data.
func (p *Plan) Size() (steps, data int) { return len(p.Steps), len(p.data) }
