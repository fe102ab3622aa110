# shellcheck shell=bash
# In the guest: run the commands of the pages, compare what they print. The
# shell of a page is one, as a reader's is. Results go to descriptor 3.

exec 3>&1
results=0
out=/tmp/doc.out

# What came since a command began, without tabs: a page has none
since()
{
	tail -c "+$((from + 1))" "$out" | tr -d '\r' | expand |
		sed 's/[[:blank:]]*$//'
}

# A page leaves a moment for what it has started. A guest that shares its
# processors needs a longer one.
sleep() { command sleep "$(($1 * 3))"; }

result()
{
	results=$((results + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $results $2" >&3
	else
		echo "not ok $results $2" >&3
	fi
}

page()
{
	cd /root || exit
	cp /files/*.ko .
	# As on a system that was installed
	mkdir -p /etc/sysctl.d /etc/modules-load.d
	rmmod knetdemo && modprobe knetdemo
	dmesg -c > /dev/null
	: > "$out"
	echo "# $1" >&3
	exec >> "$out" 2>&1
}

page_end()
{
	local job

	for job in $(jobs -p); do
		kill "$job" 2> /dev/null
	done
	wait
	exec >&3
}

# run WHERE STATUS COMMAND REGEX: a REGEX that is empty is not compared
run()
{
	local status=0 from seen bad=0 tries
	local where=$1 want_status=$2 command=$3 want=$4

	from=$(stat -c %s "$out")
	eval "$command" || status=$?
	[ "$status" -eq "$want_status" ] || bad=1
	if [ -n "$want" ]; then
		# What comes from the background, too
		for ((tries = 0; tries < 100; tries++)); do
			seen=$(since)$'\n'
			[[ $seen =~ $want ]] && break
			command sleep 0.1
		done
		[ "$tries" -lt 100 ] || bad=1
	fi
	result "$bad" "docs: $where: ${command%%$'\n'*}"
	if [ "$bad" -ne 0 ] || [ -n "${SHOW:-}" ]; then
		echo "# status $status, and this:" >&3
		since | sed 's/^/#  /' >&3
	fi
}

# transcript WHERE FILE REGEX: what a program prints, without empty lines
transcript()
{
	local seen bad=0 esc=$'\033'

	# On a terminal, as a reader has it; of a progress bar the last state
	seen=$(script -qc "bash /files/$2" /dev/null < /dev/null |
		sed "s/$esc"'\[[0-9;]*[A-Za-z]//g; s/\r$//; s/.*\r//
		     s/[[:blank:]]*$//; /^$/d')$'\n'
	[[ $seen =~ $3 ]] || bad=1
	result "$bad" "docs: $1: what $2 prints"
	[ "$bad" -eq 0 ] || {
		echo "# it printed:" >&3
		printf '%s' "${seen//$'\n'/$'\n'# }" >&3
	}
}

plan()
{
	echo "1..$1" >&3
	[ "$results" -eq "$1" ]
}
