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

@test "fds: --preserve-fds hands them on, and says nothing of socket activation" {
	echo three >"$T/3" && echo four >"$T/4"
	payload 'cat <&3; cat <&4; ls /proc/self/fd | xargs; echo "<$LISTEN_FDS>"'
	status=0
	"$RUNTIME" --root "$ROOT" run --preserve-fds 2 "$ID" 3<"$T/3" 4<"$T/4" >"$T/stdout" 2>"$T/stderr" || status=$?
	collect "run --preserve-fds 2"
	equals "$status/${lines[0]}/${lines[1]}" 0/three/four
	equals "${lines[2]}" "0 1 2 3 4 5" # 5 is the folder that ls reads
	equals "${lines[3]}" "<>"
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

@test "fds: LISTEN_FDS that was meant for another process, or is no number, passes nothing on" {
	not_with crun "does not look at LISTEN_PID"
	payload 'echo "<$LISTEN_FDS$LISTEN_PID>"; [ ! -e /proc/self/fd/4 ] && echo none' # 3 is the folder's, or none
	local n
	for n in 'LISTEN_FDS=1' 'LISTEN_FDS=1 LISTEN_PID=1' "LISTEN_FDS=1 LISTEN_PID=$$" 'LISTEN_FDS=x LISTEN_PID=$$' 'LISTEN_FDS=0 LISTEN_PID=$$'; do
		status=0
		sh -c "export $n;"' exec "$@"' - "$RUNTIME" --root "$ROOT" run "$ID" 3</etc/passwd 4</etc/passwd >"$T/stdout" 2>"$T/stderr" || status=$?
		collect "run with $n"
		equals "$status ${lines[*]}" "0 <> none"
	done
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

# as_caller CLOSED ARGS...: the runtime with those of 0, 1 and 2 closed whose digit is 1.
as_caller() {
	local closed=$1
	shift
	(
		exec </dev/zero >"$T/out" 2>"$T/err" 3>&-
		[ "${closed:0:1}" = 0 ] || exec <&-
		[ "${closed:1:1}" = 0 ] || exec >&-
		[ "${closed:2:1}" = 0 ] || exec 2>&-
		exec "$RUNTIME" --root "$ROOT" "$@"
	)
}
# looks_right PID CLOSED: the process has 0, 1, 2 and no more, /dev/null where the caller had nothing.
looks_right() {
	local n want
	equals "$(find "/proc/$1/fd" -type l -printf "%f\n" | sort -n | xargs)" "0 1 2" || return
	for n in 0 1 2; do
		case $n in 0) want=/dev/zero ;; 1) want=$T/out ;; 2) want=$T/err ;; esac
		[ "${2:n:1}" = 0 ] || want=/dev/null
		equals "$(readlink "/proc/$1/fd/$n")" "$want" || return
	done
}

@test "fds: with each combination of 0, 1 and 2 closed in the caller, in run, exec, create and start" {
	not_with crun "leaves them closed"
	not_with runc "relays those of exec by pipes"
	local closed pid
	payload 'exec sleep 1000'
	for closed in 000 100 010 001 110 101 011 111; do
		as_caller "$closed" run -d --pid-file "$T/pid" "$ID-$closed"
		looks_right "$(<"$T/pid")" "$closed" || fail "run, closed: $closed"
		as_caller "$closed" exec -d --pid-file "$T/pid" "$ID-$closed" sleep 1000
		looks_right "$(<"$T/pid")" "$closed" || fail "exec, closed: $closed"
		ok delete -f "$ID-$closed"
		as_caller "$closed" create --pid-file "$T/pid" "$ID-$closed"
		as_caller "$closed" start "$ID-$closed"
		pid=$(<"$T/pid")
		until_true grep -qx sleep "/proc/$pid/comm"
		looks_right "$pid" "$closed" || fail "create and start, closed: $closed"
		as_caller "$closed" kill "$ID-$closed" KILL
		until_true is_status stopped "$ID-$closed"
		as_caller "$closed" delete "$ID-$closed"
		rt state "$ID-$closed"
		[ "$status" != 0 ] || fail "delete, closed: $closed"
	done
}

@test "fds: an error of a caller with closed descriptors goes nowhere, and not into a file of the container's" {
	payload 'exec sleep 1000'
	ok run -d "$ID"
	local before closed cmd status
	before=$(find "$ROOT/$ID" -type f -exec md5sum {} + | sort)
	for closed in 001 011 111; do
		for cmd in "start $ID" "delete $ID" "kill $ID NOSUCH"; do
			status=0
			# shellcheck disable=SC2086
			as_caller "$closed" $cmd || status=$?
			equals "$status" 1
		done
	done
	equals "$(find "$ROOT/$ID" -type f -exec md5sum {} + | sort)" "$before"
}
