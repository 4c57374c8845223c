package seccomp

import (
	"os"
	"testing"
)

// TestMain makes the test binary its own helper program.
func TestMain(m *testing.M) {
	switch os.Getenv("SECCOMP_TEST_CHILD") {
	case "lib":
		libChild()
	case "load":
		loadChild()
	default:
		os.Exit(m.Run())
	}
}
