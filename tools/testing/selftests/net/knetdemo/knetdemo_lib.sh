# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the shell tests of net/knetdemo share, beside the kernel's own helpers:
# results in KTAP that must be as many as planned, and namespaces that exist or
# the test fails. Sourced first.

knd_dir=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=../../kselftest/ktap_helpers.sh
source "$knd_dir/../../kselftest/ktap_helpers.sh"
# shellcheck source=../lib.sh
source "$knd_dir/../lib.sh"

# Set on machines where everything takes about ten times as long, as in a kernel
# with debugging options; runners of kselftests say so with KSFT_MACHINE_SLOW.
[ "${KSFT_MACHINE_SLOW:-no}" = no ] || KND_SLOW=${KND_SLOW:-1}
KND_SLOW=${KND_SLOW:-}
# A file that a test writes its observations to: printed after a failure
knd_seen=

# Runners may run a test alone: load the module. Without the component no result
# says anything: fail once, and say why.
if [ ! -e /proc/sys/net/knetdemo ] && ! modprobe knetdemo; then
	echo "TAP version 13"
	echo "1..1"
	echo "not ok 1 the module knetdemo can be loaded"
	exit "$ksft_fail"
fi

# plan COUNT: how many results there will be
plan()
{
	ktap_print_header
	ktap_set_plan "$1"
}

# skip_all REASON...: nothing can be tested on this machine: a tool is missing,
# or a test of the module finds it built in
skip_all()
{
	ktap_print_header
	ktap_skip_all "$@"
	exit "$KSFT_SKIP"
}

# needs COMMAND...: skip all without one of these
needs()
{
	local tool

	for tool; do
		command -v "$tool" > /dev/null || skip_all "no $tool"
	done
}

# result NAME STATUS
result()
{
	if [ "$2" -eq 0 ]; then
		ktap_test_pass "$1"
		return
	fi
	ktap_test_fail "$1"
	[ -z "$knd_seen" ] || cat -v "$knd_seen" | tail -n 30 |
		awk '{ print "# " substr($0, 1, 200) }'
}

# check NAME COMMAND...: the command succeeds
check()
{
	local name=$1 status=0
	shift

	[ -z "$knd_seen" ] || : > "$knd_seen"
	"$@" || status=1
	result "$name" "$status"
}

# The end of each test: it passes with as many results as planned, all good
finish_tests()
{
	[ $((KTAP_TESTNO - 1)) -eq "$KSFT_NUM_TESTS" ] ||
		ktap_exit_fail_msg "$((KTAP_TESTNO - 1)) results," \
			"not $KSFT_NUM_TESTS as planned"
	ktap_finished
}

# namespaces NAME...: as setup_ns; where that fails, so does the test
namespaces()
{
	setup_ns "$@" && return
	result "network namespaces: $*" 1
	finish_tests
}

milliseconds() { local us=${EPOCHREALTIME/[.,]/}; echo $((us / 1000)); }

# soon COMMAND...: it succeeds within 10 s, in a slow kernel within 60 s
soon()
{
	local limit=10000

	[ -z "$KND_SLOW" ] || limit=60000
	busywait "$limit" "$@" > /dev/null
}
