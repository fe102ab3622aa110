#!/bin/bash
# Build, boot and show: nothing is asked, nothing is read from a terminal.

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/lib.sh"

say "knetdemo: make demo; logs are in ${LOGS#"$TOP"/}"
rc=0
"$TOP/dev/vm.sh" -n demo -t 120 -- "$(cat "$TOP/dev/demo-guest.sh")" \
	< /dev/null | tr -d '\r' | tee "$TOP/build/demo.txt" || rc=$?
[ "$rc" -eq 0 ] || die "the demo ended with status $rc"
say
say "That was a virtual machine. 'make shell' gives you a shell in it,"
say "'make run CMD=...' runs a command, 'make check' runs every test."
