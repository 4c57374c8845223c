#!/bin/bash
# Builds sandbox-runtime on a bare Debian and runs a container, showing what happens.
# usage: scripts/demo.sh
set -euo pipefail
cd "$(dirname "$0")/.."

./scripts/install-deps.sh build
command -v go >/dev/null || export PATH=$PATH:/usr/local/go/bin
make build

bundle=$(mktemp -d)
runtime=$PWD/sandbox-runtime
state=$bundle/state
id=demo-$$
# Whatever happens in between, nothing stays behind.
trap '"$runtime" --root "$state" delete --force "$id" 2>/dev/null || :; rm -rf "$bundle"' EXIT

# show prints a command as a person would type it, then runs it.
show() {
	printf '\n$ %s\n' "$(printf '%q ' "$@")"
	"$@"
}

show ./scripts/rootfs.sh busybox "$bundle/rootfs"
cd "$bundle"
show "$runtime" spec
# spec asks for a terminal and a shell; the demonstration wants neither a keyboard nor an end.
script='echo "hello from $(hostname), process $$ of $(ls -d /proc/[0-9]* | wc -l), as $(id -un)"
echo "/ is $(awk "\$2 == \"/\" {print \$4}" /proc/mounts | cut -d, -f1), the network has: $(ls /sys/class/net | xargs)"
exit 7'
if command -v jq >/dev/null; then
	jq --arg s "$script" '.process.terminal = false | .process.args = ["sh", "-c", $s]' config.json >c && mv c config.json
else
	printf '%s\n' "$script" >rootfs/demo.sh
	sed -i -e 's/"terminal": true/"terminal": false/' -e 's|^\(\s*\)"sh"$|\1"sh", "/demo.sh"|' config.json
fi
code=0
show "$runtime" --root "$state" run "$id" || code=$?
echo "exit code $code (the script's own: 7)"
[ "$code" = 7 ]
