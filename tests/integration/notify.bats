# What is handed to the caller while a container runs: readiness (sd_notify(3)) and pidfds.
load ../lib/helpers

RECVMSG=${RECVTTY%/*}/recvmsg

setup() {
	make_bundle
	requires "command:$RECVMSG"
}
teardown() {
	[ -z "${LISTENER:-}" ] || { kill "$LISTENER" && wait "$LISTENER"; } 2>/dev/null || :
	clean_up
}

listen() { # MODE
	"$RECVMSG" "$1" "$T/$1" >"$T/$1.out" 2>&1 3>&- &
	LISTENER=$!
	until_true [ -S "$T/$1" ]
}
manager() { # the service manager; the container gets the program that notifies
	listen notify
	export NOTIFY_SOCKET=$T/notify
	update_config '.mounts += [{destination: "/send", type: "bind", source: $s, options: ["bind", "ro"]}]' --arg s "$RECVMSG"
}
heard() { grep -qxF "$1" "$T/notify.out"; }
unheard() { if heard "$1"; then fail "heard $1 already"; fi; }

@test "sd_notify: run in the foreground passes READY on, with the runtime as the main process" {
	manager
	payload '/send send $NOTIFY_SOCKET READY=1; exec sleep 1000'
	# The init is process 1 for the container, so the runtime stays what systemd watches.
	SBT_TEST=$ID "$RUNTIME" --root "$ROOT" run "$ID" </dev/null >"$T/o" 2>&1 3>&- &
	local run=$!
	until_true heard READY=1
	until_true heard "MAINPID=$run"
	ok kill "$ID" KILL
	wait "$run" || :
}

@test "sd_notify: run --detach returns when the container is ready, with its init as the main process" {
	manager
	payload 'until [ -e /go ]; do sleep 0.02; done; /send send $NOTIFY_SOCKET READY=1 STATUS=x; exec sleep 1000'
	update_config '.root.readonly = false'
	SBT_TEST=$ID "$RUNTIME" --root "$ROOT" run --detach "$ID" </dev/null >"$T/o" 2>&1 3>&- &
	local run=$! status=0
	until_true is_status running
	unheard READY=1
	kill -0 "$run"
	touch rootfs/go
	wait "$run" || status=$?
	rm rootfs/go
	equals "$status" 0
	until_true heard "MAINPID=$(pid_of)"
	heard READY=1
	[[ $(<"$T/notify.out") != *STATUS* ]] # nothing else is passed on
}

@test "sd_notify: create and start" {
	manager
	payload '/send send $NOTIFY_SOCKET READY=1; exec sleep 1000'
	ok create "$ID"
	unheard READY=1
	ok start "$ID"
	until_true heard "MAINPID=$(pid_of)"
	heard READY=1
}

@test "sd_notify: a container that ends without a word ends the waiting" {
	not_with runc "waits for the message until whoever inherited the init has reaped it"
	manager
	payload 'exit 3'
	ok run --detach "$ID"
	unheard READY=1
}

@test "sd_notify: the container does not see the service manager's own socket" {
	not_with runc "takes only a message whose first line is READY, and waits on"
	manager
	update_config '.process.env += ["NOTIFY_SOCKET=/host/path"]'
	payload 'env | grep -c NOTIFY_SOCKET; echo "$NOTIFY_SOCKET"; ls /run/notify; /send send $NOTIFY_SOCKET MAINPID=1 READY=1'
	rt run "$ID"
	equals "${lines[0]} ${lines[1]} ${lines[2]}" "1 /run/notify/notify.sock notify.sock"
	unheard MAINPID=1
}

@test "sd_notify: a container user without privileges can notify" {
	not_with runc "its folder follows the umask"
	manager
	update_config '.process.user = {uid: 1000, gid: 1000}'
	payload '/send send $NOTIFY_SOCKET READY=1; exec sleep 1000'
	[ "$(id -u)" != 0 ] || umask 077 # (else the files of this test are not readable afterwards)
	ok run --detach "$ID"
	until_true heard READY=1
}

@test "sd_notify: without NOTIFY_SOCKET there is nothing of it" {
	payload 'echo "<$NOTIFY_SOCKET>"; ls /run/notify 2>&1'
	rt run "$ID"
	contains "$output" "<>" "No such file"
}

@test "sd_notify: start without a socket from create is a warning" {
	ours_only "runc fails with an error of bind"
	payload 'exec sleep 1000'
	ok create "$ID"
	export NOTIFY_SOCKET=$T/nobody
	ok start "$ID"
	contains "$stderr" NOTIFY_SOCKET
}

the_pidfd() { # of PID, with TEXT
	until_true grep -q ^pid "$T/pidfd.out"
	contains "$(<"$T/pidfd.out")" "text $2" "descriptor anon_inode:" "pid $1"
}

@test "--pidfd-socket: create, run and exec hand over the process's pidfd" {
	not_with crun "has no such flag"
	payload 'exec sleep 1000'
	listen pidfd
	ok create --pidfd-socket "$T/pidfd" "$ID"
	the_pidfd "$(pid_of)" standard
	ok start "$ID"
	rm -f "$T/pidfd"*
	listen pidfd
	ok exec --detach --pid-file "$T/pid" --pidfd-socket "$T/pidfd" "$ID" sleep 1000
	the_pidfd "$(<"$T/pid")" setns
	ok delete --force "$ID"
	rm -f "$T/pidfd"*
	listen pidfd
	ok run --detach --pidfd-socket "$T/pidfd" "$ID"
	the_pidfd "$(pid_of)" standard
}

@test "--pidfd-socket: nobody there is an error, and no process is left" {
	not_with crun "has no such flag"
	payload 'exec sleep 1000'
	rt run --detach --pidfd-socket "$T/none" "$ID"
	[ "$status" != 0 ]
	contains "$output" "no such file"
	ok delete --force "$ID" # runc leaves it
	running
	rt exec --detach --pidfd-socket "$T/none" "$ID" sleep 4321
	[ "$status" != 0 ]
	[ "$FLAVOR" != ours ] || contains "$output" --pidfd-socket "$T/none"
	equals "$(pgrep -c -f '^sleep 4321')" 0
}
