// This file takes the errno out of package net's wrapping, whose text repeats the path.

package terminal

import (
	"errors"
	"syscall"
)

func errnoOf(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}
