# --log, --log-format and --debug: what containerd's shim reads.
load ../lib/helpers

@test "log: json objects, one a line, with level, msg and time" {
	RT_GLOBAL=(--log "$T/log" --log-format json)
	no start "$ID"
	local line
	line=$(tail -n1 "$T/log")
	equals "$(jq -r .level <<<"$line")" error
	contains "$(jq -r .msg <<<"$line")" "does not exist"
	equals "$(jq -r '.time | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")' <<<"$line")" true
}

@test "log: the last object of level error is the reason, as the shim's getLastRuntimeError takes it" {
	RT_GLOBAL=(--debug --log "$T/log" --log-format json)
	update_config '.process.args = ["no-such-program"]'
	no create "$ID"
	local msg
	msg=$(jq -rs 'map(select(.level == "error")) | last | .msg' "$T/log")
	contains "$msg" no-such-program "executable file not found in"
	# The shim reads object after object: one line that is none would end it.
	jq -es 'length > 0' "$T/log" >/dev/null
}

@test "log: the text also goes to stderr" {
	RT_GLOBAL=(--log "$T/log" --log-format json)
	no start "$ID"
	contains "$stderr" "does not exist"
}

@test "log: text format" {
	RT_GLOBAL=(--log "$T/log" --log-format text)
	no start "$ID"
	contains "$(<"$T/log")" "level=error" "does not exist"
}

@test "log: an unknown format is an error" {
	RT_GLOBAL=(--log-format xml)
	rt list
	[ "$status" != 0 ]
	contains "$output" xml
}

@test "log: a file is appended to" {
	echo '{"level":"info","msg":"older","time":"2020-01-01T00:00:00Z"}' >"$T/log"
	RT_GLOBAL=(--log "$T/log" --log-format json)
	no start "$ID"
	contains "$(head -n1 "$T/log")" older
	equals "$(tail -n1 "$T/log" | jq -r .level)" error
}

@test "log: a run without errors writes none" {
	RT_GLOBAL=(--log "$T/log" --log-format json)
	payload true
	ok run "$ID"
	equals "$(grep -c '"level":"error"' "$T/log")" 0
}

@test "log: an error's parts are keys of its object" {
	ours_only "errors with parts"
	RT_GLOBAL=(--log "$T/log" --log-format json)
	update_config '.process.cwd = "relative"'
	no create "$ID"
	equals "$(tail -n1 "$T/log" | jq -r .field)" process.cwd
}
