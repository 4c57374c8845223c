# The words that engines look for in errors and output. Each test quotes the engine's own rule.
load ../lib/helpers

@test "containerd checkKillError: 'os: process already finished|container not running|no such process'" {
	running
	ok kill "$ID" KILL
	until_true is_status stopped
	no kill "$ID" TERM
	[[ $output =~ "os: process already finished"|"container not running"|"no such process" ]]
}

@test "containerd checkKillError and delete: 'does not exist'" {
	no kill "$ID" TERM
	contains "$output" "does not exist"
	no delete "$ID"
	contains "$output" "does not exist"
	no state "$ID"
	contains "$output" "does not exist"
}

# libpod/oci_util.go getOCIRuntimeError
@test "podman: '.*permission denied.*|.*operation not permitted.*' is code 126" {
	touch rootfs/etc/plain
	update_config '.process.args = ["/etc/plain"]'
	rt run "$ID"
	shopt -s nocasematch
	[[ $output =~ "permission denied"|"operation not permitted" ]]
}

@test "podman: '.*executable file not found in.*|.*no such file or directory.*|.*open executable.*' is code 127" {
	update_config '.process.args = ["no-such-program"]'
	rt run "$ID"
	[[ $output =~ "executable file not found in"|"no such file or directory"|"open executable" ]]
}

@test "podman: '\`/proc/[a-z0-9-].+/attr.*\`' with the suffix '/exec\`' is a security attribute that was not set" {
	not_with runc "names the file without the quotes"
	[ ! -d /sys/fs/selinux ] || skip "this kernel runs SELinux"
	update_config '.process.selinuxLabel = "nonsense"'
	no run "$ID"
	local rule='`/proc/[a-z0-9-].+/attr.*`'
	[[ $stderr =~ $rule ]]
	[[ ${BASH_REMATCH[0]} == */exec\` ]]
	# These two are looked for first, and would say something else.
	[[ ! ${stderr,,} =~ "permission denied"|"operation not permitted" ]]
	[[ ! ${stderr,,} =~ "executable file not found in"|"no such file or directory"|"open executable" ]]
}

# daemon/errors.go translateContainerdStartErr: the command's name and one of the phrases
@test "Docker: contains(cmd) and 'executable file not found' or 'no such file or directory' is code 127" {
	update_config '.process.args = ["no-such-program"]'
	rt create "$ID"
	contains "$output" no-such-program "executable file not found"
	update_config '.process.args = ["/no/such/program"]'
	rt create "$ID"
	contains "$output" /no/such/program "no such file or directory"
}

@test "Docker: syscall.EACCES.Error() is code 126" {
	touch rootfs/etc/plain
	update_config '.process.args = ["/etc/plain"]'
	rt create "$ID"
	contains "$output" "permission denied"
}

@test "Docker: syscall.ENOTDIR.Error() when a folder is bound onto a file" {
	mkdir "$T/src"
	update_config '.mounts += [{destination: "/etc/passwd", type: "bind", source: $s, options: ["bind"]}]' --arg s "$T/src"
	no create "$ID"
	contains "$output" "not a directory"
}

@test "--version: the first line names the program and its version" {
	run "$RUNTIME" --version
	equals "$status" 0
	[[ ${lines[0]} =~ ^[a-z-]+\ version\ [0-9] ]]
	contains "$output" "spec: 1."
}

@test "--help: lists the commands" {
	run "$RUNTIME" --help
	equals "$status" 0
	contains "$output" create start state kill delete run list spec
}

@test "go-runc: the global flags are accepted in front of every command" {
	mkdir "$ROOT"
	RT_GLOBAL=(--debug --log "$T/log" --log-format json --systemd-cgroup=false --rootless=false)
	rt list -q
	equals "$status" 0
}

@test "go-runc: create's flags, all together" {
	payload 'exec sleep 1000'
	ok create --bundle "$BUNDLE" --pid-file "$T/pid" --no-pivot --no-new-keyring --preserve-fds 0 "$ID"
	equals "$(<"$T/pid")" "$(pid_of)"
}
