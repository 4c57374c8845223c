#!/bin/bash
# Run the tests that need pure cgroup v2 and systemd as PID 1 in the throw-away VM of vm-run: as root,
# and as an unprivileged user in a delegated session. Prints the counts; fails if a test does.
# Everything is built here (the VM has neither Go nor network) and only run there.
#
#   tests/vm/run.sh [OPTION...] [PACKAGE...]   Go tests; default: libsandbox/cgroup. "-" is none
#     --tap           one line a test instead of counts
#     --bats FILES    and these files of tests/integration, by space, as root
#     --user FILES    and these as the user
#     --full          no Go tests, but the whole of tests/integration, as both
#   VM_TEST_FLAGS='-test.run A|B'        further flags for the Go test binaries
#   VM_BATS_FLAGS='-f NAME'              and for bats
#   VM_TIMEOUT=1800                      seconds for all of it
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
tap=0 root_bats='' user_bats=''
while [ $# -gt 0 ]; do
  case $1 in
    --tap) tap=1; shift;;
    --bats) root_bats=$2; shift 2;;
    --user) user_bats=$2; shift 2;;
    --full) root_bats=. user_bats=.; shift; set -- - "$@";;
    *) break;;
  esac
done
[ $# -gt 0 ] || set -- libsandbox/cgroup
read -ra words <<<"${VM_TEST_FLAGS:-}"
flags=''
[ ${#words[@]} = 0 ] || flags=$(printf ' %q' "${words[@]}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src" "$work/out"

for package in "$@"; do
  [ "$package" != - ] || continue
  name=${package//\//_}
  (cd "$top" && CGO_ENABLED=0 go test -c -o "$work/src/$name.test" "./$package")
done

# What tests/integration needs: the runtime, its helpers, the scripts, a root file system.
bats_tree() {
  local files=()
  (cd "$top" && make -s build && cp sandbox-runtime "$work/src/"
    for d in tests/cmd/*/; do CGO_ENABLED=0 go build -o "$work/src/build/bin/" "./$d"; done
    mkdir "$work/src/tests" && cp -a tests/integration tests/lib "$work/src/tests/" && cp -a scripts examples "$work/src/"
    scripts/rootfs.sh busybox "$work/src/rootfs")
  for who in root user; do
    list=$root_bats
    [ "$who" = root ] || list=$user_bats
    [ -n "$list" ] || continue
    read -ra files <<<"$list"
    printf '%s\n' "${files[@]}" >"$work/src/$who.bats"
  done
  chmod -R go+rX "$work/src"
}
[ -z "$root_bats$user_bats" ] || bats_tree

cat >"$work/src/all" <<EOF
#!/bin/bash
# \$1 names the user for the report
cd /src
bad=0
for t in ./*.test; do
  [ -e "\$t" ] || continue
  n=\$(basename "\$t" .test)
  "\$t" -test.v -test.timeout 900s$flags >"/out/\$n.\$1.log" 2>&1 || bad=1
done
[ -e "\$1.bats" ] || exit \$bad
export RUNTIME=/src/sandbox-runtime RECVTTY=/src/build/bin/recvtty SBT_ROOTFS=/src/rootfs SBT_SLOW=6 SBT_TMP=/var/tmp
mapfile -t files <\$1.bats
set -o pipefail
/src/tests/integration/run ${VM_BATS_FLAGS:-} "\${files[@]/#//src/tests/integration/}" 2>&1 | tee "/out/bats.\$1.tap" || bad=1
exit \$bad
EOF
cat >"$work/src/both" <<'EOF'
#!/bin/bash
chmod 755 /src/all; chmod 1777 /out
bad=0
/src/all root || bad=1
if compgen -G '/src/*.test' >/dev/null || [ -e /src/user.bats ]; then
  VM_PWD=/src as-user tester env TMPDIR=/tmp /src/all user || bad=1
fi
exit $bad
EOF
chmod 755 "$work/src/all" "$work/src/both"

rc=0
"$here/vm-run" --timeout "${VM_TIMEOUT:-1800}" --dir "$work/src" --out "$work/out" -- /src/both >"$work/stream" || rc=$?
if [ $rc -ge 124 ]; then
  cat "$work/stream" # how far it came
  echo "vm: the VM itself failed ($rc)" >&2
  exit $rc
fi
shopt -s nullglob
logs=("$work/out"/*.log) taps=("$work/out"/*.tap)
if [ $tap = 1 ]; then
  {
    for log in "${logs[@]}"; do
      # go test prints the reason of a skip or a failure above the verdict
      awk -v who="$(basename "$log" .log)" '/^=== / { why = ""; next }
        /^ *--- (PASS|FAIL|SKIP)/ {
          print ($2 == "FAIL:" ? "not ok" : "ok") " - " who " " $3 ($2 == "SKIP:" ? " # SKIP " why : "")
          if ($2 == "FAIL:") print "# " why
          why = ""; next }
        /^panic:/ { print "not ok - " who " " $0 }
        { sub(/^ +[a-z_]+[.]go:[0-9]+: /, ""); gsub(/#/, " "); why = why " " $0 }' "$log"
    done
    for t in "${taps[@]}"; do
      awk -v who="$(basename "$t" .tap)" '/^1\.\.|^# runtime/ { next }
        /^(not )?ok / { sub(/ok ([0-9]+ )?/, "ok - " who " "); sub(/ # skip/, " # SKIP") } { print }' "$t"
    done
  } | awk '/^(not )?ok/ { n++; sub(/ok - /, "ok " n " - ") } { print } END { print "1.." n }'
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
for t in "${taps[@]}"; do
  printf '%s: %s passed, %s failed, %s skipped\n' "$(basename "$t" .tap)" "$(grep -E '^ok ' "$t" | grep -vc '# skip' || :)" \
    "$(grep -c '^not ok' "$t" || :)" "$(grep -c '^ok .*# skip' "$t" || :)"
  grep -vE '^ok [^#]*$' "$t" | cut -c1-500 || :
done
exit $rc
