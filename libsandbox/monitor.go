// Live statistics of a sandbox.

package libsandbox

import (
	"context"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/cgroup"
)

// Stats is what a sandbox uses at one moment.
type Stats struct {
	At     time.Time     `json:"at"`
	Memory int64         `json:"memory"` // bytes
	CPU    time.Duration `json:"cpu_ns"` // so far, user and system
	Pids   int           `json:"pids"`
	// Cgroup holds everything that the cgroup knows, I/O and pressure included. It is nil for a
	// sandbox without one; the other fields are then sums over its processes.
	Cgroup *cgroup.Stats `json:"cgroup,omitempty"`
}

// Stats looks at the sandbox every interval and sends what it sees. A receiver that is slow gets
// the newest, not all. The channel is closed when the sandbox or ctx ends.
func (p *CmdProcess) Stats(ctx context.Context, interval time.Duration) <-chan Stats {
	c := make(chan Stats, 1)
	go func() {
		defer close(c)
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			s, ok := p.box.stats()
			if !ok {
				return
			}
			select { // make room for the newest
			case <-c:
			default:
			}
			c <- s // only this goroutine sends
			select {
			case <-tick.C:
			case <-p.box.over:
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	return c
}

func (b *box) stats() (Stats, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return Stats{}, false
	}
	s := Stats{At: time.Now()}
	if b.cg != nil {
		if st, err := b.cg.m.Stats(); err == nil {
			s.Cgroup = st
			s.Memory, s.CPU, s.Pids = int64(st.Memory.Usage.Usage), time.Duration(st.CPU.Usage.Total), int(st.Pids.Current)
			return s, true
		}
	}
	b.sum(b.proc.Pid, &s)
	return s, true
}

// sum adds a process and its descendants.
func (b *box) sum(pid int, s *Stats) {
	dir := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return
	}
	// The second field is the name, in parentheses, and may hold anything (proc(5)).
	text := string(stat)
	f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	const utime, stime, rss = 11, 12, 21
	if len(f) <= rss {
		return
	}
	ticks := func(i int) time.Duration {
		n, _ := strconv.ParseInt(f[i], 10, 64)
		return time.Duration(n) * (time.Second / 100) // USER_HZ is 100 on every architecture we know
	}
	pages, _ := strconv.ParseInt(f[rss], 10, 64)
	s.Memory += pages * int64(os.Getpagesize())
	s.CPU += ticks(utime) + ticks(stime)
	s.Pids++
	tasks, err := os.ReadDir(dir + "/task")
	if err != nil {
		return
	}
	for _, t := range tasks {
		children, err := os.ReadFile(dir + "/task/" + t.Name() + "/children")
		if err != nil {
			continue
		}
		for _, c := range strings.Fields(string(children)) {
			if n, err := strconv.Atoi(c); err == nil {
				b.sum(n, s)
			}
		}
	}
}
