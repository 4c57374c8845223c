// The cgroups of this process.

package cgroup

// Own maps each v1 controller, and "" for v2, to the path of this process's cgroup below the
// hierarchy's mount point (/proc/self/cgroup, cgroups(7)).
func Own() (map[string]string, error) { return ownCgroups("/proc/self/cgroup") }
