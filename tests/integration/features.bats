# features: what it says is tried, entry by entry.
load ../lib/helpers

setup() {
	make_bundle
	requires command_of_runtime:features
	"$RUNTIME" features >"$T/features.json" 3>&-
}
feature() { jq -r "$1" "$T/features.json"; }

@test "features: the document" {
	contains "$(feature .ociVersionMin)" 1.
	contains "$(feature .ociVersionMax)" 1.
	equals "$(feature '.linux | has("namespaces") and has("capabilities") and has("cgroup") and has("seccomp")')" true
	equals "$(feature '.hooks | sort | join(" ")')" "createContainer createRuntime poststart poststop prestart startContainer"
}

@test "features: what CRI looks for" {
	not_with crun "looks at another version"
	contains "$(feature '.mountOptions | join(" ")')" rro
	equals "$(feature .linux.mountExtensions.idmap.enabled)" true
}

@test "features: every namespace can be made" {
	local t
	for t in $(feature '.linux.namespaces[]'); do
		cp "$BATS_RUN_TMPDIR/base/config.json" .
		update_config '.linux.namespaces |= map(select(.type != $t)) + [{type: $t}]' --arg t "$t"
		[ "$t" != user ] || [ "$(id -u)" != 0 ] || update_config '.linux.uidMappings = [{containerID: 0, hostID: 0, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
		case $t in network) file=net ;; mount) file=mnt ;; *) file=$t ;; esac
		inside "readlink /proc/self/ns/$file"
		[ "$stdout" != "$(readlink "/proc/self/ns/$file")" ] || [ "$t" = time ] || fail "$t is the host's"
	done
}

@test "features: every capability is known" {
	update_config '.process.capabilities = {bounding: $c, permitted: $c}' --argjson c "$(feature '.linux.capabilities | tojson')"
	payload true
	# This machine's root may lack some, which is another matter; a name must never be unknown.
	rt run "$ID"
	[[ ${output,,} != *unknown* ]]
	if has_cap cap_sys_resource; then equals "$status" 0; fi
}

@test "features: every mount option is accepted" {
	local o
	for o in $(feature '.mountOptions[]'); do
		# A bind that is remounted, moved or recursive of nothing is no mount of its own.
		case $o in
		bind | rbind | remount | idmap | ridmap | defaults | tmpcopyup | *mand | *silent | loud) continue ;;
		esac
		cp "$BATS_RUN_TMPDIR/base/config.json" .
		update_config '.mounts += [{destination: "/mnt", type: "tmpfs", source: "tmpfs", options: [$o]}] | .process.args = ["true"]' --arg o "$o"
		rt run "$ID"
		[ "$status" = 0 ] || fail "option $o: $output"
	done
}

@test "features: an option that is not listed is refused or given to the file system" {
	update_config '.mounts += [{destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["nonsense-option"]}] | .process.args = ["true"]'
	no run "$ID"
}

@test "features: every hook kind is run" {
	local k
	for k in $(feature '.hooks[]'); do
		cp "$BATS_RUN_TMPDIR/base/config.json" .
		# A path that a hook inside the container finds as well.
		update_config '.mounts += [{destination: $t, type: "bind", source: $t, options: ["bind"]}] | .root.readonly = false | .process.args = ["true"]
			| .hooks[$k] = [{path: "/bin/sh", args: ["sh", "-c", "echo x > \($t)/ran-\($k)"], env: ["PATH=/bin"]}]' --arg t "$T" --arg k "$k"
		ok run "$ID"
		[ -e "$T/ran-$k" ] || fail "$k was not run"
	done
}
