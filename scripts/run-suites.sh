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
