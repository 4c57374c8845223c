# shellcheck shell=bash
# What containers cost under containerd: memory of an idle one, starts per second. Runs with nothing beside it.

# shellcheck source=tests/engines/engine-containerd.sh
. /src/tests/engines/engine-containerd.sh

engine_cases() { echo one_by_one parallel100 density; }

# A run from start to end, through ctr and the shim, which are the same for every runtime.
case_one_by_one() {
	local i start n=20
	box --rm "$image" "$id" true
	start=$(now_ms)
	for i in $(seq "$n"); do box --rm "$image" "$id-$i" true; done
	figure "run to end one by one, containers/s" "$(bc_tenths $((n * 10000 / ($(now_ms) - start))))"
}
bc_tenths() { echo "$(($1 / 10)).$(($1 % 10))"; }

# Memory that an idle container costs beyond its shim: what the runtime leaves resident is its init.
case_density() {
	local i kb=0 shim=0 pid n=20
	start_many "$n"
	for i in $(seq "$n"); do
		pid=$(pid_of "$id-$i")
		kb=$((kb + $(awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup")))
		pid=$(awk '/^PPid:/ { print $2 }' "/proc/$pid/status")
		shim=$((shim + $(awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup")))
	done
	figure "idle container, KB (Pss of its init)" $((kb / n))
	figure "its shim, KB (Pss)" $((shim / n))
	local bytes=0
	for i in $(seq "$n"); do bytes=$((bytes + $(in_cgroup "$(pid_of "$id-$i")" memory memory.usage_in_bytes))); done
	figure "idle container's cgroup, KB" $((bytes / n / 1024))
	for i in $(seq "$n"); do drop "$id-$i" || :; done
}
