#!/bin/bash
# Measures sandbox-runtime side by side with crun, runc and a hard-coded C floor, on this machine.
#
# usage: bench/run.sh [OPTION...]       as root; the options are bench's own, see --help; for example
#   --rounds 200                        more of them, for a quieter median
#   --cases run,exec                    some only
#   --budget                            exit 1 when a goal is missed
#   --density 10,100,1000               instead: with that many idle containers
#   --parallel 50                       instead: 50 execs in a row, and 50 at once
#   --write docs/performance.md         put the table into the document
#   --runtime old=./before --runtime crun=...   more runtimes, for example a build from before a change
#   RUNTIME=PATH                        the runtime judged; default: sandbox-runtime at the top
#   PEERS="crun runc"                   the runtimes to compare with
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
die() { printf 'bench: %s\n' "$*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || die "needs root"
runtime=$(realpath -m "${RUNTIME:-$top/sandbox-runtime}")
[ -x "$runtime" ] || die "$runtime: not there; build it first"

eval "$("$top/scripts/peers.sh")"
set -- --runtime "$(basename "$runtime")=$runtime" "$@"
for peer in ${PEERS-crun runc}; do
	case $peer in
	crun) set -- "$@" --runtime "crun=$CRUN" ;;
	runc) set -- "$@" --runtime "runc=$RUNC" ;;
	*) die "PEERS: $peer is neither crun nor runc" ;;
	esac
done

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
chmod 755 "$work"
(cd "$top" && CGO_ENABLED=0 go build -o "$work/bench" ./bench)
gcc -O2 -static -o "$work/floor" "$here/floor/floor.c"
gcc -O2 -static -o "$work/peak" "$here/floor/peak.c"

# The bundle: busybox, and what `runc spec` writes, for all of them. Not the judged runtime's own
# `spec`: what is measured shall not depend on what is being changed.
busybox=$(command -v busybox) || die "needs busybox-static"
mkdir -p "$work/bundle/rootfs/"{bin,dev,proc,sys,tmp}
cp "$busybox" "$work/bundle/rootfs/bin/busybox"
for name in sh true sleep; do ln -s busybox "$work/bundle/rootfs/bin/$name"; done
(cd "$work/bundle" && "$RUNC" spec)
sed -i -e 's/"terminal": true/"terminal": false/' -e 's|^\t\t\t"sh"$|\t\t\t"/bin/true"|' "$work/bundle/config.json"
grep -q '"/bin/true"' "$work/bundle/config.json" || die "runc spec has changed: cannot set the program"

"$top/scripts/with-cgroups.sh" "$work/bench" --floor "$work/floor" --peak "$work/peak" --bundle "$work/bundle" "$@"
