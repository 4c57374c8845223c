# exec, many times and many at once: nothing grows. EXECS and PARALLEL say how many; `make exec-full` has more.
load ../lib/helpers

EXECS=${EXECS:-300}
PARALLEL=${PARALLEL:-50}

setup() {
	make_bundle
	requires command_of_runtime:exec
}

# what_is_there: everything that a forgotten exec would leave, a line each.
what_is_there() {
	local pid
	pid=$(pid_of)
	echo "descriptors $(find "/proc/$pid/fd" -type l | wc -l)"
	# By the shell alone, so that the count has no helper in it that comes and goes.
	echo "processes $("$RUNTIME" --root "$ROOT" exec "$ID" sh -c 'set -- /proc/[0-9]*; echo $#' 3>&-)"
	echo "mounts $(wc -l <"/proc/$pid/mountinfo")"
	echo "state $(find "$ROOT" | sort | xargs)"
}
# memory of the container's cgroup in KiB, as the kernel accounts it to it: what each exec leaves adds up.
memory() {
	local dir
	for dir in /sys/fs/cgroup/memory /sys/fs/cgroup; do
		dir=$dir$(awk -F: '$2 == "memory" || $2 == "" { print $3; exit }' "/proc/$(pid_of)/cgroup")
		[ ! -r "$dir/memory.kmem.usage_in_bytes" ] || { echo $(($(<"$dir/memory.kmem.usage_in_bytes") / 1024)); return; }
		[ ! -r "$dir/memory.current" ] || { echo $(($(<"$dir/memory.current") / 1024)); return; }
	done
	echo 0
}
execs() { # COUNT: one after the other
	local i status
	for ((i = 0; i < $1; i++)); do
		status=0
		SBT_TEST=$ID "$RUNTIME" --root "$ROOT" exec "$ID" sh -c "exit $((i % 200))" </dev/null >/dev/null 2>"$T/e" 3>&- || status=$?
		[ "$status" = $((i % 200)) ] || fail "exec $i: $status, $(<"$T/e")" || return
	done
}

@test "exec: $EXECS in a row leave no process, descriptor, mount, file or memory" {
	running
	execs 20 # what is allocated once
	local before after had
	before=$(what_is_there) had=$(memory)
	execs "$EXECS"
	after=$(what_is_there)
	equals "$after" "$before"
	local grown=$(($(memory) - had))
	echo "memory: $had KiB, then $grown more"
	[ "$grown" -lt $((2048 + EXECS)) ] || fail "$grown KiB more after $EXECS execs"
}

@test "exec: $PARALLEL at the same time, each with its own exit code and output" {
	running
	execs 5
	local before i status pids=()
	before=$(what_is_there)
	for ((i = 0; i < PARALLEL; i++)); do
		SBT_TEST=$ID "$RUNTIME" --root "$ROOT" exec "$ID" sh -c "echo out $i; exit $i" </dev/null >"$T/o$i" 2>"$T/e$i" 3>&- &
		pids+=($!)
	done
	for ((i = 0; i < PARALLEL; i++)); do
		status=0
		wait "${pids[i]}" || status=$?
		[ "$status" = "$i" ] || fail "exec $i: $status, $(<"$T/e$i")"
		equals "$(<"$T/o$i")" "out $i"
	done
	equals "$(what_is_there)" "$before"
}


@test "exec: waits for no lock: not for who changes the container, and not for another exec" {
	not_with runc "the file it would wait for is another"
	not_with crun "the file it would wait for is another"
	requires command:flock
	running
	SBT_TEST=$ID "$RUNTIME" --root "$ROOT" exec "$ID" sleep 1000 </dev/null >/dev/null 2>&1 3>&- & # one that stays
	local stays=$!
	# What create, kill, delete, update and pause hold while they work is the lock of this folder.
	exec 7<"$ROOT/$ID"
	flock -x 7
	RT_TIMEOUT=$((20 * ${SBT_SLOW:-1})) ok exec "$ID" sh -c 'echo through'
	equals "$stdout" through
	RT_TIMEOUT=2 rt pause "$ID" 7<&-
	equals "$status" 124 # so the lock is the one that is meant
	exec 7<&-
	kill "$stays"
	wait "$stays" || :
}
