#!/bin/bash
# Measures `spawn -- /bin/true` side by side with bubblewrap and gVisor's `runsc do`, and nsjail where it is.
#
# usage: bench/spawn.sh [ROUNDS]       as root, which it measures as an ordinary user and as root
#   RUNTIME=PATH    the runtime measured; default: sandbox-runtime at the top
#   RUNSC=PATH      gVisor; default: Debian's package from backports, which is downloaded, not installed
#   NSJAIL=PATH     nsjail, which Debian does not have
#
# All make the same namespaces, bind the same paths and mount the same file systems. bwrap loads no
# seccomp filter here, so spawn is measured without one as well.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
rounds=${1:-200}
[ "$(id -u)" = 0 ] || { echo "bench: needs root" >&2; exit 1; }
bwrap=$(command -v bwrap) || { echo "bench: needs bubblewrap" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cp "${RUNTIME:-$top/sandbox-runtime}" "$work/sandbox-runtime"
(cd "$top" && CGO_ENABLED=0 go build -o "$work/measure" ./bench/spawn)

# What spawn shows of the host by default.
binds=(--ro-bind /usr /usr)
for dir in /bin /sbin /lib /lib32 /lib64 /libx32; do
	[ ! -L "$dir" ] || binds+=(--symlink "$(readlink "$dir")" "$dir")
done
for file in /etc/ld.so.cache /etc/alternatives /etc/passwd /etc/group /etc/nsswitch.conf /etc/localtime /etc/ssl; do
	[ ! -e "$file" ] || binds+=(--ro-bind "$file" "$file")
done
same="$bwrap --unshare-user --unshare-pid --unshare-net --unshare-ipc --unshare-uts --unshare-cgroup --new-session --die-with-parent
	${binds[*]} --proc /proc --dev /dev --tmpfs /tmp --tmpfs /dev/shm --hostname sandbox
	--clearenv --setenv PATH /usr/bin --setenv HOME /tmp --chdir / /bin/true"
spawn="$work/sandbox-runtime spawn"

# get_runsc: the path of runsc, which is downloaded once; nothing of this host's apt is changed.
get_runsc() {
	local cache=${XDG_CACHE_HOME:-$HOME/.cache}/sandbox-runtime/runsc suite
	if [ ! -x "$cache/usr/bin/runsc" ]; then
		suite=$(. /etc/os-release && echo "$VERSION_CODENAME-backports") || return
		mkdir -p "$work/apt/lists/partial" "$work/apt/cache" "$cache"
		echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $suite main" >"$work/apt/list"
		local apt=(apt-get -q -o "Dir::Etc::sourcelist=$work/apt/list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$work/apt/lists"
			-o "Dir::Cache=$work/apt/cache" -o APT::Sandbox::User=root)
		"${apt[@]}" update >&2 && (cd "$work/apt" && "${apt[@]}" download "runsc/$suite" >&2 && dpkg-deb -x runsc*.deb "$cache") || return
	fi
	echo "$cache/usr/bin/runsc"
}
if [ -z "${RUNSC:-}" ] && ! RUNSC=$(get_runsc); then
	echo "bench: no runsc: it cannot be downloaded" >&2
	RUNSC=
fi
if [ -n "$RUNSC" ]; then
	cp "$RUNSC" "$work/runsc"
	RUNSC=$work/runsc
fi

for uid in 1000 0; do
	printf '\nuser %s, %s rounds:\n\n' "$uid" "$rounds"
	set -- bwrap "$same" "spawn, no filter" "$spawn --seccomp none -- /bin/true" "spawn" "$spawn -- /bin/true" \
		"spawn --json" "$work/sandbox-runtime spawn --json -- /bin/true" "/bin/true itself" /bin/true
	if [ -n "$RUNSC" ]; then
		rootless=
		[ "$uid" = 0 ] || rootless=--rootless
		set -- "$@" "runsc do" "$RUNSC $rootless --network=none do /bin/true"
	fi
	if [ -n "${NSJAIL:-}" ]; then set -- "$@" nsjail "$NSJAIL -Mo -Q -R /usr -R /lib -R /lib64 -R /bin -T /tmp -- /bin/true"; fi
	"$work/measure" -rounds "$rounds" -uid "$uid" "$@" 2>"$work/err" || { tail -n3 "$work/err" >&2; exit 1; }
done
printf '\nload average at the end: %s\n' "$(cut -d' ' -f1-2 /proc/loadavg)"
