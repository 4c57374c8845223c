#!/bin/bash
# Installs the Debian packages that building and testing need, where they are missing.
# Go itself is not installed: bring 1.26 or newer.
#
# usage: scripts/install-deps.sh [build|test]      (default: test)
#   build   enough for `make build`, `make demo`
#   test    everything that `make test` runs
set -euo pipefail

build=(make ca-certificates git busybox-static)
test=(bats jq shellcheck debootstrap util-linux bsdutils procps iproute2 python3-minimal
	gcc libc6-dev libseccomp-dev pkg-config uidmap patchelf strace binutils qemu-user zsh fish
	e2fsprogs cpio zstd xz-utils)

case ${1:-test} in
build) packages=("${build[@]}") ;;
test) packages=("${build[@]}" "${test[@]}") ;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

# dpkg knows a removed package too: only "installed" counts.
missing=()
for package in "${packages[@]}"; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=
	[ "$status" = installed ] || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
	if [ "$(id -u)" != 0 ]; then
		echo "install-deps: run as root: apt-get install -y --no-install-recommends ${missing[*]}" >&2
		exit 1
	fi
	echo "install-deps: installing ${missing[*]}" >&2
	apt=(apt-get -q -o DPkg::Lock::Timeout=300)
	export DEBIAN_FRONTEND=noninteractive
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
	{ "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; } \
		>"$log" 2>&1 </dev/null || { tail -n 30 "$log" >&2; exit 1; }
fi

command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin
if ! command -v go >/dev/null; then
	echo "install-deps: Go 1.26 or newer is needed: https://go.dev/dl/" >&2
	exit 1
fi
