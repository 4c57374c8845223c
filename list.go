// list: the containers of a root.

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/moby/sys/user"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
	"github.com/urfave/cli/v2"
)

func listCommand() *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "list the containers",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "table", Usage: "table or json"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print only the ids"},
		},
		Action: list,
	}
}

func list(c *cli.Context) error {
	if c.NArg() != 0 {
		return usage(fmt.Errorf("list: takes no argument"))
	}
	if c.Bool("quiet") {
		ids, err := newRuntime(c).IDs()
		if err != nil || len(ids) == 0 {
			return err
		}
		_, err = fmt.Fprintln(c.App.Writer, strings.Join(ids, "\n"))
		return err
	}
	format := c.String("format")
	look := outline
	switch format {
	case "json":
		look = describe
	case "table":
	default:
		return usage(fmt.Errorf("--format: unknown %q: want table or json", format))
	}
	docs, err := listDocs(newRuntime(c), look)
	if err != nil {
		return err
	}
	if format == "json" {
		return json.NewEncoder(c.App.Writer).Encode(docs)
	}
	return table(c.App.Writer, docs)
}

// listDocs looks at one container after the other, where there are many on all processors, and keeps of
// each what is printed. One that cannot be read does not hide the others.
func listDocs(rt *libsandbox.Runtime, look func(*libsandbox.Container, owners) (*stateDoc, error)) ([]*stateDoc, error) {
	ids, err := rt.IDs()
	if err != nil {
		return nil, err
	}
	docs, errs := make([]*stateDoc, len(ids)), make([]error, len(ids))
	var next atomic.Int64
	work := func() {
		names := owners{}
		for i := int(next.Add(1)) - 1; i < len(ids); i = int(next.Add(1)) - 1 {
			var ctr *libsandbox.Container
			if ctr, errs[i] = rt.Load(ids[i]); errs[i] == nil {
				docs[i], errs[i] = look(ctr, names)
			}
		}
	}
	const few = 64 // not worth a thread
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0)-1, len(ids)/few) {
		others.Go(work)
	}
	work()
	others.Wait()
	list := make([]*stateDoc, 0, len(ids))
	for i, err := range errs {
		switch {
		case err == nil:
			list = append(list, docs[i])
		case !errors.Is(err, libsandbox.ErrNotExist): // it has been deleted since
			rt.Warn(fmt.Sprintf("container %s: %v", ids[i], err))
		}
	}
	return list, nil
}

// table prints docs as runc does. The buffer is there because a tabwriter writes each cell by itself.
func table(out io.Writer, docs []*stateDoc) error {
	b := bufio.NewWriterSize(out, 1<<15)
	w := tabwriter.NewWriter(b, 12, 1, 3, ' ', 0)
	fmt.Fprint(w, "ID\tPID\tSTATUS\tBUNDLE\tCREATED\tOWNER\n")
	for _, d := range docs {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\n", d.ID, d.Pid, d.Status, d.Bundle,
			d.Created.Format(time.RFC3339Nano), d.Owner)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return b.Flush()
}

// owners remembers the names of user ids: /etc/passwd is read once for each.
type owners map[string]string

// name is the user name of a number, or #number if it has none. It reads /etc/passwd itself: os/user
// would cost every command its initialisation.
func (o owners) name(uid string) string {
	if name, ok := o[uid]; ok {
		return name
	}
	name := "#" + uid
	if n, err := strconv.Atoi(uid); err == nil {
		if found, err := user.LookupUid(n); err == nil {
			name = found.Name
		}
	}
	o[uid] = name
	return name
}
