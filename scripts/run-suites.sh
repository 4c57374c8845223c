#!/bin/bash
# Runs suites one after the other (as make targets) and adds up what they counted.
# usage: scripts/run-suites.sh SUITE...
# Every suite leaves "passed failed skipped" in build/results/SUITE (tests/cmd/tally writes it); one
# that leaves nothing counts as one failure. The sum is printed last and kept in build/results/total.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

results=build/results
mkdir -p "$results"
rm -f "$results/total"
passed=0 failed=0 skipped=0 bad=()

# The VM takes some minutes to build, most of them waiting: begin early, beside the other suites. Its own
# suite waits for that, tries again where it failed, and reports.
builder=
case " $* " in *" vm "*)
	set -m # a process group of its own, so that it ends with us
	nice tests/vm/run --prepare >"$results/vm.prepare" 2>&1 </dev/null &
	builder=$!
	set +m
	trap 'kill -- -"$builder" 2>/dev/null' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	;;
esac

for suite in "$@"; do
	rm -f "$results/$suite" "$results/$suite.failed"
	printf '\n== %s (%s)\n' "$suite" "$(date +%T)"
	make --no-print-directory "$suite" </dev/null
	code=$?
	p=0 f=1 s=0
	[ ! -s "$results/$suite" ] || read -r p f s <"$results/$suite"
	# A target can fail after all its tests have passed: a leak found at the end, a crash.
	if [ "$code" != 0 ] && [ "$f" = 0 ]; then f=1; fi
	[ "$f" = 0 ] || bad+=("$suite")
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done

if [ ${#bad[@]} -gt 0 ]; then
	printf '\nfailed: %s\n' "${bad[*]}"
	for suite in "${bad[@]}"; do
		printf '== what failed in %s\n' "$suite"
		cat "$results/$suite.failed" 2>/dev/null || echo "it fell over before it could say"
	done
fi
printf '\n'
echo "$passed passed, $failed failed, $skipped skipped" | tee "$results/total"
[ "$failed" = 0 ]
