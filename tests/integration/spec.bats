# spec: the config.json to start from.
load ../lib/helpers

@test "spec: writes config.json in the current folder" {
	mkdir "$T/new" && cd "$T/new"
	ok spec
	equals "$(jq -r .root.path config.json)" rootfs
	equals "$(jq -r .process.terminal config.json)" true
	equals "$(jq -c .process.args config.json)" '["sh"]'
}

@test "spec: --bundle names another folder" {
	mkdir "$T/new"
	ok spec --bundle "$T/new"
	[ -f "$T/new/config.json" ]
}

@test "spec: does not overwrite a config.json" {
	no spec
	contains "$output" "config.json" "exist"
}

@test "spec: the result runs as it is" {
	mkdir "$T/new" && cp -a "$BUNDLE/rootfs" "$T/new"
	cd "$T/new"
	local how=()
	[ "$(id -u)" = 0 ] || how=(--rootless) # a user needs a user namespace
	ok spec "${how[@]}"
	jq '.process.terminal = false | .process.args = ["true"]' config.json >c && mv c config.json
	ok run "$ID"
}

@test "spec: declares a version of the specification and the usual sandbox" {
	equals "$(jq -r '.ociVersion | test("^1\\.[0-9]")' config.json)" true
	equals "$(jq -c '[.linux.namespaces[].type] | contains(["pid","network","ipc","uts","mount"])' config.json)" true
	equals "$(jq .process.noNewPrivileges config.json)" true
	equals "$(jq '.linux.maskedPaths | contains(["/proc/kcore"])' config.json)" true
	equals "$(jq '.linux.readonlyPaths | contains(["/proc/sys"])' config.json)" true
}

@test "spec --rootless: maps the caller and has no network of its own" {
	mkdir "$T/new"
	ok spec --rootless --bundle "$T/new"
	equals "$(jq -c '.linux.uidMappings[0].hostID' "$T/new/config.json")" "$(id -u)"
	equals "$(jq '[.linux.namespaces[].type] | contains(["user"])' "$T/new/config.json")" true
	equals "$(jq '.linux.resources' "$T/new/config.json")" null
}
