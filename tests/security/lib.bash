# What the attacks have in common: a victim on the host that must stay as it is, an attacker that races,
# and helpers written in C.
# shellcheck shell=bash disable=SC2034,SC2154
load ../lib/helpers

# Everything that a mistake of the runtime could reach is below $T/host, outside the bundle.
setup() {
	make_bundle
	VICTIM=$T/host
	mkdir -p "$VICTIM/dir" "$VICTIM/etc"
	echo secret >"$VICTIM/secret"
	echo "nobody else's" >"$VICTIM/etc/hosts"
	echo a >"$VICTIM/ptmx"
	echo b >"$VICTIM/dir/null"
	BEFORE=$(look)
}

# look is the victim's every file: name, mode, owner, inode, link's target, contents.
look() {
	(cd "$VICTIM" && find . -printf '%p %M %U:%G %i %l\n' | sort && find . -type f -exec sha256sum {} + | sort)
}

teardown() {
	local left
	stop_race
	left=$(look)
	clean_up || return
	if [ "$left" != "$BEFORE" ]; then
		fail "the victim on the host was changed:
$(diff <(echo "$BEFORE") <(echo "$left"))" || return
	fi
	if grep -F "$VICTIM" /proc/self/mountinfo; then fail "something is mounted on the victim"; fi
}

# race A B exchanges the two until stop_race.
race() {
	rm -f "$T/racing"
	"$TOP/build/bin/racer" --ready "$T/racing" "$1" "$2" >"$T/racer.log" 2>&1 3>&- &
	RACER=$!
	until_true test -e "$T/racing"
}
stop_race() {
	[ -n "${RACER:-}" ] || return 0
	kill "$RACER" 2>/dev/null || fail "the racer had died: $(cat "$T/racer.log")"
	wait "$RACER" 2>/dev/null || :
	RACER=
}
ROUNDS=${ROUNDS:-25}

# attempt ARGS...: rt that may fail, but only with an error of its own: no crash, no hang.
attempt() {
	rt "$@"
	case $status in 124 | 125 | 134 | 137 | 139) fail "exit code $status: it hung or crashed" ;; esac
	if [[ $output == *"goroutine "* ]]; then fail "it crashed"; fi
}
# refused ARGS...: rt that has to fail
refused() {
	attempt "$@"
	[ "$status" != 0 ] || fail "it was not refused"
}

# c_helper NAME FILE: tests/lib/NAME.c, compiled once per run.
c_helper() {
	local made=$BATS_RUN_TMPDIR/$1 tmp
	if [ ! -e "$made" ]; then
		tmp=$(mktemp "$BATS_RUN_TMPDIR/$1.XXXXXX")
		gcc -O2 -static -o "$tmp" "$TOP/tests/lib/$1.c"
		chmod 755 "$tmp"
		mv -T "$tmp" "$made"
	fi
	cp "$made" "$2"
}

add_volume() { # DIR DESTINATION
	update_config '.mounts += [{destination: $d, type: "bind", source: $s, options: ["rbind", "rw"]}]' --arg s "$1" --arg d "$2"
}
