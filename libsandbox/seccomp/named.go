// The built-in profiles: six lists of system calls, each containing the one before it.

package seccomp

import (
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// Names lists the built-in profiles, from the narrowest to the widest. Whatever one of them
// allows, all later ones allow too.
func Names() []string {
	return []string{"essential", "minimal", "io-heavy", "compute", "network", "unrestricted"}
}

// About says in one line what a built-in profile is for.
func About(name string) string {
	switch name {
	case "essential":
		return "one program that reads, writes and ends: no children, no changes to files' names or modes"
	case "minimal":
		return "and children, pipes, directories, signals: shells and simple tools"
	case "io-heavy":
		return "and everything about files: create, rename, remove, chmod, locks, events, asynchronous I/O"
	case "compute":
		return "and threads' scheduling, memory policy, timers, System V and POSIX IPC"
	case "network":
		return "and sockets of the families unix, inet, inet6 and netlink"
	case "unrestricted":
		return "all calls but those that change the running kernel"
	}
	return ""
}

// Named gives a built-in profile, made for the running architecture and its 32-bit companion.
// The profiles up to network answer EPERM to what they do not list, refuse to make namespaces
// (the flags of clone), and answer ENOSYS to clone3, whose flags a filter cannot see, so that
// libraries fall back to clone. Names that an architecture does not have are skipped.
// The result may be changed by the caller. An unknown name is an error that lists the names.
func Named(name string) (*specs.LinuxSeccomp, error) { return namedFor(name, NativeArch()) }

func namedFor(name string, arch specs.Arch) (*specs.LinuxSeccomp, error) {
	p := &specs.LinuxSeccomp{Architectures: companions(arch)}
	if name == "unrestricted" {
		p.DefaultAction = specs.ActAllow
		p.Syscalls = []specs.LinuxSyscall{{Names: strings.Fields(kernelCalls), Action: specs.ActErrno}}
		return p, nil
	}
	p.DefaultAction = specs.ActErrno
	for i, n := range Names() {
		if n == "unrestricted" {
			break
		}
		p.Syscalls = append(p.Syscalls, level(i, arch)...)
		if n == name {
			return p, nil
		}
	}
	return nil, errdetail.New("", "there is no seccomp profile %q: want one of %s", name, strings.Join(Names(), ", "))
}

// companions are the 32-bit ABIs that a 64-bit machine usually runs as well.
func companions(a specs.Arch) []specs.Arch {
	switch a {
	case specs.ArchX86_64:
		return []specs.Arch{a, specs.ArchX86}
	case specs.ArchAARCH64:
		return []specs.Arch{a, specs.ArchARM}
	case specs.ArchS390X:
		return []specs.Arch{a, specs.ArchS390}
	case specs.ArchMIPS64:
		return []specs.Arch{a, specs.ArchMIPS, specs.ArchMIPS64N32}
	case specs.ArchMIPSEL64:
		return []specs.Arch{a, specs.ArchMIPSEL, specs.ArchMIPSEL64N32}
	case "":
		return nil
	}
	return []specs.Arch{a}
}

// level is what a profile adds to the one before it.
func level(i int, arch specs.Arch) []specs.LinuxSyscall {
	calls := [...]string{essentialCalls, minimalCalls, ioCalls, computeCalls, networkCalls}
	list := []specs.LinuxSyscall{{Names: strings.Fields(calls[i]), Action: specs.ActAllow}}
	switch Names()[i] {
	case "minimal":
		flags := uint(0)
		if arch == specs.ArchS390X || arch == specs.ArchS390 {
			flags = 1 // clone's first two arguments are swapped there (clone(2))
		}
		enosys := uint(unix.ENOSYS)
		list = append(list,
			specs.LinuxSyscall{Names: []string{"clone"}, Action: specs.ActAllow,
				Args: []specs.LinuxSeccompArg{{Index: flags, Op: specs.OpMaskedEqual, Value: namespaceFlags, ValueTwo: 0}}},
			specs.LinuxSyscall{Names: []string{"clone3"}, Action: specs.ActErrno, ErrnoRet: &enosys})
	case "network":
		for _, family := range []uint64{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK} {
			list = append(list, specs.LinuxSyscall{Names: []string{"socket"}, Action: specs.ActAllow,
				Args: []specs.LinuxSeccompArg{{Index: 0, Op: specs.OpEqualTo, Value: family}}})
		}
	}
	return list
}

const namespaceFlags = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

// essentialCalls are what a C library needs to start a program, and a program to read, write
// and end.
const essentialCalls = `
	execve execveat exit exit_group restart_syscall
	brk mmap mmap2 munmap mprotect mremap madvise
	read write readv writev pread64 pwrite64 lseek _llseek close
	open openat access faccessat faccessat2 readlink readlinkat
	stat stat64 fstat fstat64 lstat lstat64 newfstatat fstatat64 statx
	ioctl fcntl fcntl64 dup dup2 dup3
	arch_prctl set_thread_area get_thread_area set_tls get_tls set_tid_address set_robust_list rseq
	cacheflush breakpoint riscv_flush_icache riscv_hwprobe
	getrandom uname prlimit64 getrlimit ugetrlimit
	getpid gettid getppid getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32
	rt_sigaction rt_sigprocmask rt_sigreturn sigaction sigprocmask sigreturn signal sigaltstack tgkill
	futex futex_time64
	clock_gettime clock_gettime64 clock_getres clock_getres_time64 gettimeofday time`

// minimalCalls are children, pipes, directories, waiting. clone has a rule of its own.
const minimalCalls = `
	fork vfork wait4 waitid waitpid kill tkill pause
	pipe pipe2 poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64
	getcwd chdir fchdir getdents getdents64 umask
	getpgid getpgrp setpgid getsid setsid
	getgroups getgroups32 getresuid getresuid32 getresgid getresgid32
	rt_sigpending rt_sigqueueinfo rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo
	sigpending sigsuspend get_robust_list
	nanosleep clock_nanosleep clock_nanosleep_time64 alarm
	getrusage times sysinfo sched_yield sched_getaffinity getcpu prctl close_range`

// ioCalls are files in all their aspects.
const ioCalls = `
	creat openat2 mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2
	link linkat symlink symlinkat mknod mknodat
	chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 fchownat lchown lchown32
	truncate truncate64 ftruncate ftruncate64 fallocate
	utime utimes futimesat utimensat utimensat_time64
	statfs statfs64 fstatfs fstatfs64
	getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr
	setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr
	getxattrat listxattrat setxattrat removexattrat
	sync syncfs fsync fdatasync sync_file_range sync_file_range2 arm_sync_file_range msync
	fadvise64 fadvise64_64 arm_fadvise64_64 readahead flock cachestat
	preadv pwritev preadv2 pwritev2
	sendfile sendfile64 splice tee vmsplice copy_file_range
	epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2
	eventfd eventfd2 signalfd signalfd4
	inotify_init inotify_init1 inotify_add_watch inotify_rm_watch
	io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64
	memfd_create landlock_create_ruleset landlock_add_rule landlock_restrict_self`

// computeCalls are scheduling, memory, timers and IPC.
const computeCalls = `
	mlock mlock2 mlockall munlock munlockall mincore remap_file_pages membarrier mseal map_shadow_stack
	pkey_alloc pkey_free pkey_mprotect
	mbind get_mempolicy set_mempolicy set_mempolicy_home_node
	sched_setaffinity sched_getparam sched_setparam sched_getscheduler sched_setscheduler
	sched_getattr sched_setattr sched_get_priority_max sched_get_priority_min
	sched_rr_get_interval sched_rr_get_interval_time64
	getpriority setpriority nice ioprio_get ioprio_set setrlimit capget
	getitimer setitimer timer_create timer_delete timer_getoverrun
	timer_gettime timer_gettime64 timer_settime timer_settime64
	timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64
	futex_wait futex_wake futex_waitv futex_requeue
	shmget shmat shmdt shmctl semget semop semctl semtimedop semtimedop_time64
	msgget msgsnd msgrcv msgctl ipc
	mq_open mq_unlink mq_timedsend mq_timedsend_time64 mq_timedreceive mq_timedreceive_time64
	mq_notify mq_getsetattr
	pidfd_open pidfd_send_signal memfd_secret setgroups setgroups32 setuid setuid32 setgid setgid32
	setreuid setreuid32 setregid setregid32 setresuid setresuid32 setresgid setresgid32
	setfsuid setfsuid32 setfsgid setfsgid32`

// networkCalls are sockets. socket has rules of its own; on architectures with socketcall they
// cannot see the family there.
const networkCalls = `
	socketpair bind listen accept accept4 connect shutdown getsockname getpeername
	getsockopt setsockopt send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64`

// kernelCalls change the running kernel or all of the machine: even unrestricted refuses them.
const kernelCalls = `
	kexec_load kexec_file_load init_module finit_module delete_module create_module
	reboot swapon swapoff acct quotactl quotactl_fd nfsservctl
	settimeofday clock_settime clock_settime64 stime adjtimex clock_adjtime clock_adjtime64
	ioperm iopl pciconfig_read pciconfig_write pciconfig_iobase
	bpf perf_event_open open_by_handle_at syslog vhangup uselib lookup_dcookie userfaultfd`
