#!/bin/bash
# podman with the systemd cgroup manager in the throw-away VM of vm-run: pure cgroup v2, systemd as PID 1,
# as root and as a user with a delegated session. Prints TAP; some minutes, so it is no part of `make test`.
# usage: tests/vm/podman.sh [RUNTIME [CASE...]]     default: ./sandbox-runtime; runc and crun are those of the VM
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src" "$work/out"
cp "$here/podman-cases.sh" "$top/tests/engines/lib.sh" "$work/src/"
"$top/tests/engines/images.sh" "$work/src"
case ${1:-} in
'') make -C "$top" -s build >&2 && cp "$top/sandbox-runtime" "$work/src/" && runtime=/src/sandbox-runtime ;;
runc | crun) runtime=$1 ;;
*) cp "$1" "$work/src/runtime" && runtime=/src/runtime ;;
esac
chmod -R a+rX "$work/src"
cat >"$work/src/both" <<END
#!/bin/bash
chmod 755 /src; chmod 1777 /out
/src/podman-cases.sh root $runtime ${*:2}
VM_PWD=/src as-user tester /src/podman-cases.sh user $runtime ${*:2}
END
chmod 755 "$work"/src/{both,podman-cases.sh}
rc=0
"$here/vm-run" --timeout 1800 --dir "$work/src" --out "$work/out" -- /src/both >"$work/log" || rc=$?
awk '/^(not )?ok - / { n++; sub(/ok - /, "ok " n " - ") } { print } END { print "1.." n + 0 }' "$work/log"
if [ -n "${VM_LOGS:-}" ]; then cp -r "$work/out" "$VM_LOGS"; fi
[ $rc = 0 ] && grep -q '^ok' "$work/log" && ! grep -q '^not ok' "$work/log"
