# linux.netDevices: devices of the host moved into the container's network namespace.
load ../lib/helpers

setup() {
	make_bundle
	requires "root:a device leaves the network namespace of the host for CAP_NET_ADMIN there only" command:ip
	not_with runc "has it since 1.4"
	update_config '.linux.netDevices = {"sbt0": {}} | .process.args = ["sh", "-c", "ip -o addr show; cat /sys/class/net/*/address"]'
	# A host of its own: the devices are in a network namespace of the test.
	cat >"$T/wrap" <<-'SH'
		ip link add sbt0 type veth peer name sbt1
		ip addr add 10.98.76.5/24 brd + dev sbt0
		ip addr add fd00:98::5/64 dev sbt0 nodad
		ip link set sbt0 address 02:00:00:00:98:76 mtu 1400
		ip link set sbt0 up
		"$@"
		code=$?
		ip -o link show | sed 's/^/left on the host: /'
		exit $code
	SH
}
with_devices() { run timeout 60 unshare -n sh "$T/wrap" "$RUNTIME" --root "$ROOT" run "$ID" 3>&-; }

@test "netDevices: moved with its addresses" {
	with_devices
	equals "$status" 0
	contains "$output" "sbt0" "inet 10.98.76.5/24" "inet6 fd00:98::5/64" 02:00:00:00:98:76
	[[ $output != *"left on the host: "*" sbt0@"* ]] || fail "it is still on the host: $output"
	contains "$output" "left on the host" # the peer goes with the namespace, at a time of its own
}

@test "netDevices: moved and renamed" {
	update_config '.linux.netDevices = {"sbt0": {name: "inside0"}} | .process.args = ["sh", "-c", "ip -o addr show dev inside0; cat /sys/class/net/inside0/mtu"]'
	with_devices
	equals "$status" 0
	contains "$output" "10.98.76.5/24" 1400
}

@test "netDevices: it is up in the container" {
	update_config '.process.args = ["sh", "-c", "cat /sys/class/net/sbt0/flags"]'
	with_devices
	equals "$status" 0
	((lines[0] & 1)) || fail "sbt0 is down: $output"
}

@test "netDevices: one that does not exist is an error that names it" {
	update_config '.linux.netDevices = {"sbt7": {}}'
	with_devices
	equals "$status" 1
	contains "$output" sbt7
	[ "$FLAVOR" != ours ] || contains "$output" "linux.netDevices[sbt7]"
}

@test "netDevices: without a network namespace of the container's own it is an error" {
	update_config '.linux.namespaces |= map(select(.type != "network")) | .mounts |= map(select(.type != "sysfs"))'
	with_devices
	equals "$status" 1
	[ "$FLAVOR" != ours ] || contains "$output" "linux.netDevices"
}
