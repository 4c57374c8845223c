# list: the containers of a state folder; and that a command does not work more the more there are.
# shellcheck disable=SC2154
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
	ok list
	contains "$stdout" "$ID  "
	echo '{"version":1,"id"' >"$ROOT/$ID-broken/state.json"
	ok list
	contains "$stdout" "$ID  "
	not_with crun "it says nothing of the other"
	contains "$stderr" "$ID-broken"
	ok list --format json
	equals "$(jq -r '.[0].status' <<<"$stdout")" running
	rm -r "$ROOT/$ID-broken"
}

# more_containers N: that many more in the state folder: copies, all with the same init.
more_containers() {
	local i
	for ((i = 1; i <= $1; i++)); do cp -a "$ROOT/$ID" "$ROOT/$ID-copy$i"; done
}

# calls ARGS...: how many system calls with files, and reads and writes, the command makes.
calls() {
	SBT_TEST=$ID strace -f -c -o "$T/calls" -e trace=%file,read,write,close,getdents64 \
		"$RUNTIME" --root "$ROOT" "$@" >"$T/out" 2>&1 3>&-
	awk '$NF == "total" { print $4 == "total" ? $3 : $4 }' "$T/calls"
}

@test "list: a container more costs some ten system calls, and the table is written at once" {
	requires command:strace
	ours_only "counts its system calls"
	running
	local format one many
	for format in table json; do
		one=$(calls list --format "$format")
		more_containers 40
		many=$(calls list --format "$format")
		rm -r "$ROOT/$ID-copy"*
		echo "$format: $one calls for one, $many for 41"
		((one > 10 && many - one <= 40 * 11))
	done
}

@test "run, state, delete: no more system calls with 40 containers beside" {
	requires command:strace "root:under strace newuidmap has no rights"
	ours_only "counts its system calls"
	running
	payload true
	local before after
	life() { # strace waits for the program too
		calls run --detach "$ID-r"
		calls state "$ID-r"
		calls delete "$ID-r"
	}
	before=$(life)
	more_containers 40
	after=$(life)
	rm -r "$ROOT/$ID-copy"*
	paste <(echo "$before") <(echo "$after") |
		awk '{ print $1, "calls,", $2, "with 40 containers more" }
			$1 < 10 || $2 - $1 >= 20 { bad = 1 } END { exit bad || NR != 3 }'
}
