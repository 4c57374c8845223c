# process: environment, folder, ids, capabilities, limits.
load ../lib/helpers

@test "env: exactly what is given, and HOME from passwd" {
	update_config '.process.env = ["PATH=/usr/bin:/bin", "A=1", "EMPTY=", "WITH SPACE=a b"]'
	update_config '.process.args = ["env"]'
	ok run "$ID"
	equals "$(sort <<<"$stdout")" "$(printf '%s\n' A=1 EMPTY= HOME=/root PATH=/usr/bin:/bin 'WITH SPACE=a b' | sort)"
}

@test "env: a HOME of one's own stays" {
	update_config '.process.env += ["HOME=/else"]'
	inside 'echo $HOME'
	equals "$stdout" /else
}

@test "env: HOME from what is mounted on /etc/passwd or /etc" {
	mkdir "$T/etc"
	echo 'other:x:1234:1234::/from/mount:/bin/sh' | tee "$T/passwd" >"$T/etc/passwd"
	cp config.json "$T/plain.json"
	update_config '.process.user.uid = 1234 | .mounts += [{destination: "/etc/passwd", type: "bind", source: "'"$T/passwd"'", options: ["bind", "ro"]}]'
	inside 'echo $HOME'
	equals "$stdout" /from/mount
	cp "$T/plain.json" config.json
	update_config '.process.user.uid = 1234 | .mounts += [{destination: "/etc", type: "bind", source: "'"$T/etc"'", options: ["rbind"]}]'
	inside 'echo $HOME'
	equals "$stdout" /from/mount
	cp "$T/plain.json" config.json
	update_config '.mounts += [{destination: "/etc", type: "tmpfs", source: "t"}]'
	inside 'echo $HOME'
	equals "$stdout" /
}

@test "env: HOME is that of the user" {
	update_config '.process.user.uid = 1000'
	inside 'echo $HOME'
	equals "$stdout" /home/user
}

@test "env: the last of two values counts" {
	update_config '.process.env += ["A=1", "A=2"] | .process.args = ["env"]' # a shell would choose by itself
	ok run "$ID"
	equals "$(grep ^A= <<<"$stdout")" A=2
}

@test "cwd: is entered; a missing one is made" {
	update_config '.root.readonly = false | .process.cwd = "/made/here"'
	inside pwd
	equals "$stdout" /made/here
}

@test "cwd: not absolute is an error" {
	update_config '.process.cwd = "relative"'
	no run "$ID"
	contains "${output,,}" cwd
}

@test "args: searched in the container's PATH" {
	mkdir rootfs/special && printf '#!/bin/sh\necho found it\n' >rootfs/special/prog && chmod +x rootfs/special/prog
	update_config '.process.env = ["PATH=/nowhere:/special"] | .process.args = ["prog"]'
	ok run "$ID"
	equals "$stdout" "found it"
}

@test "args: are passed on unchanged" {
	update_config '.process.args = ["sh", "-c", "printf \"<%s>\" \"$@\"", "sh", "", "a b", "\"q\"", "ä\n"]'
	ok run "$ID"
	equals "$stdout" $'<><a b><"q"><ä\n>'
}

@test "args: a path with a slash is relative to cwd" {
	printf '#!/bin/sh\necho here\n' >rootfs/home/prog && chmod +x rootfs/home/prog
	update_config '.process.cwd = "/home" | .process.args = ["./prog"]'
	ok run "$ID"
	equals "$stdout" here
}

@test "user: uid, gid and additional groups" {
	update_config '.process.user = {uid: 1000, gid: 2000, additionalGids: [3000, 4000]}'
	inside 'id -u; id -g; grep Groups /proc/self/status'
	equals "${lines[0]}/${lines[1]}" 1000/2000
	equals "$(awk '{$1=""; print}' <<<"${lines[2]}" | xargs -n1 | sort | xargs)" "3000 4000"
}

@test "user: no additional groups means none" {
	update_config '.process.user = {uid: 0, gid: 0}'
	inside 'grep Groups /proc/self/status'
	equals "$(awk '{print NF}' <<<"$stdout")" 1
}

@test "umask" {
	update_config '.process.user.umask = 63'
	inside umask
	equals "$stdout" 0077
}

@test "umask: the caller's when not given" {
	not_with runc "always 0022"
	not_with crun "always 0022"
	umask 0027
	inside umask
	equals "$stdout" 0027
}

@test "capabilities: the five sets, each as given" {
	update_config '.process.capabilities = {
		bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW", "CAP_SYS_CHROOT"],
		permitted: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"],
		effective: ["CAP_CHOWN", "CAP_KILL"],
		inheritable: ["CAP_KILL", "CAP_NET_RAW"],
		ambient: ["CAP_KILL"]} | .process.user.uid = 1000 | .process.args = ["grep", "Cap", "/proc/self/status"]'
	ok run "$ID"
	# After execve of an ordinary user: P = ambient, E = ambient, I and B unchanged.
	contains "$stdout" \
		"CapInh:"$'\t'"0000000000002020" "CapPrm:"$'\t'"0000000000000020" "CapEff:"$'\t'"0000000000000020" \
		"CapBnd:"$'\t'"0000000000042021" "CapAmb:"$'\t'"0000000000000020"
}

@test "capabilities: root has the bounding set's" {
	update_config '.process.capabilities = {bounding: ["CAP_CHOWN"], permitted: ["CAP_CHOWN"], effective: ["CAP_CHOWN"]}'
	inside 'grep Cap /proc/self/status'
	contains "$stdout" "CapInh:"$'\t'"0000000000000000" "CapPrm:"$'\t'"0000000000000001" "CapBnd:"$'\t'"0000000000000001"
}

@test "capabilities: what the sets rule out is left out with a warning" {
	not_with crun "no warning, and an error for some"
	update_config '.process.capabilities = {bounding: ["CAP_CHOWN"], permitted: ["CAP_CHOWN"], effective: ["CAP_CHOWN", "CAP_KILL"],
		inheritable: ["CAP_NET_RAW"], ambient: ["CAP_KILL"]}'
	payload 'grep Cap /proc/self/status'
	rt run "$ID"
	[ "$FLAVOR" = ours ] || return 0
	equals "$status" 0
	contains "$stdout" "CapInh:"$'\t'"0000000000000000" "CapEff:"$'\t'"0000000000000001" "CapAmb:"$'\t'"0000000000000000"
	contains "$stderr" "process.capabilities.effective[1]" "process.capabilities.inheritable[0]" "process.capabilities.ambient[0]"
}

@test "capabilities: really missing" {
	inside 'hostname x 2>&1; chown 1:1 /tmp 2>&1; mount -t tmpfs x /mnt 2>&1 | head -n1'
	contains "${lines[0]}" "not permitted"
	contains "$stdout" "denied"
}

@test "rlimits: all that this machine allows" {
	update_config '.process.rlimits = [
		{type: "RLIMIT_NOFILE", soft: 100, hard: 200}, {type: "RLIMIT_CORE", soft: 0, hard: 0},
		{type: "RLIMIT_FSIZE", soft: 1000000, hard: 2000000}, {type: "RLIMIT_STACK", soft: 4194304, hard: 8388608},
		{type: "RLIMIT_CPU", soft: 60, hard: 60}, {type: "RLIMIT_AS", soft: 1000000000, hard: 1000000000}]'
	inside 'cat /proc/self/limits'
	local text
	text=$(tr -s ' ' <<<"$stdout")
	contains "$text" "Max open files 100 200" "Max core file size 0 0" "Max file size 1000000 2000000" \
		"Max stack size 4194304 8388608" "Max cpu time 60 60" "Max address space 1000000000 1000000000"
}

@test "rlimits: raising a hard limit needs CAP_SYS_RESOURCE: done, or an error that says so" {
	update_config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 1048577, hard: 1048577}]'
	payload 'ulimit -n'
	if has_cap cap_sys_resource; then
		ok run "$ID"
		equals "$stdout" 1048577
	else
		ulimit -n 4096
		no run "$ID"
		contains "$output" "ermitted"
	fi
}

@test "noNewPrivileges: on and off" {
	inside 'grep NoNewPrivs /proc/self/status'
	contains "$stdout" 1
	update_config '.process.noNewPrivileges = false'
	inside 'grep NoNewPrivs /proc/self/status'
	contains "$stdout" 0
}

@test "oomScoreAdj: set; left alone when not given" {
	update_config '.process.oomScoreAdj = 321'
	inside 'cat /proc/self/oom_score_adj'
	equals "$stdout" 321
	update_config 'del(.process.oomScoreAdj)'
	inside 'cat /proc/self/oom_score_adj'
	equals "$stdout" "$(cat /proc/self/oom_score_adj)"
}

@test "hostname and domainname" {
	update_config '.hostname = "some-host" | .domainname = "some.domain"'
	inside 'hostname; cat /proc/sys/kernel/domainname'
	equals "$stdout" some-host$'\n'some.domain
}

@test "session: the init leads a session of its own" {
	inside 'cut -d" " -f6 /proc/self/stat; cut -d" " -f6 /proc/1/stat'
	equals "${lines[1]}" 1
}

@test "signals: nothing is blocked or ignored in the payload" {
	not_with runc "leaves signal 32 ignored"
	cat >"$T/ign" <<-'SH'
		trap '' INT HUP PIPE USR1
		exec "$@"
	SH
	update_config '.process.args = ["grep", "Sig[BI]", "/proc/self/status"]'
	run sh "$T/ign" "$RUNTIME" --root "$ROOT" run "$ID"
	contains "$output" "SigBlk:"$'\t'"0000000000000000" "SigIgn:"$'\t'"0000000000000000"
}

@test "personality: LINUX32" {
	update_config '.linux.personality = {domain: "LINUX32"}'
	inside 'uname -m'
	[[ $stdout == i?86 ]]
}

@test "scheduler: batch with nice" {
	local nicer=$(($(nice) < 19 ? $(nice) + 1 : 19)) # everybody may
	update_config '.process.scheduler = {policy: "SCHED_BATCH", nice: $n}' --argjson n "$nicer"
	inside 'awk "{print \$41, \$19}" /proc/self/stat'
	equals "$stdout" "3 $nicer"
}

@test "scheduler: an unknown policy is an error that names it" {
	update_config '.process.scheduler = {policy: "SCHED_NONSENSE"}'
	no run "$ID"
	contains "$output" SCHED_NONSENSE
}

@test "ioPriority" {
	update_config '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6}'
	inside 'ionice -p 1'
	contains "$stdout" 6
}

@test "keyring: new for each container" {
	[ -r /proc/keys ] || skip "the kernel has no /proc/keys"
	payload 'cat /proc/keys; exec sleep 1000'
	update_config 'del(.linux.maskedPaths)'
	ok run -d "$ID"
	until_true grep -q "keyring *_ses\.$ID:" "$T/stdout"
	payload 'cat /proc/keys; echo shown'
	ok run --no-new-keyring "$ID-kept"
	contains "$stdout" shown
	[[ $stdout != *"_ses.$ID-kept:"* ]] || fail "a keyring was made: $stdout"
}
