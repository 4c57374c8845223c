// state: print a container's state as JSON.

package main

import (
	"encoding/json"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
	"github.com/urfave/cli/v2"
)

// stateDoc is what runc prints: the OCI state, and what engines read besides.
type stateDoc struct {
	Version     string            `json:"ociVersion"`
	ID          string            `json:"id"`
	Pid         int               `json:"pid"`
	Status      string            `json:"status"`
	Bundle      string            `json:"bundle"`
	Rootfs      string            `json:"rootfs"`
	Created     time.Time         `json:"created"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Owner       string            `json:"owner"`
	// Exit is not runc's: how the init of a stopped container ended, where that was recorded.
	Exit *endDoc `json:"exit,omitempty"`
}

func stateCommand() *cli.Command {
	return &cli.Command{
		Name:      "state",
		Usage:     "print the state of a container",
		ArgsUsage: "CONTAINER",
		Action:    action(stateOf),
	}
}

func stateOf(c *call) error {
	id, err := c.oneID()
	if err != nil {
		return err
	}
	ctr, err := c.runtime().Load(id)
	if err != nil {
		return err
	}
	doc, err := describe(ctr, owners{})
	if err != nil {
		return err
	}
	enc := json.NewEncoder(c.out)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

func describe(ctr *libsandbox.Container, o owners) (*stateDoc, error) {
	doc, err := outline(ctr, o)
	if err != nil || doc.Status != string(specs.StateStopped) {
		return doc, err
	}
	ended, err := ctr.Ended()
	if err != nil || ended == nil {
		return doc, err
	}
	doc.Exit = describeEnd("", ended)
	return doc, nil
}

// outline is describe without how the container ended.
func outline(ctr *libsandbox.Container, o owners) (*stateDoc, error) {
	s, err := ctr.State()
	if err != nil {
		return nil, err
	}
	return &stateDoc{
		Version: s.Version, ID: s.ID, Pid: s.Pid, Status: string(s.Status), Bundle: s.Bundle,
		Rootfs: ctr.Rootfs(), Created: ctr.CreatedAt(), Annotations: s.Annotations, Owner: o.name(ctr.Owner()),
	}, nil
}
