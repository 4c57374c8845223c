# spawn: memory, processes, CPU time, time, output: each limit holds, and is what holds.
load ../lib/spawn

# The way a limit is enforced: by a cgroup for root, by rlimits for a user without one.
by() { if [ "$WHO" = root ]; then echo cgroup; else echo rlimit; fi; }

# Each half of it holds what it reads in memory.
HOG='head -c 150000000 /dev/zero | tail -c 140000000 | wc -c'

@test "spawn: --memory stops a memory hog" {
	hog() {
		gives 140000000 -- sh -c "$HOG" # without the limit there is enough
		spawn --json --memory 64M -- sh -c "$HOG"
		[ "$stdout" != 140000000 ] || fail "got more than the limit"
		equals "$(result .limits.memory)" "$(by)"
		if [ "$WHO" = root ]; then
			equals "$(result '.oom_killed,.usage')" "true cgroup"
			[ "$(result .peak_memory)" -le $((64 << 20)) ]
		fi
		gives 140000000 --memory 1G -- sh -c "$HOG"
		[ "$WHO" = user ] || refused "--memory: 1024 bytes are too few" --memory 1k -- true
	}
	each hog
}

@test "spawn: --pids stops a fork bomb" {
	bomb() {
		probe 60 -- fork 60
		spawn --json --pids 30 --bind-ro "$PROBE:/probe" -- /probe fork 60
		equals "$(result .limits.pids)" "$(by)"
		[ "$stdout" -lt 30 ] && [ "$stdout" -gt 5 ] || fail "started $stdout processes, with a limit of 30"
		# The real thing ends with its time, and so does everything of it.
		spawn --json --pids 40 --timeout 1s -- bash -c 'bomb() { bomb | bomb & }; bomb; sleep 100'
		equals "$status/$(result .timed_out)" 137/true
	}
	each bomb
}

@test "spawn: --cpus slows a busy loop" {
	# By a cgroup: a fifth of a CPU. What the loop gets without the limit is what this host gives it.
	WHO=root
	spawn --json --cpus 0.2 --timeout 2s -- sh -c 'while :; do :; done'
	equals "$(result '.limits.cpus,.timed_out')" "cgroup true"
	local limited
	limited=$(result '(.user_ns + .system_ns) / 1000000 | floor')
	[ "$limited" -lt 900 ] || fail "used $limited ms of CPU in 2 s, with a limit of 0.2"
	# By a rlimit: share times timeout, in whole seconds.
	WHO=user
	RT_TIMEOUT=150 spawn --json --cpus 0.01 --timeout 100s -- sh -c 'ulimit -t; while :; do :; done'
	equals "$stdout/$(result '.limits.cpus,.timed_out')" "1/rlimit false"
	contains "137 152" "$status" # SIGKILL or SIGXCPU
}

@test "spawn: a limit that nothing enforces is an error, unless --allow-weaker" {
	WHO=user
	refused --cpus --cpus 0.5 -- true
	spawn --json --cpus 0.5 --allow-weaker -- true
	equals "$status/$(result .limits.cpus)" 0/none
	contains "$(result .limits.reason)" cgroup
	refused --pids --pids 5 --share user -- true
}

@test "spawn: --timeout ends everything: children that ignore SIGTERM, in sessions of their own" {
	sleepers() {
		local mark=100$RANDOM.$RANDOM begin took best=100000 i
		for i in 1 2 3 4 5; do
			begin=$(now)
			spawn --json --timeout 500ms -- sh -c "trap '' TERM; setsid sh -c \"trap '' TERM; sleep $mark\" & sleep $mark & sleep $mark; sleep $mark"
			took=$(($(now) - begin))
			equals "$status/$(result .timed_out)" 137/true
			! pgrep -f "^sleep $mark" || fail "a sleeper is left"
			[ "$took" -ge "$best" ] || best=$took
			[ "$best" -ge 600 ] || break
		done
		# 500 ms of timeout; the start of the command is in it too. Loaded machines get further tries.
		[ "$best" -lt 2500 ] || fail "took $best ms"
		begin=$(now)
		spawn --timeout 100s -- true
		[ $(($(now) - begin)) -lt 50000 ] || fail "waited for the timeout"
	}
	each sleepers
}

@test "spawn: 10 GB of output pass through in bounded memory" {
	flood() {
		# The reader is slower than the writer at first, then takes all.
		local peak
		me "$SPAWN" spawn -- head -c 10000000000 /dev/zero 2>"$T/err" </dev/null 3>&- | { sleep 0.2; wc -c >"$T/count"; }
		equals "$(<"$T/count")" 10000000000
		equals "$(<"$T/err")" ""
	}
	each flood
}

@test "spawn: a reader that stops reading stops the program" {
	closed() {
		me "$SPAWN" spawn -- yes </dev/null 2>"$T/err" 3>&- | head -n1 >"$T/out"
		equals "$(<"$T/out")" y
	}
	each closed
}

@test "spawn: no cgroup is left" {
	WHO=root
	find /sys/fs/cgroup -type d -name 'spawn-*' 2>/dev/null | sort >"$T/before"
	spawn --json --memory 64M --pids 10 --cpus 1 --timeout 20s -- sh -c 'setsid sleep 1000 & exit 3'
	equals "$status/$(result .timed_out)" 3/false # with the program everything ends
	until_true none_new
}
none_new() { # other sandboxes of this host come and go
	[ -z "$(find /sys/fs/cgroup -type d -name 'spawn-*' 2>/dev/null | sort | comm -13 "$T/before" -)" ]
}
