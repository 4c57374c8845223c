/*
 * spy watches its PID namespace for new processes, as a hostile container does while somebody executes a
 * program in it, and tries to get at the host through what /proc shows of them.
 *
 * usage: spy PATH      PATH is a file that the host has and the container has not
 *
 * It prints "escape: ..." whenever it gets hold of something of the host's: a root or working directory
 * from which PATH is there, or an executable that is neither in the container's /bin nor a sealed memory
 * file, or a descriptor of a folder outside. "ready" comes first. It ends when it is killed.
 *   gcc -O2 -static -o spy spy.c
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef F_GET_SEALS
#define F_GET_SEALS 1034
#endif

static int last = 1, seen;

static void try_tree(int pid, const char *what, const char *path)
{
	char name[4300];
	struct stat st;
	snprintf(name, sizeof name, "/proc/%d/%s%s", pid, what, path);
	if (stat(name, &st) == 0)
		printf("escape: %s\n", name);
}

static void try_exe(int pid)
{
	char name[64], target[4096];
	snprintf(name, sizeof name, "/proc/%d/exe", pid);
	ssize_t n = readlink(name, target, sizeof target - 1);
	if (n <= 0)
		return;
	target[n] = 0;
	if (strncmp(target, "/bin/", 5) == 0)
		return;
	if (strncmp(target, "/memfd:", 7) == 0) {
		int fd = open(name, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return;
		/* It may have executed something else in between. */
		snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
		n = readlink(name, target, sizeof target - 1);
		target[n > 0 ? n : 0] = 0;
		if (strncmp(target, "/memfd:", 7) == 0 && fcntl(fd, F_GET_SEALS) < 0xf)
			printf("escape: %s is %s, not sealed\n", name, target);
		close(fd);
		return;
	}
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	n = readlink(name, target, sizeof target - 1);
	target[n > 0 ? n : 0] = 0;
	if (strncmp(target, "/bin/", 5) != 0 && strncmp(target, "/memfd:", 7) != 0)
		printf("escape: the executable of %d is %s\n", pid, target);
	close(fd);
}

static void try_fds(int pid, const char *path)
{
	char name[64], sub[4300];
	struct stat st;
	for (int fd = 3; fd < 24; fd++) {
		snprintf(name, sizeof name, "/proc/%d/fd/%d", pid, fd);
		if (stat(name, &st) != 0 || !S_ISDIR(st.st_mode))
			continue;
		snprintf(sub, sizeof sub, "%s/../../../../../../..%s", name, path);
		if (stat(sub, &st) == 0)
			printf("escape: %s\n", sub);
	}
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	last = getpid();
	puts("ready");
	for (;;) {
		for (int pid = last + 1; pid < last + 8; pid++) {
			char name[32];
			struct stat st;
			snprintf(name, sizeof name, "/proc/%d", pid);
			if (stat(name, &st) != 0)
				continue;
			/* For as long as it lives or becomes a program of the container's, at most. */
			for (int i = 0; i < 400 && stat(name, &st) == 0; i++) {
				try_tree(pid, "root", argv[1]);
				try_tree(pid, "cwd", argv[1]);
				try_exe(pid);
				try_fds(pid, argv[1]);
			}
			last = pid;
			seen++;
		}
	}
}
