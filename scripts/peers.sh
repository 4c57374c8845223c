#!/bin/bash
# Sets up the runtimes that sandbox-runtime is measured and tested against, crun and runc, as a
# newer Debian ships them, and prints their paths. They run on this host as ordinary ELF programs:
# no chroot and no wrapper script, so that nothing but the runtime itself is in a measurement.
#
# usage: scripts/peers.sh [DIR]
#   DIR     where to keep them; default ${XDG_CACHE_HOME:-~/.cache}/sandbox-runtime/peers
#   PEERS_SUITE    Debian suite to take them from (default: sid)
#   PEERS_MIRROR   where to get it (default: http://deb.debian.org/debian)
#
# Prints two lines for a shell to eval: CRUN=/path and RUNC=/path. Needs root for the first run;
# later runs find everything in place and change nothing. Remove DIR to start over.
set -euo pipefail

suite=${PEERS_SUITE:-sid}
mirror=${PEERS_MIRROR:-http://deb.debian.org/debian}
dir=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/sandbox-runtime/peers}

say() { printf 'peers: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

need() { # PROGRAM: install the Debian package of the same name where the program is missing
	command -v "$1" >/dev/null && return
	say "installing $1"
	apt-get -qq -o DPkg::Lock::Timeout=300 install -y "$1" >&2
}

# finish prints the result once both programs have shown that they run from here.
finish() {
	local name
	for name in crun runc; do
		"$dir/bin/$name" --version >/dev/null || die "$dir/bin/$name does not run; remove $dir and try again"
	done
	say "$("$dir/bin/crun" --version | head -n1), $("$dir/bin/runc" --version | head -n1) (Debian $suite)"
	printf 'CRUN=%q\nRUNC=%q\n' "$dir/bin/crun" "$dir/bin/runc"
}

# relink makes a copy of tree program $1 that brings its own loader and libraries. The result has
# absolute paths inside, so it can be executed from a memfd or through /proc/self/exe, as both
# runtimes do to protect themselves. DT_RPATH, not RUNPATH: it also holds for libraries' libraries.
relink() {
	local from=$tree$1 to=$tmp/bin/${1##*/} loader
	cp "$from" "$to"
	loader=$(patchelf --print-interpreter "$to" 2>/dev/null) || return 0 # static: nothing to do
	patchelf --set-interpreter "$dir/tree$loader" "$to"
	patchelf --force-rpath --set-rpath "$libdirs" "$to"
}

mkdir -p "$(dirname "$dir")"
dir=$(realpath -m "$dir")
# One at a time: two callers would otherwise both pay for the download.
exec 9>"$dir.lock"
flock 9

if [ -e "$dir/complete" ]; then
	finish
	exit
fi
[ "$(id -u)" = 0 ] || die "setting up a Debian tree needs root"
need debootstrap
need patchelf

# It only ever appears whole (see the rename below): anything else there is not ours to remove.
rmdir "$dir" 2>/dev/null || [ ! -e "$dir" ] || die "$dir exists and was not made by this script"
rm -rf "$dir".tmp.* # what an interrupted run left
tmp=$(mktemp -d "$dir.tmp.XXXXXX")
chmod 755 "$tmp"
trap 'rm -rf "$tmp"' EXIT
tree=$tmp/tree
mkdir -p "$tmp/bin"

# debootstrap mounts proc in the tree; a mount namespace of its own takes that away in every case.
say "debootstrap of Debian $suite into $dir (a minute or two, 300 MB)"
unshare --mount --propagation private debootstrap --variant=minbase --include=crun,runc \
	"$suite" "$tree" "$mirror" >"$tmp/log" 2>&1 9>&- || { tail -n 20 "$tmp/log" >&2; die "debootstrap failed"; }
rm -rf "$tree/var/cache/apt/archives" "$tree"/var/lib/apt/lists/*

# Multiarch first: /lib and /usr/lib are the same folder in a current Debian.
libdirs=$(cd "$tree" && for lib in usr/lib/*-linux-gnu usr/lib; do printf '%s:' "$dir/tree/$lib"; done)
libdirs=${libdirs%:}
for path in /usr/bin/crun /usr/sbin/runc; do
	[ -e "$tree$path" ] || path=/usr/bin/${path##*/}
	relink "$path"
done

printf '%s\n' "$suite $mirror" >"$tmp/complete"
mv -T "$tmp" "$dir"
finish
