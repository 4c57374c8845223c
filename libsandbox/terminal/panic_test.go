// What a panic leaves of the user's terminal.

package terminal

import "testing"

// A panic, in a goroutine of the relay's or in the caller, leaves the host's terminal as it was.
func TestRelayPanic(t *testing.T) {
	_, host := newPty(t)
	master, _ := newPty(t)
	before := termios(t, host)
	r, err := StartRelay(master, host, host)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Detach()
	if termios(t, host) == before {
		t.Fatal("the terminal is not raw")
	}
	func() {
		defer func() {
			if recover() != "of our own" {
				t.Error("the panic is lost")
			}
		}()
		defer r.onPanic()
		panic("of our own")
	}()
	if termios(t, host) != before {
		t.Error("the terminal is still raw")
	}
}
