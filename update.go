// update: change a container's limits. The flags are runc's.

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/urfave/cli/v2"
)

func updateCommand() *cli.Command {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "resources", Aliases: []string{"r"},
			Usage: "read linux.resources in JSON from this `FILE`, or - for stdin; other flags are ignored then"},
	}
	for _, f := range [...][2]string{
		{"blkio-weight", "weight of block device access, 10 to 1000"},
		{"cpu-period", "CFS period in microseconds"},
		{"cpu-quota", "CFS quota in microseconds per period, -1 for none"},
		{"cpu-burst", "CFS burst in microseconds"},
		{"cpu-share", "CPU shares"},
		{"cpu-rt-period", "realtime period in microseconds"},
		{"cpu-rt-runtime", "realtime budget in microseconds per period"},
		{"cpuset-cpus", "CPUs to use, such as 0-3,7"},
		{"cpuset-mems", "memory nodes to use"},
		{"cpu-idle", "1 for SCHED_IDLE, 0 for normal"},
		{"memory", "memory limit, such as 64M; -1 for none"},
		{"memory-reservation", "memory the container should keep under pressure"},
		{"memory-swap", "limit of memory and swap together, -1 for none"},
		{"kernel-memory", "ignored: Linux has no such limit any more"},
		{"kernel-memory-tcp", "ignored: Linux has no such limit any more"},
		{"pids-limit", "largest number of processes, -1 for no limit"},
		{"l3-cache-schema", "Intel RDT: not supported"},
		{"mem-bw-schema", "Intel RDT: not supported"},
	} {
		flags = append(flags, &cli.StringFlag{Name: f[0], Usage: f[1]})
	}
	return &cli.Command{
		Name: "update", Usage: "change the limits of a container", ArgsUsage: "CONTAINER",
		Flags: flags,
		Action: func(c *cli.Context) error {
			id, err := oneID(c)
			if err != nil {
				return err
			}
			r, err := updateResources(c)
			if err != nil {
				return err
			}
			return newRuntime(c).Update(id, r)
		},
	}
}

func updateResources(c *cli.Context) (*specs.LinuxResources, error) {
	if in := c.String("resources"); in != "" {
		return readResources(c, in)
	}
	if c.String("l3-cache-schema") != "" || c.String("mem-bw-schema") != "" {
		//lint:ignore ST1005 a name, and the words of runc
		return nil, errors.New("Intel RDT/CAT: l3 cache schema is not enabled")
	}
	r := &specs.LinuxResources{
		CPU:    &specs.LinuxCPU{Cpus: c.String("cpuset-cpus"), Mems: c.String("cpuset-mems")},
		Memory: &specs.LinuxMemory{}, Pids: &specs.LinuxPids{}, BlockIO: &specs.LinuxBlockIO{},
	}
	for name, to := range map[string]**uint64{
		"cpu-period": &r.CPU.Period, "cpu-burst": &r.CPU.Burst, "cpu-share": &r.CPU.Shares, "cpu-rt-period": &r.CPU.RealtimePeriod,
	} {
		if err := parseFlag(c, name, to, func(s string) (uint64, error) { return strconv.ParseUint(s, 10, 64) }); err != nil {
			return nil, err
		}
	}
	for name, to := range map[string]**int64{
		"cpu-quota": &r.CPU.Quota, "cpu-rt-runtime": &r.CPU.RealtimeRuntime, "cpu-idle": &r.CPU.Idle, "pids-limit": &r.Pids.Limit,
	} {
		if err := parseFlag(c, name, to, func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }); err != nil {
			return nil, err
		}
	}
	for name, to := range map[string]**int64{
		"memory": &r.Memory.Limit, "memory-swap": &r.Memory.Swap, "memory-reservation": &r.Memory.Reservation,
	} {
		if err := parseFlag(c, name, to, parseBytes); err != nil {
			return nil, err
		}
	}
	return r, parseFlag(c, "blkio-weight", &r.BlockIO.Weight, func(s string) (uint16, error) {
		v, err := strconv.ParseUint(s, 10, 16)
		return uint16(v), err
	})
}

// parseFlag stores the value of a flag that was given and is not empty.
func parseFlag[T any](c *cli.Context, name string, to **T, parse func(string) (T, error)) error {
	s := c.String(name)
	if s == "" {
		return nil
	}
	v, err := parse(s)
	if err != nil {
		return usage(fmt.Errorf("invalid value for %s: %w", name, err))
	}
	*to = &v
	return nil
}

func readResources(c *cli.Context, file string) (*specs.LinuxResources, error) {
	in := io.Reader(os.Stdin)
	if file == "-" && c.App.Reader != nil {
		in = c.App.Reader
	}
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	r := &specs.LinuxResources{}
	if err := json.NewDecoder(in).Decode(r); err != nil {
		return nil, fmt.Errorf("--resources %s: %w", file, err)
	}
	return r, nil
}

// parseBytes reads a size: a number with an optional unit of powers of 1024, k, m, g, t or p, with or
// without "b" or "ib" after it; -1 is no limit.
func parseBytes(s string) (int64, error) {
	if s == "-1" {
		return -1, nil
	}
	num := strings.ToLower(s)
	num = strings.TrimSuffix(num, "b")
	num = strings.TrimSuffix(num, "i")
	num = strings.TrimSpace(num)
	unit := 1.0
	if n := len(num); n > 0 {
		if i := strings.IndexByte("kmgtp", num[n-1]); i >= 0 {
			unit = math.Pow(1024, float64(i+1))
			num = strings.TrimSpace(num[:n-1])
		}
	}
	v, err := strconv.ParseFloat(num, 64)
	if err != nil || v < 0 || v*unit >= 1<<63 || math.IsNaN(v) {
		return 0, fmt.Errorf("invalid size: %q", s)
	}
	return int64(v * unit), nil
}
