# linux.timeOffsets and the time namespace.
load ../lib/helpers

setup() {
	make_bundle
	requires time_ns
	update_config '.linux.namespaces += [{type: "time"}]'
}
uptime_of() { cut -d. -f1 <<<"$1"; }

@test "timeOffsets: both clocks, in exec too" {
	update_config '.linux.timeOffsets = {boottime: {secs: 100000000, nanosecs: 7}, monotonic: {secs: 50000000}}'
	running
	equals "$(tr -s ' ' <"/proc/$(pid_of)/timens_offsets" | xargs)" "monotonic 50000000 0 boottime 100000000 7"
	ok exec "$ID" cat /proc/uptime
	[ "$(uptime_of "$stdout")" -gt 100000000 ]
}

@test "timeOffsets: a namespace without offsets has the host's clocks" {
	inside 'cat /proc/uptime; readlink /proc/self/ns/time'
	[ "$(uptime_of "${lines[0]}")" -lt 100000000 ]
	[ "${lines[1]}" != "$(readlink /proc/self/ns/time)" ]
}

@test "timeOffsets: contradictions are errors that name the field" {
	local filter field
	while IFS='#' read -r filter field; do
		cp "$BATS_RUN_TMPDIR/base/config.json" .
		update_config '.linux.namespaces += [{type: "time"}]'
		update_config "$filter"
		rt create "$ID"
		[ "$status" != 0 ] || fail "$filter was accepted"
		[ "$FLAVOR" != ours ] || contains "$output" "$field"
	done <<-'LIST'
		.linux.timeOffsets = {boottime: {secs: 1}} | .linux.namespaces |= map(select(.type != "time"))#linux.timeOffsets
		.linux.timeOffsets = {realtime: {secs: 1}}#linux.timeOffsets["realtime"]
		.linux.timeOffsets = {monotonic: {secs: 1, nanosecs: 1000000000}}#linux.timeOffsets["monotonic"].nanosecs
		.linux.timeOffsets = {boottime: {secs: 99999999999}}#linux.timeOffsets["boottime"].secs
		.linux.timeOffsets = {boottime: {secs: 1}} | .linux.namespaces[-1].path = "/proc/self/ns/time"#linux.timeOffsets
	LIST
}
