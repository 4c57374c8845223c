# linux.rootfsPropagation in all its values, seen from inside and from the host.
load ../lib/helpers

# root_line HOW: the mountinfo line of / under that propagation, on a host whose / is shared.
root_line() {
	update_config '.linux.rootfsPropagation = $h' --arg h "$1"
	payload 'awk "\$5 == \"/\"" /proc/self/mountinfo'
	cat >"$T/wrap" <<-'SH'
		mount --make-rshared /
		before=$(wc -l </proc/self/mountinfo)
		"$@" || exit
		[ "$(wc -l </proc/self/mountinfo)" = "$before" ] || { echo "mounts came out"; exit 1; }
	SH
	run apart timeout 60 sh "$T/wrap" "$RUNTIME" --root "$ROOT" run "$ID" 3>&-
	[ "$status" = 0 ] || fail "$1: $output"
	line=${output%% - *}
}

@test "rootfsPropagation: private and rprivate" {
	local h
	for h in private rprivate; do
		root_line $h
		[[ $line != *shared:* && $line != *master:* && $line != *unbindable* ]] || fail "$h: $line"
	done
}

@test "rootfsPropagation: slave and rslave" {
	not_with runc "binds the root onto itself first, as a private mount"
	local h
	for h in slave rslave; do
		root_line $h
		contains "$line" master:
		[[ $line != *shared:* ]] || fail "$h: $line"
	done
}

@test "rootfsPropagation: shared and rshared" {
	local h
	for h in shared rshared; do
		root_line $h
		contains "$line" shared:
	done
}

@test "rootfsPropagation: unbindable and runbindable" {
	not_with runc "cannot mount the hierarchies of v1 below runbindable"
	local h
	for h in unbindable runbindable; do
		root_line $h
		contains "$line" unbindable
	done
}

@test "rootfsPropagation: rprivate reaches the mounts below, private does not" {
	not_with runc "treats rprivate as private"
	mkdir "$T/src"
	update_config '.mounts += [{destination: "/mnt", source: $s, options: ["rbind", "rshared"]}]' --arg s "$T/src"
	local h
	for h in private rprivate; do
		update_config '.linux.rootfsPropagation = $h' --arg h "$h"
		inside 'grep " /mnt " /proc/self/mountinfo'
		case $h in
		private) contains "$stdout" shared: ;;
		rprivate) [[ $stdout != *shared:* ]] || fail "$stdout" ;;
		esac
	done
}

@test "rootfsPropagation: with slave, what the host mounts later arrives, and nothing goes back" {
	mkdir "$T/src" "$T/src/sub"
	update_config '.linux.rootfsPropagation = "rslave" | .mounts += [{destination: "/mnt", source: $s, options: ["rbind", "rslave"]},
			{destination: "/opt", source: $s, options: ["rbind"]}]
		| .process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])' --arg s "$T/src"
	payload 'i=0; until [ -e /mnt/sub/arrived ] || [ $i -gt 200 ]; do sleep 0.05; i=$((i+1)); done
		mount -t tmpfs back /mnt/back && mount -t tmpfs back /opt/back && ls /mnt/sub; exec sleep 1000'
	cat >"$T/wrap" <<-SH
		mount --bind "$T/src" "$T/src" && mount --make-rshared "$T/src"
		"\$@" run -d "$ID" >"$T/out" 2>&1 || exit
		mount -t tmpfs x "$T/src/sub" && touch "$T/src/sub/arrived"
		i=0; until grep -q arrived "$T/out" || [ \$i -gt 200 ]; do sleep 0.05; i=\$((i+1)); done
		cat "$T/out"
		grep ' - tmpfs back ' /proc/self/mountinfo
	SH
	mkdir "$T/src/back"
	run apart timeout 60 sh "$T/wrap" "$RUNTIME" --root "$ROOT" 3>&-
	equals "$output" arrived
}

@test "rootfsPropagation: on a host that shares its mounts, those of the container and of its hooks do not show" {
	requires "root:the test mounts on the host"
	mkdir -p "$T/src/back"
	update_config '.mounts += [{destination: "/opt", source: $s, options: ["rbind"]}]
		| .process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])' --arg s "$T/src"
	update_config '.hooks.createContainer = [{path: "/bin/sh", args: ["sh", "-c", "mount -t tmpfs hooktmp \($b)/rootfs/mnt"],
		env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}]' --arg b "$BUNDLE"
	payload 'mount -t tmpfs back /opt/back && grep -c " - tmpfs hooktmp " /proc/self/mountinfo'
	run timeout 60 unshare -m sh -c 'mount --make-rshared / && wc -l </proc/self/mountinfo && "$@" && wc -l </proc/self/mountinfo' - \
		"$RUNTIME" --root "$ROOT" run "$ID" 3>&-
	equals "${lines[1]}" 1
	equals "${lines[2]}" "${lines[0]}"
}

@test "rootfsPropagation: an unknown value is an error that names it" {
	not_with crun "ignores it"
	update_config '.linux.rootfsPropagation = "sideways"'
	no run "$ID"
	contains "$output" sideways
	[ "$FLAVOR" != ours ] || contains "$output" linux.rootfsPropagation
}
