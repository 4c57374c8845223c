# shellcheck shell=bash
# What the cases of every engine share. Sourced in a session (see session.sh) by inside.sh.
# $RT is the runtime's path, $RTNAME its name in the table, $ENGINE the engine's; /lab/results gets
# results and logs. A case is a function case_NAME; it runs in a shell of its own with `set -e`.

say() { printf '# %s\n' "$*" >&2; }
fail() { printf 'FAIL: %s\n' "$*" >&2; exit 1; }
skip() { printf 'SKIP: %s\n' "$*" >&2; exit 77; }

# is GOT WANTED WHAT, has TEXT PART WHAT: one fact each.
is() { [ "$1" = "$2" ] || fail "${3:-value} is $(printf '%q' "$1"), not $(printf '%q' "$2")"; }
has() { [[ $1 == *"$2"* ]] || fail "${3:-output} has no $(printf '%q' "$2"): $(printf '%q' "${1:0:600}")"; }
# says TEXT PART: whatever the case of the letters; programs write errno's text either way.
says() { has "${1,,}" "${2,,}"; }
lacks() { [[ $1 != *"$2"* ]] || fail "${3:-output} has $(printf '%q' "$2"): $(printf '%q' "${1:0:600}")"; }

# code CODE COMMAND...: runs it; its output is in $out, stdout and stderr together.
code() {
	local want=$1 got=0
	shift
	out=$("$@" 2>&1 </dev/null) || got=$?
	[ "$got" = "$want" ] || fail "exit code $got, not $want, of: $* -- $out"
}

# until_true COMMAND...: waits for a condition outside of our control.
until_true() {
	local end=$((SECONDS + ${PATIENCE:-60}))
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || fail "still not so: $*"
		sleep 0.1
	done
}

# has_line FILE TEXT
has_line() { grep -qF -- "$2" "$1"; }

# on_terminal COMMAND...: with a terminal as stdin, stdout and stderr; what it shows is in $out. Once it shows
# "ready" it gets the line "typed", and only that may end it: the clients of engines lose the output of what
# ends before they listen, or once they see the end of their input. COMMAND may be a function.
on_terminal() {
	local keyboard screen keys pid
	keyboard=$(mktemp -u) screen=$(mktemp)
	mkfifo "$keyboard"
	exec {keys}<>"$keyboard"
	rm "$keyboard"
	# shellcheck disable=SC2163 # the function's name is in $1
	[ "$(type -t "$1")" != function ] || export -f "$1"
	# bash: dash drops functions from the environment and does not know %q's quotes.
	SHELL=/bin/bash script -qec "$(printf '%q ' "$@")" /dev/null <&"$keys" >"$screen" 2>&1 &
	pid=$!
	until_true ready_or_gone "$screen" "$pid"
	echo typed >&"$keys"
	wait "$pid" || say "ended with $?: $*"
	exec {keys}>&-
	out=$(cat "$screen")
	rm "$screen"
}
ready_or_gone() { has_line "$1" ready || gone "$2"; }
# conversation SCRIPT: what the shell in a container runs for on_terminal; it says "got typed" at last.
conversation() { printf '%s; echo ready; read -r word; echo "got $word"' "$1"; }

# catches PID SIGNAL-NUMBER: has it a handler by now?
catches() { (((0x$(awk '/^SigCgt:/ { print $2 }' "/proc/$1/status") >> ($2 - 1)) & 1)); }
cpu_time() { awk '{ print $14 }' "/proc/$1/stat"; } # PID: its ticks in user mode
cpu_time_above() { [ "$(cpu_time "$1")" -gt "$2" ]; }
# pids_refused PID: has the limit of its cgroup been hit?
pids_refused() { [ "$(in_cgroup "$1" pids pids.events | awk '$1 == "max" { print $2 }')" -gt 0 ]; }

# all_caps_or_skip COMMAND...: where root itself lacks a capability, the kernel refuses it to a container.
all_caps_or_skip() {
	local out
	out=$("$@" 2>&1) && return
	[ "$(awk '/^CapBnd:/ { print $2 }' /proc/self/status)" != "$(printf '%016x' $(((1 << ($(cat /proc/sys/kernel/cap_last_cap) + 1)) - 1)))" ] || fail "$out"
	says "$out" "operation not permitted"
	skip "root of this machine does not have all capabilities, and the runtime says so: $(grep -i -m1 "operation not permitted" <<<"$out" | cut -c1-200)"
}

# recipe TEXT: the indented block of docs/engines.md below the line that has TEXT, with our image for IMAGE and
# COMMAND. The runtime under test is where the recipes have it.
recipe() {
	install -D "$RT" /usr/local/bin/sandbox-runtime
	awk -v text="$1" 'on && /^    / { print substr($0, 5); seen = 1; next } on && seen && NF { exit }
		index($0, text) { on = 1 }' /src/docs/engines.md | sed "s|IMAGE|localhost/busybox:test|; s|COMMAND|true|"
}

# settled_cgroups: engines read /proc/self/cgroup and give up on all metrics when it names a v1 hierarchy
# that is mounted nowhere they can see. Somebody else on the machine may hold one for a moment.
unseen_hierarchies() {
	cut -d: -f2 /proc/self/cgroup | tr , '\n' | sed 's/^name=//; /^$/d' | while read -r name; do
		[ -d "/sys/fs/cgroup/$name" ] || printf '%s ' "$name"
	done
}
settled_cgroups() {
	local end=$((SECONDS + 30))
	while [ -n "$(unseen_hierarchies)" ]; do
		[ "$SECONDS" -lt "$end" ] || skip "somebody outside holds the cgroup hierarchies $(unseen_hierarchies)"
		sleep 0.2
	done
}

# in_cgroup PID CONTROLLER FILE: what a process' cgroup says; v1 or v2, whichever holds the controller.
in_cgroup() {
	local path
	path=$(sed -n "s/^[0-9]*:\(.*,\)\?$2\(,.*\)\?://p" "/proc/$1/cgroup")
	cat "/sys/fs/cgroup/$2$path/$3"
}

# daemon NAME COMMAND...: starts it in the background; its pid goes to /run/NAME.test-pid.
daemon() {
	local name=$1
	shift
	setsid "$@" >>"/lab/results/$ENGINE.$RTNAME.$name.log" 2>&1 </dev/null &
	echo $! >"/run/$name.test-pid"
}

# stop_daemon NAME [SIGNAL]: sends it and waits for the end.
stop_daemon() {
	local pid
	pid=$(cat "/run/$1.test-pid")
	kill -"${2:-TERM}" "$pid" 2>/dev/null || return 0
	until_true gone "$pid"
}
gone() { [ ! -d "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"; }

# Leaks: what is there after an engine has stopped and was not there before it started.
snapshot() {
	findmnt -rno TARGET | sed 's/^/mount /'
	find /sys/fs/cgroup -mindepth 2 -type d | sed 's/^/cgroup /'
	find /run/netns /run/docker/netns -mindepth 1 2>/dev/null | sed 's/^/netns /'
	processes
}
processes() {
	local dir
	for dir in /proc/[0-9]*; do
		# Kernel view without races: a process that ends while it is looked at is no leak.
		case $(tr '\0' ' ' 2>/dev/null <"$dir/cmdline") in
		'' | *inside.sh* | find\ * | tr\ * | sort\ * | comm\ * | cat\ * | grep\ *) ;;
		*) printf 'process %s\n' "$(tr '\0' ' ' 2>/dev/null <"$dir/cmdline")" ;;
		esac
	done
}

now_ms() { local t=${EPOCHREALTIME/./}; echo "${t%???}"; }

# record CASE VERDICT MS DETAIL
record() { printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$ENGINE" "$VERSION" "$1" "$RTNAME" "$2" "$3" "$4" >>/lab/results/table.tsv; }
# figure NAME VALUE: a measurement, for the density table.
figure() { printf '%s\t%s\t%s\t%s\t%s\n' "$ENGINE" "$VERSION" "$1" "$RTNAME" "$2" >>/lab/results/figures.tsv; }
