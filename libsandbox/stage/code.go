// Package stage starts a plan as a process: it holds the virtual machine's machine code, links
// it with the plan into an executable, puts that into a sealed memory file, and talks to it.
package stage

import (
	"bytes"
	"unsafe"
)

// stageAddr is the address of the machine code in this program's text.
func stageAddr() unsafe.Pointer

// marker ends the machine code (stage_*.s).
const marker = "stage-end\x0f\x0b\x00\xf4\xf4\xf4\xf4"

// maxCode bounds the search for the marker; the code is about a third of it.
const maxCode = 1024

// Code returns the stage's machine code for this architecture: position-independent, a few
// hundred bytes, entry point first. The slice must not be written to.
func Code() []byte {
	text := unsafe.Slice((*byte)(stageAddr()), maxCode)
	n := bytes.Index(text, []byte(marker))
	if n < 0 {
		panic("stage: end marker missing from the program's text")
	}
	return text[:n]
}
