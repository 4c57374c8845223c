#!/bin/bash
# Prints what run.sh found as Markdown: engine and case against runtime, the figures, the reasons.
# usage: table.sh RESULTS
set -euo pipefail
awk -F '\t' '
	FILENAME ~ /table/ {
		row = $1 " " $2 "\t" $3
		if (!(row in seen)) { seen[row] = 1; rows[++n] = row }
		if (!($4 in known)) { known[$4] = 1; names[++m] = $4 }
		verdict[row, $4] = $5
		if ($5 == "ok") { passed++; if ($7 != "") again++ } else if ($5 == "skip") skipped++; else failed++
		if ($7 != "") why[++w] = $1 " " $2 ", " $3 ", " $4 ": " $5 ": " $7
	}
	FILENAME ~ /figures/ {
		row = $1 " " $2 "\t" $3
		if (!(row in fseen)) { fseen[row] = 1; frows[++f] = row }
		figure[row, $4] = $5
	}
	END {
		head = "| engine | case |"; rule = "|---|---|"
		for (j = 1; j <= m; j++) { head = head " " names[j] " |"; rule = rule "---|" }
		print head; print rule
		for (i = 1; i <= n; i++) {
			split(rows[i], part, "\t"); line = "| " part[1] " | " part[2] " |"
			for (j = 1; j <= m; j++) line = line " " ((rows[i], names[j]) in verdict ? verdict[rows[i], names[j]] : "–") " |"
			print line
		}
		if (f) {
			sub("case", "figure", head); print ""; print head; print rule
			for (i = 1; i <= f; i++) {
				split(frows[i], part, "\t"); line = "| " part[1] " | " part[2] " |"
				for (j = 1; j <= m; j++) line = line " " figure[frows[i], names[j]] " |"
				print line
			}
		}
		print ""
		for (i = 1; i <= w; i++) print "- " why[i]
		printf "\n%d passed, %d failed, %d skipped; %d of the passed needed a second try\n", passed, failed, skipped, again
	}' "$1/table.tsv" "$1/figures.tsv"
