// Command measure runs commands in turns, as an ordinary user, and prints as a table how long each
// took, what processor time it and its waited-for children used, and the ratio to the first one.
// The arguments are pairs: a name and a command line without quotes.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 200, "how often each command runs")
	uid := flag.Int("uid", 1000, "user and group to run as; only used by root")
	flag.Parse()
	if flag.NArg() == 0 || flag.NArg()%2 != 0 {
		fmt.Fprintln(os.Stderr, "usage: measure [-rounds N] [-uid N] NAME COMMAND [NAME COMMAND...]")
		os.Exit(2)
	}
	names, lines := []string{}, [][]string{}
	for i := 0; i < flag.NArg(); i += 2 {
		names, lines = append(names, flag.Arg(i)), append(lines, strings.Fields(flag.Arg(i+1)))
	}
	took, cpu, switches := make([][]time.Duration, len(lines)), make([][]time.Duration, len(lines)), make([][]int64, len(lines))
	for r := range *rounds + 3 {
		for i, line := range lines {
			d, state, err := once(line, *uid)
			if err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n", names[i], err)
				os.Exit(1)
			}
			if r >= 3 { // the first ones warm up caches
				took[i] = append(took[i], d)
				cpu[i] = append(cpu[i], state.UserTime()+state.SystemTime())
				u := state.SysUsage().(*syscall.Rusage)
				switches[i] = append(switches[i], u.Nvcsw+u.Nivcsw)
			}
		}
	}
	fmt.Printf("| | min, ms | median, ms | CPU time, median, ms | context switches, median | of %s, min / median |\n|---|---|---|---|---|---|\n", names[0])
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	for i := range took {
		slices.Sort(took[i])
		slices.Sort(cpu[i])
		slices.Sort(switches[i])
		n := len(took[i])
		fmt.Printf("| %s | %.2f | %.2f | %.2f | %d | %.2f / %.2f |\n", names[i], ms(took[i][0]), ms(took[i][n/2]), ms(cpu[i][n/2]),
			switches[i][n/2], ms(took[i][0])/ms(took[0][0]), ms(took[i][n/2])/ms(took[0][n/2]))
	}
}

// once runs a command and gives back the time from before the fork to after the wait.
func once(line []string, uid int) (time.Duration, *os.ProcessState, error) {
	path, err := find(line[0])
	if err != nil {
		return 0, nil, err
	}
	attr := &os.ProcAttr{Files: []*os.File{nil, nil, os.Stderr}}
	if os.Geteuid() == 0 && uid != 0 {
		attr.Sys = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, nil, err
	}
	defer null.Close()
	attr.Files[0], attr.Files[1] = null, null
	begin := time.Now()
	p, err := os.StartProcess(path, line, attr)
	if err != nil {
		return 0, nil, err
	}
	state, err := p.Wait()
	d := time.Since(begin)
	if err == nil && !state.Success() {
		err = fmt.Errorf("%v", state)
	}
	return d, state, err
}

func find(name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, dir := range strings.Split(os.Getenv("PATH"), ":") {
		if st, err := os.Stat(dir + "/" + name); err == nil && st.Mode()&0o111 != 0 {
			return dir + "/" + name, nil
		}
	}
	return "", fmt.Errorf("%s: not found", name)
}
