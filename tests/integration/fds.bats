# File descriptors: what is meant to be passed on, and nothing else.
load ../lib/helpers

@test "fds: only 0, 1 and 2" {
	exec 7<"$BUNDLE/config.json" 9>"$T/nine"
	update_config '.process.args = ["ls", "-l", "/proc/self/fd"]'
	ok run "$ID"
	exec 7<&- 9>&-
	# ls has one more, for the folder it reads, and has closed it when it looks where that leads.
	equals "$(awk '/->/ {print $9}' <<<"$stdout" | sort -n | xargs)" "0 1 2"
}

@test "fds: the same when created and started" {
	exec 7<"$BUNDLE/config.json"
	payload 'ls /proc/1/fd; exec sleep 1000'
	ok create "$ID"
	ok start "$ID"
	until_true [ -s "$T/stdout" ] || :
	exec 7<&-
	equals "$(find "/proc/$(pid_of)/fd" -type l -printf "%f " | xargs)" "0 1 2"
}

@test "fds: --preserve-fds hands them on with LISTEN_FDS" {
	echo three >"$T/3" && echo four >"$T/4"
	payload 'cat <&3; cat <&4; ls /proc/self/fd | xargs'
	status=0
	"$RUNTIME" --root "$ROOT" run --preserve-fds 2 "$ID" 3<"$T/3" 4<"$T/4" >"$T/stdout" 2>"$T/stderr" || status=$?
	collect "run --preserve-fds 2"
	equals "$status/${lines[0]}/${lines[1]}" 0/three/four
}

@test "fds: more than there are is an error" {
	rt run --preserve-fds 50 "$ID"
	[ "$status" != 0 ]
}

@test "fds: LISTEN_FDS of the caller is passed on, with LISTEN_PID 1" {
	payload 'echo $LISTEN_FDS $LISTEN_PID; cat <&3'
	echo socket >"$T/3"
	status=0
	sh -c 'export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@"' - "$RUNTIME" --root "$ROOT" run "$ID" 3<"$T/3" >"$T/stdout" 2>"$T/stderr" 4>&- || status=$?
	collect "run with LISTEN_FDS"
	equals "${lines[0]}" "1 1"
	equals "${lines[1]}" socket
}

@test "fds: closed ones of the caller stay harmless" {
	payload 'echo fine > /dev/null; exit 4'
	status=0
	"$RUNTIME" --root "$ROOT" run "$ID" <&- >/dev/null 2>&1 3>&- || status=$?
	equals "$status" 4
}

@test "fds: the runtime has none left that the container keeps open" {
	running
	# All descriptors of the init belong to the container: no state folder, no cgroup, no host root.
	local target
	for target in /proc/"$(pid_of)"/fd/*; do
		[[ $(readlink "$target") != *"$ROOT"* ]]
	done
}
