# process.scheduler, ioPriority, execCPUAffinity; linux.memoryPolicy and personality.
load ../lib/helpers

policy() { awk '{ print $41 }' <<<"$stdout"; }

@test "scheduler: SCHED_DEADLINE with its three times" {
	requires "root:SCHED_DEADLINE wants CAP_SYS_NICE (sched(7))" cap_sys_nice
	update_config '.process.scheduler = {policy: "SCHED_DEADLINE", runtime: 2000000, deadline: 20000000, period: 30000000}
		| .process.args = ["sleep", "1000"]'
	rt run -d "$ID"
	[ "$status" = 0 ] || [[ $output != *"not permitted"* ]] || skip "the kernel grants no deadline here: $output"
	equals "$status" 0
	equals "$(awk '{ print $41 }' "/proc/$(pid_of)/stat")" 6
	local sched
	sched=$(cat "/proc/$(pid_of)/sched" 2>/dev/null) || return 0
	contains "$(tr -s ' ' <<<"$sched")" "dl.runtime"
}

@test "scheduler: SCHED_IDLE and SCHED_OTHER with nice" {
	update_config '.process.scheduler = {policy: "SCHED_IDLE"}'
	inside 'cat /proc/self/stat'
	equals "$(policy)" 5
	local nicer=$(($(nice) < 19 ? $(nice) + 1 : 19)) # everybody may
	update_config '.process.scheduler = {policy: "SCHED_OTHER", nice: $n}' --argjson n "$nicer"
	inside 'cat /proc/self/stat'
	equals "$(awk '{ print $19 }' <<<"$stdout")" "$nicer"
}

@test "scheduler: SCHED_FLAG_RESET_ON_FORK: children are ordinary" {
	not_with runc "applies it before its own last fork"
	update_config '.process.scheduler = {policy: "SCHED_BATCH", nice: $n, flags: ["SCHED_FLAG_RESET_ON_FORK"]}' \
		--argjson n "$(nice)"
	inside 'cat /proc/1/stat; cat /proc/self/stat'
	equals "$(awk 'NR == 1 { print $41 }' <<<"$stdout")" 3
}

@test "scheduler: contradictions are errors that name the field" {
	ours_only "fields are named in its own errors"
	local filter field
	while IFS='|' read -r filter field; do
		update_config ".process.scheduler = $filter"
		no create "$ID"
		contains "$output" "$field"
	done <<-'LIST'
		{policy: "SCHED_FIFO"}|process.scheduler.priority
		{policy: "SCHED_OTHER", priority: 3}|process.scheduler.priority
		{policy: "SCHED_DEADLINE"}|process.scheduler.runtime
		{policy: "SCHED_DEADLINE", runtime: 5000, deadline: 4000}|process.scheduler.deadline
		{policy: "SCHED_BATCH", period: 5000}|process.scheduler.period
		{policy: "SCHED_OTHER", nice: 20}|process.scheduler.nice
	LIST
}

@test "ioPriority: each class" {
	local class want
	while read -r class want; do
		update_config '.process.ioPriority = {class: $c, priority: 5}' --arg c "$class"
		rt run "$ID"
		inside 'ionice -p 1'
		contains "$stdout" "$want"
	done <<-'LIST'
		IOPRIO_CLASS_BE best-effort: prio 5
		IOPRIO_CLASS_IDLE idle
	LIST
}

@test "execCPUAffinity: for exec only, the final one stays" {
	[ "$(nproc)" -gt 1 ] || skip "needs two CPUs"
	update_config '.process.execCPUAffinity = {initial: "0", final: "1"}'
	running
	contains "$(tr -s '\t ' ' ' <"/proc/$(pid_of)/status")" "Cpus_allowed_list: $(awk '/Cpus_allowed_list/ { print $2 }' /proc/self/status)"
	jq '.process | .args = ["grep", "Cpus_allowed_list", "/proc/self/status"]' config.json >"$T/process.json"
	ok exec --process "$T/process.json" "$ID"
	equals "$(awk '{ print $2 }' <<<"$stdout")" 1
}

@test "execCPUAffinity: the initial one may name CPUs that the container's cpuset lacks" {
	requires root
	[ "$(nproc)" -gt 1 ] || skip "needs two CPUs"
	[ -d /sys/fs/cgroup/cpuset ] || grep -qw cpuset /sys/fs/cgroup/cgroup.controllers || skip "no cpuset controller here"
	update_config '.linux.resources.cpu = {cpus: "1"}'
	running
	local pid i
	jq '.process | .args = ["true"] | .execCPUAffinity = {initial: "0"}' config.json >"$T/process.json"
	for i in 1 2 3 4 5 6 7 8 9 10; do ok exec --process "$T/process.json" "$ID"; done # set after the cgroup it would be refused
	jq '.args = ["sleep", "1000"]' "$T/process.json" >"$T/sleep.json" && mv "$T/sleep.json" "$T/process.json"
	ok exec -d --pid-file "$T/pid" --process "$T/process.json" "$ID"
	pid=$(<"$T/pid")
	equals "$(awk '/Cpus_allowed_list/ { print $2 }' "/proc/$pid/status")" 1
	equals "$(cat "/proc/$pid/cgroup")" "$(cat "/proc/$(pid_of)/cgroup")"
	jq '.execCPUAffinity.final = "0"' "$T/process.json" >"$T/final.json"
	rt exec --process "$T/final.json" "$ID"
	[ "$status" != 0 ] || fail "a final CPU outside of the cpuset was accepted"
	[ "$FLAVOR" != ours ] || contains "$output" process.execCPUAffinity.final
}

@test "memoryPolicy: bind to node 0" {
	not_with runc "has it since 1.4"
	[ -e /proc/self/numa_maps ] || skip "the kernel has no NUMA"
	update_config '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0"}'
	inside 'head -n1 /proc/self/numa_maps'
	contains "$stdout" bind:0
}

@test "memoryPolicy: static nodes, interleaved" {
	not_with runc "has it since 1.4"
	[ -e /proc/self/numa_maps ] || skip "the kernel has no NUMA"
	update_config '.linux.memoryPolicy = {mode: "MPOL_INTERLEAVE", nodes: "0", flags: ["MPOL_F_STATIC_NODES"]}'
	inside 'head -n1 /proc/self/numa_maps'
	contains "$stdout" interleave=static:0
}

@test "memoryPolicy: a node that does not exist is an error that names the field" {
	not_with runc "has it since 1.4"
	[ -e /proc/self/numa_maps ] || skip "the kernel has no NUMA"
	update_config '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "900"}'
	no run "$ID"
	[ "$FLAVOR" != ours ] || contains "$output" linux.memoryPolicy
}

@test "personality: LINUX and LINUX32" {
	requires command:uname
	[ "$(uname -m)" = x86_64 ] || skip "LINUX32 shows another name on this machine"
	update_config '.linux.personality = {domain: "LINUX32"}'
	inside 'uname -m'
	[[ $stdout == i?86 ]] || fail "$stdout"
	update_config '.linux.personality = {domain: "LINUX"}'
	inside 'uname -m'
	equals "$stdout" x86_64
}
