#!/bin/bash
# Runs a command in a Debian tree as if it were a machine of its own: private mounts, processes,
# network, and a cgroup that looks like the root of every hierarchy. Daemons in it cannot touch the
# host's services, and whatever they leave behind goes away with the namespaces and one cgroup.
#
# usage: session.sh TREE WORK COMMAND [ARG...]
#   TREE   a folder that tree.sh made; it is only read (writes go to WORK)
#   WORK   an empty folder for this session; COMMAND sees it as /lab
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
src=$(cd "$here/../.." && pwd)

# hierarchies prints "NAME OPTIONS" of each mounted cgroup v1 hierarchy, "unified" for v2.
hierarchies() {
	findmnt -rn -t cgroup -o TARGET,FS-OPTIONS | while read -r target options; do
		printf '%s %s\n' "${target##*/}" "$(tr , '\n' <<<"$options" | grep -vxE 'rw|ro|relatime|xattr' | paste -sd,)"
	done
	findmnt -rn -t cgroup2 -o TARGET | while read -r target; do printf '%s\n' "${target##*/}"; done
}

make_cgroups() {
	local dir parent file
	for dir in $(findmnt -rn -t cgroup,cgroup2 -o TARGET); do
		parent=$dir dir=$dir/$1
		mkdir "$dir"
		for file in cpuset.cpus cpuset.mems; do
			# v1's cpuset does not let a process in before it has been told both.
			if [ -e "$dir/$file" ] && [ -z "$(cat "$dir/$file")" ]; then cat "$parent/$file" >"$dir/$file"; fi
		done
	done
}

# shellcheck disable=SC2317 # by the trap
remove_cgroups() {
	local top dir tries
	for top in $(findmnt -rn -t cgroup,cgroup2 -o TARGET); do
		for tries in $(seq 100); do
			find "$top/$1" -depth -type d -exec rmdir {} + 2>/dev/null || :
			[ -d "$top/$1" ] || continue 2
			sleep 0.05
		done
		echo "session: $top/$1 cannot be removed after $tries tries" >&2
	done
}

# inside runs in the new namespaces: it builds the machine and becomes the command.
inside() {
	local tree=$1 work=$2 root=$2/root name options
	shift 2
	mkdir -p "$root" "$work"/{upper,overlay,data,tmp,opt}
	chmod 1777 "$work/tmp"
	# An overlay above an overlay is no upper layer: engines get their /var/lib from WORK itself.
	mount -t overlay -o "lowerdir=$tree,upperdir=$work/upper,workdir=$work/overlay" engines "$root"
	mkdir -p "$root"/{src,lab,var/lib/containerd,var/lib/docker,var/lib/containers}
	mount -t proc proc "$root/proc"
	mount -t sysfs sysfs "$root/sys"
	mount -t tmpfs -o mode=755 tmpfs "$root/dev"
	for name in null zero full random urandom tty fuse net/tun kmsg; do
		if [ ! -e "/dev/$name" ]; then continue; fi
		mkdir -p "$(dirname "$root/dev/$name")"
		cp -a "/dev/$name" "$root/dev/$name"
	done
	mkdir -p "$root"/dev/{pts,shm,mqueue}
	ln -s /proc/self/fd "$root/dev/fd"
	ln -s /proc/self/fd/0 "$root/dev/stdin" # crun update reads it
	ln -s pts/ptmx "$root/dev/ptmx"
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
	mount -t tmpfs tmpfs "$root/dev/shm"
	mount -t mqueue mqueue "$root/dev/mqueue"
	mount -t tmpfs -o mode=755 tmpfs "$root/run"
	mount --bind "$work/tmp" "$root/tmp"
	mount --bind "$work" "$root/lab"
	mount --bind "$src" "$root/src"
	for name in containerd docker containers; do
		mkdir -p "$work/data/$name"
		mount --bind "$work/data/$name" "$root/var/lib/$name"
	done
	# Only for what runs real programs: the tree to run them in, and a Go tool chain.
	for name in "${WORKLOADS:-/nowhere}:workloads" /usr/local/go:usr/local/go; do
		if [ ! -d "${name%%:*}" ]; then continue; fi
		mkdir -p "$root/${name#*:}"
		mount --bind -o ro "${name%%:*}" "$root/${name#*:}"
	done
	mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
	while read -r name options; do
		mkdir "$root/sys/fs/cgroup/$name"
		if [ -n "$options" ]; then
			mount -t cgroup -o "$options" cgroup "$root/sys/fs/cgroup/$name"
		else
			mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup/$name"
		fi
		# As everywhere: each controller of a shared hierarchy also goes by its own name.
		case $name in *,*) ln -s "$name" "$root/sys/fs/cgroup/${name%,*}" && ln -s "$name" "$root/sys/fs/cgroup/${name#*,}" ;; esac
	done < <(hierarchies)
	ip link set lo up
	hostname engines
	mkdir "$root/run/host"
	cd "$root"
	pivot_root . run/host
	umount -l /run/host
	rmdir /run/host
	cd /
	exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TERM=dumb "$@"
}

if [ "${1:-}" = --inside ]; then
	shift
	inside "$@"
fi

# Groups of sessions that were killed with -9.
for top in $(findmnt -rn -t cgroup,cgroup2 -o TARGET); do
	for dir in "$top"/engines-[0-9]*; do
		if [ -d "$dir" ] && [ ! -d "/proc/${dir##*-}" ]; then find "$dir" -depth -type d -exec rmdir {} + 2>/dev/null || :; fi
	done
done

group=engines-$$ session='' code=0
# shellcheck disable=SC2317 # by the trap
finish() {
	# The first process of a pid namespace takes all others with it, and --kill-child takes the first.
	if [ -n "$session" ]; then kill -KILL "$session" 2>/dev/null || :; wait "$session" 2>/dev/null || :; fi
	remove_cgroups "$group"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
make_cgroups "$group"
tree=$1 work=$2
shift 2
mkdir -p "$work"
# The first shell stays in its own cgroup, or it could not remove the new one.
(
	# Inherited by all below, and by nothing else: the subshell is what moves.
	for dir in $(findmnt -rn -t cgroup,cgroup2 -o TARGET); do echo "$BASHPID" >"$dir/$group/cgroup.procs"; done
	exec unshare --mount --cgroup --pid --net --ipc --uts --fork --kill-child --propagation private \
		"$0" --inside "$tree" "$work" "$@"
) <&0 &
session=$!
# A shell that waits for a background process hears signals at once.
wait "$session" || code=$?
session=''
exit "$code"
