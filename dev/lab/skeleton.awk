# Cut the skeleton of an exercise from its sample: awk -f skeleton.awk 4-accept.c
#
# A comment that begins with "Task 1:" starts a part that students write, and
# stays, as "TODO 1:". The part ends with "Task 1 ends." With "Instead: CODE" in
# that comment the skeleton has CODE there, so that it compiles. What the sample
# lacks, its last comment, is left out.

function fail(text)
{
	print FILENAME ":" FNR ": " text > "/dev/stderr"
	failed = 1
	exit 1
}

# The last comment, and the empty line before it
held && / \* What this lacks/ { exit }
held {
	printf "%s%s\n", blank, held_text
	blank = ""
	held = 0
}
/^\/\*$/ && !cutting { held = 1; held_text = $0; next }
/^$/ { blank = blank "\n"; next }

/Task [0-9]+ ends\./ {
	if (!cutting)
		fail("this task has not begun")
	match($0, /Task [0-9]+/)
	if (substr($0, RSTART, RLENGTH) != cutting)
		fail("this is not the end of " cutting)
	if (match($0, /Instead: .* \*\/$/)) {
		match($0, /^\t*/)
		tabs = substr($0, 1, RLENGTH)
		match($0, /Instead: .* \*\/$/)
		print tabs substr($0, RSTART + 9, RLENGTH - 12)
	}
	cutting = ""
	in_comment = 0
	blank = ""
	next
}

cutting && !in_comment { blank = ""; next }

{
	printf "%s", blank
	blank = ""
}

/(^|[^a-z])Task [0-9]+: / && !cutting {
	match($0, /Task [0-9]+/)
	cutting = substr($0, RSTART, RLENGTH)
	sub(/Task /, "TODO ")
	in_comment = 1
}

{ print }

in_comment && /\*\/$/ { in_comment = 0 }

END {
	if (!failed && cutting)
		fail(cutting " does not end")
}
