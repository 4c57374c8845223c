# process.apparmorProfile, process.selinuxLabel, linux.mountLabel.
load ../lib/helpers

apparmor() { [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]; }
selinux() { grep -qw selinuxfs /proc/filesystems; }

@test "apparmorProfile: a profile confines the program" {
	apparmor || skip "this kernel does not run AppArmor"
	requires "root:a profile is loaded by CAP_MAC_ADMIN" command:apparmor_parser
	printf 'profile sbt-%s flags=(attach_disconnected) {\n file,\n capability,\n deny /forbidden r,\n}\n' "$PPID" >"$T/profile"
	apparmor_parser -r "$T/profile"
	echo text >rootfs/forbidden
	update_config '.process.apparmorProfile = $p' --arg p "sbt-$PPID"
	inside 'cat /proc/self/attr/current; cat /forbidden 2>&1 || true'
	apparmor_parser -R "$T/profile"
	contains "${lines[0]}" "sbt-$PPID (enforce)"
	contains "$stdout" "ermission denied"
}

@test "apparmorProfile: one that is not loaded is an error that names it" {
	apparmor || skip "this kernel does not run AppArmor"
	update_config '.process.apparmorProfile = "sbt-not-loaded"'
	no run "$ID"
	contains "$output" apparmor
	[ "$FLAVOR" != ours ] || contains "$output" "process.apparmorProfile (sbt-not-loaded)" "not loaded on this host"
}

@test "apparmorProfile: a warning where the kernel has no AppArmor" {
	not_with runc "an error there"
	! apparmor || skip "this kernel runs AppArmor"
	update_config '.process.apparmorProfile = "acme"'
	inside 'echo ran'
	contains "$stdout" ran
	[ "$FLAVOR" != ours ] || contains "$stderr" "process.apparmorProfile" "this kernel does not run AppArmor"
	running
	ok exec --apparmor acme "$ID" true
	[ "$FLAVOR" != ours ] || contains "$stderr" "this kernel does not run AppArmor"
}

@test "selinuxLabel: an error where the kernel has no SELinux" {
	! selinux || skip "this kernel runs SELinux"
	update_config '.process.selinuxLabel = "system_u:system_r:container_t:s0"'
	no run "$ID"
	[ "$FLAVOR" != ours ] || contains "$output" process.selinuxLabel
}

@test "mountLabel: a warning where the kernel has no SELinux" {
	not_with runc "an error there"
	! selinux || skip "this kernel runs SELinux"
	update_config '.linux.mountLabel = "system_u:object_r:container_file_t:s0:c1,c2"'
	inside 'echo ran'
	contains "$stdout" ran
	[ "$FLAVOR" != ours ] || contains "$stderr" linux.mountLabel "this kernel does not run SELinux"
}
