// Tests of encoding, linking and printing.

package plan

import (
	"bytes"
	"debug/elf"
	"strings"
	"syscall"
	"testing"
)

func sample() *Plan {
	p := New()
	r := p.Reg("result")
	l := p.NewLabel()
	p.Section("mounts[0]", "/proc", "mount proc")
	p.Sys(257, "openat", Int(-100), p.Str("/x"), Int(0)).To(r).On(l, syscall.ENOENT, syscall.ENOTDIR)
	p.Sys(3, "close", r.Val())
	p.Place(l)
	p.Sys(60, "exit", Int(0))
	p.OnFail(l)
	return p
}

func TestLinkIsAnELF(t *testing.T) {
	code := []byte{0x90, 0x90, 0x90}
	out, err := sample().Link(code)
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.NewFile(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	if f.Type != elf.ET_EXEC || len(f.Progs) != 3 {
		t.Fatalf("type %v with %d segments", f.Type, len(f.Progs))
	}
	text, data := f.Progs[0], f.Progs[1]
	if text.Flags != elf.PF_R|elf.PF_X || data.Flags != elf.PF_R|elf.PF_W {
		t.Errorf("flags %v and %v: nothing may be writable and executable", text.Flags, data.Flags)
	}
	if f.Entry < text.Vaddr || f.Entry+uint64(len(code)) > text.Vaddr+text.Memsz {
		t.Errorf("entry %#x outside of the text", f.Entry)
	}
	if stack := f.Progs[2]; stack.Type != elf.PT_GNU_STACK || stack.Flags&elf.PF_X != 0 {
		t.Errorf("stack segment %v %v", stack.Type, stack.Flags)
	}
}

func TestStepAddresses(t *testing.T) {
	p := sample()
	for _, codeLen := range []int{1, 8, 253} {
		for i := range p.Steps {
			if got := p.StepAt(p.AddrOf(i, codeLen), codeLen); got != i {
				t.Errorf("code of %d bytes: step %d found as %d", codeLen, i, got)
			}
		}
		for _, bad := range []uint64{0, p.AddrOf(0, codeLen) + 1, p.AddrOf(len(p.Steps), codeLen)} {
			if got := p.StepAt(bad, codeLen); got != -1 {
				t.Errorf("address %#x taken for step %d", bad, got)
			}
		}
	}
}

func TestLinkRefuses(t *testing.T) {
	p := New()
	p.Sys(1, "write", Int(1<<40))
	if _, err := p.Link(nil); err == nil || !strings.Contains(err.Error(), "does not fit") {
		t.Errorf("an argument of 41 bits: %v", err)
	}
	p = New()
	p.Goto(p.NewLabel())
	if _, err := p.Link(nil); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a jump to a label that was never placed: %v", err)
	}
}

func TestFormat(t *testing.T) {
	p := sample()
	want := []string{
		`openat(-100, "/x", 0) = result; ENOENT or ENOTDIR: go on at 3`,
		`close(result)`,
		`exit(0)`,
	}
	for i, w := range want {
		if got := p.Format(i); got != w {
			t.Errorf("step %d: %s, want %s", i, got, w)
		}
	}
	var b strings.Builder
	if err := p.Print(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "# mount proc    [mounts[0] /proc]") {
		t.Errorf("no heading in:\n%s", b.String())
	}
}

func TestStringsAreSharedAndTerminated(t *testing.T) {
	p := New()
	a, b := p.CStr("one"), p.CStr("one")
	if a != b {
		t.Error("the same string is stored twice")
	}
	off := a - DataBase
	if string(p.data[off:off+4]) != "one\x00" {
		t.Errorf("stored %q", p.data[off:off+4])
	}
}
