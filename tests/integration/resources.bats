# pause, resume, ps, events, update: a running container's resources. The commands' contract with
# engines; the limits themselves have their own suite.
load ../lib/helpers

setup() {
	make_bundle
	requires cgroups
	update_config '.linux.cgroupsPath = "/" + $p' --arg p "$ID-cg"
}

@test "pause and resume" {
	requires freezer command_of_runtime:pause
	update_config '.root.readonly = false'
	running 'while :; do echo x >> /ticks; sleep 0.02; done'
	until_true [ -s rootfs/ticks ]
	ok pause "$ID"
	equals "$(state_of)" paused
	local before
	before=$(stat -c %s rootfs/ticks)
	sleep 0.3
	equals "$(stat -c %s rootfs/ticks)" "$before"
	ok resume "$ID"
	equals "$(state_of)" running
	until_true [ "$(stat -c %s rootfs/ticks)" -gt "$before" ]
}

@test "pause: of a stopped or unknown one, and resume of a running one, are errors" {
	requires freezer command_of_runtime:pause
	running
	rt resume "$ID"
	[ "$status" != 0 ]
	ok kill "$ID" KILL
	until_true is_status stopped
	no pause "$ID"
	no pause "$ID-x"
	contains "$output" "does not exist"
}

@test "delete --force and kill: of a paused container" {
	requires freezer command_of_runtime:pause
	running
	ok pause "$ID"
	ok kill "$ID" KILL
	[ "$FLAVOR" != ours ] || until_true is_status stopped
	ok delete --force "$ID"
}

@test "ps: the table and json" {
	requires command_of_runtime:ps
	running 'sleep 6000 & wait'
	until_true pgrep -f '^sleep 6000$'
	ok ps --format json "$ID"
	equals "$(jq 'length' <<<"$stdout")" 2
	contains "$stdout" "$(pid_of)"
	ok ps "$ID"
	contains "${lines[0]}" PID
	contains "$stdout" "sleep 6000"
	ok ps "$ID" -o pid,comm
	contains "$stdout" COMMAND
}

@test "events --stats: one JSON object as containerd reads it" {
	requires command_of_runtime:events
	running
	ok events --stats "$ID"
	equals "$(jq -r .type <<<"$stdout")" stats
	equals "$(jq -r .id <<<"$stdout")" "$ID"
	equals "$(jq '.data | has("cpu") and has("memory") and has("pids")' <<<"$stdout")" true
	[ "$(jq .data.pids.current <<<"$stdout")" -ge 1 ]
	[ "$(jq .data.memory.usage.usage <<<"$stdout")" -gt 0 ]
}

@test "events --interval: a stream that ends with the container" {
	requires command_of_runtime:events
	running
	SBT_TEST=$ID timeout 20 "$RUNTIME" --root "$ROOT" events --interval=100ms "$ID" >"$T/events" 2>"$T/e" 3>&- &
	until_true sh -c "[ \$(grep -c stats $T/events) -ge 3 ]"
	ok delete --force "$ID"
	wait $! || :
	jq -es 'length >= 3' "$T/events" >/dev/null
}

@test "update: memory and pids by flags" {
	requires cgroup_v1 command_of_runtime:update
	running
	ok update --memory 67108864 --pids-limit 50 "$ID"
	equals "$(cat "/sys/fs/cgroup/pids/$ID-cg/pids.max")" 50
	equals "$(cat /sys/fs/cgroup/memory/*/*/"$ID-cg"/memory.limit_in_bytes /sys/fs/cgroup/memory/"$ID-cg"/memory.limit_in_bytes 2>/dev/null)" 67108864
}

@test "update --resources -: from stdin" {
	requires cgroup_v1 command_of_runtime:update
	running
	echo '{"pids": {"limit": 33}}' >"$T/in"
	ok update --resources - "$ID" <"$T/in"
	equals "$(cat "/sys/fs/cgroup/pids/$ID-cg/pids.max")" 33
}

@test "resources: pids and memory limits from config.json" {
	requires cgroup_v1
	update_config '.linux.resources.pids.limit = 20 | .linux.resources.memory.limit = 33554432'
	running
	equals "$(cat "/sys/fs/cgroup/pids/$ID-cg/pids.max")" 20
	equals "$(cat /sys/fs/cgroup/memory/*/*/"$ID-cg"/memory.limit_in_bytes /sys/fs/cgroup/memory/"$ID-cg"/memory.limit_in_bytes 2>/dev/null)" 33554432
}
