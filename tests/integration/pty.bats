# run and exec in a real terminal, with somebody at the keyboard: tests/cmd/inpty.
load ../lib/helpers

INPTY=${RECVTTY%/*}/inpty

setup() {
	make_bundle
	requires "command:$INPTY"
	update_config '.process.terminal = true'
}

# at_terminal ARGS... <SCRIPT: the runtime's command in a terminal.
at_terminal() {
	status=0
	SBT_TEST=$ID timeout 100 "$INPTY" "$RUNTIME" --root "$ROOT" "$@" >"$T/stdout" 2>"$T/stderr" 3>&- || status=$?
	collect "$*"
	[ "$status" = 0 ] || fail "the script failed"
}

@test "pty: raw while it runs, and as before when the program has ended" {
	payload 'echo ready; read x; echo "got <$x>"; exit 5'
	at_terminal run "$ID" <<-'SCRIPT'
		expect ready
		raw
		type hello\r
		expect got <hello>
		exit 5
		cooked
	SCRIPT
}

@test "pty: as before when a signal has ended the program, and when one came to the runtime" {
	payload 'trap "exit 3" TERM; echo ready; while :; do sleep 0.05; done'
	at_terminal run "$ID" <<-'SCRIPT'
		expect ready
		raw
		signal 15
		exit 3
		cooked
	SCRIPT
	update_config '.root.readonly = false'
	payload 'echo ready; read x; : >/etc/go; exec sleep 1000'
	at_terminal run "$ID" <<-'SCRIPT' &
		expect ready
		raw
		type \r
		exit 137
		cooked
	SCRIPT
	until_true test -e rootfs/etc/go
	ok_quiet kill "$ID" KILL
	wait $!
}
ok_quiet() { "$RUNTIME" --root "$ROOT" "$@" 3>&-; } # $T/stdout is the terminal's

@test "pty: as before when the program cannot be executed" {
	not_with runc "ends with 255"
	printf 'nonsense' >rootfs/etc/prog && chmod +x rootfs/etc/prog
	update_config '.process.args = ["/etc/prog"]'
	at_terminal run "$ID" <<-'SCRIPT'
		expect format error
		exit 1
		cooked
	SCRIPT
}

@test "pty: a key that is typed is no signal to the runtime: ^C and ^Z are the program's" {
	payload 'trap "echo interrupted" INT; echo ready; read x; read x; echo "got $x"; exit 4'
	at_terminal run "$ID" <<-'SCRIPT'
		expect ready
		raw
		type \003
		expect interrupted
		type \r
		type words\r
		type more\r
		expect got
		exit 4
		cooked
	SCRIPT
}

@test "pty: the window's size, at first and when it changes" {
	payload 'trap "stty size" WINCH; trap "exit 9" TERM; stty size; while :; do sleep 0.02; done'
	at_terminal run "$ID" <<-'SCRIPT'
		expect 24 80
		size 33x77
		expect 33 77
		size 40x120
		expect 40 120
		signal 15
		exit 9
		cooked
	SCRIPT
}

@test "pty: job control in a shell inside" {
	update_config '.process.args = ["sh", "-i"] | .process.env += ["PS1=# "]'
	at_terminal run "$ID" <<-'SCRIPT'
		expect # 
		raw
		type sh -c 'trap \"echo con\"\"tinued\" CONT; echo be\"\"gun; while :; do sleep 0.05; done'\r
		expect begun
		type \032
		expect Stopped
		type jobs\r
		expect Stopped
		type fg\r
		expect continued
		type \003
		expect # 
		type echo status $?\r
		expect status 130
		type exit 6\r
		exit 6
		cooked
	SCRIPT
	[[ $stdout != *"job control turned off"* ]]
}

@test "pty: exec --tty: raw, restored, with the size and the exit code" {
	update_config '.process.terminal = false'
	running
	at_terminal exec --tty "$ID" sh -c 'stty size; tty; read x; echo "got <$x>"; exit 7' <<-'SCRIPT'
		expect 24 80
		expect /dev/pts/
		raw
		type word\r
		expect got <word>
		exit 7
		cooked
	SCRIPT
}

@test "pty: exec --tty: as before when the program is not there" {
	update_config '.process.terminal = false'
	running
	at_terminal exec --tty "$ID" no-such-program <<-'SCRIPT'
		expect no-such-program
		exit 255
		cooked
	SCRIPT
}

@test "pty: stopped and continued from outside, it is raw again" {
	payload 'echo ready; read x; exit 8'
	at_terminal run "$ID" <<-'SCRIPT'
		expect ready
		raw
		signal 19
		signal 18
		raw
		type \r
		exit 8
		cooked
	SCRIPT
}

@test "pty: exec --tty: as before when a signal comes to the runtime, and when the container is killed" {
	update_config '.process.terminal = false | .root.readonly = false'
	running
	at_terminal exec --tty "$ID" sh -c 'trap "exit 3" TERM; echo ready; while :; do sleep 0.05; done' <<-'SCRIPT'
		expect ready
		raw
		signal 15
		exit 3
		cooked
	SCRIPT
	at_terminal exec --tty "$ID" sh -c 'echo ready; read x; : >/etc/go; exec sleep 1000' <<-'SCRIPT' &
		expect ready
		raw
		type \r
		exit 137
		cooked
	SCRIPT
	until_true test -e rootfs/etc/go
	ok_quiet kill "$ID" KILL
	wait $!
}

@test "pty: in a user namespace the terminal and /dev/console are the user's, whoever he is" {
	in_userns
	update_config '.process.user = {uid: 1000, gid: 1000}'
	payload 'stat -c "%u of %n" /dev/pts/0 /dev/console; echo by tty >/dev/tty; echo by console >/dev/console
		stty rows 50; stty size; while [ "$(stty size)" = "50 80" ]; do sleep 0.02; done; stty size; exit 4'
	at_terminal run "$ID" <<-'SCRIPT'
		expect 1000 of /dev/pts/0
		expect 1000 of /dev/console
		expect by tty
		expect by console
		expect 50 80
		size 33x99
		expect 33 99
		exit 4
		cooked
	SCRIPT
}
