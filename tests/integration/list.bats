# list: the containers of a state folder.
load ../lib/helpers

@test "list: no containers is an empty list" {
	mkdir "$ROOT"
	ok list -q
	equals "$stdout" ""
	ok list --format json
	[[ $stdout == null || $stdout == "[]" ]]
}

@test "list: a state folder that does not exist is an empty list" {
	not_with runc "an error before 1.5"
	ok list -q
	equals "$stdout" ""
}

@test "list: the table" {
	running
	ok list
	contains "${lines[0]}" ID PID STATUS BUNDLE CREATED OWNER
	contains "${lines[1]}" "$ID" "$(pid_of)" running "$BUNDLE"
}

@test "list --quiet: ids only" {
	payload 'exec sleep 1000'
	ok create "$ID"
	ok create "$ID-b"
	ok list -q
	equals "$stdout" "$ID"$'\n'"$ID-b"
	ok list --quiet
	equals "${#lines[@]}" 2
}

@test "list --format json: what engines read" {
	running
	ok list --format json
	equals "$(jq -r '.[0].id' <<<"$stdout")" "$ID"
	equals "$(jq -r '.[0].status' <<<"$stdout")" running
	equals "$(jq -r '.[0].bundle' <<<"$stdout")" "$BUNDLE"
	equals "$(jq -r '.[0].pid' <<<"$stdout")" "$(pid_of)"
	equals "$(jq -r 'length' <<<"$stdout")" 1
}

@test "list: an unknown format is an error" {
	mkdir "$ROOT"
	no list --format xml
	contains "$output" "format"
}

@test "list: a state folder that is damaged does not hide the others" {
	running
	mkdir "$ROOT/$ID-broken"
	rt list -q
	contains "$stdout" "$ID"
	rmdir "$ROOT/$ID-broken"
}
