//go:build amd64 || arm64

package early

// entry is in assembly: the ELF entry, which calls run and then Go's own entry.
func entry()

// The linker calls entry and assembly calls run, which the search for unused code does not see.
var _, _ = entry, run
