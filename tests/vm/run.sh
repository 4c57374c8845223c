#!/bin/bash
# Run the tests that need pure cgroup v2 and systemd as PID 1 in the throw-away VM of vm-run: once as
# root, once as an unprivileged user in a delegated session. Prints the counts; fails if a test does.
# The tests are built here (the VM has neither Go nor network) and only run there.
#
#   tests/vm/run.sh [--tap] [PACKAGE...]   default: libsandbox/cgroup; --tap prints one line a test
#   VM_TEST_FLAGS='-test.run A|B'        further flags for the test binaries
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
tap=0
[ "${1:-}" != --tap ] || { tap=1; shift; }
[ $# -gt 0 ] || set -- libsandbox/cgroup
read -ra words <<<"${VM_TEST_FLAGS:-}"
flags=''
[ ${#words[@]} = 0 ] || flags=$(printf ' %q' "${words[@]}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src" "$work/out"

for package in "$@"; do
  name=${package//\//_}
  (cd "$top" && CGO_ENABLED=0 go test -c -o "$work/src/$name.test" "./$package")
done
cat >"$work/src/all" <<EOF
#!/bin/bash
# \$1 names the user for the report
cd /src
bad=0
for t in ./*.test; do
  n=\$(basename "\$t" .test)
  "\$t" -test.v -test.timeout 900s$flags >"/out/\$n.\$1.log" 2>&1 || bad=1
done
exit \$bad
EOF
cat >"$work/src/both" <<'EOF'
#!/bin/bash
chmod 755 /src/all; chmod 1777 /out
bad=0
/src/all root || bad=1
VM_PWD=/src as-user tester env TMPDIR=/tmp /src/all user || bad=1
exit $bad
EOF
chmod 755 "$work/src/all" "$work/src/both"

rc=0
"$here/vm-run" --timeout "${VM_TIMEOUT:-1800}" --dir "$work/src" --out "$work/out" -- /src/both || rc=$?
if [ $rc -ge 124 ]; then
  echo "vm: the VM itself failed ($rc)" >&2
  exit $rc
fi
logs=("$work/out"/*.log)
if [ $tap = 1 ]; then
  for log in "${logs[@]}"; do
    # go test prints the reason of a skip or a failure above the verdict
    awk -v who="$(basename "$log" .log)" '/^=== / { why = ""; next }
      /^ *--- (PASS|FAIL|SKIP)/ {
        print ($2 == "FAIL:" ? "not ok" : "ok") " - " who " " $3 ($2 == "SKIP:" ? " # SKIP " why : "")
        if ($2 == "FAIL:") print "# " why
        why = ""; next }
      /^panic:/ { print "not ok - " who " " $0 }
      { sub(/^ +[a-z_]+[.]go:[0-9]+: /, ""); gsub(/#/, " "); why = why " " $0 }' "$log"
  done | awk '/^(not )?ok/ { n++; sub(/ok - /, "ok " n " - ") } { print } END { print "1.." n }'
  exit 0
fi
for log in "${logs[@]}"; do
  count() { grep -Ec "^ *--- $1" "$log" || :; }
  printf '%s: %s passed, %s failed, %s skipped\n' "$(basename "$log" .log)" \
    "$(count PASS)" "$(count FAIL)" "$(count SKIP)"
  awk '/^=== / { n = 0; next }
    /^ *--- (SKIP|FAIL)/ { for (i = 0; i < n; i++) print "  " line[i]; print; n = 0; next }
    /^ *--- / { n = 0; next }
    /^panic:/ { panic = 1 }
    panic { print; next }
    { line[n++] = $0 }
    /^PASS$/ { pass = 1 }
    END { if (!pass) print "the run did not end well" }' "$log" | cut -c1-500 | head -n 150
done
exit $rc
