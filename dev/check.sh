#!/bin/bash
# Every test. Ends with one line "N passed, N failed, N skipped".
#
#   the series          patches/ and the overlay agree (dev/patches.sh --check)
#   distro, distro-full the kselftests on the distribution's kernel, as a module,
#                       with voluntary preemption and with full preemption
#   debug, debug-2      the kselftests in the debug kernel, as a module, in two
#                       guests; KUnit in the first
#   built-in            KUnit at boot and some kselftests, built in
#   kunit               KUnit under User Mode Linux, by kunit.py
#   lab                 the exercises, their mistakes, the old programs, some rules
#   docs                the commands of README and of Documentation/
#   patches             each patch builds on those before it
#
# Guests are emulated and wait much of their time: they run beside the builds,
# which make way. A result is counted when its guest has ended, in this order.

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/lib.sh"

passed=0
failed=0
skipped=0
begin=$SECONDS

# tally KIND FILE: add what a file has
tally()
{
	local p f s counts

	counts=$("$PYTHON3" "$TOP/dev/tally.py" "$1" "$2") || counts="0 1 0"
	read -r p f s <<< "$counts"
	passed=$((passed + p))
	failed=$((failed + f))
	skipped=$((skipped + s))
	say "  $p passed, $f failed, $s skipped"
}

# one NAME STATUS: a result that is no test program's
one()
{
	if [ "$2" -eq 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		say "    FAILED: $1"
	fi
}

headline() { say; say "$* (at $((SECONDS - begin)) s)"; }

# Jobs in the background: what they are waited for by, and what they ended with.
# Each is a process group, so that what it has started ends with it.
declare -A jobs
# job NAME COMMAND...: how much of the processors it took goes to a log
job()
{
	local name=$1
	shift

	set -m
	(
		set +m
		trap 'times > "$LOGS/$name.cpu"' EXIT
		"$@"
	) > "$LOGS/$name.out" 2>&1 < /dev/null &
	set +m
	jobs[$name]=$!
}

# after NAME COMMAND...: run it when a job has ended
after()
{
	tail --pid="${jobs[$1]}" -f /dev/null
	shift
	"$@"
}

# ended NAME: wait for it, set "status"
ended()
{
	status=0
	wait "${jobs[$1]}" || status=$?
	say "  $1: $(awk -F '[ms ]+' 'END { printf "%.0f", $1 * 60 + $2 + $3 * 60 + $4 }' \
		"$LOGS/$1.cpu") s of processor time"
}
stop_jobs()
{
	local pid

	# Where a signal went to all processes, make sends it once more: that one
	# must not end this
	trap '' INT TERM
	for pid in "${jobs[@]}"; do
		kill -- "-$pid" 2> /dev/null || :
	done
}
trap stop_jobs EXIT
trap 'exit 130' INT TERM

# In the guest: a program that fails is run once more, and the tally says so.
# Timing in an emulated machine depends on what else its host does; a fault
# stays. Arguments: names of programs, or "all but" names.
tests='
# After each program, how long it took
timed()
{
	local line start=$SECONDS

	while IFS= read -r line; do
		printf "%s\n" "$line"
		case $line in
		"ok "* | "not ok "*)
			echo "# knetdemo: ${line#*: } took $((SECONDS - start)) s"
			start=$SECONDS
			;;
		esac
	done
}
run()
{
	local list=$(./run_kselftest.sh -l | grep "^net/knetdemo:") program
	local args= again

	if [ "$1 $2" = "all but" ]; then
		shift 2
		for program; do
			list=$(echo "$list" | grep -vx "net/knetdemo:$program")
		done
	else
		list=$(printf "net/knetdemo:%s\n" "$@")
	fi
	args=$(echo "$list" | sed "s/^/-t /")
	./run_kselftest.sh $args | timed | tee /tmp/results
	again=$(sed -n "s,^not ok [0-9]* selftests: \(.*\): \([^ ]*\).*,-t \1:\2,p" \
		/tmp/results)
	[ -n "$again" ] || return 0
	echo "knetdemo: once more: $again"
	./run_kselftest.sh $again
}
# The results of all suites as one document, which kunit.py parses: debugfs has
# a document for each
kunit_results()
{
	local results i=0

	set -- /sys/kernel/debug/kunit/knetdemo*/results
	printf "kunit: KTAP version 1\nkunit: 1..%d\n" $#
	for results; do
		i=$((i + 1))
		sed -E "1,2d; s/^(ok|not ok) 1 /\1 $i /; s/^/kunit: /" "$results"
	done
}
cd /kselftest
'

# guest NAME LIMIT FLAGS... -- COMMAND: run the tests in a guest
guest()
{
	local name=$1 limit=$2
	shift 2

	"$TOP/dev/vm.sh" -n "$name" -t "$limit" "$@" > "$LOGS/kselftest-$name.raw"
}

# count_guest NAME: the results of a guest that was a job
count_guest()
{
	local log=$LOGS/kselftest-$1.log

	ended "$1"
	tr -d '\r' < "${log%.log}.raw" > "$log.all"
	sed -n 's/^kunit: //p' "$log.all" > "$log.kunit"
	grep -v '^kunit: ' "$log.all" > "$log"
	rm "$log.all"
	rm "${log%.log}.raw"
	tally kselftest "$log"
	[ "$status" -eq 0 ] || sed 's/^/    /' "$LOGS/$1.out" >&2
	one "$1: the guest's end (status $status, ${log#"$TOP"/})" "$status"
}

# count_kunit NAME: what KUnit said in a guest
count_kunit()
{
	local results=$LOGS/kselftest-$1.log.kunit

	if "$TOP/dev/kunit.sh" -p "$results" "$results.json" > "$results.out" 2>&1 ||
		[ -s "$results.json" ]; then
		tally kunit "$results.json"
	else
		one "kunit.py parse ${results#"$TOP"/} (${results#"$TOP"/}.out)" 1
	fi
}

# Builds make way for guests, and come in the order in which they are needed
build() { nice -n 19 "$TOP/dev/kernel.sh" "$@"; }

# These need what only one kernel has: fault injection; hibernation; SMC, which
# wants a kernel with InfiniBand. Left out in the debug kernel is also what measures
# rates, or drives mostly the tool, servers or other parts of the kernel: it takes
# long there and runs no code of the component that other programs do not. The
# second guest is for what takes longest of the rest.
debug_only=(faults)
binary_only=(ftp_suspend monitor_smc)
distro_only=("${binary_only[@]}" monitor_paths udp_pace sysctl_files.sh tool.sh tool_get.sh
	ftp_large ftp_servers.sh shapes.sh)
second=(tcp tcp_bpf tcp_netns.sh tcp_stress udp)

debug_tests="$tests"'
kunit_results
# Not again each time that a test loads the module
echo none > /sys/module/kunit/parameters/filter_glob
'
module_goes='modprobe -r knetdemo && test ! -e /proc/sys/net/knetdemo'

say "knetdemo: make check; logs are in ${LOGS#"$TOP"/}"

# What all guests share is made first, in one place
"$TOP/dev/image.sh" > /dev/null
rc=0
"$TOP/dev/distro.sh" > /dev/null || rc=$?
distro=distro
if [ "$rc" -eq 3 ]; then
	# The release kernel stands in, and has neither hibernation nor SMC
	distro=release
	debug_only+=("${binary_only[@]}")
fi

# No more than three guests at a time, and what is needed first is built first
job debug-kernel build debug m
job series "$TOP/dev/patches.sh" --check
job distro guest distro 3000 -k "$distro" -m -- "$tests
run all but ${debug_only[*]}
$module_goes"
APPEND=preempt=full job distro-full after distro \
	guest distro-full 3000 -k "$distro" -m -- "$tests
grep -o 'preempt=[a-z]*' /proc/cmdline
run udp udp_stress module.sh"
# Some of the rules, all by make break RULE=all. Each part has a status.
lab()
{
	local rc=0

	"$TOP/dev/lab/check.sh" auto || rc=1
	"$TOP/dev/then-and-now/check.sh" || rc=1
	"$TOP/dev/break.sh" --check 01 03 06 16 17 18 || rc=1
	return "$rc"
}
job lab after distro lab
job docs after lab "$TOP/dev/docs/check.sh"
job patches after docs "$TOP/dev/check-series.sh"
job debug after debug-kernel guest debug 4500 -k debug -m -u -l -- "$debug_tests
run all but ${distro_only[*]} ${second[*]}
$module_goes"
job debug-2 after debug-kernel guest debug-2 4500 -k debug -m -l -- "$debug_tests
run ${second[*]}
$module_goes"
job kunit after debug-kernel nice -n 19 "$TOP/dev/kunit.sh" "$LOGS/kunit.json"
job built-in-kernel after kunit build debug y
built_in()
{
	tail --pid="${jobs[built-in-kernel]}" -f /dev/null
	guest built-in 3000 -k debug -u -l -- "$tests
kunit_results
run sysctl chardev lab.sh"
}
job built-in after debug built_in

headline "The series"
ended series
tally tap "$LOGS/series.out"
one "patches/ (status $status, build/logs/series.out)" "$status"

headline "The distribution's kernel, voluntary preemption"
count_guest distro
headline "The distribution's kernel, full preemption"
count_guest distro-full

headline "The lab"
ended lab
tally tap "$LOGS/lab.out"
one "the lab (status $status, build/logs/lab.out)" "$status"

headline "The commands of the documents"
ended docs
tally tap "$LOGS/docs.out"
one "the documents (status $status, build/logs/docs.out)" "$status"

headline "Each patch builds"
ended patches
tally tap "$LOGS/patches.out"
one "each patch (status $status, build/logs/patches.out)" "$status"

ended debug-kernel
if [ "$status" -ne 0 ]; then
	sed 's/^/    /' "$LOGS/debug-kernel.out" >&2
	one "the debug kernel (status $status, build/logs/debug-kernel.out)" "$status"
fi
headline "KUnit under User Mode Linux"
ended kunit
if [ "$status" -eq 0 ]; then
	tally kunit "$LOGS/kunit.json"
else
	one "kunit.py (status $status, build/logs/kunit.out)" "$status"
fi

headline "Debug kernel, knetdemo as a module"
count_guest debug
headline "KUnit in the debug kernel"
count_kunit debug
headline "Debug kernel, the second guest"
count_guest debug-2

headline "Debug kernel, knetdemo built in"
count_guest built-in
count_kunit built-in
trap - EXIT

say
say "took $((SECONDS - begin)) s"
echo "$passed passed, $failed failed, $skipped skipped"
# The guests have all that a test could want: skipping there is a fault
[ "$failed" -eq 0 ] && [ "$skipped" -eq 0 ]
