// Package plan is the program that a container's init runs: a flat list of system calls with
// results, jumps and error rules, together with the data they point at.
//
// A plan is built in Go without side effects, can be printed (Print), and is linked with the
// stage's machine code into an executable (Link). Nothing here makes a system call.
package plan

import (
	"syscall"
)

// Where Link puts things. The addresses are fixed so that every pointer in the data is absolute
// when it is written, and below 2 GiB so that they fit a step's sign-extended 32-bit arguments.
// CodeBase is above every vm.mmap_min_addr that distributions use.
const (
	CodeBase = 0x400000
	DataBase = 0x800000
)

// The header at DataBase is what the stage knows of the plan. The stage's assembly uses these
// offsets as literals.
const (
	hdrFirst   = 0  // address of the first step
	hdrFail    = 8  // address of the step that handles an error without a rule of its own
	hdrStep    = 16 // written by the stage: address of the failed step
	hdrErrno   = 24 // written by the stage: its errno
	headerSize = 32
	recordSize = 16
)

// Move is the pseudo system call that only copies its first argument to its destination.
const Move = -1

// AnyErrno in a step's On list matches every error.
const AnyErrno = syscall.Errno(0xffff)

// Label is a place in the plan that a step can go on from. The zero Label means "none".
type Label int32

// Reg is a cell in the plan's data that holds the result of a step. The zero Reg means "none".
type Reg struct {
	addr uint32
	name string
}

// Addr is the cell's address in the linked program.
func (r Reg) Addr() uint32 { return r.addr }

// Arg is one argument of a step.
type Arg struct {
	val   int64
	text  string // how it is printed, if not as a number
	load  bool   // val is the address of the value
	quote bool   // text is a string of the plan's data
}

// Step is one system call of the plan. A plan has some hundred, made at each start on fresh memory: hence
// no room for arguments that are not there.
type Step struct {
	Nr   int    // system call number, or Move
	Name string // its man page name
	Args []Arg  // at most six

	dst    uint32 // address the result is written to
	dstTxt string
	ifZero Label // go there when the result is 0
	onGoto Label // go there on an error listed in on
	fail   Label // go there on any other error, instead of the plan's fail handler
	on     [4]uint16

	Section int // index into Sections
}

// Section is a run of steps that together carry out one thing somebody asked for.
type Section struct {
	Field  string // place in config.json, e.g. mounts[4]
	Detail string // e.g. a mount's destination
	Title  string // in plain words, e.g. "bind /srv/x read-only"
}

// Plan is a program under construction; the zero value is not usable, see New.
type Plan struct {
	Steps    []Step
	Sections []Section
	args     []Arg // of all steps
	data     []byte
	labels   []int32 // label -> step index, -1 while unplaced
	strings  map[string]uint32
	failAt   Label
}

// New returns an empty plan.
func New() *Plan {
	return &Plan{
		Steps:    make([]Step, 0, 512),
		args:     make([]Arg, 0, 1600),
		Sections: make([]Section, 0, 64),
		data:     make([]byte, headerSize, 6144),
		labels:   make([]int32, 1, 96),
		strings:  make(map[string]uint32, 64),
	}
}

// Section starts a new section; the steps that follow belong to it.
func (p *Plan) Section(field, detail, title string) {
	p.Sections = append(p.Sections, Section{field, detail, title})
}

// NewLabel returns a label that is placed later.
func (p *Plan) NewLabel() Label {
	p.labels = append(p.labels, -1)
	return Label(len(p.labels) - 1)
}

// Place puts l before the next step.
func (p *Plan) Place(l Label) { p.labels[l] = int32(len(p.Steps)) }

// Here returns a new label placed before the next step.
func (p *Plan) Here() Label {
	l := p.NewLabel()
	p.Place(l)
	return l
}

// OnFail makes l the handler of every error that a step has no rule for.
func (p *Plan) OnFail(l Label) { p.failAt = l }

// Sys appends a system call. The returned step may be refined by its methods until the next
// call of Sys.
func (p *Plan) Sys(nr int, name string, args ...Arg) *Step {
	n := len(p.args)
	p.args = append(p.args, args...)
	p.Steps = append(p.Steps, Step{Nr: nr, Name: name, Args: p.args[n:len(p.args):len(p.args)], Section: len(p.Sections) - 1})
	return &p.Steps[len(p.Steps)-1]
}

// Move appends a step that sets dst to a.
func (p *Plan) Move(dst Reg, a Arg) *Step { return p.Sys(Move, "set", a).To(dst) }

// Goto appends an unconditional jump.
func (p *Plan) Goto(l Label) *Step { return p.Sys(Move, "goto", Int(0)).IfZero(l) }

// To writes the result to r.
func (s *Step) To(r Reg) *Step { s.dst, s.dstTxt = r.addr, r.name; return s }

// ToAddr writes the 8-byte result to an address in the data, for example into a struct that a
// later step passes to the kernel.
func (s *Step) ToAddr(addr uint32, name string) *Step { s.dst, s.dstTxt = addr, name; return s }

// IfZero goes to l when the result is 0.
func (s *Step) IfZero(l Label) *Step { s.ifZero = l; return s }

// On goes to l on one of at most four errors; the order of calls does not matter, the last wins.
func (s *Step) On(l Label, errnos ...syscall.Errno) *Step {
	s.on = [4]uint16{}
	for i, e := range errnos {
		s.on[i] = uint16(e)
	}
	s.onGoto = l
	return s
}

// Fail goes to l on an error that On does not list.
func (s *Step) Fail(l Label) *Step { s.fail = l; return s }

// Ignore goes on with the next step on one of the given errors.
func (p *Plan) Ignore(s *Step, errnos ...syscall.Errno) {
	s.On(p.Here(), errnos...)
}

// Int is a plain number. It must fit 32 bits, sign-extended.
func Int(v int64) Arg { return Arg{val: v} }

// Flag is a number printed as text.
func Flag(v int64, text string) Arg { return Arg{val: v, text: text} }

// Val is the value of a register at the time the step runs.
func (r Reg) Val() Arg { return Arg{val: int64(r.addr), load: true, text: r.name} }

// Ptr is the address of the register, for a call that writes to it.
func (r Reg) Ptr() Arg { return Arg{val: int64(r.addr), text: "&" + r.name} }

// Ptr is an address in the data, printed as text.
func Ptr(addr uint32, text string) Arg { return Arg{val: int64(addr), text: text} }

// Load is the 8-byte value found at addr when the step runs.
func Load(addr uint32, text string) Arg { return Arg{val: int64(addr), load: true, text: text} }
