// wait: say how a container's init ended.

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

func waitCommand() *cli.Command {
	return &cli.Command{
		Name:      "wait",
		Usage:     "wait for a container's program to end, and exit as it did",
		ArgsUsage: "CONTAINER",
		Description: "Prints how the container's first process ended, and exits with its exit code, 128+N if signal N\n" +
			"ended it, or with 255 if that cannot be said. It works after the end too, until the container is\n" +
			"deleted, if the end was recorded: by run in the foreground (with --keep), or by the small keeper\n" +
			"process of run --detach --record-exit. For other containers it must be called before the end, and\n" +
			"the kernel must be 6.15 or newer; times and memory are not known then.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "text", Usage: "text or json"},
		},
		Action: func(c *cli.Context) error {
			ended, err := wait(c)
			if err != nil {
				fatalCode(from(c), err, waitFailed)
			}
			if ended.Code != 0 {
				return exitCode(ended.Code)
			}
			return nil
		},
	}
}

// waitFailed is the exit code when the program's own cannot be said, as for exec.
const waitFailed = 255

func wait(c *cli.Context) (*libsandbox.Ended, error) {
	id, err := oneID(c)
	if err != nil {
		return nil, err
	}
	format := c.String("format")
	if format != "text" && format != "json" {
		return nil, usage(fmt.Errorf("--format: unknown %q: want text or json", format))
	}
	ended, err := newRuntime(c).Wait(id)
	if err != nil {
		return nil, err
	}
	if format == "json" {
		return ended, json.NewEncoder(c.App.Writer).Encode(describeEnd(id, ended))
	}
	return ended, printEnd(c.App.Writer, ended)
}

func printEnd(w io.Writer, e *libsandbox.Ended) error {
	text := e.String()
	if e.Recorded {
		text += fmt.Sprintf("; user %v, system %v", time.Duration(e.Rusage.Utime.Nano()), time.Duration(e.Rusage.Stime.Nano()))
	}
	if e.PeakMemory > 0 {
		text += fmt.Sprintf(", at most %d KiB of memory", e.PeakMemory>>10)
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

// endDoc is the end of a container as JSON: of wait, and in the document of state. What is not
// known is left out.
type endDoc struct {
	ID         string     `json:"id,omitempty"`
	ExitCode   int        `json:"exitCode"` // 128+N for signal N
	Signal     string     `json:"signal,omitempty"`
	OOMKilled  *bool      `json:"oomKilled,omitempty"`
	Peak       int64      `json:"peakMemoryBytes,omitempty"` // of all processes, page cache included
	FinishedAt *time.Time `json:"finishedAt,omitempty"`
	User       *int64     `json:"userNs,omitempty"` // CPU time of the init and the children it has waited for
	System     *int64     `json:"systemNs,omitempty"`
	MaxRSS     *int64     `json:"maxRssBytes,omitempty"` // of the largest of these processes
	Faults     *int64     `json:"majorFaults,omitempty"`
	Read       *int64     `json:"blocksRead,omitempty"` // of 512 bytes
	Written    *int64     `json:"blocksWritten,omitempty"`
}

func describeEnd(id string, e *libsandbox.Ended) *endDoc {
	d := &endDoc{ID: id, ExitCode: e.Code}
	if e.Signal != 0 {
		d.Signal = unix.SignalName(e.Signal)
	}
	if e.OOMKnown {
		d.OOMKilled = &e.OOMKilled
	}
	d.Peak = e.PeakMemory
	if !e.Recorded {
		return d
	}
	value := func(n int64) *int64 { return &n }
	u := &e.Rusage
	d.FinishedAt = &e.At
	d.User, d.System = value(u.Utime.Nano()), value(u.Stime.Nano())
	d.MaxRSS = value(int64(u.Maxrss) << 10) // getrusage(2) counts KiB
	d.Faults, d.Read, d.Written = value(int64(u.Majflt)), value(int64(u.Inblock)), value(int64(u.Oublock))
	return d
}
