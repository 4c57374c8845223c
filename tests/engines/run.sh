#!/bin/bash
# Runs engines' cases, each engine in a session of its own, with one or more runtimes, and prints a table.
#
# usage: tests/engines/run.sh [--full] [--tap] [--add] [--jobs N] [--case NAME]... [ENGINE...] [RUNTIME=NAME[,NAME...]]
#   ENGINE    containerd-1.6, containerd-2, docker-20, docker-new, podman-4, podman-5, podman-4-rootless,
#             podman-5-rootless, critest-1.6, critest-2, workloads-4, workloads-5 (real programs, by podman),
#             workloads-20, workloads-new (the same by Docker), density-1.6, density-2 (measured one after the
#             other); default: all of these
#   RUNTIME   ours (./sandbox-runtime of this folder), runc, crun (of the engine's own Debian) or a
#             path; default: ours. More than one gives a table with a column for each.
#   --full    also what takes long: more parallel starts, compose, user namespace remapping, docker-more.sh,
#             podman-more.sh
#   --jobs    sessions at a time; default: 1
#   --add     add to the results of an earlier run
#   --tap     print TAP in place of the table; for one runtime
# Results stay in $ENGINES_RESULTS (build/engines): table.tsv, figures.tsv, versions.tsv, runs.tsv, and a log
# of each case and daemon.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.." || exit

mode=fast tap='' add='' jobs=1 cases=() engines=() runtimes=ours
while [ $# -gt 0 ]; do
	case $1 in
	--full) mode=full ;;
	--tap) tap=1 ;;
	--add) add=1 ;;
	--jobs) jobs=$2; shift ;;
	--case) cases+=("$2"); shift ;;
	RUNTIME=*) runtimes=${1#RUNTIME=} ;;
	-*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
	*) engines+=("$1") ;;
	esac
	shift
done
[ ${#engines[@]} -gt 0 ] || engines=(containerd-1.6 containerd-2 docker-20 docker-new podman-4 podman-5
	podman-4-rootless podman-5-rootless critest-1.6 critest-2 workloads-4 workloads-5 workloads-20 workloads-new density-1.6 density-2)

results=${ENGINES_RESULTS:-$PWD/build/engines}
[ -n "$add" ] || rm -rf "$results"
mkdir -p "$results"
touch "$results"/{table,figures}.tsv
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
want=
[[ " ${engines[*]}" != *" critest"* ]] || want=critest
# shellcheck disable=SC2086
"$here/images.sh" "$scratch/images" $want || exit
critest=$PWD/build/bin/critest
if [ -n "$want" ] && [ ! -x "$critest" ]; then
	mkdir -p build/bin
	(cd "$here/critest" && CGO_ENABLED=0 go test -vet=off -c -o "$critest" github.com/kubernetes-sigs/cri-tools/cmd/critest) || exit
fi

# one ENGINE RUNTIME PART: a session; its rows of the tables go to PART.table and PART.figures.
one() {
	local engine=$1 runtime=$2 part=$3 tree kind path name work
	case $engine in
	*-1.6 | *-20 | *-4*) tree=bookworm ;;
	*) tree=sid ;;
	esac
	kind=${engine%%-*}
	case $engine in
	*-rootless) kind=$kind-rootless ;;
	workloads-[45]) kind=workloads-podman ;;
	workloads-*) kind=workloads-docker ;;
	esac
	tree=$("$here/tree.sh" "$tree") || exit
	work=$(mktemp -d -p "$scratch")
	chmod 755 "$scratch" "$work"
	mkdir "$work"/{opt,images,results}
	cp -l "$scratch"/images/* "$work/images/"
	unset WORKLOADS
	if [[ $kind == workloads-* ]]; then WORKLOADS=$("$here/tree.sh" workloads) || exit; export WORKLOADS; fi
	if [ "$kind" = critest ]; then cp "$critest" "$work/opt/"; fi
	name=$runtime
	case $runtime in
	runc) path=/usr/sbin/runc; [ -e "$tree$path" ] || path=/usr/bin/runc ;;
	crun) path=/usr/bin/crun ;;
	ours) cp sandbox-runtime "$work/opt/" && path=/lab/opt/sandbox-runtime ;;
	*) name=${runtime##*/} && cp "$runtime" "$work/opt/" && path=/lab/opt/$name ;;
	esac
	printf '# %s with %s ...\n' "$engine" "$name" >&2
	"$here/session.sh" "$tree" "$work" /src/tests/engines/inside.sh "$kind" "$name" "$path" "$mode" "${cases[@]}" ||
		printf '%s\t-\tsession\t%s\tFAIL\t0\tended with %s\n' "$kind" "$name" $? >>"$work/results/table.tsv"
	cp "$work/results/table.tsv" "$part.table"
	[ ! -e "$work/results/figures.tsv" ] || cp "$work/results/figures.tsv" "$part.figures"
	[ ! -e "$work/results/versions.tsv" ] || cp "$work/results/versions.tsv" "$part.versions"
	mkdir -p "$results/$engine"
	cp "$work"/results/*.log "$results/$engine/"
	rm -rf "$work"
}

parts=() running=0 began=$(date -u +%FT%H:%MZ)
for engine in "${engines[@]}"; do
	limit=$jobs
	case $engine in density*) limit=1 ;; esac
	for runtime in ${runtimes//,/ }; do
		while [ "$running" -ge "$limit" ]; do wait -n || :; running=$((running - 1)); done
		part=$scratch/part${#parts[@]}
		parts+=("$part")
		one "$engine" "$runtime" "$part" &
		running=$((running + 1))
	done
done
wait
for part in "${parts[@]}"; do
	cat "$part.table" 2>/dev/null || printf 'session\t-\t%s\t-\tFAIL\t0\tended without a result\n' "${part##*/}"
done >>"$results/table.tsv"
for part in "${parts[@]}"; do [ ! -e "$part.figures" ] || cat "$part.figures"; done >>"$results/figures.tsv"
for part in "${parts[@]}"; do [ ! -e "$part.versions" ] || cat "$part.versions"; done >>"$results/versions.tsv"
printf '%s to %s\t%s\n' "$began" "$(date -u +%FT%H:%MZ)" "${engines[*]}" >>"$results/runs.tsv"

if [ -n "$tap" ]; then
	awk -F '\t' '{ n++; name = $1 " " $2 ": " $3 " (" $6 " ms)"
		if ($5 == "ok") { print "ok " n " " name; if ($7 != "") { print "# " $7; again++ } }
		else if ($5 == "skip") print "ok " n " " name " # SKIP " $7
		else { print "not ok " n " " name; print "# " $7 } }
		END { print "# cases that needed a second try: " again + 0; print "1.." n }' "$results/table.tsv"
else
	"$here/table.sh" "$results"
fi
! grep -qP '^[^\t]*\t[^\t]*\t[^\t]*\t[^\t]*\tFAIL\t' "$results/table.tsv"
