#!/bin/bash
# Runs a command with a complete cgroup v1 tree in front of it, without touching the host's view.
#
# usage: scripts/with-cgroups.sh COMMAND [ARG...]
#
# On a host with mixed cgroups ("hybrid"), a controller that sits in the v2 hierarchy makes crun
# refuse to work. Mounting the v1 hierarchy takes the controller away from v2, for the whole kernel
# but only as long as it is mounted. So: a private mount namespace with hugetlb, net_cls+net_prio
# and perf_event mounted next to the other hierarchies, COMMAND in it, and afterwards the proof that
# the kernel has given the controllers back. On a host with cgroup v2 only, COMMAND just runs.
set -euo pipefail

extra='hugetlb net_cls,net_prio perf_event'

# hierarchy prints the number of controller $1's v1 hierarchy (0: none) and its number of cgroups.
hierarchy() { awk -v c="${1%%,*}" '$1 == c { print $2, $3 }' /proc/cgroups; }

# view runs inside the new mount namespace: it builds the tree aside, since the tmpfs under
# /sys/fs/cgroup is the host's, then puts it in place and becomes the command.
view() {
	local aside=$1 name path
	shift
	mount -t tmpfs -o mode=755 tmpfs "$aside"
	for path in /sys/fs/cgroup/*/; do
		path=${path%/}
		name=${path##*/}
		if [ -L "$path" ]; then continue; fi
		mkdir "$aside/$name"
		mount --bind "/sys/fs/cgroup/$name" "$aside/$name"
	done
	for name in $extra; do
		if [ -d "$aside/$name" ] || [ -z "$(hierarchy "$name")" ]; then continue; fi
		mkdir "$aside/$name"
		mount -t cgroup -o "$name" cgroup "$aside/$name"
		# As everywhere: each controller of a shared hierarchy also goes by its own name.
		case $name in *,*) ln -s "$name" "$aside/${name%,*}" && ln -s "$name" "$aside/${name#*,}" ;; esac
	done
	umount --recursive /sys/fs/cgroup
	mount --move "$aside" /sys/fs/cgroup
	exec "$@"
}

# held prints those of our controllers that the kernel still keeps in a v1 hierarchy.
held() {
	local name state
	for name in $wanted; do
		state=$(hierarchy "$name")
		[ "${state%% *}" = 0 ] || printf '%s ' "$name"
	done
}

# release unmounts for good. The kernel keeps a v1 hierarchy whose last mount goes away while removed
# cgroups are still dying in it; mounting and unmounting it once more, when it is empty, ends it.
release() {
	local name tries=50
	while [ "$tries" -gt 0 ]; do
		tries=$((tries - 1))
		for name in $(held); do
			unshare --mount --propagation private "$0" --touch "$name" "$aside" || :
		done
		[ -n "$(held)" ] || break
		sleep 0.1
	done
	name=$(held)
	[ -z "$name" ] || printf 'with-cgroups: still in use by somebody else: %s\n' "$name" >&2
	rmdir "$aside"
}

[ $# -gt 0 ] || { echo "usage: $0 COMMAND [ARG...]" >&2; exit 2; }
if [ "$1" = --view ]; then
	shift
	view "$@"
fi
if [ "$1" = --touch ]; then
	mount -t cgroup -o "$2" cgroup "$3"
	umount "$3"
	exit
fi
[ "$(id -u)" = 0 ] || { echo "with-cgroups: needs root" >&2; exit 1; }
if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then exec "$@"; fi

wanted=
for name in $extra; do
	[ -d "/sys/fs/cgroup/$name" ] || [ -z "$(hierarchy "$name")" ] || wanted="$wanted$name "
done
aside=$(mktemp -d)
trap release EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
unshare --mount --propagation private "$0" --view "$aside" "$@"
