# What goes wrong gets a clear error, exit code 1, and leaves nothing: teardown checks that.
load ../lib/helpers

# nothing: the failed command has not left the container behind.
nothing() { [ ! -e "$ROOT/$ID" ] || fail "left: $(find "$ROOT/$ID")"; }

@test "error: the same id twice" {
	running
	no create "$ID"
	contains "$output" "already exists"
	no run "$ID"
	equals "$(state_of)" running
}

@test "error: start of a running, a stopped and an unknown one" {
	running
	no start "$ID"
	contains "$output" "cannot start"
	ok kill "$ID" KILL
	until_true is_status stopped
	no start "$ID"
	contains "$output" "cannot start"
	no start "$ID-other"
	contains "$output" "does not exist"
}

@test "error: no bundle, a bundle without config.json" {
	no create --bundle "$T/missing" "$ID"
	contains "$output" "no such file or directory"
	nothing
	mkdir "$T/empty"
	no create --bundle "$T/empty" "$ID"
	contains "$output" config.json
	nothing
}

@test "error: a broken config.json" {
	local text
	for text in '' '{' '[]' 'null' '{"ociVersion": 5}' '{"ociVersion":"1.0.0","process":{"args":"sh"}}'; do
		printf '%s' "$text" >config.json
		no create "$ID"
		nothing
	done
}

@test "error: no process is an error of start, not of create" {
	not_with runc "refuses it at create"
	not_with crun "crashes"
	update_config 'del(.process)'
	ok create "$ID"
	no start "$ID"
	contains "$output" "process: missing"
	no run "$ID-2"
	ok delete --force "$ID"
}

@test "error: no args, no root" {
	local filter
	for filter in '.process.args = []' 'del(.root)' '.root.path = ""'; do
		cp "$BATS_RUN_TMPDIR/base/config.json" .
		update_config "$filter"
		rt create "$ID"
		[ "$status" != 0 ] || fail "$filter was accepted"
		[ "$FLAVOR" != ours ] || equals "$status" 1
		nothing
	done
}

@test "error: a version of the specification that is too new" {
	not_with runc "does not look"
	update_config '.ociVersion = "2.0.0"'
	no create "$ID"
	contains "$output" 2.0.0
}

@test "error: the root is missing, or a file" {
	update_config '.root.path = "missing"'
	no create "$ID"
	contains "$output" missing
	nothing
	update_config '.root.path = "config.json"'
	no create "$ID"
	nothing
}

@test "error: the program does not exist" {
	update_config '.process.args = ["no-such-program"]'
	no create "$ID"
	contains "$output" no-such-program "executable file not found in"
	nothing
	update_config '.process.args = ["/no/such/program"]'
	no create "$ID"
	contains "$output" /no/such/program "no such file or directory"
	nothing
}

@test "error: the program may not be executed" {
	touch rootfs/etc/plain
	update_config '.process.args = ["/etc/plain"]'
	rt run "$ID"
	equals "$status" 1
	contains "$output" /etc/plain "permission denied"
	nothing
	update_config '.process.args = ["/etc"]'
	no run "$ID"
	nothing
}

@test "error: not an executable's format is reported by start" {
	printf 'nonsense' >rootfs/etc/prog && chmod +x rootfs/etc/prog
	update_config '.process.args = ["/etc/prog"]'
	rt create "$ID"
	if [ "$FLAVOR" = ours ]; then equals "$status" 0; fi
	if [ "$status" = 0 ]; then
		rt start "$ID"
		if [ "$FLAVOR" = ours ]; then
			equals "$status" 1
			contains "$output" "exec format error" /etc/prog
		fi
	fi
	until_true is_status stopped
}

@test "error: a script whose interpreter is missing is reported by start" {
	ours_only "start reports it"
	printf '#!/no/such/interpreter\n' >rootfs/etc/prog && chmod +x rootfs/etc/prog
	update_config '.process.args = ["/etc/prog"]'
	ok create "$ID"
	no start "$ID"
	contains "$output" /etc/prog "no such file or directory"
}

@test "error: cwd is a file" {
	update_config '.process.cwd = "/etc/passwd"'
	rt run "$ID"
	[ "$status" != 0 ]
	contains "$output" "ot a directory"
	nothing
}

@test "error: cwd is missing below a read-only root that can't be changed" {
	mkdir "$T/ro"
	cat >"$T/wrap" <<-SH
		mount --bind rootfs rootfs && mount -o remount,bind,ro rootfs
		exec "\$@"
	SH
	update_config '.process.cwd = "/not/there" | .mounts = [{destination: "/proc", type: "proc", source: "proc"}] | .linux.maskedPaths = [] | .linux.readonlyPaths = []'
	run apart sh "$T/wrap" "$RUNTIME" --root "$ROOT" run "$ID"
	[ "$status" != 0 ]
	contains "${output,,}" read-only
	nothing
}

@test "error: ids that are no names" {
	local id
	for id in . .. a/b 'a b' 'ä' '' "$(printf 'a\nb')"; do
		rt create "$id"
		[ "$status" != 0 ] || fail "the id '$id' was accepted"
	done
	contains "$(ls -A "$ROOT" 2>/dev/null || :)" ""
	[ -z "$(ls -A "$ROOT" 2>/dev/null)" ]
}

@test "ids: all characters that are allowed" {
	payload true
	ok run "${ID}_+-.A9"
}

@test "error: no argument, too many arguments, unknown flags and commands" {
	local cmd
	for cmd in create start state kill delete; do
		rt "$cmd"
		[ "$status" != 0 ] || fail "$cmd without an id was accepted"
	done
	rt state a b
	[ "$status" != 0 ]
	rt create --no-such-flag "$ID"
	[ "$status" != 0 ]
	if [ "$FLAVOR" = ours ]; then
		rt no-such-command
		[ "$status" != 0 ]
	fi
}

@test "error: a terminal without a console socket in detached mode" {
	update_config '.process.terminal = true'
	no create "$ID"
	contains "${output,,}" console
	nothing
}

@test "error: a console socket without a terminal" {
	no create --console-socket "$T/s" "$ID"
	contains "${output,,}" console
	nothing
}

@test "error: an unknown capability is only a warning, which names the field" {
	not_with crun "an error there"
	update_config '.process.capabilities.bounding += ["CAP_NONSENSE"]'
	payload true
	ok run "$ID"
	contains "$stderr" CAP_NONSENSE
	[ "$FLAVOR" != ours ] || contains "$stderr" "process.capabilities.bounding[3]"
}

@test "error: names the field" {
	ours_only "fields are named in its own errors"
	local case
	while IFS='|' read -r filter field; do
		cp "$BATS_RUN_TMPDIR/base/config.json" .
		update_config "$filter"
		no create "$ID"
		contains "$output" "$field"
		equals "${#lines[@]}" 1
		nothing
	done <<-'LIST'
		.process.rlimits[0].type = "RLIMIT_NONSENSE"|process.rlimits[0].type
		.process.rlimits += [.process.rlimits[0]]|process.rlimits[1]
		.process.cwd = "x"|process.cwd
		.linux.namespaces[1].type = "x"|linux.namespaces[1].type
		.mounts[0].destination = ""|mounts[0].destination
		.linux.rootfsPropagation = "x"|linux.rootfsPropagation
		.process.user.uid = -1|process.user.uid
		.process.oomScoreAdj = 5000|process.oomScoreAdj
		.process.env += ["A\u0000B"]|process.env
	LIST
}

@test "error: an unknown flag of any command is a usage error, with what flags there are" {
	local cmd
	for cmd in create start state kill delete run exec list ps spec update pause resume; do
		run "$RUNTIME" "$cmd" --no-such-flag
		[ "$status" != 0 ] || fail "$cmd"
		contains "$output" "Incorrect Usage" "flag provided but not defined: -no-such-flag" USAGE
	done
}

@test "error: with --log-format json its parts are keys" {
	ours_only "has one text"
	update_config '.mounts += [{destination: "/data", type: "bind", source: "/no/such/source", options: ["bind"]}]'
	RT_GLOBAL=(--log "$T/log" --log-format json)
	no create "$ID"
	equals "$(tail -n1 "$T/log" | jq -r '[.level, .field, .detail, .errno] | join("|")')" \
		"error|mounts[$(jq '.mounts | length - 1' config.json)]|/data|2"
	update_config 'del(.mounts[-1]) | .process.args = ["sh"]'
	printf 'nonsense' >rootfs/etc/prog && chmod +x rootfs/etc/prog
	update_config '.process.args = ["/etc/prog"]'
	no run "$ID"
	equals "$(tail -n1 "$T/log" | jq -r '[.field, .syscall, .errno] | join("|")')" "process.args[0]|execve|8"
	contains "$(tail -n1 "$T/log" | jq -r .hint)" "no executable"
}

@test "error: user namespaces that are switched off are named, with where to look" {
	requires "root:user.max_user_namespaces is root's to set" userns
	ours_only "its own words"
	update_config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = .linux.uidMappings'
	chown -hR 100000:100000 rootfs
	# The limit counts in the user namespace in which it is set, so this one is the test's own.
	status=0
	timeout 30 unshare -Urm sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' - \
		"$RUNTIME" --root "$ROOT" run "$ID" >"$T/stdout" 2>"$T/stderr" 3>&- || status=$?
	collect "run with max_user_namespaces 0"
	equals "$status" 1
	contains "$output" "max_*_namespaces"
}

# A user without XDG_RUNTIME_DIR, whom nobody is.
nobody_in_tmp() {
	status=0
	setpriv --reuid 61235 --regid 61235 --clear-groups env -u XDG_RUNTIME_DIR USER=u61235 "$T/runtime" "$@" \
		>"$T/stdout" 2>"$T/stderr" 3>&- </dev/null || status=$?
	collect "$*"
}

@test "error: a state folder in /tmp that another user has made is not used" {
	ours_only "peers do without the folder in /tmp"
	requires "root:the test becomes a user of its own" command:setpriv
	local dir=/tmp/sandbox-runtime-61235 how
	[ ! -e $dir ] || skip "$dir is there"
	cp "$RUNTIME" "$T/runtime"
	for how in "install -d -o 61236 -m 755" "install -d -o 61235 -m 777" "ln -s $T"; do
		$how $dir
		for cmd in list "state $ID" "run $ID" "delete --force $ID"; do
			# shellcheck disable=SC2086
			nobody_in_tmp $cmd
			[[ $status = 1 && $stderr == *"$dir"*"not a folder of this user's alone"*XDG_RUNTIME_DIR* ]] ||
				{ rm -rf $dir && fail "$how: $cmd: $status"; }
		done
		rm -rf $dir
	done
	nobody_in_tmp list -q
	equals "$status" 0
}
