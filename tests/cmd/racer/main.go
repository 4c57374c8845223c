// Command racer exchanges two names as fast as it can, as an attacker in a shared volume does.
//
// usage: racer [--ready FILE] A B
//
// It ends when it is killed, or when its parent has died. FILE appears when it has begun.
package main

import (
	"flag"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

func main() {
	ready := flag.String("ready", "", "make this file after the first exchange")
	flag.Parse()
	if flag.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "usage: racer [--ready FILE] A B")
		os.Exit(2)
	}
	_ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
	a, b := flag.Arg(0), flag.Arg(1)
	for n := 0; ; n++ {
		if err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE); err != nil {
			fmt.Fprintln(os.Stderr, "racer:", err)
			os.Exit(1)
		}
		if n == 0 && *ready != "" {
			if err := os.WriteFile(*ready, nil, 0o644); err != nil {
				fmt.Fprintln(os.Stderr, "racer:", err)
				os.Exit(1)
			}
		}
	}
}
