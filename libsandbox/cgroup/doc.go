// Package cgroup is everything a container has to do with control groups: where its cgroup is,
// making and removing it, putting processes into it, its limits, statistics and events. It works
// on cgroup v1, on v2 and on the hybrid of the two, with the cgroup file system directly or
// through systemd.
//
// A Manager belongs to one container. Its life:
//
//	m, err := cgroup.New(options)   // finds out where the cgroup will be; touches nothing
//	journal(m.Plan())               // so that a later process can clean up whatever happens next
//	err = m.Create()                // mkdir
//	fd, ok := m.FD()                // v2: for CLONE_INTO_CGROUP; otherwise
//	err = m.Join(pid)               // ... before the process runs anything of the container
//	err = m.Apply()                 // the limits, memory last
//	...
//	m = cgroup.FromRecord(record)   // another process: kill, update, statistics, delete
//	err = m.Kill(unix.SIGKILL)
//	err = m.Delete(ctx)
//
// # Why this is not a wrapper of github.com/opencontainers/cgroups
//
// That library is the reference for what a runtime writes where, and the tests of this package
// hold the two against each other. It is not linked into the runtime. Its packages, fs alone
// included, pull in D-Bus, net, encoding/xml and an eBPF assembler, whose initialisation costs
// every start of the program 0.26 ms (fs) to 0.39 ms (with devices), used or not; Go cannot
// initialise a package lazily. That is more than it takes here to attach a process to ten v1
// hierarchies. Its create path also parses mountinfo, resolves every hierarchy by path
// several times, retries with sleeps, and its errors do not know the field of config.json.
package cgroup
