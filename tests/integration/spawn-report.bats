# spawn: what it says at the end and before: --json, --summary, --explain, profiles, seccomp list, check.
load ../lib/spawn

@test "spawn: --json: the result, true in both modes" {
	json() {
		spawn --json -- sh -c 'exit 3'
		equals "$status/$(result '.exit_code,.signal,.timed_out,.oom_killed,.usage')" "3/3 null false false rusage"
		spawn --json -- sh -c 'kill -TERM $$'
		equals "$status/$(result '.exit_code,.signal')" "143/-1 15"
		spawn --json -- sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; sleep 0.1'
		[ "$(result .user_ns)" -gt 10000000 ]
		[ "$(result .wall_ns)" -gt 100000000 ]
		spawn --json -- sh -c 'head -c 50000000 /dev/zero | tail -c 40000000 >/dev/null'
		[ "$(result .peak_memory)" -gt 40000000 ] && [ "$(result .peak_memory)" -lt 400000000 ]
	}
	each json
	WHO=root
	spawn --json --memory 1G -- sh -c 'head -c 50000000 /dev/zero | tail -c 40000000 >/dev/null'
	equals "$(result .usage)" cgroup
	[ "$(result .peak_memory)" -gt 40000000 ] && [ "$(result .peak_memory)" -lt 400000000 ]
}

@test "spawn: --json names the refused system calls" {
	calls() {
		spawn --json -- sh -c 'unshare -U true 2>/dev/null; unshare -U true 2>/dev/null; exit 0'
		equals "$status/$(result '.denied[] | .syscall, .count')" "0/unshare 2"
		spawn --json -- true
		equals "$(result '.denied, .denied_paths')" "null null"
		# The filter of one's own kills instead.
		echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_KILL_PROCESS"}]}' >"$T/filter.json"
		spawn --json --seccomp "$T/filter.json" -- mkdir /tmp/d
		equals "$status/$(result '.seccomp_killed,.signal')" "159/true 31"
		contains "mkdir mkdirat" "$(result .seccomp_call)"
	}
	each calls
}

@test "spawn: --json with a filter that refuses the calls which hand its listener over" {
	held() {
		echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["write","sendmsg","fcntl","dup"],"action":"SCMP_ACT_ERRNO"}]}' >"$T/filter.json"
		spawn --json --seccomp "$T/filter.json" --timeout 20s -- sh -c 'echo x 2>/dev/null; exit 3'
		equals "$status/$(result '.timed_out')" "3/false"
		contains "$(result '.denied[] | .syscall')" write
	}
	each held
}

# hinted FLAG WHAT COMMAND...: without FLAG the command is denied WHAT, and the summary names the flag; with it, not.
hinted() {
	local flag=$1 what=$2
	shift 2
	spawn --summary "${EXTRA[@]}" -- "$@"
	contains "$stderr" "denied: $what" "$flag" || return
	# shellcheck disable=SC2086
	spawn --summary "${EXTRA[@]}" $flag -- "$@"
	[[ $stderr != *"denied: $what"* ]] || fail "$flag does not allow it: $stderr"
}

@test "spawn: --summary: what was denied, and the flag that allows it" {
	summary() {
		rm -rf "$T/data" && mkdir "$T/data" && echo text >"$T/data/file" && chmod -R a+rwX "$T/data"
		EXTRA=()
		hinted "--seccomp unrestricted" "system call unshare, once" unshare -U true
		hinted "--bind-ro $T/data/file" "read $T/data/file, which is on the host" cat "$T/data/file"
		hinted "--net host" "connect to 192.0.2.1:9" bash -c 'exec 3<>/dev/udp/192.0.2.1/9'
		EXTRA=(--bind-ro "$T/data")
		hinted "--bind $T/data/file" "write to $T/data/file, which is read-only" sh -c "echo x >$T/data/file"
		hinted "--bind $T/data" "create $T/data/new in a read-only folder" sh -c "echo x >$T/data/new"
		hinted "--bind $T/data" "create $T/data/dir in a read-only folder" mkdir "$T/data/dir"
		# What permissions deny, outside as well, is not the sandbox's doing.
		spawn --summary --bind-ro /etc:/etc -- cat /etc/shadow
		[[ $stderr != *denied:* ]] || fail "$stderr"
	}
	each summary
}

@test "spawn: --summary: denied by landlock" {
	"$RUNTIME" check | grep -q 'ok *landlock' || skip "this kernel has no Landlock"
	rules() {
		rm -rf "$T/data" && mkdir "$T/data" "$T/data/open" && echo text >"$T/data/file" && chmod -R a+rwX "$T/data"
		printf '#!/bin/sh\n' >"$T/data/prog" && chmod 755 "$T/data/prog"
		EXTRA=(--bind "$T/data:/data" --landlock-ro /data/open)
		hinted "--landlock-ro /data/file" "read /data/file by the landlock rules" cat /data/file
		hinted "--landlock-rw /data/file" "write /data/file by the landlock rules" sh -c 'echo x >/data/file'
		hinted "--landlock-rw /data" "create /data/new by the landlock rules" sh -c 'echo x >/data/new'
		hinted "--landlock-exec /data/prog" "execute /data/prog by the landlock rules" sh -c /data/prog
	}
	each rules
}

@test "spawn: --summary: limits, and what ended it" {
	limits() {
		local by=cgroup
		[ "$WHO" = root ] || by=rlimit
		spawn --summary --memory 64M --pids 50 --timeout 300ms -- sleep 100
		contains "$stderr" "signal 9 (SIGKILL)" "memory by $by" "pids by $by" "the time of 300ms was up; --timeout allows more"
		[ "$WHO" = root ] || contains "$stderr" "no cgroup:"
	}
	each limits
	WHO=root
	spawn --summary --memory 32M -- sh -c 'head -c 100000000 /dev/zero | tail -c 90000000 >/dev/null'
	contains "$stderr" "needed more than 32MiB of memory; --memory allows more"
	WHO=user
	spawn --summary --cpus 0.5 --allow-weaker -- true
	contains "$stderr" "cpus not enforced"
}

@test "spawn: a program that is over at once is still reported" {
	short() {
		local i
		for i in 1 2 3 4 5 6 7 8 9 10; do
			spawn --json -- true
			equals "$status/$(result .exit_code)" 0/0
		done
	}
	each short
}

@test "spawn: --explain prints the plan and runs nothing" {
	explain() {
		spawn --explain --bind "$T" -- touch "$T/ran"
		equals "$status" 0
		contains "$stdout" pivot_root PR_SET_NO_NEW_PRIVS seccomp 'execve("/usr/bin/touch"'
		[ ! -e "$T/ran" ]
	}
	each explain
}

@test "spawn: profiles and seccomp list show what there is" {
	lists() {
		local name before=0 now
		contains "$(me "$SPAWN" profiles 3>&-)" strict moderate permissive essential minimal io-heavy compute network unrestricted none
		for name in essential minimal io-heavy compute network; do
			contains "$(me "$SPAWN" seccomp list 3>&-)" "$name"
			now=$(me "$SPAWN" profiles "$name" 3>&- | jq '[.syscalls[] | select(.action == "SCMP_ACT_ALLOW") | .names[]] | unique | length')
			[ "$now" -gt "$before" ] || fail "$name allows no more than the one before"
			before=$now
		done
	}
	each lists
}

@test "spawn: check tells what this host can do" {
	checks() { contains "$(me "$SPAWN" check 3>&-)" "user namespaces" landlock "overlay without root" "cgroup delegation" "seccomp"; }
	each checks
}
