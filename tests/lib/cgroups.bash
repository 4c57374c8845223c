# Helpers for tests that look into a container's cgroups, on v1, hybrid and v2 hosts.
# shellcheck shell=bash disable=SC2154

unified() { [ -e /sys/fs/cgroup/cgroup.controllers ]; }

# cgdir CONTROLLER [ID]: the folder of the container's cgroup where this controller is. The container
# has to have a process.
cgdir() {
	local file
	file=/proc/$(pid_of "${2:-$ID}")/cgroup
	if unified; then
		sed -n 's|^0::|/sys/fs/cgroup|p' "$file"
		return
	fi
	awk -F: -v c="$1" '{ n = split($2, a, ","); for (i = 1; i <= n; i++) if (a[i] == c) {
		sub("^name=", "", $2); print "/sys/fs/cgroup/" $2 $3 } }' "$file"
}

# cg CONTROLLER V1-FILE V2-FILE [ID]: what the kernel says.
cg() {
	local file=$2
	! unified || file=$3
	cat "$(cgdir "$1" "${4:-$ID}")/$file"
}

# has CONTROLLER: v1 names; v2 has io for blkio, and cpu for cpuacct.
has() {
	# mounted, that is: systemd leaves an empty folder where the kernel has no such v1 hierarchy
	unified || { [ -e "/sys/fs/cgroup/$1/cgroup.procs" ]; return; }
	case $1 in
	freezer | devices | name=systemd) return 0 ;;
	esac
	local name=$1 list=/sys/fs/cgroup/cgroup.controllers
	[ "$name" != blkio ] || name=io
	# what a user may use is what has been passed down to the session
	[ "$(id -u)" = 0 ] || list=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/cgroup.controllers
	grep -qw "$name" "$list"
}
needs() { has "$1" || skip "this host has no $1 controller${2:+ ($2)}"; }

# dirs NAME: the folders of that name in all hierarchies.
dirs() { find /sys/fs/cgroup -type d -name "$1" 2>/dev/null; }

# tiny_program FILE: a static program of 129 bytes that sleeps: pause(2) in a loop.
tiny_program() {
	[ "$(uname -m)" = x86_64 ] || skip "the tiny program is x86-64 code"
	local hex=7f454c4602010100000000000000000002003e0001000000
	hex+=78004000000000004000000000000000000000000000000000000000 # entry, phoff, shoff, flags
	hex+=40003800010000000000000001000000050000000000000000000000 # sizes, one segment R+X
	hex+=0000400000000000000040000000000081000000000000008100000000000000
	hex+=0010000000000000b8220000000f05ebf7
	# shellcheck disable=SC2059,SC2001 # the bytes are the format
	printf "$(sed 's/../\\x&/g' <<<"$hex")" >"$1"
	chmod 755 "$1"
}
