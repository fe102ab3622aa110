#!/bin/bash
# Build, boot and show: nothing is asked, nothing is read from a terminal.
# demo.sh [flags of vm.sh]

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/lib.sh"

say "knetdemo: make demo; logs are in ${LOGS#"$TOP"/}"
# On a terminal as it comes, elsewhere without the frames of a progress bar
shown() { if [ -t 1 ]; then cat; else sed -u 's/\r$//; s/.*\r//'; fi; }

rc=0
"$TOP/dev/vm.sh" "$@" -n demo -t 120 -- "$(cat "$TOP/dev/demo-guest.sh")" \
	< /dev/null | tee "$TOP/build/demo.raw" | shown || rc=$?
# The transcript has the last state of a progress bar, without its colours
sed 's/\r$//; s/.*\r//; s/\x1b\[[0-9;]*[A-Za-z]//g' "$TOP/build/demo.raw" \
	> "$TOP/build/demo.txt"
[ "$rc" -eq 0 ] || die "the demo ended with status $rc"
say
say "That was a virtual machine. 'make shell' gives you a shell in it,"
say "'make run CMD=...' runs a command, 'make check' runs every test."
