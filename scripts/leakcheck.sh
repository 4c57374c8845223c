#!/bin/bash
# Looks for what a test run has left on this host: processes, mounts and cgroups that carry its mark.
# usage: scripts/leakcheck.sh MARK...
# MARK is a string that is in every container id and every temporary path of the run, and in the
# environment variable SBT_TEST of every runtime it starts. Other people's containers don't matter.
# Prints what it finds and exits 1; a process counts only when it is still there 2 seconds later.
set -uo pipefail
[ $# -gt 0 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }

patterns=()
for mark in "$@"; do patterns+=(-e "$mark"); done

# A container's process is known by its cgroup or, where it has none, by its root file system in
# mountinfo; a process of the runtime itself (a hook, a keeper) by the environment. A zombie has
# neither: it is its parent's business.
processes() {
	{
		grep -lsF "${patterns[@]}" /proc/[0-9]*/cgroup
		grep -lsF "${patterns[@]}" /proc/[0-9]*/mountinfo
		grep -lszE "^SBT_TEST=.*($(IFS='|'; echo "$*"))" /proc/[0-9]*/environ
	} | cut -d/ -f3 | sort -un | while read -r pid; do
		# Our own mount namespace shows the run's mounts for everybody: those are found below.
		if [ "$(readlink "/proc/$pid/ns/mnt")" = "$(readlink /proc/self/ns/mnt)" ] &&
			! grep -qsF "${patterns[@]}" "/proc/$pid/cgroup" &&
			! grep -qszE '^SBT_TEST=' "/proc/$pid/environ"; then
			continue
		fi
		# Gone in the meantime, or a zombie: no command line.
		{ command=$(tr '\0' ' ' <"/proc/$pid/cmdline"); } 2>/dev/null
		[ -z "$command" ] || printf 'process %s: %s\n' "$pid" "$command"
	done
}

mounts() { grep -F "${patterns[@]}" /proc/self/mountinfo | sed 's/^/mount: /'; }
cgroups() { find /sys/fs/cgroup -mindepth 2 -type d 2>/dev/null | grep -F "${patterns[@]}" | sed 's/^/cgroup: /'; }

found=$(processes "$@"; mounts; cgroups)
for _ in 1 2 3 4; do
	[ -n "$found" ] || exit 0
	sleep 0.5
	found=$(processes "$@"; mounts; cgroups)
done
[ -n "$found" ] || exit 0
printf '%s\n' "$found"
exit 1
