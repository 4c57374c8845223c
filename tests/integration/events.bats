# events: statistics and lack of memory, as containerd and Docker read them.
load ../lib/helpers
load ../lib/cgroups

setup() {
	make_bundle
	requires cgroups command_of_runtime:events
}

# watch ARGS...: events of the container in the background, into $T/events.
watch() {
	SBT_TEST=$ID timeout "$((60 * ${SBT_SLOW:-1}))" "$RUNTIME" --root "$ROOT" events "$@" "$ID" >"$T/events" 2>"$T/errors" 3>&- &
	WATCH=$!
}
printed() { [ "$(jq -s --arg t "$1" 'map(select(.type == $t)) | length' "$T/events")" -ge "$2" ]; }

@test "events --stats: one object, with numbers that are true" {
	needs memory
	needs pids
	update_config '.linux.resources.memory = {limit: 67108864} | .linux.resources.pids = {limit: 30}'
	running 'sleep 1000 & i=0; while [ $i -lt 30000 ]; do i=$((i + 1)); done; wait'
	two() { [ "$(cg pids pids.current pids.current)" = 2 ]; }
	until_true two
	ok events --stats "$ID"
	equals "$(wc -l <"$T/stdout")" 1
	equals "$(jq -r '.type + " " + .id' <<<"$stdout")" "stats $ID"
	equals "$(jq -c '[.data.pids.current, .data.pids.limit, .data.memory.usage.limit]' <<<"$stdout")" "[2,30,67108864]"
	[ "$(jq .data.cpu.usage.total <<<"$stdout")" -gt 0 ]
	[ "$(jq .data.memory.usage.usage <<<"$stdout")" -gt 0 ]
}

@test "events --stats: has the members that runc prints" {
	running
	ok events --stats "$ID"
	local m
	for m in .cpu.usage.total .cpu.usage.kernel .cpu.usage.user .cpu.throttling .memory.usage .memory.raw .pids.current .blkio .hugetlb; do
		jq -e ".data$m != null" <<<"$stdout" >/dev/null || fail "no .data$m"
	done
}

@test "events: pressure, where the kernel measures it" {
	requires cgroup_v2
	[ -e /proc/pressure/cpu ] || skip "this kernel has no pressure information"
	running
	ok events --stats "$ID"
	jq -e '.data.cpu.psi.some.total >= 0 and .data.memory.psi.full.total >= 0' <<<"$stdout"
}

@test "events: a stream at the interval, which ends with the container" {
	running
	watch --interval 100ms
	until_true printed stats 3
	ok delete --force "$ID"
	wait "$WATCH" || fail "events: exit code $?: $(<"$T/errors")"
	jq -es 'all(.type == "stats")' "$T/events" >/dev/null
}

@test "events: an interval that makes no sense is refused" {
	running
	rt events --interval 0s "$ID"
	[ "$status" != 0 ]
	rt events --interval soon "$ID"
	[ "$status" != 0 ]
}

@test "events: of a stopped or unknown container is an error" {
	no events --stats "$ID-x"
	contains "$output" "does not exist"
	running
	ok kill "$ID" KILL
	until_true is_status stopped
	no events --stats "$ID"
}

@test "events: lack of memory is announced at once, whatever the interval" {
	needs memory
	update_config '.linux.resources.memory = {limit: 33554432} | .root.readonly = false'
	# PID 1 goes on: the kernel kills the one that takes the memory
	running 'until [ -e /go ]; do sleep 0.1; done; dd if=/dev/zero of=/dev/null bs=100M count=1; exec sleep 1000'
	watch --interval 1h
	ready() { # it waits: on the eventfd of v1, or the inotify of v2
		find "/proc/$(pgrep -P "$WATCH" || echo none)/fd" -lname '*eventfd*' -o -lname '*inotify' | grep -q .
	}
	until_true ready
	touch rootfs/go
	until_true printed oom 1
	rm rootfs/go
	equals "$(jq -r '.type + " " + .id' "$T/events" | head -n1)" "oom $ID"
	ok delete --force "$ID"
	wait "$WATCH" || :
}

@test "events: waits without polling" {
	ours_only "its goroutines and timers are its own"
	requires command:strace
	running
	watch --interval 1h
	child() { pgrep -P "$WATCH"; }
	until_true child
	# What it does in two seconds in which nothing happens: nothing. It may still be starting at first;
	# one that polls is never quiet.
	local i calls
	for i in 1 2 3 4 5; do
		timeout --signal INT 2 strace -f -qq -e trace=openat,read,pread64,newfstatat -o "$T/calls" -p "$(child)" || :
		calls=$(grep -cvE 'resumed|unfinished|restart' "$T/calls" || :)
		[ "$calls" != 0 ] || break
	done
	equals "$calls" 0
	kill "$(child)"
	wait "$WATCH" || :
}
