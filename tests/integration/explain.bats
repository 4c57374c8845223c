# What only sandbox-runtime has: explain, wait.
load ../lib/helpers

setup() {
	make_bundle
	ours_only "the command exists nowhere else"
}

@test "explain: numbered steps with their field of config.json" {
	ok explain --bundle "$BUNDLE"
	contains "$stdout" "root.readonly" "mounts[0]" "process.capabilities" "execve"
	grep -qE '^ *[0-9]+ ' <<<"$stdout"
}

@test "explain --format json: steps for machines" {
	ok explain --bundle "$BUNDLE" --format json
	jq -e . <<<"$stdout" >/dev/null
	contains "$stdout" execve
}

@test "explain --elf: a program that tools understand" {
	requires command:readelf
	ok explain --bundle "$BUNDLE" --elf "$T/init"
	contains "$(readelf -hl "$T/init")" EXEC LOAD
	[ "$(stat -c %s "$T/init")" -lt 65536 ]
}

@test "explain: makes nothing" {
	update_config '.linux.cgroupsPath = "/" + $p' --arg p "$ID-cg"
	ok explain --bundle "$BUNDLE"
	[ ! -e "$ROOT" ] || [ -z "$(ls "$ROOT")" ]
}

@test "explain: a broken config is an error that names the field" {
	update_config '.process.cwd = "relative"'
	no explain --bundle "$BUNDLE"
	contains "$output" process.cwd
}

@test "the created init is small, and not the runtime's own file" {
	payload 'exec sleep 1000'
	ok create "$ID"
	local pid pss
	pid=$(pid_of)
	contains "$(readlink "/proc/$pid/exe")" memfd
	pss=$(awk '/^Pss:/ {print $2}' "/proc/$pid/smaps_rollup")
	[ "$pss" -le 64 ] || fail "Pss of the created init is $pss KB, at most 64 allowed"
}

@test "wait: the exit code of a container that was asked to record it" {
	requires command_of_runtime:wait
	payload 'sleep 0.3; exit 23'
	ok run --detach --record-exit "$ID"
	rt wait "$ID"
	equals "$status" 23
}
