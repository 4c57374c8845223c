// Is the process that state.json names still that process?

package state

import (
	"bytes"
	"strconv"
)

// ProcStat is what is read of /proc/PID/stat (proc(5)).
type ProcStat struct {
	State byte // R, S, D, Z, ...
	Ppid  int
	Start uint64 // clock ticks after boot
}

// ReadProc reads a process's stat; the error is fs.ErrNotExist if there is no such process.
func ReadProc(pid int) (ProcStat, error) {
	data, err := readFile("/proc/"+strconv.Itoa(pid)+"/stat", 512)
	if err != nil {
		return ProcStat{}, err
	}
	return parseStat(data), nil
}

// parseStat takes fields 3, 4 and 22. The command name in parentheses may hold anything.
func parseStat(data []byte) (st ProcStat) {
	i := bytes.LastIndexByte(data, ')')
	if i < 0 {
		return st
	}
	n := 2
	for f := range bytes.FieldsSeq(data[i+1:]) {
		n++
		switch n {
		case 3:
			st.State = f[0]
		case 4:
			st.Ppid, _ = strconv.Atoi(string(f))
		case 22:
			st.Start, _ = strconv.ParseUint(string(f), 10, 64)
			return st
		}
	}
	return ProcStat{} // it ended before the start time
}

// Alive says whether process pid that started at start still runs; a zombie does not.
func Alive(pid int, start uint64) bool {
	if pid <= 0 {
		return false
	}
	st, err := ReadProc(pid)
	return err == nil && st.Start == start && st.State != 'Z' && st.State != 'X'
}
