# Terminals: handed over by the console socket, and in the foreground.
load ../lib/helpers

# recvtty is the engine: it holds the master end, and what the terminal shows is in $T/tty.
start_recvtty() {
	requires "command:$RECVTTY"
	"$RECVTTY" "$@" --name "$T/name" "$T/sock" <"$T/keys" >"$T/tty" 2>"$T/tty.err" 3>&- &
	RECVTTY_PID=$!
	until_true [ -S "$T/sock" ]
}
keyboard() { # a pipe that stays open: what is written to fd 8 is typed
	mkfifo "$T/keys"
	exec 8<>"$T/keys"
}
tty_bundle() {
	update_config '.process.terminal = true'
	payload "$1"
	keyboard
}
typed_in() { grep -qF "$1" "$T/tty"; }

teardown() {
	exec 8>&- 8<&-
	clean_up
	[ -z "${RECVTTY_PID:-}" ] || wait "$RECVTTY_PID"
}

@test "console socket: stdin, stdout and stderr are the terminal" {
	tty_bundle 'tty; test -t 0 && test -t 1 && test -t 2 && echo all; readlink /proc/self/fd/0; exec sleep 1000'
	start_recvtty
	ok create --console-socket "$T/sock" "$ID"
	ok start "$ID"
	until_true typed_in all
	until_true typed_in /dev/pts/0
}

@test "console socket: what is typed arrives, and ^C is a signal" {
	tty_bundle 'trap "echo interrupted" INT; read x; echo "got $x"; while :; do sleep 0.05; done'
	start_recvtty
	ok run -d --console-socket "$T/sock" "$ID"
	printf 'some words\n' >&8
	until_true typed_in "got some words"
	printf '\003' >&8
	until_true typed_in interrupted
}

@test "console socket: the terminal is the session's controlling one" {
	tty_bundle 'echo through > /dev/tty; echo x$(ps -o tty,pid 2>/dev/null | head -n1); exec sleep 1000'
	start_recvtty
	ok run -d --console-socket "$T/sock" "$ID"
	until_true typed_in through
}

@test "console: /dev/console is the terminal" {
	tty_bundle 'echo by console > /dev/console; stat -c %t:%T /dev/console; exec sleep 1000'
	start_recvtty
	ok run -d --console-socket "$T/sock" "$ID"
	until_true typed_in "by console"
	until_true typed_in 88:0
}

@test "console: consoleSize is the first window size" {
	tty_bundle 'stty size; exec sleep 1000'
	update_config '.process.consoleSize = {height: 33, width: 77}'
	start_recvtty
	ok run -d --console-socket "$T/sock" "$ID"
	until_true typed_in "33 77"
}

@test "console: a resize from outside arrives as WINCH" {
	tty_bundle 'trap "stty size" WINCH; echo ready; while :; do sleep 0.05; done'
	start_recvtty --size 21x84
	ok run -d --console-socket "$T/sock" "$ID"
	until_true typed_in ready
	# recvtty sets the size as soon as it has the terminal: before or after the trap.
	typed_in "21 84" || kill -WINCH "$(pid_of)"
	until_true typed_in "21 84"
}

@test "console: belongs to the user" {
	tty_bundle 'stat -c %u /dev/pts/0; echo mine > /dev/tty; exec sleep 1000'
	update_config '.process.user.uid = 1000'
	start_recvtty
	ok run -d --console-socket "$T/sock" "$ID"
	until_true typed_in mine
	contains "$(<"$T/tty")" 1000
}

@test "console socket: one that does not exist is an error" {
	tty_bundle 'true'
	no create --console-socket "$T/no-such" "$ID"
	contains "$output" "$T/no-such" "no such file or directory"
}

# foreground KEYS...: runs the container in a terminal that script(1) makes; types the keys.
@test "run in a terminal: interactive, with the exit code, and the mode restored" {
	requires command:script
	update_config '.process.terminal = true'
	payload 'echo ready; read x; echo "got <$x>"; exit 5'
	cat >"$T/in-terminal" <<-SH
		before=\$(stty -g)
		"$RUNTIME" --root "$ROOT" run "$ID"
		echo "code \$?"
		[ "\$(stty -g)" = "\$before" ] && echo mode restored
	SH
	{
		until_true grep -q ready "$T/typescript"
		printf 'hello\n'
		sleep 1
	} | timeout 20 script -qf -c "sh $T/in-terminal" "$T/typescript" >/dev/null 3>&-
	contains "$(<"$T/typescript")" "got <hello>" "code 5" "mode restored"
}

@test "run in a terminal: ^C reaches the container, not the runtime" {
	requires command:script
	update_config '.process.terminal = true'
	payload 'trap "echo caught; exit 7" INT; echo ready; while :; do sleep 0.05; done'
	cat >"$T/in-terminal" <<-SH
		"$RUNTIME" --root "$ROOT" run "$ID"
		echo "code \$?"
	SH
	{
		until_true grep -q ready "$T/typescript"
		printf '\003'
		sleep 1
	} | timeout 20 script -qf -c "sh $T/in-terminal" "$T/typescript" >/dev/null 3>&-
	contains "$(<"$T/typescript")" caught "code 7"
}

@test "run in a terminal: killed from outside, the mode is restored" {
	requires command:script
	update_config '.process.terminal = true'
	payload 'echo ready; exec sleep 1000'
	cat >"$T/in-terminal" <<-SH
		before=\$(stty -g)
		"$RUNTIME" --root "$ROOT" run "$ID"
		echo "code \$?"
		[ "\$(stty -g)" = "\$before" ] && echo mode restored
	SH
	{
		until_true grep -q ready "$T/typescript"
		"$RUNTIME" --root "$ROOT" kill "$ID" KILL 3>&-
		sleep 1
	} | timeout 20 script -qf -c "sh $T/in-terminal" "$T/typescript" >/dev/null 3>&-
	contains "$(<"$T/typescript")" "code 137" "mode restored"
}

@test "run in a terminal: the window size is passed on" {
	requires command:script
	update_config '.process.terminal = true'
	payload 'sleep 0.2; stty size'
	cat >"$T/in-terminal" <<-SH
		stty rows 31 cols 91
		"$RUNTIME" --root "$ROOT" run "$ID"
	SH
	timeout 20 script -qf -c "sh $T/in-terminal" "$T/typescript" </dev/null >/dev/null 3>&-
	contains "$(<"$T/typescript")" "31 91"
}
