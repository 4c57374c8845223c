#!/bin/bash
# Runs an engine's cases with one runtime, inside a session.
# usage: inside.sh ENGINE RTNAME RT fast|full [CASE...]      (by run.sh, through session.sh)
set -uo pipefail

here=/src/tests/engines
export ENGINE=$1 RTNAME=$2 RT=$3 MODE=$4
shift 4
# shellcheck source=tests/engines/lib.sh
. "$here/lib.sh"
# shellcheck source=/dev/null
. "$here/engine-${ENGINE%%-*}.sh"

if [ "${1:-}" = --call ]; then # one function, in the shell that `timeout` watches
	set -e
	"$2"
	exit
fi

mkdir -p /lab/results
VERSION=${VERSION:-$(engine_version)}
export VERSION
before=$(snapshot)

run_case() {
	local name=$1 log=/lab/results/$ENGINE.$RTNAME.$1.log start got=0 verdict=ok reason=
	start=$(now_ms)
	timeout -k 5 "${LIMIT:-90}" "$here/inside.sh" "$ENGINE" "$RTNAME" "$RT" "$MODE" --call "case_$name" \
		>"$log" 2>&1 </dev/null || got=$?
	case $got in
	0) ;;
	77) verdict=skip reason=$(sed -n 's/^SKIP: //p' "$log" | tail -n1) ;;
	124 | 137) verdict=FAIL reason="not finished after ${LIMIT:-90} s: $(tail -n1 "$log")" ;;
	*) verdict=FAIL reason=$(grep -m1 '^FAIL: ' "$log" || tail -n1 "$log") ;;
	esac
	record "$name" "$verdict" $(($(now_ms) - start)) "$(tr '\t\n' '  ' <<<"${reason#FAIL: }" | cut -c1-600)"
}

if "$0" "$ENGINE" "$RTNAME" "$RT" "$MODE" --call engine_start >/lab/results/"$ENGINE.$RTNAME.start.log" 2>&1; then
	if [ $# = 0 ]; then
		# shellcheck disable=SC2046
		set -- $(engine_cases)
	fi
	for name in "$@"; do
		run_case "$name"
		engine_sweep >>"/lab/results/$ENGINE.$RTNAME.sweep.log" 2>&1 </dev/null
	done
else
	record start FAIL 0 "$(tail -n1 "/lab/results/$ENGINE.$RTNAME.start.log")"
fi
engine_stop >/lab/results/"$ENGINE.$RTNAME.stop.log" 2>&1
for _ in $(seq 50); do # what was killed may take a moment to be reaped
	left=$(comm -13 <(sort <<<"$before") <(snapshot | sort) | grep -vE "^(${keeps:-nothing})")
	[ -n "$left" ] || break
	sleep 0.1
done
if [ -n "$left" ]; then
	record leaks FAIL 0 "$(paste -sd' ' <<<"$left" | cut -c1-600)"
else
	record leaks ok 0 ""
fi
