#!/bin/bash
# Prints what run.sh found as Markdown: when and with which versions; how many cases passed; for each kind of engine
# a table of case against version, in each cell the verdicts of the runtimes; then the figures, and the reason of
# whatever is not a plain "ok".
# usage: table.sh RESULTS...     folders with table.tsv and figures.tsv of run.sh
set -euo pipefail
files=()
for dir in "$@"; do files+=("$dir/table.tsv" "$dir/figures.tsv"); done
for dir in "$@"; do sed 's/\t/: /; s/^/Run from /; s/$/\n/' "$dir/runs.tsv"; done
for dir in "$@"; do sort -u "$dir/versions.tsv"; done | sort -u | sed 's/\t/: /; s/^/- /'
echo
awk -F '\t' '
	# add LIST ITEM: once, in order; lists are strings with tabs between.
	function add(list, item) { return index("\t" list "\t", "\t" item "\t") ? list : (list == "" ? item : list "\t" item) }
	# cell ROW: the verdicts of all runtimes, or one word when they agree.
	function cell(row,   names, n, j, text, same, v) {
		n = split(runtimes, names, "\t"); same = 1
		for (j = 1; j <= n; j++) {
			v = (row, names[j]) in verdict ? verdict[row, names[j]] : "–"
			if (j > 1 && v != first) same = 0
			if (j == 1) first = v
			text = text (j > 1 ? " / " : "") v
		}
		return same ? first : text
	}
	function table(kind,   v, nv, c, nc, i, j, head, rule, line) {
		nv = split(versions[kind], v, "\t"); nc = split(cases[kind], c, "\t")
		head = "| case |"; rule = "|---|"
		for (j = 1; j <= nv; j++) { head = head " " v[j] " |"; rule = rule "---|" }
		print head; print rule
		for (i = 1; i <= nc; i++) {
			line = "| " c[i] " |"
			for (j = 1; j <= nv; j++) line = line " " cell(v[j] SUBSEP c[i]) " |"
			print line
		}
		print ""
	}
	function figures(   names, n, r, nr, i, j, head, rule, line) {
		n = split(runtimes, names, "\t"); nr = split(measured, r, "\t")
		if (!nr) return
		head = "| measured |"; rule = "|---|"
		for (j = 1; j <= n; j++) { head = head " " names[j] " |"; rule = rule "---|" }
		print head; print rule
		for (i = 1; i <= nr; i++) {
			line = "| " r[i] " |"
			for (j = 1; j <= n; j++) line = line " " figure[r[i], names[j]] " |"
			print line
		}
		print ""
	}
	# summary: for each engine and runtime how many cases passed, and what else there was.
	function summary(   e, ne, names, n, i, j, head, rule, line, k) {
		n = split(runtimes, names, "\t"); ne = split(engines, e, "\t")
		head = "| engine |"; rule = "|---|"
		for (j = 1; j <= n; j++) { head = head " " names[j] " |"; rule = rule "---|" }
		print head; print rule
		for (i = 1; i <= ne; i++) {
			line = "| " e[i] " |"
			for (j = 1; j <= n; j++) {
				k = e[i] SUBSEP names[j] SUBSEP
				line = line " " of[k "ok"] + 0 " passed" (of[k "FAIL"] ? ", " of[k "FAIL"] " failed" : "") (of[k "skip"] ? ", " of[k "skip"] " skipped" : "") " |"
			}
			print line
		}
		print ""
	}
	FILENAME ~ /table/ {
		engine = $1 " " $2; kind = $1; sub(/-.*/, "", kind)
		if ($2 != "-") { kinds = add(kinds, kind); versions[kind] = add(versions[kind], engine); cases[kind] = add(cases[kind], $3) }
		runtimes = add(runtimes, $4)
		verdict[engine, $3, $4] = $5 == "FAIL" ? "fails" : $5
		counts[$4, $5]++; of[engine, $4, $5]++; engines = add(engines, engine)
		if ($7 != "" && $5 == "ok") again++
		if ($7 != "") {
			text = ": " ($5 == "ok" ? "" : $5 ": ") $7; key = engine ", " $3
			if (!((key text) in who)) { why[++w] = key; what[w] = text }
			who[key text] = add(who[key text], $4)
		}
	}
	FILENAME ~ /figures/ { row = $1 " " $2 ": " $3; measured = add(measured, row); figure[row, $4] = $5 }
	END {
		summary()
		n = split(kinds, k, "\t")
		for (i = 1; i <= n; i++) table(k[i])
		figures()
		for (i = 1; i <= w; i++) { names_of = who[why[i] what[i]]; gsub("\t", ", ", names_of); print "- " why[i] ", " names_of what[i] }
		n = split(runtimes, names, "\t"); print ""
		for (j = 1; j <= n; j++)
			printf "%s: %d passed, %d failed, %d skipped\n", names[j], counts[names[j], "ok"], counts[names[j], "FAIL"], counts[names[j], "skip"]
		printf "passed with the second try: %d\n", again
	}' "${files[@]}"
