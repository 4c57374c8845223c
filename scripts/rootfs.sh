#!/bin/bash
# Makes a root file system for a container.
#
# usage: scripts/rootfs.sh busybox DIR    a few hundred links to one static busybox
#        scripts/rootfs.sh debian DIR     Debian with bash, apt and python3 (debootstrap, cached)
#        scripts/rootfs.sh debian         only prints the folder of the cached Debian tree
#   ROOTFS_SUITE    Debian suite (default: bookworm)
#   ROOTFS_MIRROR   where to get it (default: http://deb.debian.org/debian)
# The cache is ${XDG_CACHE_HOME:-~/.cache}/sandbox-runtime; remove it to start over.
set -euo pipefail

suite=${ROOTFS_SUITE:-bookworm}
mirror=${ROOTFS_MIRROR:-http://deb.debian.org/debian}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sandbox-runtime

die() { printf 'rootfs: %s\n' "$*" >&2; exit 1; }

# busybox DIR: all applets, the users that tests want to tell apart, and places to mount on.
busybox() {
	local dir=$1 bin
	bin=$(type -P busybox) || die "busybox is missing: apt-get install busybox-static"
	# A dynamic busybox would not start in an empty root.
	if LC_ALL=C ldd "$bin" >/dev/null 2>&1; then die "$bin is not static: apt-get install busybox-static"; fi
	mkdir -p "$dir"/{bin,sbin,usr/bin,usr/sbin,etc,root,var,home/user,mnt,opt}
	mkdir -p "$dir/tmp" && chmod 1777 "$dir/tmp"
	cp "$bin" "$dir/bin/busybox"
	(cd "$dir" && "$bin" --list-full | while read -r applet; do
		mkdir -p "${applet%/*}"
		[ -e "$applet" ] || ln -s /bin/busybox "$applet"
	done)
	printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\n' >"$dir/etc/passwd"
	printf 'root:x:0:\nuser:x:1000:\nextra:x:2000:user\n' >"$dir/etc/group"
}

# debian_tree makes the cached tree once; concurrent callers wait for the first.
debian_tree() {
	local tree=$cache/debian-$suite tmp
	mkdir -p "$cache"
	exec 9>"$tree.lock"
	flock 9
	if [ ! -e "$tree" ]; then
		[ "$(id -u)" = 0 ] || die "debootstrap needs root"
		command -v debootstrap >/dev/null || die "debootstrap is missing: scripts/install-deps.sh"
		echo "rootfs: debootstrap of Debian $suite into $tree (a minute or two)" >&2
		rm -rf "$tree".tmp.*
		tmp=$(mktemp -d "$tree.tmp.XXXXXX")
		# A mount namespace of its own takes debootstrap's mounts away in every case.
		unshare --mount --propagation private debootstrap --variant=minbase --include=python3-minimal \
			"$suite" "$tmp" "$mirror" >"$tree.log" 2>&1 9>&- </dev/null ||
			{ tail -n 20 "$tree.log" >&2; rm -rf "$tmp"; die "debootstrap failed"; }
		rm -rf "$tmp"/var/cache/apt/archives/*.deb "$tmp"/var/lib/apt/lists/* "$tree.log"
		chmod 755 "$tmp"
		mv -T "$tmp" "$tree"
	fi
	exec 9>&-
	echo "$tree"
}

case ${1:-}/$# in
busybox/2) busybox "$2" ;;
debian/1) debian_tree ;;
debian/2) tree=$(debian_tree) && mkdir -p "$2" && cp -a "$tree/." "$2" ;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
