#!/bin/bash
# The cases of podman.sh, inside the VM. usage: podman-cases.sh root|user RUNTIME [CASE...]
set -uo pipefail
who=$1 RT=$2
shift 2
# shellcheck source=tests/engines/lib.sh
. /src/lib.sh
export PATIENCE=300 TMPDIR=/var/tmp # emulation is slow; /tmp has no devices
image=localhost/busybox:test id=c out=

pm() { podman --runtime "$RT" --cgroup-manager systemd --events-backend file --log-level error "$@"; }
box() { pm run --network none "$@"; }
field() { pm inspect -f "{{.$2}}" "$1"; }
pid_of() { field "$1" State.Pid; }
unit() { if [ "$who" = user ]; then systemctl --user "$@"; else systemctl "$@"; fi; }
folder() { echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(pid_of "$id")/cgroup")"; }
scope() { echo "libpod-$(field "$id" Id).scope"; }
property() { unit show -p "$1" --value "$(scope)"; } # NAME: as systemd sees it
all_caps=$(printf 'CapEff:\t%016x' $(((1 << ($(cat /proc/sys/kernel/cap_last_cap) + 1)) - 1)))
limits() { # MEMORY CPU: the kernel and systemd agree
	is "$(cat "$(folder)/memory.max")" "$1" memory.max
	is "$(property MemoryMax)" "$1" MemoryMax
	is "$(cat "$(folder)/cpu.max")" "$2 100000" cpu.max
}

case_run() {
	code 7 box --rm "$image" sh -c 'echo out; echo err >&2; exit 7'
	has "$out" out
	has "$out" err
}
case_scope() {
	box -d --name $id -m 64m --cpus 0.5 --pids-limit 50 "$image" sleep 1000
	has "$(folder)" ".slice/$(scope)"
	is "$(unit is-active "$(scope)")" active "the scope"
	limits 67108864 50000
	is "$(cat "$(folder)/pids.max")" 50 pids.max
	is "$(property TasksMax)" 50 TasksMax
	is "$(property CPUQuotaPerSecUSec)" 500ms CPUQuotaPerSecUSec
}
case_exec() {
	box -d --name $id "$image" sleep 1000
	code 0 pm exec $id cat /proc/self/cgroup
	has "$out" "0::/"
	pm exec -d $id sleep 77
	until_true in_folder 2
}
in_folder() { [ "$(find "$(folder)" -name cgroup.procs -exec cat {} + | wc -l)" = "$1" ]; }
case_update() {
	box -d --name $id -m 64m --memory-swap 64m --cpus 0.5 "$image" sleep 1000
	pm update -m 48m --memory-swap 48m --cpus 1 $id
	limits 50331648 100000
}
# systemd writes all properties again: what is not in the unit would be lost.
case_daemon_reload() {
	box -d --name $id -m 64m --cpus 0.5 "$image" sleep 1000
	unit daemon-reload
	limits 67108864 50000
	code 0 pm exec $id sh -c 'echo x >/dev/null && head -c1 /dev/zero | wc -c'
	is "$out" 1
}
case_pause() {
	box -d --name $id "$image" sleep 1000
	pm pause $id
	is "$(field $id State.Status)" paused status
	pm unpause $id
	is "$(field $id State.Status)" running status
}
case_stats() {
	box -d --name $id -m 64m "$image" sleep 1000
	code 0 pm stats --no-stream --format '{{.MemUsage}} {{.PIDs}}' $id
	has "$out" 67.11MB
}
# conmon opens memory.events by its path when it hears of the kill, and systemd may have removed the cgroup by then:
# with runc, too, one container in some has OOMKilled false in spite of its exit code.
case_oom() {
	local try
	for try in 1 2 3 4 5; do
		code 137 box --name $id-$try -m 16m --memory-swap 16m "$image" sh -c 'x=12345678; while :; do x=$x$x; done'
		[ "$(field $id-$try State.OOMKilled)" != true ] || return 0
	done
	fail "State.OOMKilled is false in 5 of 5"
}
case_stop() {
	box -d --name $id "$image" sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done'
	local scope folder
	scope=$(scope) folder=$(folder)
	until_true catches "$(pid_of $id)" 15
	pm stop -t 100 $id
	is "$(field $id State.ExitCode)" 0 "exit code"
	until_true inactive "$scope"
	[ ! -e "$folder" ] || fail "$folder is left"
}
inactive() { ! unit is-active "$1"; }
case_parent() {
	box -d --name $id --cgroup-parent engines-x.slice "$image" sleep 1000
	has "$(folder)" "/engines.slice/engines-x.slice/$(scope)"
}
case_pod() {
	pm pod create --name p --network none --infra-image "$image" --infra-command "sleep 1000"
	pm run -d --pod p --name $id "$image" peer serve 127.0.0.1:8080 page
	has "$(folder)" "libpod_pod_$(pm pod inspect -f '{{.ID}}' p).slice/$(scope)"
	code 0 pm run --rm --pod p "$image" peer fetch http://127.0.0.1:8080/
	is "$out" page
	pm pod rm -f -t 1 p
}
case_devices() {
	code 0 box --rm "$image" sh -c ': >/dev/null; echo fine'
	if [ "$who" = user ]; then skip "a user cannot make device nodes"; fi
	code 1 box --rm --cap-add MKNOD "$image" sh -c 'mknod /dev/k c 1 11 && : >/dev/k'
	says "$out" "operation not permitted"
}
case_privileged() { # root has all capabilities here, unlike on some machines that run the engines' tests
	code 0 box --rm --privileged "$image" sh -c 'grep CapEff /proc/self/status; mount -t tmpfs t /mnt && echo mounted; ls /dev/kmsg'
	has "$out" "$all_caps"
	has "$out" mounted
	has "$out" /dev/kmsg
}
case_exec_privileged() {
	box -d --name $id "$image" sleep 1000
	code 0 pm exec $id grep CapEff /proc/self/status
	lacks "$out" "$all_caps"
	code 0 pm exec --privileged $id grep CapEff /proc/self/status
	has "$out" "$all_caps"
}
# Any file of the cgroup, by name.
case_cgroup_conf() {
	box -d --name $id --cgroup-conf memory.high=33554432 --cgroup-conf pids.max=77 "$image" sleep 1000
	is "$(cat "$(folder)/memory.high")" 33554432 memory.high
	is "$(cat "$(folder)/pids.max")" 77 pids.max
}
# A service that podman's generator makes of a .container file: systemd waits for READY=1 of the program itself,
# which comes through the runtime, and the container lives in the service's cgroup.
case_quadlet() {
	local dir=/etc/containers/systemd
	[ "$who" = root ] || dir=~/.config/containers/systemd
	mkdir -p "$dir"
	cat >"$dir/quad.container" <<-END
		[Container]
		Image=$image
		ContainerName=$id
		Network=none
		Notify=true
		GlobalArgs=--runtime $RT --events-backend file
		Exec=sh -c 'sleep 1; echo said; peer say READY=1; sleep 1000'
		[Service]
		TimeoutStartSec=250
	END
	unit daemon-reload
	unit start quad.service
	has "$(pm logs $id)" said "the log once it is started"
	has "$(folder)" "/quad.service/"
	unit stop quad.service
	code 1 pm container exists $id
	rm "$dir/quad.container"
	unit daemon-reload
}

mkdir -p "/out/$who"
pm load -i /src/busybox.tar >"/out/$who"/load 2>&1
[ $# -gt 0 ] || set -- run scope exec update daemon_reload pause stats oom stop parent pod devices \
	privileged exec_privileged cgroup_conf quadlet
for name in "$@"; do
	got=0 log="/out/$who"/$name
	(set -e; "case_$name") >"$log" 2>&1 </dev/null || got=$?
	case $got in
	0) echo "ok - podman, systemd manager, $who: $name" ;;
	77) echo "ok - podman, systemd manager, $who: $name # SKIP $(sed -n 's/^SKIP: //p' "$log")" ;;
	*) printf 'not ok - podman, systemd manager, %s: %s\n# %s\n' "$who" "$name" "$(tail -n1 "$log")" ;;
	esac
	{ pm pod rm -fa -t 0; pm rm -fa -t 0; } >>"$log" 2>&1
done
left=$(unit list-units --plain --no-legend 'libpod-*.scope' | grep -v conmon)
[ -z "$left" ] && echo "ok - podman, systemd manager, $who: leaks" ||
	printf 'not ok - podman, systemd manager, %s: leaks\n# %s\n' "$who" "${left//$'\n'/ }"
