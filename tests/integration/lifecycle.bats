# create, start, state, kill, delete, run: the order of things and the status after each.
load ../lib/helpers

@test "lifecycle: created, running, stopped, gone" {
	payload "$TERM_ENDS"
	ok create "$ID"
	equals "$(state_of)" created
	ok start "$ID"
	equals "$(state_of)" running
	ok kill "$ID" KILL
	until_true is_status stopped
	ok delete "$ID"
	no state "$ID"
	contains "$output" "does not exist"
}

@test "create: the program has not begun" {
	payload 'echo begun; exec sleep 1000'
	ok create "$ID"
	sleep 0.2
	equals "$(<"$T/stdout")" ""
	rt start "$ID"
	equals "$status" 0
}

@test "create and start: output goes to the descriptors given to create" {
	payload 'echo to stdout; echo to stderr >&2'
	"$RUNTIME" --root "$ROOT" create "$ID" >"$T/c.out" 2>"$T/c.err" 3>&-
	ok start "$ID"
	until_true is_status stopped
	equals "$(<"$T/c.out")" "to stdout"
	equals "$(<"$T/c.err")" "to stderr"
}

@test "state: the JSON that engines read" {
	update_config '.annotations = {"org.example.key": "value"}'
	running
	ok state "$ID"
	equals "$(jq -r .id <<<"$stdout")" "$ID"
	equals "$(jq -r .status <<<"$stdout")" running
	equals "$(jq -r .bundle <<<"$stdout")" "$BUNDLE"
	equals "$(jq -r .rootfs <<<"$stdout")" "$BUNDLE/rootfs"
	equals "$(jq -r '.annotations["org.example.key"]' <<<"$stdout")" value
	equals "$(jq -r '.ociVersion | test("^1\\.")' <<<"$stdout")" true
	equals "$(jq -r '.created | test("^20[0-9-]+T[0-9:.]+Z$")' <<<"$stdout")" true
	equals "$(jq -r 'has("owner")' <<<"$stdout")" true
	[ -d "/proc/$(jq .pid <<<"$stdout")" ]
}

@test "state: pid is 0 once stopped" {
	running
	ok kill "$ID" KILL
	until_true is_status stopped
	equals "$(pid_of)" 0
}

@test "delete: a stopped container frees its id" {
	payload true
	ok create "$ID"
	ok start "$ID"
	until_true is_status stopped
	ok delete "$ID"
	ok create "$ID"
}

@test "delete: a created container may go without force" {
	ok create "$ID"
	ok delete "$ID"
	[ ! -e "$ROOT/$ID" ]
}

@test "delete: refuses a running one and leaves it running" {
	running
	no delete "$ID"
	contains "$output" "not stopped"
	equals "$(state_of)" running
}

@test "delete --force: ends a running one" {
	running
	local pid
	pid=$(pid_of)
	ok delete --force "$ID"
	gone "$pid"
	[ ! -e "$ROOT/$ID" ]
}

@test "delete --force: of an unknown id succeeds" {
	ok delete --force "$ID"
}

@test "delete --force: also ends processes that the init has started" {
	running 'sleep 2000 & sleep 2001 & wait'
	until_true sh -c '[ "$(pgrep -c -f "^sleep 200[01]$")" = 2 ]'
	ok delete --force "$ID"
	until_true sh -c '! pgrep -f "^sleep 200[01]$"'
}

@test "delete: an unknown id is an error" {
	no delete "$ID"
	contains "$output" "does not exist"
}

@test "run: creates, starts, waits and deletes" {
	payload 'echo done'
	ok run "$ID"
	equals "$stdout" "done"
	equals "$stderr" ""
	no state "$ID"
}

@test "run --keep: leaves the container stopped" {
	payload true
	ok run --keep "$ID"
	equals "$(state_of)" stopped
	ok delete "$ID"
}

@test "run: reads its stdin" {
	payload 'cat'
	echo hello | rt run "$ID"
	echo hello >"$T/in"
	ok run "$ID" <"$T/in"
	equals "$stdout" hello
}

@test "run: a large output arrives whole" {
	payload 'head -c 5000000 /dev/zero'
	ok run "$ID"
	equals "$(stat -c %s "$T/stdout")" 5000000
}

@test "run --bundle: from another folder" {
	payload 'echo here'
	cd /
	ok run --bundle "$BUNDLE" "$ID"
	equals "$stdout" here
}

@test "run --detach: returns at once, the container goes on" {
	payload 'exec sleep 1000'
	ok run --detach "$ID"
	equals "$(state_of)" running
}

@test "run DIR: an argument that is a bundle" {
	ours_only "run DIR"
	payload 'echo in a folder'
	mv "$BUNDLE" "$T/$ID"
	mkdir "$BUNDLE" && cd /
	ok run "$T/$ID"
	equals "$stdout" "in a folder"
	ok run --id "$ID-x" "$T/$ID"
	equals "$stdout" "in a folder"
}

@test "pid-file: the pid, nothing else, in one go" {
	payload 'exec sleep 1000'
	ok create --pid-file "$T/pid" "$ID"
	equals "$(od -An -c "$T/pid" | tr -d ' \n')" "$(pid_of)"
	# Atomic means renamed into place: no other file is left next to it.
	equals "$(find "$T" -maxdepth 1 -name '*pid*')" "$T/pid"
}

@test "pid-file: replaces an older one, also with run" {
	printf 'an older and much longer text' >"$T/pid"
	payload 'exec sleep 1000'
	ok run -d --pid-file "$T/pid" "$ID"
	equals "$(<"$T/pid")" "$(pid_of)"
}

@test "pid-file: in a folder that does not exist is an error, and nothing stays" {
	no create --pid-file "$T/no/such/pid" "$ID"
	[ ! -e "$ROOT/$ID" ]
}

@test "the init is a child of the caller's subreaper" {
	requires command:python3
	payload 'exec sleep 1000'
	cat >"$T/reaper.py" <<-'PY'
		import ctypes, os, subprocess, sys
		ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
		subprocess.run(sys.argv[2:], check=True, stdin=subprocess.DEVNULL)
		pid = int(open(sys.argv[1]).read())
		os.kill(pid, 9)
		print(os.WTERMSIG(os.waitpid(pid, 0)[1]))
	PY
	run python3 "$T/reaper.py" "$T/pid" "$RUNTIME" --root "$ROOT" create --pid-file "$T/pid" "$ID" 3>&-
	equals "$status/$output" 0/9
}

@test "two commands at the same time on different ids" {
	local i pids=()
	payload true
	for i in 1 2 3 4 5 6; do
		SBT_TEST=$ID "$RUNTIME" --root "$ROOT" run "$ID-$i" </dev/null >"$T/o$i" 2>&1 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
}

@test "two creates of one id at the same time: exactly one wins" {
	local i wins=0 pids=()
	payload 'exec sleep 1000'
	for i in 1 2 3 4; do
		SBT_TEST=$ID "$RUNTIME" --root "$ROOT" create "$ID" </dev/null >"$T/o$i" 2>&1 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		if wait "$i"; then wins=$((wins + 1)); fi
	done
	equals "$wins" 1
	equals "$(state_of)" created
}
