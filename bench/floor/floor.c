/*
 * The floor under any runtime's figures: what `runc spec` describes, with every decision taken when
 * this file was written. No config.json, no state, no checks beyond failing at the first error.
 *
 * usage: floor [--no-cgroups] ROOTFS PROGRAM
 *
 * Steps: cgroups made; clone; in the child mounts, devices, masks, pivot, identity, execve; in the
 * parent, beside it, the child attached to its cgroups; wait; cgroups removed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define CGROUPS "/sys/fs/cgroup"

static char *hierarchies[32], name[32], dev_null[] = "/dev/null";
static int count, to_child[2];

static void fail(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

#define MUST(call) do { if ((call) < 0) fail(#call); } while (0)

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail(path);
	close(fd);
}

/* v1 gives a new cpuset nothing; no process can be attached before it has processors and memory. */
static void inherit(const char *dir, const char *file)
{
	char path[400], value[256];
	int fd;
	ssize_t n;

	snprintf(path, sizeof path, CGROUPS "/cpuset/%s", file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (n = read(fd, value, sizeof value - 1)) < 0)
		fail(path);
	close(fd);
	value[n] = 0;
	snprintf(path, sizeof path, "%s/%s", dir, file);
	put(path, value);
}

static void devices(const char *dir)
{
	static const char *allow[] = { "c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm",
		"c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm", "c 5:2 rwm", "c 136:* rwm" };
	char path[400];

	snprintf(path, sizeof path, "%s/devices.deny", dir);
	put(path, "a");
	snprintf(path, sizeof path, "%s/devices.allow", dir);
	for (unsigned i = 0; i < sizeof allow / sizeof *allow; i++)
		put(path, allow[i]);
}

static void make_cgroups(void)
{
	char dir[320];
	struct dirent *e;
	DIR *d = opendir(CGROUPS);

	if (!d)
		fail(CGROUPS);
	snprintf(name, sizeof name, "floor-%d", getpid());
	while ((e = readdir(d)) && count < 32) {
		if (e->d_name[0] == '.' || e->d_type != DT_DIR)
			continue;
		hierarchies[count++] = strdup(e->d_name);
		snprintf(dir, sizeof dir, CGROUPS "/%s/%s", e->d_name, name);
		MUST(mkdir(dir, 0755));
		if (!strcmp(e->d_name, "cpuset")) {
			inherit(dir, "cpuset.cpus");
			inherit(dir, "cpuset.mems");
		} else if (!strcmp(e->d_name, "devices")) {
			devices(dir);
		}
	}
	closedir(d);
}

static void attach(pid_t pid)
{
	char path[400], text[16];

	snprintf(text, sizeof text, "%d", pid);
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof path, CGROUPS "/%s/%s/cgroup.procs", hierarchies[i], name);
		put(path, text);
	}
}

static void remove_cgroups(void)
{
	char path[400];

	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof path, CGROUPS "/%s/%s", hierarchies[i], name);
		MUST(rmdir(path));
	}
}

static void mount_cgroups(void)
{
	char from[400], to[400];
	const unsigned long flags = MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RELATIME;

	MUST(mount("tmpfs", "sys/fs/cgroup", "tmpfs", MS_NOSUID | MS_NOEXEC | MS_NODEV, "mode=755"));
	for (int i = 0; i < count; i++) {
		snprintf(from, sizeof from, CGROUPS "/%s/%s", hierarchies[i], name);
		snprintf(to, sizeof to, "sys/fs/cgroup/%s", hierarchies[i]);
		MUST(mkdir(to, 0755));
		MUST(mount(from, to, NULL, MS_BIND, NULL));
		MUST(mount(NULL, to, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NULL));
	}
	MUST(mount(NULL, "sys/fs/cgroup", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NULL));
}

static void mounts(const char *rootfs)
{
	MUST(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL));
	MUST(mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL));
	MUST(chdir(rootfs));
	MUST(mount("proc", "proc", "proc", 0, NULL));
	MUST(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"));
	MUST(mkdir("dev/pts", 0755));
	MUST(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		   "newinstance,ptmxmode=0666,mode=0620,gid=5"));
	MUST(mkdir("dev/shm", 0755));
	MUST(mount("shm", "dev/shm", "tmpfs", MS_NOSUID | MS_NOEXEC | MS_NODEV, "mode=1777,size=65536k"));
	MUST(mkdir("dev/mqueue", 0755));
	MUST(mount("mqueue", "dev/mqueue", "mqueue", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL));
	MUST(mount("sysfs", "sys", "sysfs", MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RDONLY, NULL));
	if (count)
		mount_cgroups();
}

static void nodes(void)
{
	static const struct { const char *path; int major, minor; } dev[] = {
		{ "dev/null", 1, 3 }, { "dev/zero", 1, 5 }, { "dev/full", 1, 7 },
		{ "dev/random", 1, 8 }, { "dev/urandom", 1, 9 }, { "dev/tty", 5, 0 } };

	umask(0);
	for (int i = 0; i < 6; i++)
		MUST(mknod(dev[i].path, S_IFCHR | 0666, makedev(dev[i].major, dev[i].minor)));
	MUST(symlink("/proc/self/fd", "dev/fd"));
	MUST(symlink("/proc/self/fd/0", "dev/stdin"));
	MUST(symlink("/proc/self/fd/1", "dev/stdout"));
	MUST(symlink("/proc/self/fd/2", "dev/stderr"));
	MUST(symlink("pts/ptmx", "dev/ptmx"));
	umask(022);
}

static void masks(void)
{
	static const char *hide[] = { "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys",
		"/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
		"/sys/firmware", "/proc/scsi" };
	static const char *freeze[] = { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
		"/proc/sysrq-trigger" };

	for (int i = 0; i < 5; i++) {
		if (mount(freeze[i], freeze[i], NULL, MS_BIND | MS_REC, NULL) < 0) {
			if (errno != ENOENT)
				fail(freeze[i]);
			continue;
		}
		MUST(mount(NULL, freeze[i], NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	}
	for (int i = 0; i < 10; i++) {
		if (!mount(dev_null, hide[i], NULL, MS_BIND, NULL) || errno == ENOENT)
			continue;
		if (errno != ENOTDIR)
			fail(hide[i]);
		MUST(mount("tmpfs", hide[i], "tmpfs", MS_RDONLY, NULL));
	}
}

static void identity(void)
{
	const unsigned keep = 1U << CAP_AUDIT_WRITE | 1U << CAP_KILL | 1U << CAP_NET_BIND_SERVICE;
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { keep, keep, 0 }, { 0, 0, 0 } };
	struct rlimit files = { 1024, 1024 };

	MUST(sethostname("floor", 5));
	MUST(setrlimit(RLIMIT_NOFILE, &files));
	for (int c = 0; c <= CAP_LAST_CAP; c++)
		if (!(c < 32 && keep & 1U << c))
			MUST(prctl(PR_CAPBSET_DROP, c, 0, 0, 0));
	MUST(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	MUST(setgid(0));
	MUST(setuid(0));
	MUST(syscall(SYS_capset, &head, data));
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

static void child(const char *rootfs, char *program)
{
	char *argv[] = { program, NULL }, *env[] = { "PATH=/usr/bin:/bin", "TERM=xterm", NULL }, go;

	MUST(setsid());
	mounts(rootfs);
	nodes();
	MUST(syscall(SYS_pivot_root, ".", "."));
	MUST(umount2(".", MNT_DETACH));
	masks();
	MUST(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	identity();
	if (read(to_child[0], &go, 1) != 1) /* only in its cgroups may the program begin */
		_exit(1);
	execve(program, argv, env);
	fail(program);
}

int main(int argc, char **argv)
{
	const int flags = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS;
	int status, cgroups = 1;
	pid_t pid;

	if (argc > 1 && !strcmp(argv[1], "--no-cgroups")) {
		cgroups = 0;
		argv++, argc--;
	}
	if (argc != 3) {
		fputs("usage: floor [--no-cgroups] ROOTFS PROGRAM\n", stderr);
		return 2;
	}
	if (cgroups)
		make_cgroups();
	MUST(pipe2(to_child, O_CLOEXEC));
	pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
	if (pid < 0)
		fail("clone");
	if (!pid)
		child(argv[1], argv[2]);
	attach(pid);
	MUST(write(to_child[1], "", 1));
	MUST(waitpid(pid, &status, 0));
	remove_cgroups();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
