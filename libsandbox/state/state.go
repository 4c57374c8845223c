// Package state keeps what is known of a container between two calls of the runtime: a folder
// below the runtime's root with state.json, a copy of config.json, the start FIFOs and a lock.
//
// state.json is written before every side effect that it describes, so that whatever a killed
// runtime left behind can be found and removed.
package state

import (
	"time"
)

// Version of the format of state.json.
const Version = 1

// State is the content of state.json.
type State struct {
	Version    int
	ID         string
	OCIVersion string
	Bundle     string
	Rootfs     string
	Created    time.Time
	Owner      string // user name or number of who made it

	// Pid of the init, 0 until it exists; Start is its start time in clock ticks after boot
	// (proc(5), field 22 of stat), by which a reused pid is told apart.
	Pid   int
	Start uint64

	// Creator is the runtime process that is making the container, until Ready.
	Creator      int
	CreatorStart uint64
	// Ready says that create has finished.
	Ready bool

	Cgroup      map[string]string // opaque record of package cgroup
	Annotations map[string]string
	SharedPid   bool // the container has no PID namespace of its own
	NoProgram   bool // config.json has no process: the container cannot be started
	Hooks       bool // config.json has hooks that run after create
	Mounts      []string
	Tail        []Step // steps that run after start, to explain a failure there
}

// Step is what is known of a step of the plan: see stage.Decode.
type Step struct {
	Addr                             uint64
	Field, Detail, Op, Syscall, Args string
}
