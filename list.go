// list: the containers of a root.

package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/moby/sys/user"
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
	all, err := newRuntime(c).List()
	if err != nil {
		return err
	}
	docs := make([]*stateDoc, 0, len(all))
	for _, ctr := range all {
		doc, err := describe(ctr)
		if err != nil {
			return err
		}
		docs = append(docs, doc)
	}
	switch f := c.String("format"); f {
	case "json":
		return json.NewEncoder(c.App.Writer).Encode(docs)
	case "table":
		w := tabwriter.NewWriter(c.App.Writer, 12, 1, 3, ' ', 0)
		fmt.Fprint(w, "ID\tPID\tSTATUS\tBUNDLE\tCREATED\tOWNER\n")
		for _, d := range docs {
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\n", d.ID, d.Pid, d.Status, d.Bundle,
				d.Created.Format(time.RFC3339Nano), d.Owner)
		}
		return w.Flush()
	default:
		return usage(fmt.Errorf("--format: unknown %q: want table or json", f))
	}
}

// ownerName is the user name of a number, or #number if it has none. It reads /etc/passwd
// itself: os/user would cost every command its initialisation.
func ownerName(uid string) string {
	u, err := strconv.Atoi(uid)
	if err == nil {
		if found, err := user.LookupUid(u); err == nil {
			return found.Name
		}
	}
	return "#" + uid
}
