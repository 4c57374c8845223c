# spawn: what a sandbox is without flags, and each flag; as root and as an ordinary user.
load ../lib/spawn

@test "spawn: the exit code is the program's, 128+N for a signal" {
	exits() {
		spawn -- sh -c 'exit 0' && equals "$status" 0
		spawn -- sh -c 'exit 7' && equals "$status" 7
		spawn -- sh -c 'kill -TERM $$' && equals "$status" 143
		spawn -- sh -c 'kill -KILL $$' && equals "$status" 137
		spawn sh -c 'exit 9' && equals "$status" 9 # without --
	}
	each exits
}

@test "spawn: output, errors and input stream through" {
	streams() {
		spawn -- sh -c 'echo out; echo err >&2'
		equals "$status/$stdout/$stderr" 0/out/err
		equals "$(printf 'a line' | me "$SPAWN" spawn -- cat 3>&-)" "a line"
		# What is written comes at once, not at the end.
		mkfifo "$T/pipe" && chmod 666 "$T/pipe"
		me "$SPAWN" spawn -- sh -c 'echo first; read x; echo second $x' <"$T/pipe" >"$T/out" 3>&- &
		exec 7>"$T/pipe"
		until_true grep -q first "$T/out"
		echo go >&7
		exec 7>&-
		wait $!
		equals "$(tail -n1 "$T/out")" "second go"
		rm "$T/pipe"
	}
	each streams
}

@test "spawn: without flags: /usr to read, a /tmp to write, no home, no network, no rights" {
	plain() {
		gives "etc usr" -- sh -c 'ls / | grep -xE "home|root|etc|usr|var|srv|work" | xargs'
		gives no -- sh -c 'touch /usr/x 2>/dev/null || echo no'
		gives no -- sh -c 'touch /x 2>/dev/null || echo no'
		gives x -- sh -c 'ls /tmp; touch /tmp/x && ls /tmp'
		gives lo -- sh -c 'tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " "'
		gives 5 -- grep -c 'Cap.*:.0000000000000000' /proc/self/status
		gives $'NoNewPrivs:\t1' -- grep NoNewPrivs /proc/self/status
		gives $'Seccomp:\t2' -- grep Seccomp: /proc/self/status
		gives sandbox -- uname -n
		gives "sandbox-runtime:" -- sh -c 'tr "\0" " " </proc/1/cmdline | cut -d" " -f1' # the init
		local kind
		for kind in cgroup ipc mnt net pid user uts; do
			spawn -- readlink "/proc/self/ns/$kind"
			[ "$status" = 0 ] && [ "$stdout" != "$(readlink "/proc/self/ns/$kind")" ] || fail "shares $kind"
		done
	}
	each plain
}

@test "spawn: who the program is: the caller, root's is nobody; --user names another" {
	WHO=root
	gives 65534:65534 -- sh -c 'echo $(id -u):$(id -g)'
	gives 1234:5678 --user 1234:5678 -- sh -c 'echo $(id -u):$(id -g)'
	gives 1234:1234 --user 1234 -- sh -c 'echo $(id -u):$(id -g)'
	WHO=user
	gives "$USER_ID:$USER_ID" -- sh -c 'echo $(id -u):$(id -g)'
	gives 0:0 --user 0 -- sh -c 'echo $(id -u):$(id -g)'
	# It is only a name: for the host it is the same user.
	mkdir "$T/mine" && chown "$USER_ID" "$T/mine"
	gives "" --user 0 --bind "$T/mine:/mine" -- touch /mine/file
	equals "$(stat -c %u "$T/mine/file")" "$USER_ID"
	refused --user --user nobody -- true
}

@test "spawn: the environment: a small one, --env on top, --inherit-env the caller's" {
	environment() {
		export SPAWN_SECRET=1
		gives "HOME LANG PATH PWD" -- sh -c 'env | grep -v ^TERM= | cut -d= -f1 | sort | xargs'
		gives "x" --env SPAWN_OWN=x -- sh -c 'echo $SPAWN_OWN'
		gives "b" --env A=a -e A=b -- sh -c 'echo $A' # the last one wins
		gives "1,2" -e A=1,2 -- sh -c 'echo $A'
		gives "1" -e SPAWN_SECRET -- sh -c 'echo $SPAWN_SECRET'
		gives "1 other" --inherit-env -e HOME=other -- sh -c 'echo $SPAWN_SECRET $HOME'
	}
	each environment
}

@test "spawn: the program is looked up in the PATH that it will see" {
	lookup() {
		spawn -- no-such-program
		equals "$status" 127
		contains "$stderr" "no-such-program" "command not found"
		spawn --env PATH=/nowhere -- true
		contains "$stderr" "command not found"
		spawn -- /etc/passwd
		equals "$status" 126
		contains "$stderr" "not an executable file"
		printf 'no program' >"$T/text" && chmod 755 "$T/text"
		spawn --bind-ro "$T/text:/text" -- /text
		equals "$status" 126
		contains "$stderr" Program "exec format error"
		mkdir -p "$T/bin" && printf '#!/bin/sh\necho mine\n' >"$T/bin/own" && chmod 755 "$T/bin/own"
		gives mine --bind-ro "$T/bin:/opt/bin" --env PATH=/opt/bin:/usr/bin -- own
		# An empty entry does not mean the working directory.
		spawn --bind-ro "$T/bin:/opt/bin" --cwd /opt/bin --env PATH=: -- own
		contains "$stderr" "command not found"
	}
	each lookup
}

@test "spawn: --cwd" {
	cwd() {
		gives /usr/share --cwd /usr/share -- pwd
		gives / -- pwd
		refused --cwd --cwd usr -- pwd
		refused --cwd --cwd /no/such/folder -- pwd
	}
	each cwd
}

@test "spawn: --bind-ro shows a path, --bind lets write to it" {
	binds() {
		rm -rf "$T/data" && mkdir "$T/data" && echo old >"$T/data/file" && chmod -R a+rwX "$T/data"
		gives old --bind-ro "$T/data" -- cat "$T/data/file"
		gives old --bind-ro "$T/data:/other/place" -- cat /other/place/file
		gives no --bind-ro "$T/data:/d" -- sh -c 'echo new 2>/dev/null >/d/file || echo no'
		equals "$(<"$T/data/file")" old
		gives "" --bind "$T/data:/d" -- sh -c 'echo new >/d/file'
		equals "$(<"$T/data/file")" new
		gives new --bind-ro "$T/data/file:/etc/one" -- cat /etc/one
		# What is mounted below a bound folder is read-only too.
		gives no --bind-ro /:/host -- sh -c 'touch /host/dev/shm/spawn-test 2>/dev/null || echo no'
		refused "--bind-ro ($T/missing)" --bind-ro "$T/missing:/d" -- true
		refused "--overlay ($T/missing)" --bind-ro "$T/data" --overlay "$T/missing:/d" -- true
	}
	each binds
}

@test "spawn: --tmpfs is empty, writable and as large as it is said" {
	tmpfs() {
		gives "x" --tmpfs /scratch -- sh -c 'ls /scratch; touch /scratch/x; ls /scratch'
		spawn --tmpfs /scratch:1M -- head -c 2000000 /dev/zero
		equals "$status" 0
		spawn --tmpfs /scratch:1M -- sh -c 'head -c 2000000 /dev/zero >/scratch/big'
		[ "$status" != 0 ]
		contains "$stderr" "No space left"
		gives "" --tmpfs /usr/share -- ls /usr/share # covers what is there
		refused --tmpfs --tmpfs /scratch:much -- true
	}
	each tmpfs
}

@test "spawn: --overlay throws away what is written, --overlay-keep keeps it" {
	overlay() {
		rm -rf "$T/low" "$T/up" "$T/wk" && mkdir "$T/low" "$T/up" "$T/wk" && chmod 755 "$T/low"
		echo old >"$T/low/file"
		# The program's user: of others nothing can be copied up, one id is all that is mapped.
		local id=$USER_ID
		[ "$WHO" = user ] || id=65534
		chown -R "$id:$id" "$T/low" "$T/up" "$T/wk"
		gives "new" --overlay "$T/low:/d" -- sh -c 'echo new >/d/file; echo more >/d/second; cat /d/file'
		equals "$(ls "$T/low")/$(<"$T/low/file")" file/old
		gives "old" --overlay "$T/low:/d" -- cat /d/file
		gives "" --overlay-keep "$T/low:/d:$T/up:$T/wk" -- sh -c 'echo kept >/d/file'
		equals "$(<"$T/low/file")/$(<"$T/up/file")" old/kept
		gives kept --overlay-keep "$T/low:/d:$T/up:$T/wk" -- cat /d/file
		refused --overlay-keep --overlay-keep "$T/low:/d" -- true
	}
	each overlay
	WHO=root
	mkdir -m 700 "$T/closed" && mkdir "$T/closed/low"
	refused "must be able to enter every folder" --overlay "$T/closed/low:/d" -- true
}

# a_root: a small root file system of its own, with a mark.
a_root() {
	rm -rf "$T/root" && mkdir -p "$T/root/bin" "$T/root/data"
	cp "$(command -v busybox)" "$T/root/bin/busybox"
	ln -s busybox "$T/root/bin/sh"
	echo mark >"$T/root/mark"
	local id=$USER_ID
	[ "$WHO" = user ] || id=65534
	chown -R "$id:$id" "$T/root"
}
SH=(/bin/busybox sh -c)

@test "spawn: --root: that folder is all there is; writes stay in it" {
	root() {
		a_root
		gives "bin data dev mark proc tmp" --root "$T/root" -- "${SH[@]}" 'busybox ls / | busybox xargs'
		gives "" --root "$T/root" -- "${SH[@]}" 'echo x >/data/x'
		equals "$(<"$T/root/data/x")" x
		gives no --root "$T/root" --root-ro -- "${SH[@]}" 'echo y 2>/dev/null >/data/x || echo no'
		gives "" --root "$T/root" --root-overlay -- "${SH[@]}" 'echo y >/data/x; echo y >/new'
		equals "$(<"$T/root/data/x")/$([ -e "$T/root/new" ] || echo absent)" x/absent
		refused --root --root "$T/missing" -- /bin/sh
		refused --root-overlay --root-overlay -- /bin/sh
		refused --root-ro --root "$T/root" --root-ro --root-overlay -- /bin/sh
	}
	each root
}

@test "spawn: --root: nothing of the host is left behind the root" {
	behind() {
		a_root
		local flags
		for flags in "" "--root $T/root" "--root $T/root --root-ro" "--root $T/root --root-overlay"; do
			# After pivot_root the old root is stacked on the new one until it is unmounted, and
			# "/.." would lead there.
			# shellcheck disable=SC2086
			spawn $flags --bind-ro "$(command -v busybox):/busybox" -- /busybox sh -c '/busybox ls -a / >/tmp/a; /busybox ls -a /.. >/tmp/b; cd /..; /busybox ls -a >/tmp/c
				/busybox cmp /tmp/a /tmp/b && /busybox cmp /tmp/a /tmp/c && /busybox awk "\$5 == \"/\"" /proc/self/mountinfo | /busybox wc -l'
			equals "$status/$stdout" 0/1
		done
		spawn --root / --root-overlay -- sh -c 'ls -a / >/tmp/a; ls -a /.. | cmp - /tmp/a && awk "\$5 == \"/\"" /proc/self/mountinfo | wc -l'
		equals "$status/$stdout" 0/1
	}
	each behind
}

@test "spawn: --root / --root-overlay: the host's files, and writes that are thrown away" {
	whole() {
		mkdir -p "$T/top/sub" && echo old >"$T/top/file" && chmod -R a+rwX "$T/top"
		local id=$USER_ID
		[ "$WHO" = user ] || id=65534
		chown -R "$id:$id" "$T/top"
		gives "/usr/spawn-was-here" --root / --root-overlay -- sh -c 'echo x >/usr/spawn-was-here && ls /usr/spawn-was-here'
		[ ! -e /usr/spawn-was-here ] || fail "reached the host"
		# /tmp is the sandbox's own, so the test's folder is shown elsewhere.
		gives "new" --root / --root-overlay --overlay "$T/top:/mnt/top" -- sh -c 'echo new >/mnt/top/file; cat /mnt/top/file'
		equals "$(<"$T/top/file")" old
		gives no --root / --root-overlay -- sh -c 'echo x 2>/dev/null >/sys/spawn || echo no'
	}
	each whole
}

@test "spawn: --root with something mounted in it, and links beside it" {
	mounted() {
		a_root
		mkdir -p "$T/root/var/mnt" && ln -s mnt "$T/root/var/link"
		mount -t tmpfs spawn "$T/root/var/mnt"
		echo below >"$T/root/var/mnt/file"
		gives "below below" --root "$T/root" --root-overlay -- "${SH[@]}" 'echo $(busybox cat /var/mnt/file) $(busybox cat /var/link/file)' || { umount "$T/root/var/mnt"; return 1; }
		umount "$T/root/var/mnt"
	}
	each mounted
}

@test "spawn: --net host shares the network, none does not" {
	net() {
		gives "$(readlink /proc/self/ns/net)" --net host -- readlink /proc/self/ns/net
		spawn --net none -- readlink /proc/self/ns/net
		[ "$stdout" != "$(readlink /proc/self/ns/net)" ]
		refused --net --net bridge -- true
	}
	each net
}

@test "spawn: --share shares a namespace" {
	share() {
		local kind file
		for kind in net:net ipc:ipc uts:uts cgroup:cgroup; do
			file=/proc/self/ns/${kind#*:}
			gives "$(readlink "$file")" --share "${kind%:*}" -- readlink "$file"
		done
		refused --share --share moon -- true
	}
	each share
	WHO=root
	gives "$(readlink /proc/self/ns/user)" --share user -- readlink /proc/self/ns/user
	gives "$(readlink /proc/self/ns/mnt)" --share mount -- readlink /proc/self/ns/mnt
	WHO=user
	refused "user namespace" --share user -- true
}

INPTY=${RECVTTY%/*}/inpty

# at_terminal STEPS ARGS...: spawn as $WHO in a terminal, with somebody who follows the steps. What it shows is $output.
at_terminal() {
	local steps=$1 code=0 setpriv=()
	shift
	[ "$WHO" = root ] || setpriv=(setpriv --reuid "$USER_ID" --regid "$USER_ID" --clear-groups --inh-caps=-all --bounding-set=-all)
	output=$("$INPTY" "${setpriv[@]}" "$SPAWN" spawn "$@" <<<"$steps" 2>&1 3>&-) || code=$?
	[ "$code" = 0 ] || fail "$output"
}

@test "spawn: --tty, and at a terminal without it: a terminal of its own" {
	own() {
		local flag
		for flag in --tty -t --bind-ro=/usr; do
			at_terminal $'size 30x77\nexpect ready\nraw\ntype go\\n\nexpect /dev/pts/0\nexpect 30 77\nexpect controls\nexit 7\ncooked' \
				"$flag" -- sh -c 'echo ready; read x; tty; stty size; exec </dev/tty && echo controls; exit 7'
		done
		at_terminal $'expect not a tty\nexit 0' --tty=false -- sh -c 'tty; :'
		# Not where one of the streams goes elsewhere, unless it is asked for.
		gives "not a tty" -- sh -c 'tty; :'
		gives /dev/pts/0 --tty -- tty
		gives $'a\nb' --tty -- sh -c 'echo a; echo b'
		spawn --tty -- sh -c 'exit 7'
		equals "$status" 7
		refused Terminal --tty --share mount -- tty
	}
	each own
}

@test "spawn: at a terminal, ^C reaches what runs in the foreground, and only that" {
	interrupt() {
		# An interactive shell has its jobs in process groups of their own.
		at_terminal $'type echo $((1000+1)); sleep 1000\\n\nexpect 1001\ntype \\003\nexpect ^C\ntype echo $((2000+2)) $?\\n\nexpect 2002 130\ntype exit 5\\n\nexit 5' -- bash -i
		at_terminal $'raw\ntype hello\\n\nexpect hello\nexpect hello\ntype \\003\nexit 130' -- cat
		# The other way: a signal to the command.
		at_terminal $'expect ready\nsignal 15\nexpect got\nexit 5\ncooked' -- sh -c 'trap "echo got; exit 5" TERM; echo ready; while :; do sleep 0.05; done'
	}
	each interrupt
}

@test "spawn: --hostname" {
	hostname_() { gives other --hostname other -- uname -n; }
	each hostname_
}

@test "spawn: --rlimit" {
	rlimit() {
		gives "123 456" --rlimit nofile=123:456 -- sh -c 'echo $(ulimit -Sn) $(ulimit -Hn)'
		gives "77 77" --rlimit RLIMIT_NOFILE=77 -- sh -c 'echo $(ulimit -Sn) $(ulimit -Hn)'
		spawn --rlimit fsize=1000 -- sh -c 'head -c 5000 /dev/zero >/tmp/f'
		[ "$status" != 0 ]
		refused --rlimit --rlimit nofile -- true
		refused "unknown" --rlimit NOSUCH=1 -- true
	}
	each rlimit
}

@test "spawn: --profile strict, moderate, permissive; flags refine it" {
	presets() {
		local weaker=()
		[ "$WHO" = root ] || weaker=(--allow-weaker) # no cgroup
		gives 256 --profile strict "${weaker[@]}" -- sh -c 'ulimit -n'
		gives 128 --profile strict "${weaker[@]}" --rlimit nofile=128 -- sh -c 'ulimit -n'
		gives 0 --profile moderate "${weaker[@]}" -- sh -c 'ulimit -c'
		gives "$(readlink /proc/self/ns/net)" --profile permissive -- readlink /proc/self/ns/net
		spawn --profile permissive --net none -- readlink /proc/self/ns/net
		[ "$stdout" != "$(readlink /proc/self/ns/net)" ]
		refused --profile --profile loose -- true
	}
	each presets
}

@test "spawn: --seccomp: each named filter allows more than the one before" {
	filters() {
		# A call that each of them adds to the one before.
		probe EPERM --seccomp compute -- connect @spawn-nobody
		probe ECONNREFUSED --seccomp network -- connect @spawn-nobody
		spawn --seccomp essential -- sh -c 'ls / | cat'
		[ "$status" != 0 ]
		gives "etc" --seccomp minimal -- sh -c 'ls / | grep etc'
		gives "" --seccomp io-heavy -- sh -c 'mkdir /tmp/d && mv /tmp/d /tmp/e && rmdir /tmp/e'
		spawn --seccomp minimal -- sh -c 'mkdir /tmp/d && mv /tmp/d /tmp/e && rmdir /tmp/e'
		[ "$status" != 0 ]
		gives $'Seccomp:\t0' --seccomp none -- grep Seccomp: /proc/self/status
		refused --seccomp --seccomp nosuch -- true
	}
	each filters
}

@test "spawn: --seccomp FILE: a filter as config.json has it" {
	file() {
		echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":28}]}' >"$T/filter.json"
		spawn --seccomp "$T/filter.json" -- mkdir /tmp/d
		[ "$status" != 0 ]
		contains "$stderr" "No space left"
		echo '{"defaultAction":"SCMP_ACT_NOSUCH"}' >"$T/filter.json"
		refused seccomp --seccomp "$T/filter.json" -- true
		refused --seccomp --seccomp "$T/missing.json" -- true
	}
	each file
}

@test "spawn: --landlock-ro, -rw, -exec: what no rule allows is denied" {
	"$RUNTIME" check | grep -q 'ok *landlock' || skip "this kernel has no Landlock"
	landlock() {
		mkdir -p "$T/data/ro" "$T/data/rw" "$T/data/no" && echo text >"$T/data/ro/f" && echo text >"$T/data/no/f" && chmod -R a+rwX "$T/data"
		printf '#!/bin/sh\necho ran\n' >"$T/data/ro/prog" && chmod 755 "$T/data/ro/prog"
		gives "text text" --bind "$T/data:/data" -- sh -c 'echo $(cat /data/ro/f) $(cat /data/no/f)'
		gives text --bind "$T/data:/data" --landlock-ro /data/ro --landlock-rw /data/rw -- sh -c 'cat /data/ro/f; cat /data/no/f 2>/dev/null; echo x >/data/rw/f; echo x 2>/dev/null >/data/ro/f; :'
		equals "$(<"$T/data/rw/f")/$(<"$T/data/ro/f")" x/text
		spawn --bind "$T/data:/data" --landlock-ro /data/ro -- /data/ro/prog
		[ "$status" != 0 ] || fail "executed without the right to"
		gives ran --bind "$T/data:/data" --landlock-exec /data/ro -- /data/ro/prog
		refused --landlock-ro --landlock-ro relative -- true
	}
	each landlock
}

@test "spawn: --landlock-connect, -bind: TCP ports" {
	"$RUNTIME" check | grep -qE 'ok *landlock *ABI ([4-9]|1.)' || skip "Landlock of this kernel knows no ports"
	ports() {
		probe EACCES --landlock-connect 9 -- connect 127.0.0.1:10
		probe ECONNREFUSED --landlock-connect 9 -- connect 127.0.0.1:9
		probe EACCES --landlock-bind 4000 -- listen 127.0.0.1:4001
		local filter
		for filter in network unrestricted none; do
			# Landlock's rules do not bind Multipath TCP.
			probe EPROTONOSUPPORT --landlock-bind 4000 --seccomp "$filter" -- mptcp
			probe EACCES --landlock-bind 4000 --seccomp "$filter" -- listen 127.0.0.1:4001
		done
		refused --landlock-connect --landlock-connect 99999 -- true
	}
	each ports
}

@test "spawn: --mode: what is picked, and why" {
	mode() {
		local want=privileged why="the caller is root"
		[ "$WHO" = root ] || { want=unprivileged why="the caller is not root"; }
		spawn --json -- true
		equals "$(jq -r '.mode + "/" + .mode_reason' <<<"$stderr")" "$want/$why"
		spawn --json --mode unprivileged -- true
		equals "$(jq -r '.mode + "/" + .mode_reason' <<<"$stderr")" "unprivileged/asked for"
		refused --mode --mode best -- true
	}
	each mode
	WHO=user
	refused "privileged mode" --mode privileged -- true
}

@test "spawn: root of a user namespace: what is not root's there is done without privileges" {
	root_of() {
		local flag
		for flag in -Ur -Urm; do # without a mount namespace of its own, and with one
			stderr=$(me unshare $flag "$SPAWN" spawn --json -- true 2>&1 >/dev/null </dev/null 3>&-)
			equals "$(jq -r .mode <<<"$stderr")" unprivileged
			contains "$(jq -r .mode_reason <<<"$stderr")" "user namespace"
		done
	}
	each root_of
}

# fails_with CODE COMMAND...: sets $output to all that it prints.
fails_with() {
	local want=$1 code=0
	shift
	output=$("$@" </dev/null 2>&1 3>&-) || code=$?
	equals "$code" "$want"
}

@test "spawn: where namespaces are forbidden or used up, the error says so" {
	forbidden() {
		local i
		# In a user namespace a limit of its own, so that nobody else meets it. The network namespace is made
		# while its maps are being written: the reason must not be lost to that, however it turns out.
		for i in 1 2 3 4 5 6 7 8 9 10; do
			fails_with 125 me unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_net_namespaces; exec "$0" spawn --mode unprivileged -- true' "$SPAWN"
			contains "$output" "unshare(CLONE_NEWNET): no space left" "a limit on namespaces is reached"
		done
		fails_with 125 me unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$0" spawn -- true' "$SPAWN"
		contains "$output" "unshare(CLONE_NEWUSER)" "a limit on namespaces is reached"
		# As in a container with the usual filter.
		fails_with 125 me "$SPAWN" spawn --bind-ro "$SPAWN:/spawn" -- /spawn spawn -- true
		contains "$output" "unshare(CLONE_NEWUSER): operation not permitted" "a seccomp filter is on this process"
		gives nested --bind-ro "$SPAWN:/spawn" --seccomp none -- /spawn spawn -- echo nested
	}
	each forbidden
}

@test "spawn: signals reach the program" {
	signals() {
		background -- sh -c 'trap "echo got; exit 5" TERM; echo ready; while :; do sleep 0.05; done'
		local pid=$! code=0
		until_true grep -q ready "$T/out"
		kill -TERM "$pid"
		wait "$pid" || code=$?
		equals "$code/$(tail -n1 "$T/out")" 5/got
	}
	each signals
}

@test "spawn: when the command is killed, nothing of the sandbox survives" {
	killed() {
		local mark=$((RANDOM + 100000)).${WHO/root/1}
		mark=${mark/user/2}
		background -- sh -c "trap '' TERM HUP; setsid sleep $mark & sleep $mark & echo ready; wait"
		local pid=$!
		until_true grep -q ready "$T/out"
		until_true pgrep -f "^sleep $mark"
		kill -KILL "$pid"
		wait "$pid" || :
		until_true none "$mark"
	}
	none() { ! pgrep -f "^sleep $1"; }
	each killed
}

@test "spawn: mistakes on the command line" {
	mistakes() {
		refused "want a program"
		equals "$status" 125
		refused "flag" --no-such-flag -- true
		refused --memory --memory lots -- true
		refused --cpus --cpus -1 -- true
		refused --pids --pids -1 -- true
		refused --timeout --timeout -1s -- true
	}
	each mistakes
}
