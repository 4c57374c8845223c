# hooks: the moment, the namespace, the state on stdin, the environment, timeouts, failures.
load ../lib/helpers

# hook KIND SCRIPT [JQ]: adds a hook that runs a shell script on the host (createContainer's and
# startContainer's see the container's root: those use /bin/sh of it).
hook() {
	update_config '.hooks[$k] += [{path: "/bin/sh", args: ["sh", "-c", $s], env: ["PATH=/usr/bin:/bin", "MARK=yes"]}]' \
		--arg k "$1" --arg s "$2"
}
note() { cat "$T/notes" 2>/dev/null; }

# The status that a hook reads, as a line of $T/notes.
status_of_hook() {
	hook "$1" "echo $1 \$(sed -n 's/.*\"status\": *\"\\([a-z]*\\)\".*/\\1/p') >> ${2:-$T}/notes"
}

@test "hooks: in order, each with the right status" {
	local k
	for k in prestart createRuntime createContainer poststop; do status_of_hook $k; done
	update_config '.mounts += [{destination: "/home", type: "bind", source: $t, options: ["bind"]}]' --arg t "$T"
	status_of_hook startContainer /home
	payload 'echo payload >> /home/notes; exec sleep 1000'
	ok create "$ID"
	# runtime.md: "created" is after step 2 of the life cycle, these hooks are steps 3 to 5.
	local during=created
	[ "$FLAVOR" != runc ] || during=creating
	equals "$(note)" "prestart $during
createRuntime $during
createContainer $during"
	ok start "$ID"
	until_true grep -q payload "$T/notes"
	equals "$(sed -n 4p "$T/notes")" "startContainer created"
	ok delete --force "$ID"
	equals "$(tail -n1 "$T/notes")" "poststop stopped"
}

@test "hooks: poststart after the program has begun, with status running" {
	not_with runc "runs it at create before 1.4"
	status_of_hook poststart
	# What the init is at that moment: the program, and not the runtime's own code any more.
	hook poststart "cat /proc/\$(sed -n 's/.*\"pid\": *\\([0-9]*\\).*/\\1/p')/comm >> $T/notes"
	payload 'exec sleep 1000'
	ok create "$ID"
	equals "$(note)" ""
	ok start "$ID"
	equals "$(note | sed 's/^sh$/sleep/' | xargs)" "poststart running sleep"
}

@test "hooks: the state on stdin is the container's" {
	hook createRuntime "cat > $T/state.json"
	running
	equals "$(jq -r .id "$T/state.json")" "$ID"
	equals "$(jq -r .bundle "$T/state.json")" "$BUNDLE"
	equals "$(jq -r .pid "$T/state.json")" "$(pid_of)"
	contains "$(jq -r .ociVersion "$T/state.json")" 1.
}

@test "hooks: only the environment given, and args as given" {
	update_config '.hooks.createRuntime = [{path: "/usr/bin/env", env: ["ONLY=this"]}, {path: "/bin/sh", args: ["name", "-c", "echo $0 $1 > '"$T"'/args; env > '"$T"'/env", "zero", "one"], env: ["ONLY=this"]}]'
	ok create "$ID"
	equals "$(<"$T/args")" "zero one"
	equals "$(grep -v '^PWD=\|^SHLVL=\|^_=' "$T/env")" "ONLY=this"
}

@test "hooks: namespaces: createRuntime the runtime's, createContainer and startContainer the container's" {
	hook createRuntime "readlink /proc/self/ns/mnt /proc/self/ns/uts > $T/r1; readlink /proc/self/ns/mnt > $T/r"
	hook createContainer "readlink /proc/self/ns/mnt > $T/c"
	update_config '.mounts += [{destination: "/notes", type: "bind", source: $t, options: ["bind"]}]' --arg t "$T"
	hook startContainer "readlink /proc/self/ns/mnt > /notes/s; readlink /proc/self/ns/pid >> /notes/s"
	running
	until_true [ -s "$T/s" ]
	local own
	own=$(readlink "/proc/$(pid_of)/ns/mnt")
	equals "$(<"$T/r")" "$(readlink /proc/self/ns/mnt)"
	equals "$(<"$T/c")" "$own"
	equals "$(head -n1 "$T/s")" "$own"
	equals "$(tail -n1 "$T/s")" "$(readlink "/proc/$(pid_of)/ns/pid")"
}

@test "hooks: createContainer runs before the root is changed" {
	hook createContainer "ls $BUNDLE/config.json > $T/c"
	ok create "$ID"
	equals "$(<"$T/c")" "$BUNDLE/config.json"
}

@test "hooks: a mount made by createContainer is the container's" {
	hook createContainer "mount -t tmpfs -o size=64k hooktmp $BUNDLE/rootfs/mnt"
	inside 'grep hooktmp /proc/mounts'
	contains "$stdout" /mnt
}

@test "hooks: a failing one before the start stops the creation; its words are in the error" {
	local k
	for k in prestart createRuntime createContainer; do
		cp "$BATS_RUN_TMPDIR/base/config.json" .
		hook "$k" 'echo the reason >&2; exit 3'
		no create "$ID"
		contains "$output" "the reason"
		[ ! -e "$ROOT/$ID" ]
	done
}

@test "hooks: a failing startContainer hook: start fails and the program does not run" {
	hook startContainer 'exit 3'
	update_config '.root.readonly = false'
	payload 'echo ran > /ran'
	ok create "$ID"
	rt start "$ID"
	[ ! -e rootfs/ran ]
	if [ "$FLAVOR" = ours ]; then
		equals "$status" 1
		[ ! -e "$ROOT/$ID" ] || fail "it is still there"
	fi
}

@test "hooks: poststop runs on delete, a failing one does not stop it, nor those after it" {
	not_with runc "stops at the first that fails"
	hook poststop 'exit 1'
	hook poststop "echo second > $T/notes"
	payload true
	rt run "$ID"
	until_true [ -s "$T/notes" ]
	[ ! -e "$ROOT/$ID" ]
}

@test "hooks: poststop also runs when a hook before the start has failed" {
	not_with runc "does not, though runtime.md wants it"
	hook createRuntime 'exit 1'
	hook poststop "echo gone > $T/notes"
	no create "$ID"
	equals "$(note)" gone
}

@test "hooks: a timeout ends it, with all it has started" {
	not_with runc "waits for a grandchild that holds the hook's output"
	update_config '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "sleep 4000 & sleep 4001"], timeout: 1}]'
	local begun=$SECONDS
	no create "$ID"
	[ $((SECONDS - begun)) -lt 10 ]
	[ "$FLAVOR" != ours ] || contains "$output" "hooks.createRuntime[0]"
	if [ "$FLAVOR" = ours ]; then
		until_true sh -c '! pgrep -f "^sleep 400[01]$"'
	else
		pkill -f '^sleep 400[01]$' || : # peers leave the grandchild
	fi
}

@test "hooks: one that does not exist is an error" {
	update_config '.hooks.createRuntime = [{path: "/no/such/hook"}]'
	no create "$ID"
	contains "$output" /no/such/hook "no such file or directory"
	update_config '.hooks.createRuntime = [{path: "relative"}]'
	rt create "$ID"
	[ "$status" != 0 ]
}

@test "hooks: the output of a successful one does not mix with the payload's" {
	hook createRuntime 'echo noise; echo noise >&2'
	inside 'echo payload'
	equals "$stdout" payload
}

@test "hooks: the timeout of one inside the container ends its whole group" {
	not_with runc "waits for a grandchild that holds the hook's output"
	not_with crun "leaves the grandchild"
	local k
	for k in createContainer startContainer; do
		cp "$BATS_RUN_TMPDIR/base/config.json" .
		update_config '.root.readonly = false | .hooks[$k] = [{path: "/bin/sh", args: ["sh", "-c", "sleep 4002 & echo $$ > \($t); sleep 4003"], env: ["PATH=/usr/bin:/bin"], timeout: 1}]' \
			--arg k "$k" --arg t "$T/pid"
		[ "$k" = createContainer ] || update_config '.mounts += [{destination: $t, source: $t, options: ["bind"]}]' --arg t "$T"
		# With a PID namespace the end of the init would end them too.
		update_config '.linux.namespaces |= map(select(.type != "pid")) | .mounts |= map(select(.type != "proc"))
			| .linux.maskedPaths = [] | .linux.readonlyPaths = []'
		payload true
		no run "$ID"
		[ "$FLAVOR" != ours ] || contains "$output" "hooks.${k}[0] (/bin/sh)" "timed out after 1s"
		until_true sh -c '! pgrep -f "^sleep 400[23]$"'
	done
}

@test "hooks: the error has the last words of one inside the container, and is not held by what it leaves" {
	not_with runc "waits for what the hook leaves"
	local k
	for k in createContainer startContainer; do
		cp "$BATS_RUN_TMPDIR/base/config.json" .
		# It lives as long as the container's init. Held by it, rt would run out of time.
		hook "$k" 'sleep 300 & echo the reason >&2; exit 3'
		payload true
		rt run "$ID"
		[ "$status" != 0 ]
		contains "$output" "the reason"
		[ "$FLAVOR" != ours ] || contains "$output" "hooks.${k}[0] (/bin/sh)" "exit status 3"
	done
}

@test "hooks: a failing poststart: start fails, the container is destroyed, poststop runs" {
	not_with runc "runs it at create before 1.4"
	not_with crun "differs in the words"
	hook poststart 'echo the reason >&2; exit 3'
	hook poststart "echo second > $T/notes"
	hook poststop "echo poststop >> $T/notes"
	payload 'exec sleep 1000'
	ok create "$ID"
	local pid
	pid=$(pid_of)
	no start "$ID"
	contains "$output" "hooks.poststart[0]" "the reason"
	equals "$(note)" poststop
	[ ! -e "$ROOT/$ID" ] || fail "it is still there"
	gone "$pid"
	no run "$ID"
	contains "$output" "the reason"
	[ ! -e "$ROOT/$ID" ] || fail "it is still there"
}

@test "hooks: have no descriptors but the three standard ones" {
	not_with runc "its init hands its own on to createContainer hooks"
	not_with crun "hands on its own"
	exec 7</dev/null
	# The folder that ls reads is the fourth.
	hook createRuntime "ls /proc/self/fd | wc -l > $T/runtime"
	hook createContainer "ls /proc/self/fd | wc -l > $T/container"
	ok create "$ID"
	equals "$(xargs cat <<<"$T/runtime $T/container" | xargs)" "4 4"
}
