# The exit code of run and exec is the payload's, 128+N for a signal.
load ../lib/helpers

@test "exit code: the payload's" {
	local code
	for code in 0 1 2 42 125 126 127 128 200 255; do
		payload "exit $code"
		rt run "$ID"
		equals "$status" "$code"
	done
}

@test "exit code: 128+N when a signal ended it" {
	local n
	# The init is PID 1 of its namespace and immune to its own signals: a host process sends them.
	for n in 9 15; do
		payload 'exec sleep 1000'
		SBT_TEST=$ID "$RUNTIME" --root "$ROOT" run "$ID" </dev/null >"$T/o" 2>&1 3>&- &
		until_true is_status running
		kill -KILL "$(pid_of)"
		status=0
		wait $! || status=$?
		equals "$status" 137
	done
}

@test "exit code: a signal in a container without a pid namespace" {
	requires "root:a user namespace may not mount the proc file system of a PID namespace that is the host's"
	update_config '.linux.namespaces |= map(select(.type != "pid"))'
	payload 'kill -TERM $$'
	rt run "$ID"
	equals "$status" 143
}

@test "exit code: of a shell pipeline, an exec'ed program, a program that is no shell" {
	payload 'exec false'
	rt run "$ID"
	equals "$status" 1
	update_config '.process.args = ["/bin/true"]'
	rt run "$ID"
	equals "$status" 0
}

@test "exit code: 1 for an error of the runtime" {
	echo '{' >"$BUNDLE/config.json"
	no run "$ID"
}
