// What is read of /proc/PID/stat.

package state

import (
	"os"
	"testing"
)

func TestParseStat(t *testing.T) {
	const rest = " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 "
	for name, c := range map[string]struct {
		text string
		want ProcStat
	}{
		"plain":                   {"7 (sleep) S 42" + rest + "12345 99 98\n", ProcStat{'S', 42, 12345}},
		"a name with parentheses": {"7 (a) R 1 (b) Z 42" + rest + "12345 99\n", ProcStat{'Z', 42, 12345}},
		"cut off":                 {"7 (sleep) S 42" + rest, ProcStat{}},
		"no name":                 {"7 sleep", ProcStat{}},
		"empty":                   {"", ProcStat{}},
	} {
		if got := parseStat([]byte(c.text)); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestReadProc(t *testing.T) {
	st, err := ReadProc(os.Getpid())
	if err != nil || st.Ppid != os.Getppid() || st.Start == 0 || !Alive(os.Getpid(), st.Start) {
		t.Errorf("ourselves: %+v, %v", st, err)
	}
	if Alive(os.Getpid(), st.Start+1) || Alive(0, 0) {
		t.Error("a reused pid, and pid 0, count as alive")
	}
	if n := testing.AllocsPerRun(20, func() { _, _ = ReadProc(os.Getpid()) }); n > 4 {
		t.Errorf("%v allocations a process: list reads one for every container", n)
	}
}
