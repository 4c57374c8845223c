/*
 * Runs a program and writes the most memory that it, or any process it waited for, ever held.
 *
 * usage: peak FILE PROGRAM [ARG...]     FILE gets ru_maxrss, in KB
 *
 * A process starts out with the peak of the one that it was forked from (exec keeps ru_maxrss), so a
 * large parent would be measured instead of a small program. This one is as small as can be.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct rusage use;
	int status, fd;
	pid_t pid;

	if (argc < 3)
		return 2;
	pid = vfork();
	if (!pid) {
		execv(argv[2], argv + 2);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &use) < 0)
		return 126;
	fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || dprintf(fd, "%ld\n", use.ru_maxrss) < 0)
		return 126;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}
