#!/bin/bash
# Every test: the series, KUnit under UML, the kselftests in the debug kernel
# with knetdemo as a module, and in the release kernel with it built in. Ends
# with one line "N passed, N failed, N skipped".

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

# guest NAME LIMIT FLAGS... -- COMMAND: run the tests in a guest
guest()
{
	local name=$1 limit=$2 log=$LOGS/kselftest-$1.log rc=0
	shift 2

	"$TOP/dev/vm.sh" -n "$name" -t "$limit" "$@" > "$log.raw" || rc=$?
	tr -d '\r' < "$log.raw" | tee >(grep '^kunit:' > "$log.kunit") |
		grep -v '^kunit:' > "$log"
	tally kselftest "$log"
	one "$name: the guest's end (status $rc, ${log#"$TOP"/})" "$rc"
	rm "$log.raw"
}

headline() { say; say "$* (at $((SECONDS - begin)) s)"; }

say "knetdemo: make check; logs are in ${LOGS#"$TOP"/}"

headline "The series"
rc=0
"$TOP/dev/patches.sh" --check > "$LOGS/patches-check.log" 2>&1 || rc=$?
tally tap "$LOGS/patches-check.log"
one "patches/ (status $rc, build/logs/patches-check.log)" "$rc"

headline "KUnit under User Mode Linux"
rm -f "$LOGS/kunit.json"
if (stage "kunit.py run" kunit "$TOP/dev/kunit.sh" "$LOGS/kunit.json"); then
	tally kunit "$LOGS/kunit.json"
else
	one "kunit.py (build/logs/kunit.log)" 1
fi

# In the guest: what fails is run once more, and the tally says so. Timing in an
# emulated machine depends on what else its host does; a fault stays.
tests='
run()
{
	./run_kselftest.sh "$@" | tee /tmp/results
	again=$(sed -n "s,^not ok [0-9]* selftests: \(.*\): \([^ ]*\).*,-t \1:\2,p" \
		/tmp/results)
	[ -n "$again" ] || return 0
	echo "knetdemo: once more: $again"
	./run_kselftest.sh $again
}
cd /kselftest
'

# The suites ran when the module was loaded, and shall not run again each time
# that a test loads it. The module must go at the end.
headline "Debug kernel, knetdemo as a module"
# The other kernel is built with what the tests leave of the processors: they
# wait most of the time, and what is idle makes way at once. Where this fails,
# the guest that needs it says so.
if "$TOP/dev/kernel.sh" debug m > /dev/null; then
	nice -n 19 chrt --idle 0 "$TOP/dev/kernel.sh" release y \
		> "$LOGS/release-beside.log" 2>&1 &
	beside=$!
	trap 'kill "$beside" 2> /dev/null || :' EXIT
fi
guest debug 1800 -k debug -m -u -l -- "$tests"'
for results in /sys/kernel/debug/kunit/knetdemo*/results; do
	sed "s/^/kunit: /" "$results"
done
echo none > /sys/module/kunit/parameters/filter_glob
run -c net/knetdemo
modprobe -r knetdemo && test ! -e /proc/sys/net/knetdemo'
headline "KUnit in the debug kernel"
tally ktap "$LOGS/kselftest-debug.log.kunit"

# All but those that are about a module, or need what the debug kernel has
headline "Release kernel, knetdemo built in"
wait
trap - EXIT
guest release 900 -- "$tests"'
run $(./run_kselftest.sh -l | grep ^net/knetdemo: |
	grep -vE ":(faults|module.sh)$" | sed "s/^/-t /")'

say
say "took $((SECONDS - begin)) s"
echo "$passed passed, $failed failed, $skipped skipped"
# The guests have all that a test could want: skipping there is a fault
[ "$failed" -eq 0 ] && [ "$skipped" -eq 0 ]
