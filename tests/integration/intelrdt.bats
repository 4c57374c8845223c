# linux.intelRdt on a host without resctrl; with one it is tested on a folder that looks like it
# (libsandbox/intelrdt, libsandbox/rdt_test.go).
load ../lib/helpers

setup() {
	make_bundle
	! grep -q ' - resctrl ' /proc/self/mountinfo || skip "this host has resctrl"
}

@test "intelRdt: without resctrl it is an error that names the field" {
	not_with runc "ignores it"
	update_config '.linux.intelRdt = {closID: "guaranteed", schemata: ["L3:0=f"]}'
	no create "$ID"
	contains "$output" resctrl
	[ "$FLAVOR" != ours ] || contains "$output" linux.intelRdt
}

@test "intelRdt: a class that leads out of resctrl is an error" {
	local id
	for id in .. ../x a/b .; do
		update_config '.linux.intelRdt = {closID: $i}' --arg i "$id"
		rt create "$ID"
		[ "$status" != 0 ] || fail "$id was accepted"
		[ "$FLAVOR" != ours ] || contains "$output" linux.intelRdt.closID
	done
}
