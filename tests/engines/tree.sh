#!/bin/bash
# Makes the Debian tree that an engine's daemons run in and prints its folder. Nothing is installed
# on the host, so no service of its is started or replaced; sessions only read the tree.
#
# usage: tests/engines/tree.sh bookworm|sid|workloads
#   bookworm    containerd 1.6, Docker 20.10, podman 4.3, runc 1.1, crun 1.8
#   sid         the newest that Debian has of each
#   workloads   PostgreSQL, nginx, gcc and Python, to make an image of
#   ENGINES_MIRROR   where to get packages (default: http://deb.debian.org/debian)
# The cache is ${XDG_CACHE_HOME:-~/.cache}/sandbox-runtime/engines; remove it to start over.
set -euo pipefail

mirror=${ENGINES_MIRROR:-http://deb.debian.org/debian}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sandbox-runtime/engines
engines=containerd,docker.io,podman,conmon,crun,runc,busybox-static,iptables,iproute2
engines+=,containernetworking-plugins,netavark,aardvark-dns,uidmap,jq,tini,ca-certificates,procps
engines+=,docker-compose,catatonit

case ${1:-} in
bookworm) suite=bookworm packages=$engines,fuse-overlayfs,slirp4netns,dbus ;;
sid) suite=sid packages=$engines,docker-cli,docker-buildx,nftables,passt ;;
workloads) suite=bookworm packages=postgresql,postgresql-contrib,nginx-light,apache2-utils,gcc,libc6-dev,make,python3,libpython3.11-testsuite ;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

mkdir -p "$cache"
tree=$cache/$1
exec 9>"$tree.lock"
flock 9 # one at a time: a second caller would pay for the download again
if [ ! -e "$tree" ]; then
	command -v debootstrap >/dev/null || { echo "tree: debootstrap is missing" >&2; exit 1; }
	echo "tree: debootstrap of Debian $suite into $tree (a minute or two)" >&2
	rm -rf "$tree".tmp.*
	tmp=$(mktemp -d "$tree.tmp.XXXXXX")
	# A mount namespace of its own takes debootstrap's mounts away in every case.
	unshare --mount --propagation private debootstrap --variant=minbase --include="$packages" \
		"$suite" "$tmp" "$mirror" >"$tree.log" 2>&1 9>&- </dev/null ||
		{ tail -n 20 "$tree.log" >&2; rm -rf "$tmp"; echo "tree: debootstrap failed" >&2; exit 1; }
	rm -rf "$tmp"/var/cache/apt/archives/*.deb "$tmp"/var/lib/apt/lists/*
	chmod 755 "$tmp"
	mv -T "$tmp" "$tree"
fi
echo "$tree"
