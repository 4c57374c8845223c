# exec: one more process in a running container.
load ../lib/helpers

setup() {
	make_bundle
	requires command_of_runtime:exec
}

@test "exec: output and exit code" {
	running
	ok exec "$ID" sh -c 'echo to stdout; echo to stderr >&2'
	equals "$stdout/$stderr" "to stdout/to stderr"
	local code
	for code in 0 1 42 255; do
		rt exec "$ID" sh -c "exit $code"
		equals "$status" "$code"
	done
}

@test "exec: 128+N for a signal" {
	running
	rt exec "$ID" sh -c 'kill -TERM $$'
	equals "$status" 143
}

@test "exec: stdin" {
	running
	echo words >"$T/in"
	ok exec "$ID" cat <"$T/in"
	equals "$stdout" words
}

@test "exec: in all the namespaces and the root of the container" {
	running
	ok exec "$ID" sh -c 'for n in pid net ipc uts mnt cgroup user; do readlink /proc/self/ns/$n; done; ls /bin/busybox; cat /proc/1/comm'
	local n i=0
	for n in pid net ipc uts mnt cgroup user; do
		equals "${lines[i++]}" "$(readlink "/proc/$(pid_of)/ns/$n")"
	done
	equals "${lines[-1]}" sleep
}

@test "exec: in the container's cgroup" {
	requires cgroups
	running
	ok exec --detach --pid-file "$T/pid" "$ID" sleep 1000
	# As the host sees it: in a cgroup namespace of its own the container's is "/". Hierarchies that
	# this host mounts nowhere are not the runtime's to enter.
	local cgroups
	cgroups=$(grep -F "$ID" "/proc/$(<"$T/pid")/cgroup" | sort)
	equals "$cgroups" "$(grep -F "$ID" "/proc/$(pid_of)/cgroup" | sort)"
	contains "$cgroups" "$ID"
}

@test "exec --env, --cwd" {
	running
	ok exec -e A=1 -e B=2 --cwd /tmp "$ID" sh -c 'echo $A $B $PWD $PATH'
	contains "$stdout" "1 2 /tmp /"
}

@test "exec --env: a value may hold commas and blanks, and the last of a name is the only one" {
	running
	ok exec -e LIST=a,b -e ' X= y ' -e TERM=first -e TERM=last "$ID" env
	grep -qxF LIST=a,b <<<"$stdout"
	grep -qxF ' X= y ' <<<"$stdout"
	equals "$(grep ^TERM= <<<"$stdout")" TERM=last # the container's own has TERM=xterm
	jq '.process | .args = ["env"] | .env = ["A=1", "A=2", "A=3"]' config.json >"$T/p.json"
	ok exec --process "$T/p.json" "$ID"
	equals "$(grep ^A= <<<"$stdout")" A=3
}

@test "exec --user, --additional-gids" {
	running
	ok exec --user 1000 "$ID" id -u
	equals "$stdout" 1000
	ok exec --user 1000:2000 --additional-gids 3000 --additional-gids 4000 "$ID" sh -c 'id -u; id -g; grep Groups /proc/self/status'
	equals "${lines[0]}/${lines[1]}" 1000/2000
	contains "${lines[2]}" 3000 4000
}

@test "exec --user: ids are parsed strictly" {
	running
	local user
	for user in x 1x -1 1:y 1:2:3 4294967296 99999999999999999999; do
		rt exec --user "$user" "$ID" true
		[ "$status" != 0 ] || [ "$FLAVOR" != ours ] || fail "--user $user was accepted"
	done
}

@test "exec: capabilities are the container's, never inheritable" {
	running
	ok exec "$ID" grep Cap /proc/self/status
	contains "$stdout" "CapInh:"$'\t'"0000000000000000" "CapEff:"$'\t'"0000000020000420"
}

@test "exec --cap: one more, and again not inheritable" {
	running
	ok exec --cap CAP_CHOWN "$ID" grep Cap /proc/self/status
	contains "$stdout" "CapEff:"$'\t'"0000000020000421"
	[ "$FLAVOR" != ours ] || contains "$stdout" "CapInh:"$'\t'"0000000000000000"
}

@test "exec: a capability that the runtime itself lacks is left out with a warning, as by create" {
	ours_only "runc and crun fail"
	requires "root:a user's runtime has no capability to lack" command:setpriv
	printf '#!/bin/sh\nexec setpriv --bounding-set=-audit_write %q "$@"\n' "$RUNTIME" >"$T/lacking"
	chmod 755 "$T/lacking"
	RUNTIME=$T/lacking
	running
	contains "$stderr" "CAP_AUDIT_WRITE is not given"
	ok exec "$ID" grep Cap /proc/self/status
	contains "$stdout" "CapEff:"$'\t'"0000000000000420" "CapBnd:"$'\t'"0000000000000420"
	contains "$stderr" "CAP_AUDIT_WRITE is not given"
}

@test "exec --no-new-privs" {
	update_config '.process.noNewPrivileges = false'
	running
	ok exec "$ID" grep NoNewPrivs /proc/self/status
	contains "$stdout" 0
	ok exec --no-new-privs "$ID" grep NoNewPrivs /proc/self/status
	contains "$stdout" 1
}

@test "exec: rlimits are the container's" {
	update_config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 123, hard: 456}]'
	running
	ok exec "$ID" sh -c 'ulimit -n; ulimit -Hn'
	equals "$stdout" 123$'\n'456
}

@test "exec --process: a file says all of it" {
	running
	jq '.process | .args = ["sh", "-c", "echo $X $PWD $(id -u)"] | .env += ["X=y"] | .cwd = "/tmp" | .user.uid = 1000 | .capabilities = {}' config.json >"$T/process.json"
	ok exec --process "$T/process.json" "$ID"
	equals "$stdout" "y /tmp 1000"
}

@test "exec --process: a broken file is an error" {
	running
	echo '{' >"$T/process.json"
	rt exec --process "$T/process.json" "$ID"
	[ "$status" != 0 ]
	[ "$FLAVOR" != ours ] || contains "$output" "--process $T/process.json: "
	rt exec --process "$BUNDLE/config.json" "$ID" # the whole of it is no process
	[ "$status" != 0 ]
	contains "${output,,}" "cwd"
}

@test "exec --process: what it leaves open of its rights is the container's" {
	not_with crun "takes the user and the groups from there, too, but no OOM score"
	update_config '.process.user.umask = 63 | .process.oomScoreAdj = 77'
	running
	local show='grep -E "^Cap(Eff|Bnd)" /proc/self/status; umask; cat /proc/self/oom_score_adj'
	ok exec "$ID" sh -c "$show"
	local flags=$stdout
	contains "$flags" 0077 0000000020000420
	jq -n --arg s "$show" '{args: ["sh", "-c", $s], cwd: "/", env: ["PATH=/bin"]}' >"$T/p.json"
	ok exec --process "$T/p.json" "$ID"
	equals "$stdout" "$flags"
}

@test "exec --detach --pid-file" {
	running
	ok exec --detach --pid-file "$T/pid" "$ID" sleep 5000
	local pid
	pid=$(<"$T/pid")
	contains "$(tr '\0' ' ' <"/proc/$pid/cmdline")" "sleep 5000"
	equals "$(readlink "/proc/$pid/ns/pid")" "$(readlink "/proc/$(pid_of)/ns/pid")"
	equals "$(od -An -c "$T/pid" | tr -d ' \n')" "$pid"
}

@test "exec: a missing program, cwd and container" {
	running
	rt exec "$ID" no-such-program
	[ "$status" != 0 ]
	contains "$output" no-such-program "executable file not found in"
	[ "$FLAVOR" != ours ] || equals "$status" 255
	rt exec "$ID" /no/such/program
	contains "$output" /no/such/program "no such file or directory"
	rt exec --cwd /no/such/folder "$ID" true
	[ "$status" != 0 ]
	rt exec "$ID-x" true
	[ "$status" != 0 ]
	contains "$output" "does not exist"
}

@test "exec: into a stopped container is an error" {
	running
	ok kill "$ID" KILL
	until_true is_status stopped
	rt exec "$ID" true
	[ "$status" != 0 ]
	contains "$output" "stopped"
}

@test "exec: into a created container works" {
	payload 'exec sleep 1000'
	ok create "$ID"
	ok exec "$ID" sh -c 'echo early'
	equals "$stdout" early
	equals "$(state_of)" created
}

@test "exec: no descriptor leaks" {
	running
	exec 7<"$BUNDLE/config.json"
	ok exec "$ID" ls -l /proc/self/fd
	exec 7<&-
	equals "$(awk '/->/ {print $9}' <<<"$stdout" | sort -n | xargs)" "0 1 2"
}

@test "exec --preserve-fds" {
	running
	echo three >"$T/3"
	status=0
	"$RUNTIME" --root "$ROOT" exec --preserve-fds 1 "$ID" sh -c 'cat <&3; ls /proc/self/fd/3' 3<"$T/3" >"$T/stdout" 2>"$T/stderr" || status=$?
	collect "exec --preserve-fds 1"
	equals "$status/${lines[0]}" 0/three
}

@test "exec: signals are passed on" {
	running
	update_config '.root.readonly = false'
	SBT_TEST=$ID "$RUNTIME" --root "$ROOT" exec "$ID" sh -c 'trap "exit 9" USR1; echo up; while :; do sleep 0.02; done' </dev/null >"$T/o" 2>&1 3>&- &
	until_true grep -q up "$T/o"
	kill -USR1 $!
	status=0
	wait $! || status=$?
	equals "$status" 9
}

@test "exec --tty: with a console socket" {
	running
	requires "command:$RECVTTY"
	mkfifo "$T/keys" && exec 8<>"$T/keys"
	"$RECVTTY" "$T/sock" <"$T/keys" >"$T/tty" 3>&- &
	local engine=$!
	until_true [ -S "$T/sock" ]
	ok exec --tty --detach --console-socket "$T/sock" "$ID" sh -c 'tty; read x; echo "got $x"'
	printf 'words\n' >&8
	until_true grep -q "got words" "$T/tty"
	exec 8>&-
	contains "$(<"$T/tty")" /dev/pts/
	wait "$engine"
}

@test "exec --tty: in the foreground" {
	requires command:script
	running
	cat >"$T/in-terminal" <<-SH
		before=\$(stty -g)
		"$RUNTIME" --root "$ROOT" exec --tty "$ID" sh -c 'tty; exit 6'
		echo "code \$?"
		[ "\$(stty -g)" = "\$before" ] && echo mode restored
	SH
	timeout 20 script -qf -c "sh $T/in-terminal" "$T/typescript" </dev/null >/dev/null 3>&-
	contains "$(<"$T/typescript")" /dev/pts/ "code 6" "mode restored"
}

@test "exec: in a user namespace" {
	in_userns
	running
	ok exec "$ID" sh -c 'id -u; readlink /proc/self/ns/user'
	equals "${lines[0]}" 0
	equals "${lines[1]}" "$(readlink "/proc/$(pid_of)/ns/user")"
}

@test "exec: 20 at the same time" {
	running
	local i pids=()
	for i in $(seq 20); do
		SBT_TEST=$ID "$RUNTIME" --root "$ROOT" exec "$ID" sh -c "exit $i" </dev/null >/dev/null 2>"$T/e$i" 3>&- &
		pids+=($!)
	done
	for i in $(seq 20); do
		status=0
		wait "${pids[i - 1]}" || status=$?
		equals "$status" "$i"
	done
}

@test "exec: into a paused container is refused, or waits with --ignore-paused" {
	requires cgroups freezer command_of_runtime:pause
	running
	ok pause "$ID"
	rt exec "$ID" true
	[ "$status" != 0 ]
	contains "$output" paused
	ok resume "$ID"
}

@test "exec --ignore-paused: it runs when the container goes on" {
	requires cgroups freezer command_of_runtime:pause
	running
	ok pause "$ID"
	SBT_TEST=$ID "$RUNTIME" --root "$ROOT" exec --ignore-paused "$ID" sh -c 'exit 5' </dev/null >/dev/null 2>"$T/e" 3>&- &
	local pid=$! status=0
	until_true pgrep -P "$pid"
	ok resume "$ID"
	wait "$pid" || status=$?
	equals "$status" 5
}

@test "exec --additional-gids, --preserve-fds: numbers are parsed strictly" {
	running
	local bad
	for bad in x 1x -1 4294967296; do
		rt exec --additional-gids "$bad" "$ID" true
		[ "$status" != 0 ] || [ "$FLAVOR" != ours ] || fail "--additional-gids $bad was accepted"
		rt exec --preserve-fds "$bad" "$ID" true
		[ "$status" != 0 ] || [ "$FLAVOR" != ours ] || fail "--preserve-fds $bad was accepted"
	done
}

@test "exec --cgroup: into a cgroup below the container's, and nowhere else" {
	requires cgroups
	running
	local controller="" dir
	if [ -d /sys/fs/cgroup/pids ]; then
		controller=pids:
		dir=/sys/fs/cgroup/pids$(awk -F: '$2 ~ /(^|,)pids(,|$)/ { print $3 }' "/proc/$(pid_of)/cgroup")
	else
		dir=/sys/fs/cgroup$(awk -F: '$1 == 0 { print $3 }' "/proc/$(pid_of)/cgroup")
	fi
	mkdir "$dir/sub"
	ok exec --cgroup "${controller}sub" "$ID" cat /proc/self/cgroup
	grep -qE "(pids|^0:):.*/sub$" <<<"$stdout" || grep -qE "pids.*/sub$" <<<"$stdout"
	rt exec --cgroup "${controller}missing" "$ID" true
	[ "$status" != 0 ]
	rt exec --cgroup nonsense:/ "$ID" true
	[ "$status" != 0 ] || fail "an unknown controller was accepted"
	[ -z "$controller" ] || ok exec --cgroup pids,memory:/ "$ID" true
	for bad in ../.. /../.. sub/../../..; do
		rt exec --cgroup "$controller$bad" "$ID" true
		[ "$status" != 0 ] || fail "--cgroup $bad was accepted"
	done
	rmdir "$dir/sub"
}

@test "exec: where init is in a nested cgroup, the process gets in as well" {
	requires cgroups
	running
	local dir
	[ -d /sys/fs/cgroup/pids ] || skip "cgroup v2: the suite in tests/vm has it"
	dir=/sys/fs/cgroup/pids$(awk -F: '$2 ~ /(^|,)pids(,|$)/ { print $3 }' "/proc/$(pid_of)/cgroup")
	mkdir "$dir/nested"
	pid_of >"$dir/nested/cgroup.procs"
	ok exec "$ID" cat /proc/self/cgroup
	contains "$stdout" "$ID"
	pid_of >"$dir/cgroup.procs"
	rmdir "$dir/nested"
}

@test "exec --process: CPU affinity" {
	not_with crun "leaves it as it is"
	[ "$(nproc)" -ge 2 ] || skip "needs two processors"
	running
	local last
	last=$(awk '/^Cpus_allowed_list/ { n = split($2, a, /[,-]/); print a[n] }' /proc/self/status)
	jq --arg l "$last" '.process | .args = ["grep", "Cpus_allowed_list", "/proc/self/status"] | .execCPUAffinity = {initial: $l, final: $l}' config.json >"$T/p.json"
	ok exec --process "$T/p.json" "$ID"
	equals "$(awk '{ print $2 }' <<<"$stdout")" "$last"
	jq '.process | .args = ["true"] | .execCPUAffinity = {final: "x"}' config.json >"$T/p.json"
	rt exec --process "$T/p.json" "$ID"
	[ "$status" != 0 ]
}

@test "exec --process: rlimits, groups and noNewPrivileges of the file, not of the container" {
	running
	jq '.process | .args = ["sh", "-c", "ulimit -n; grep -E \"Groups|NoNewPrivs\" /proc/self/status"] | .noNewPrivileges = false
		| .rlimits = [{type: "RLIMIT_NOFILE", soft: 77, hard: 88}] | .user.additionalGids = [2000]' config.json >"$T/p.json"
	ok exec --process "$T/p.json" "$ID"
	equals "$(xargs <<<"$stdout")" "77 Groups: 2000 NoNewPrivs: 0"
}

@test "exec --process: ids that no user has are refused" {
	running
	local bad
	for bad in '.user.uid = -1' '.user.uid = 4294967296' '.user.uid = "0"' '.user.gid = 1.5' '.user.additionalGids = [-1]'; do
		jq ".process | .args = [\"true\"] | $bad" config.json >"$T/p.json"
		rt exec --process "$T/p.json" "$ID"
		[ "$status" != 0 ] || fail "$bad was accepted"
	done
}

@test "exec --cap: an unknown name is a warning" {
	not_with crun "an error there"
	running
	ok exec --cap CAP_NONSENSE "$ID" true
	contains "$stderr" CAP_NONSENSE
}

@test "exec --process-label: an error where there is no SELinux" {
	[ ! -d /sys/fs/selinux ] || skip "this kernel runs SELinux"
	running
	rt exec --process-label "x_u:x_r:x_t:s0" "$ID" true
	[ "$status" != 0 ]
	contains "${output,,}" selinux
}

@test "exec --apparmor: without AppArmor in the kernel it is said that there is none" {
	[ ! -d /sys/kernel/security/apparmor ] || skip "this kernel runs AppArmor"
	running
	rt exec --apparmor some-profile "$ID" true
	contains "${output,,}" apparmor
}

@test "exec: LISTEN_FDS of the caller is not handed on: the pid that must come with it is not known" {
	running
	status=0
	LISTEN_FDS=1 LISTEN_PID=1 "$RUNTIME" --root "$ROOT" exec "$ID" sh -c 'echo "<$LISTEN_FDS$LISTEN_PID>"; ls /proc/self/fd | xargs' 3</etc/passwd >"$T/stdout" 2>"$T/stderr" || status=$?
	collect exec
	equals "$status ${lines[0]}" "0 <>"
	[[ ${lines[1]} != *" 4"* ]]
}

@test "exec: stdin, stdout and stderr that are closed stay harmless" {
	running
	status=0
	"$RUNTIME" --root "$ROOT" exec "$ID" sh -c 'exit 6' <&- >&- 2>&- 3>&- || status=$?
	equals "$status" 6
}

@test "exec --console-socket: without a terminal, or --tty --detach without a socket, is an error" {
	running
	rt exec --console-socket "$T/s" "$ID" true
	[ "$status" != 0 ]
	contains "${output,,}" "console"
	rt exec --tty --detach "$ID" true
	[ "$status" != 0 ]
	contains "${output,,}" "console"
}

@test "exec: an unknown flag, no command, no container: an error" {
	rt exec --no-such-flag "$ID" true
	equals "$status" 1
	contains "$output" "no-such-flag"
	rt exec
	[ "$status" != 0 ]
	rt exec "$ID"
	[ "$status" != 0 ]
}
