#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154 # ns1, ns2: set by setup_ns
#
# Load and remove the module while all of it is in use: removal takes at most
# 2 s more than that of a module that nobody uses, and leaves no socket, thread,
# hook, sysctl or file.

# shellcheck source=knetdemo_lib.sh
source "$(dirname "$(readlink -f "$0")")/knetdemo_lib.sh"

rounds=10
# How much longer removal may take, in ms. A kernel with debugging options in an
# emulated machine is ten times slower, and so are its grace periods.
limit=2000
[ -z "$KND_SLOW" ] || { rounds=3; limit=6000; }

grep -q '^knetdemo ' /proc/modules ||
	skip_all "knetdemo is built in, or not there"
needs nc ss knetdemo
dir=$(mktemp -d)
clients=()

finish()
{
	kill "${clients[@]}" 2> /dev/null
	wait 2> /dev/null
	cleanup_all_ns
	rm -rf "$dir"
	# What the tests after this one expect
	modprobe knetdemo
}
trap finish EXIT

# Switch everything on in a namespace, with live connections and datagrams
busy()
{
	local ns=$1 i

	ip netns exec "$ns" sysctl -qw net.knetdemo.monitor_log=0 \
		net.knetdemo.monitor=1 net.knetdemo.tcp_service=echo \
		net.knetdemo.tcp=1 net.knetdemo.udp_count=0 \
		net.knetdemo.udp_interval_us=1000 net.knetdemo.udp=1 || return
	# An echo to /dev/zero never ends; one that says nothing waits
	ip netns exec "$ns" nc 127.0.0.1 60000 < /dev/zero > /dev/null 2>&1 &
	clients+=($!)
	for ((i = 0; i < 4; i++)); do
		ip netns exec "$ns" nc -d 127.0.0.1 60000 \
			> /dev/null 2>&1 &
		clients+=($!)
	done
	busywait 5000 has_established "$ns"
}

has_established()
{
	[ "$(ip netns exec "$1" ss -Htn state established sport = 60000 |
		wc -l)" -ge 5 ]
}

stopped() { grep -q '^State:.T' "/proc/$1/status"; }
has_1000() { [ "$(stat -c %s "$dir/file.part" 2> /dev/null)" = 1000 ]; }

# A transfer whose process is stopped lives in the open device alone: start one
park_transfer()
{
	local out port

	echo > "$dir/sent"
	truncate -s 2000 "$dir/sent"
	exec {out}< <(exec ip netns exec "$ns1" "$knd_dir/ftp_script" \
		      -f "$dir/sent" -s 1000)
	clients=($!)
	read -r -u "$out" port
	exec {out}<&-
	ip netns exec "$ns1" knetdemo get -q -o "$dir/file" \
		"ftp://127.0.0.1:$port/file" 2> /dev/null &
	parked=$!
	clients+=("$parked")
	soon has_1000 || return
	kill -STOP "$parked"
	soon stopped "$parked"
}

end_transfer()
{
	kill -CONT "$parked"
	kill -TERM "$parked"
	wait "$parked"
	[ $? -eq 130 ] && has_1000
}

# Sets took, in ms
remove()
{
	local start

	start=$(milliseconds)
	modprobe -r knetdemo || return
	took=$(($(milliseconds) - start))
}

plan 8
namespaces ns1 ns2

busy_ok=0
remove_ok=0
gone_ok=0
reload_ok=0
for ((round = 0; round < rounds; round++)); do
	remove || remove_ok=1
	idle=$took
	modprobe knetdemo || reload_ok=1
	busy "$ns1" > /dev/null || busy_ok=1
	busy "$ns2" > /dev/null || busy_ok=1

	remove || remove_ok=1
	if [ "$took" -gt $((limit + 10 * idle)) ]; then
		echo "# removal took $took ms, and $idle ms when nobody used it"
		remove_ok=1
	fi

	[ ! -e /proc/sys/net/knetdemo ] || gone_ok=1
	[ ! -e /proc/net/knetdemo ] || gone_ok=1
	[ ! -e /dev/knetdemo ] || gone_ok=1
	! grep -qs '^knd-' /proc/[0-9]*/comm || gone_ok=1
	ip netns exec "$ns1" ss -Hltn sport = 60000 | grep -q . && gone_ok=1

	kill "${clients[@]}" 2> /dev/null
	wait "${clients[@]}" 2> /dev/null
	clients=()
	modprobe knetdemo || reload_ok=1
done
result "all roles in use in two namespaces" "$busy_ok"
result "$rounds removals, none much slower than one without use" "$remove_ok"
result "nothing is left" "$gone_ok"
result "$rounds loads" "$reload_ok"

check "a transfer is parked" park_transfer
modprobe -r knetdemo 2> /dev/null && status=1 || status=0
result "no removal while a transfer is parked" "$status"
check "the transfer ends" end_transfer
check "removal after that" modprobe -r knetdemo

finish_tests
