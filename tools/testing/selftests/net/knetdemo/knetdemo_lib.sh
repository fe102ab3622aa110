# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the shell tests of net/knetdemo share: results in KTAP, a plan that must
# hold, and namespaces that are there or a failure. Sourced first.

knd_dir=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=../lib.sh
source "$knd_dir/../lib.sh"

# Set where everything takes about ten times as long, as in a kernel with
# debugging options; runners of kselftests say so by KSFT_MACHINE_SLOW.
[ "${KSFT_MACHINE_SLOW:-no}" = no ] || KND_SLOW=${KND_SLOW:-1}
KND_SLOW=${KND_SLOW:-}
# A file that a test writes what it sees to: shown with the next failure
knd_seen=
knd_planned=0
knd_results=0
knd_failed=0

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
	knd_planned=$1
	echo "TAP version 13"
	echo "1..$1"
}

# skip_all REASON...: nothing can be tested on this machine: a tool is missing,
# or a test of the module finds it built in
skip_all()
{
	echo "TAP version 13"
	echo "1..0 # SKIP $*"
	exit "$ksft_skip"
}

# needs COMMAND...: without these there is no test
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
	knd_results=$((knd_results + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $knd_results $1"
	else
		echo "not ok $knd_results $1"
		[ -z "$knd_seen" ] || cat -v "$knd_seen" | tail -n 30 |
			awk '{ print "# " substr($0, 1, 200) }'
		knd_failed=1
	fi
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

# The end of each test: all results came, and they were good
finish_tests()
{
	if [ "$knd_results" -ne "$knd_planned" ]; then
		echo "# $knd_results results, not $knd_planned as planned"
		exit "$ksft_fail"
	fi
	exit "$knd_failed"
}

# namespaces NAME...: as setup_ns; where that fails, so does the test
namespaces()
{
	setup_ns "$@" && return
	result "network namespaces: $*" 1
	finish_tests
}

# soon COMMAND...: it succeeds within 10 s, in a slow kernel within 60 s
soon()
{
	local limit=10000

	[ -z "$KND_SLOW" ] || limit=60000
	busywait "$limit" "$@" > /dev/null
}
