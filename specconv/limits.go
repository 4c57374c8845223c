// How much of everything a configuration may hold. The limits are far above what any engine
// writes; they keep a hostile configuration from exhausting the runtime, and keep every count far
// from where an integer of the plan or of a kernel interface would wrap (CVE-2021-43784).

package specconv

const (
	// MaxConfigSize is the largest config.json read, in bytes. The kernel takes at most 6 MiB of
	// arguments and environment (execve(2)), which is the only large thing in one.
	MaxConfigSize = 16 << 20

	// MaxElements is the most entries of any array or object. Decode enforces it, so that a
	// file of commas cannot be blown up to gigabytes of structs; Check knows narrower limits.
	MaxElements = 1 << 16

	maxMounts       = 8192
	maxMountOptions = 1024
	// user_namespaces(7): at most 340 lines since Linux 4.15.
	maxMappings = 340
	// execve(2): no single string of 128 KiB (MAX_ARG_STRLEN, its end included) or more, and at
	// most 6 MiB of them, whatever the stack limit is.
	maxStringSize  = 128<<10 - 1
	maxArgEnvBytes = 6 << 20
	maxArgs        = 1 << 16
	maxEnv         = 1 << 16
	// setgroups(2): NGROUPS_MAX.
	maxGroups      = 65536
	maxHooks       = 512 // of each kind
	maxDevices     = 4096
	maxNetDevices  = 1024
	maxRules       = 8192 // in linux.resources: devices, priorities, throttles
	maxPaths       = 4096 // masked or read-only ones
	maxSysctls     = 4096
	maxAnnotations = 16384
	maxSyscalls    = 8192  // seccomp rules
	maxNames       = 4096  // in one seccomp rule
	maxArgRules    = 64    // in one seccomp rule
	maxSchemata    = 1024  // lines for resctrl
	maxUnified     = 1024  // cgroup v2 files
	maxPathSize    = 4095  // PATH_MAX without its end
	maxValueSize   = 65536 // one sysctl, cgroup file, label: a page or less in the kernel
	// utsname(7): __NEW_UTS_LEN.
	maxHostname = 64
)
