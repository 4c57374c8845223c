// Package hostcheck finds out what this host can do for containers and sandboxes: what is there,
// what is missing, and what to do about it. It changes nothing; two of its questions are asked by
// trying (a user namespace in a child that ends at once, system calls with arguments that can't do
// anything).
package hostcheck

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Check is the answer to one question.
type Check struct {
	// Name is the question, in a word or three; it is unique in a Report and stays the same from
	// version to version.
	Name string `json:"name"`
	// OK: the host has it.
	OK bool `json:"ok"`
	// Required: without it nothing runs. Of the others, Need says what they are for.
	Required bool `json:"required"`
	// Value is what was found.
	Value string `json:"value"`
	// Need is what it is for, or what would be wanted.
	Need string `json:"need,omitempty"`
	// Remedy is what to do where it is not OK; empty where nothing is known to help.
	Remedy string `json:"remedy,omitempty"`
}

// Report is the answer to all of them.
type Report struct {
	// OK: everything required is there.
	OK bool `json:"ok"`
	// Rootless: the calling user is not root, and the answers are for him.
	Rootless bool    `json:"rootless"`
	Checks   []Check `json:"checks"`
}

// Run asks everything. It takes some milliseconds.
func Run() Report { return thisHost().run() }

func (h *host) run() Report {
	r := Report{OK: true, Rootless: h.euid != 0}
	for _, ask := range []func() []Check{h.kernel, h.syscalls, h.namespaces, h.userNamespaces, h.cgroups,
		h.security, h.mounts, h.idmaps, h.extras} {
		r.Checks = append(r.Checks, ask()...)
	}
	for i := range r.Checks {
		c := &r.Checks[i]
		if c.OK {
			c.Remedy = ""
		} else if c.Required {
			r.OK = false
		}
	}
	return r
}

// JSON writes the report as one indented JSON object.
func (r Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// Text writes the report for a person: a line for each check, marked "ok", "no" or, where
// nothing runs without it, "FAIL"; below it what it is for and what to do; and a conclusion.
func (r Report) Text(w io.Writer) error {
	var b strings.Builder
	for _, c := range r.Checks {
		mark := "ok"
		switch {
		case !c.OK && c.Required:
			mark = "FAIL"
		case !c.OK:
			mark = "no"
		}
		fmt.Fprintf(&b, "%-5s %-24s %s\n", mark, c.Name, c.Value)
		if !c.OK && c.Need != "" {
			fmt.Fprintf(&b, "      %-24s needed for: %s\n", "", c.Need)
		}
		if c.Remedy != "" {
			fmt.Fprintf(&b, "      %-24s to do: %s\n", "", c.Remedy)
		}
	}
	who := "as root"
	if r.Rootless {
		who = "without root"
	}
	if r.OK {
		fmt.Fprintf(&b, "\ncontainers can run here %s\n", who)
	} else {
		fmt.Fprintf(&b, "\ncontainers can't run here %s: see FAIL above\n", who)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// path gives the place of a system file; tests put a folder in front.
func (h *host) path(p string) string { return filepath.Join(h.root, p) }

// read gives a small file without surrounding space, "" if there is none.
func (h *host) read(p string) string {
	b, _ := os.ReadFile(h.path(p))
	return strings.TrimSpace(string(b))
}

func (h *host) exists(p string) bool {
	_, err := os.Lstat(h.path(p))
	return err == nil
}
