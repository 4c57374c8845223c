# What the container's mountinfo lists: in the order of config.json, and relative destinations.
load ../lib/helpers

add_mount() { update_config '.mounts += [$m]' --argjson m "$1"; }

@test "mountinfo: in the order of config.json, bind mounts too" {
	mkdir "$T/src"
	local i
	for i in a b c d; do
		add_mount '{"destination":"/mnt/t'$i'","type":"tmpfs","source":"x"}'
		add_mount '{"destination":"/mnt/b'$i'","source":"'"$T"'/src","options":["bind"]}'
		add_mount '{"destination":"/mnt/r'$i'","source":"'"$T"'/src","options":["rbind","ro"]}'
	done
	update_config '.root.readonly = false'
	inside 'grep -o " /mnt/[a-z]* " /proc/self/mountinfo'
	equals "$(xargs <<<"$stdout")" "/mnt/ta /mnt/ba /mnt/ra /mnt/tb /mnt/bb /mnt/rb /mnt/tc /mnt/bc /mnt/rc /mnt/td /mnt/bd /mnt/rd"
}

@test "mountinfo: of two mounts at one place the upper one comes last" {
	mkdir "$T/src" && touch "$T/src/file"
	add_mount '{"destination":"/mnt","type":"tmpfs","source":"lower"}'
	add_mount '{"destination":"/mnt","source":"'"$T"'/src","options":["bind"]}'
	inside 'ls /mnt; grep " /mnt " /proc/self/mountinfo | tail -n1'
	equals "${lines[0]}" file
	[[ ${lines[1]} != *lower* ]] || fail "the lower one is last: $stdout"
}

@test "destination: a relative one counts from /, with a warning" {
	mkdir "$T/src" && touch "$T/src/file"
	add_mount '{"destination":"mnt","source":"'"$T"'/src","options":["bind"]}'
	inside 'ls /mnt'
	contains "$stdout" file
	[ "$FLAVOR" != ours ] || contains "$stderr" "mounts[7].destination" relative
}

@test "source: a relative one counts from the bundle" {
	mkdir rootfs/home/src && touch rootfs/home/src/file
	add_mount '{"destination":"/mnt","source":"rootfs/home/src","options":["bind"]}'
	inside 'ls /mnt'
	equals "$stdout" file
}
