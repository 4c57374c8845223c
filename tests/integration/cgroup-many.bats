# Many containers at a time: none fails, none loses a limit, nothing is left.
load ../lib/helpers
load ../lib/cgroups

setup() {
	make_bundle
	requires cgroups
}

# life NUMBER: create, start, look at the limit, delete; prints what went wrong.
life() {
	local id=$ID-$1 rt=("$RUNTIME" --root "$ROOT") got limit=$((100 + $1))
	mkdir "$T/b$1" || return
	jq --argjson n "$limit" --arg root "$BUNDLE/rootfs" '.linux.resources.pids = {limit: $n} | .root.path = $root' \
		"$BUNDLE/config.json" >"$T/b$1/config.json"
	"${rt[@]}" create --bundle "$T/b$1" --pid-file "$T/b$1/pid" "$id" </dev/null >"$T/b$1/out" 2>&1 3>&- ||
		{ echo "$id: create: $(<"$T/b$1/out")"; return; }
	"${rt[@]}" start "$id" 3>&- || { echo "$id: start"; return; }
	if unified; then
		got=$(cat "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(<"$T/b$1/pid")/cgroup")/pids.max")
	else
		got=$(cat "/sys/fs/cgroup/pids$(sed -n 's/^[0-9]*:pids://p' "/proc/$(<"$T/b$1/pid")/cgroup")/pids.max")
	fi
	[ "$got" = "$limit" ] || echo "$id: lost limit: $got, want $limit"
	"${rt[@]}" delete --force "$id" 3>&- || echo "$id: delete"
}

@test "200 containers created and deleted, 16 at a time: no error, no lost limit, no leak" {
	needs pids
	payload 'exec sleep 1000'
	export ID RUNTIME ROOT T BUNDLE
	export -f life unified
	seq "${SBT_MANY:-200}" | SBT_TEST=$ID xargs -P 16 -I{} bash -c 'life {}' >"$T/wrong" 2>&1 3>&-
	[ ! -s "$T/wrong" ] || fail "$(head -n 20 "$T/wrong")"
	equals "$(find "$ROOT" -mindepth 1 -maxdepth 1 ! -name '.*' | wc -l)" 0
	equals "$(find /sys/fs/cgroup -type d -name "$ID-*" | wc -l)" 0
	rm -rf "$T"/b[0-9]*
}
