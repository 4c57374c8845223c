// Command measure runs commands in turns, as an ordinary user, and prints how long each took.
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
	took := make([][]time.Duration, len(lines))
	for r := range *rounds + 3 {
		for i, line := range lines {
			d, err := once(line, *uid)
			if err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n", names[i], err)
				os.Exit(1)
			}
			if r >= 3 { // the first ones warm up caches
				took[i] = append(took[i], d)
			}
		}
	}
	fmt.Printf("%-18s %8s %8s %8s   (ms, %d rounds)\n", "", "min", "median", "p90", *rounds)
	for i, t := range took {
		slices.Sort(t)
		ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
		fmt.Printf("%-18s %8.2f %8.2f %8.2f\n", names[i], ms(t[0]), ms(t[len(t)/2]), ms(t[len(t)*9/10]))
	}
}

// once runs a command and gives back the time from before the fork to after the wait.
func once(line []string, uid int) (time.Duration, error) {
	path, err := find(line[0])
	if err != nil {
		return 0, err
	}
	attr := &os.ProcAttr{Files: []*os.File{nil, nil, os.Stderr}}
	if os.Geteuid() == 0 && uid != 0 {
		attr.Sys = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	attr.Files[0], attr.Files[1] = null, null
	begin := time.Now()
	p, err := os.StartProcess(path, line, attr)
	if err != nil {
		return 0, err
	}
	state, err := p.Wait()
	d := time.Since(begin)
	if err == nil && !state.Success() {
		err = fmt.Errorf("%v", state)
	}
	return d, err
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
