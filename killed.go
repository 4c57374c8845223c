// What run and exec say about a program that its seccomp filter has ended: SIGSYS alone is a riddle.

package main

import (
	"errors"
	"fmt"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
)

// reportKilled names the system call that the program was ended for, where the kernel's log has it.
func reportKilled(c *call, e libsandbox.Exit) {
	if !e.Filtered {
		return
	}
	err := errors.New("linux.seccomp: the program was ended by SIGSYS; for which system call, the kernel's log does not say")
	if e.Call != "" {
		err = fmt.Errorf("linux.seccomp: the filter has ended the program for the system call %s", e.Call)
	}
	report(c.log, err)
}
