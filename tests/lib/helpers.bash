# Helpers of the bats suites: bundles, running the runtime, requirements, the leak check.
#
# Every test gets, in setup:
#   $T        a folder of its own, removed afterwards
#   $BUNDLE   a bundle in it: busybox as rootfs, config.json as `spec` writes it, without a terminal
#   $ID       an id that is unique on this host; $ROOT the state folder (--root)
# teardown deletes what the test has created and then checks that nothing is left.
# shellcheck shell=bash disable=SC2034

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
RUNTIME=${RUNTIME:-$TOP/sandbox-runtime}
RECVTTY=${RECVTTY:-$TOP/build/bin/recvtty}
# Which runtime this is: the suite also runs against peers, to prove the tests.
case ${RUNTIME##*/} in
runc*) FLAVOR=runc ;;
crun*) FLAVOR=crun ;;
*) FLAVOR=ours ;;
esac

setup() { make_bundle; }
teardown() { clean_up; }

# base makes, once per run, what all bundles are copied from.
base() {
	local base=$BATS_RUN_TMPDIR/base tmp
	[ -e "$base" ] && return
	tmp=$(mktemp -d "$BATS_RUN_TMPDIR/base.XXXXXX")
	if [ -n "${SBT_ROOTFS:-}" ]; then cp -r --preserve=mode,links "$SBT_ROOTFS" "$tmp/rootfs"; else
		"$TOP/scripts/rootfs.sh" busybox "$tmp/rootfs"
	fi
	if [ "$(id -u)" = 0 ]; then
		"$RUNTIME" spec --bundle "$tmp" 3>&-
		jq '.process.terminal = false' "$tmp/config.json" >"$tmp/c"
	else # all the ids that this user has: his own is root, his ranges, if any, are the rest
		"$RUNTIME" spec --rootless --bundle "$tmp" 3>&-
		jq --argjson u "[$(range_of /etc/subuid)]" --argjson g "[$(range_of /etc/subgid)]" '.process.terminal = false
			| if $u + $g == [] then . else .linux.namespaces += [{type: "network"}] end
			| .linux.uidMappings += $u | .linux.gidMappings += $g' "$tmp/config.json" >"$tmp/c"
	fi
	mv "$tmp/c" "$tmp/config.json"
	chmod 755 "$tmp"
	mv -T "$tmp" "$base" 2>/dev/null || rm -rf "$tmp" # another file's tests were faster
}

range_of() { # FILE: the first range of this user, as a mapping from 1 on
	awk -F: -v name="$(id -un)" -v id="$(id -u)" '$1 == name || $1 == id {
		printf "{\"containerID\": 1, \"hostID\": %s, \"size\": %s}", $2, $3; exit }' "$1"
}

make_bundle() {
	base
	T=$BATS_TEST_TMPDIR
	BUNDLE=$T/bundle
	ROOT=$T/state
	ID=${SBT_RUN:-sbt.$PPID}-${BATS_SUITE_TEST_NUMBER}t # t: no id is the beginning of another
	chmod 755 "${BATS_RUN_TMPDIR}" "$BATS_RUN_TMPDIR/test" "$T"
	cp -a "$BATS_RUN_TMPDIR/base" "$BUNDLE"
	cd "$BUNDLE" || return
}

# clean_up ends what is left of the test and fails when something survives that.
clean_up() {
	local id left
	[ -n "${T:-}" ] || return 0
	cd / || return
	if [ -d "$ROOT" ]; then
		for id in "$ROOT"/*/; do
			[ -d "$id" ] || continue
			SBT_TEST=$ID timeout "$((30 * ${SBT_SLOW:-1}))" "$RUNTIME" --root "$ROOT" delete --force "$(basename "$id")" 3>&- || :
		done
		left=$(find "$ROOT" -mindepth 1 -maxdepth 1 ! -name '.*')
		[ -z "$left" ] || fail "left in the state folder: $left"
	fi
	left=$(find "$BUNDLE" -mindepth 1 -maxdepth 1 ! -name config.json ! -name rootfs
		find "$BUNDLE/rootfs" -mindepth 1 -maxdepth 1 -name '.*')
	[ -z "$left" ] || fail "left in the bundle: $left"
	"$TOP/scripts/leakcheck.sh" "$T/" "$ID" 3>&- || fail "left on the host"
}

fail() {
	printf '%s\n' "$*" >&2
	return 1
}

# rt ARGS...: runs the runtime; sets $status, $output (stdout, then stderr), $stdout, $stderr, $lines.
# Output goes through files: a detached container keeps them open, and a pipe would never end.
rt() {
	status=0
	rm -f "$T/stdout" "$T/stderr" # they may have become the container's user's
	SBT_TEST=$ID timeout --foreground -k 5 "${RT_TIMEOUT:-$((60 * ${SBT_SLOW:-1}))}" \
		"$RUNTIME" --root "$ROOT" "${RT_GLOBAL[@]}" "$@" >"$T/stdout" 2>"$T/stderr" 3>&- 4>&- || status=$?
	collect "$*"
}
RT_GLOBAL=()

# collect reads what rt has written; the text is shown when the test fails.
collect() {
	stdout=$(<"$T/stdout")
	stderr=$(<"$T/stderr")
	output=$stdout${stdout:+${stderr:+$'\n'}}$stderr
	mapfile -t lines <<<"$output"
	printf '$ %s %s (status %d)\n%s\n' "$FLAVOR" "$1" "$status" "$output"
}

# ok ARGS...: rt that has to succeed. no ARGS...: rt that has to fail with exit code 1.
ok() {
	rt "$@"
	[ "$status" = 0 ] || fail "exit code $status, want 0"
}
no() {
	rt "$@"
	[ "$status" = 1 ] || fail "exit code $status, want 1"
}

# payload SCRIPT: what the container runs. update_config JQ-EXPRESSION [JQ ARGUMENTS].
payload() { update_config '.process.args = ["sh", "-c", $s]' --arg s "$1"; }
update_config() {
	local filter=$1
	shift
	jq "$@" "$filter" "$BUNDLE/config.json" >"$T/config.new" && mv "$T/config.new" "$BUNDLE/config.json"
}

# inside SCRIPT: runs it in a container of this bundle, in the foreground; it has to succeed.
inside() {
	payload "$1"
	ok run "$ID"
}

# running [SCRIPT]: a started container in the background, sleeping unless told otherwise.
running() {
	payload "${1:-exec sleep 1000}"
	ok run -d "$ID"
}

# A quiet container that ends on TERM: PID 1 ignores a signal without a handler.
TERM_ENDS='trap "exit 3" TERM; while :; do sleep 0.05; done'

# apart COMMAND...: in a mount namespace of its own, in which it may mount. Without root that takes a user
# namespace: the command is root there, and a container is one without a user namespace of its own.
apart() {
	if [ "$(id -u)" = 0 ]; then unshare --mount "$@"; return; fi
	# A sysfs of its own: mounts on the host's would come back here where mounts are shared.
	update_config 'del(.linux.uidMappings, .linux.gidMappings) | .linux.namespaces |= map(select(.type != "user"))
		| (.mounts[] | select(.destination == "/sys")) |= {destination: "/sys", type: "sysfs", source: "sysfs", options: ["ro"]}'
	unshare --user --map-root-user --mount "$@"
}

# in_userns gives the container a user namespace with 65536 ids; without root it has one already.
in_userns() {
	requires userns
	if [ "$(id -u)" != 0 ]; then
		[ -n "$(range_of /etc/subuid)" ] || skip "this user has no further ids (user_namespaces(7))"
		return
	fi
	update_config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = .linux.uidMappings'
	chown -hR 100000:100000 rootfs
}

state_of() { "$RUNTIME" --root "$ROOT" state "${1:-$ID}" 3>&- | jq -r "${2:-.status}"; }
pid_of() { state_of "${1:-$ID}" .pid; }
is_status() { [ "$(state_of "${2:-$ID}")" = "$1" ]; }

gone() { # PID: ended; whoever inherited it may still have to collect it
	local state
	state=$(sed -n 's/^State:\s*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) || return 0
	[ -z "$state" ] || [ "$state" = Z ] || [ "$state" = X ] || fail "process $1 is still there ($state)"
}

# until_true COMMAND...: waits up to 10 seconds for it to succeed, SBT_SLOW times as long on a slow machine.
until_true() {
	local i
	for ((i = 0; i < 200 * ${SBT_SLOW:-1}; i++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.05
	done
	fail "still not true after $((10 * ${SBT_SLOW:-1})) s: $*"
}

contains() { # TEXT PART...: all parts are in it
	local text=$1 part
	shift
	for part in "$@"; do
		[[ $text == *"$part"* ]] || fail "'$part' is not in: $text" || return
	done
}

equals() { [ "$1" = "$2" ] || fail "got '$1', want '$2'"; }

# --- conditions; each skips with its reason

ours_only() { [ "$FLAVOR" = ours ] || skip "only sandbox-runtime: $1"; }
not_with() { # FLAVOR REASON: a peer differs by design, or has a bug
	[ "$FLAVOR" != "$1" ] || skip "$1: $2"
}

requires() {
	local need
	for need in "$@"; do
		case $need in
		root) [ "$(id -u)" = 0 ] || skip "needs root" ;; # better with the kernel's reason:
		root:*) [ "$(id -u)" = 0 ] || skip "needs root: ${need#root:}" ;;
		cgroups)
			[ "$(id -u)" = 0 ] || skip "needs root: a user may make cgroups only where they were delegated to him (cgroups(7))"
			;;
		cgroup_v1) [ -d /sys/fs/cgroup/memory ] || skip "needs cgroup v1" ;;
		cgroup_v2) [ -e /sys/fs/cgroup/cgroup.controllers ] || skip "needs a pure cgroup v2 host" ;;
		freezer)
			[ -d /sys/fs/cgroup/freezer ] || [ -e /sys/fs/cgroup/cgroup.controllers ] ||
				skip "needs the freezer of cgroup v1, or cgroup v2"
			;;
		time_ns) [ -e /proc/self/ns/time ] || skip "the kernel has no time namespaces" ;;
		userns) unshare -U true 2>/dev/null || skip "the kernel refuses user namespaces here" ;;
		cap_*) has_cap "$need" || skip "this machine's root lacks ${need^^}" ;;
		idmap) idmap_works || skip "the kernel or file system of $TMPDIR has no idmapped mounts" ;;
		fs:*) grep -qw "${need#fs:}" /proc/filesystems || skip "the kernel has no file system ${need#fs:}" ;;
		command_of_runtime:*)
			"$RUNTIME" --help 3>&- | grep -qE "^ +${need#*:}(,| |$)" || skip "${RUNTIME##*/} has no command ${need#*:}"
			;;
		command:*) command -v "${need#command:}" >/dev/null || skip "${need#command:} is not installed" ;;
		*) fail "requires: unknown condition $need" ;;
		esac
	done
}

# has_cap cap_NAME: in the bounding set, by its number in capability.h.
has_cap() {
	local n
	case $1 in
	cap_sys_resource) n=24 ;;
	cap_sys_admin) n=21 ;;
	cap_sys_nice) n=23 ;;
	cap_sys_time) n=25 ;;
	cap_mknod) n=27 ;;
	*) return 1 ;;
	esac
	((0x$(awk '/^CapBnd/ {print $2}' /proc/self/status) >> n & 1))
}

# util-linux of Debian 12 can't make such a mount, so the answer comes from the list in
# mount_setattr(2) (kernel 5.12; tmpfs from 6.3 on).
idmap_works() {
	local fs
	fs=$(stat -f -c %T "$T")
	case $fs in
	ext2/ext3 | xfs | btrfs) [ "$(printf '%s\n' 5.12 "$(uname -r)" | sort -V | head -n1)" = 5.12 ] ;;
	tmpfs | overlayfs) [ "$(printf '%s\n' 6.3 "$(uname -r)" | sort -V | head -n1)" = 6.3 ] ;;
	*) return 1 ;;
	esac
}
