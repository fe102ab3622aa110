#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154 # server, client: set by setup_ns
#
# The TCP service of net/knetdemo between two namespaces: what comes back over
# a network that loses packets, and the end of a namespace, of the service and
# of the module while a thousand connections are busy.
#
#	client 192.0.2.2, 2001:db8::2 --- veth --- 192.0.2.1, 2001:db8::1 server
#
# Arguments name the parts to run: exact, reordered, copied, stop, delete,
# remove. KND_ROUNDS sets how often a namespace is deleted and the module
# removed, KND_CONNS with how many connections, KND_LIMIT within how many ms
# each of them must end, KND_LOSSY_KIB how much is sent over the network that
# loses packets. The limit is on top of what the same end takes without any
# connection, on this machine and with what else it has to do.

# shellcheck source=knetdemo_lib.sh
source "$(dirname "$(readlink -f "$0")")/knetdemo_lib.sh"

conns=${KND_CONNS:-1000}
rounds=${KND_ROUNDS:-10}
bulk_kib=32768
lossy_kib=${KND_LOSSY_KIB:-1024}
# A kernel with debugging in an emulated machine is ten times slower, and so are
# its grace periods
limit=${KND_LIMIT:-2000}
if [ -n "$KND_SLOW" ]; then
	conns=${KND_CONNS:-100}
	rounds=${KND_ROUNDS:-3}
	bulk_kib=1024
	lossy_kib=${KND_LOSSY_KIB:-64}
	limit=${KND_LIMIT:-6000}
fi

needs ethtool
dir=$(mktemp -d)
mkfifo "$dir/sent"
holder=

finish()
{
	[ -z "$holder" ] || kill "$holder" 2> /dev/null
	wait 2> /dev/null
	cleanup_all_ns
	rm -r "$dir"
}
trap finish EXIT

knob() { ip netns exec "$server" sysctl -qw "net.knetdemo.$1"; }
counter()
{
	ip netns exec "$server" sed -n "s/^$1 //p" /proc/net/knetdemo/stats
}

# A pair of namespaces, the service of one ready for the other
connect_pair()
{
	namespaces server client
	ip link add veth0 netns "$server" type veth \
		peer name veth0 netns "$client" &&
	ip -n "$server" addr add 192.0.2.1/24 dev veth0 &&
	ip -n "$client" addr add 192.0.2.2/24 dev veth0 &&
	ip -n "$server" addr add 2001:db8::1/64 dev veth0 nodad &&
	ip -n "$client" addr add 2001:db8::2/64 dev veth0 nodad &&
	ip -n "$server" link set veth0 up &&
	ip -n "$client" link set veth0 up &&
	knob tcp_addr=:: && knob tcp_service=echo &&
	knob tcp_max_conns=100000 && knob tcp_max_conns_per_source=0 &&
	knob tcp_backlog=4096 && knob tcp=1
}

# Connections that are busy; returns when they are
hold()
{
	local line

	exec {ready}< <(ip netns exec "$client" "$knd_dir/tcp_client" hold \
			192.0.2.1 60000 "$conns")
	holder=$!
	read -r -u "$ready" line && [ "$line" = ready ]
}

# ... have ended
held()
{
	wait "$holder"
	exec {ready}<&-
	holder=
}

# What comes back is what a command says: echo_same ADDRESS COMMAND...
echo_same()
{
	local addr=$1 sum sent back
	shift

	exec {sum}< <("$@" | tee "$dir/sent" | sha256sum)
	back=$(set -o pipefail
		ip netns exec "$client" "$knd_dir/tcp_client" \
			echo "$addr" 60000 < "$dir/sent" | sha256sum) || back=
	read -r -u "$sum" sent
	exec {sum}<&-
	[ "$sent" = "$back" ]
}

random() { head -c "$(($1 * 1024))" /dev/urandom; }

exact()
{
	local addr

	connect_pair
	result "two namespaces" $?
	for addr in 192.0.2.1 2001:db8::1; do
		echo_same "$addr" random "$bulk_kib"
		result "echo $bulk_kib KiB, $addr" $?
	done

	tc -n "$server" qdisc add dev veth0 root netem loss 10% &&
	tc -n "$client" qdisc add dev veth0 root netem loss 10%
	result "a loss of 10 % each way" $?
	for addr in 192.0.2.1 2001:db8::1; do
		echo_same "$addr" random "$lossy_kib"
		result "echo $lossy_kib KiB, $addr, with loss" $?
	done

	# The end of stdin comes at once: the half-close goes with the data
	echo_same 192.0.2.1 printf 'all there is'
	result "half-close at once, with loss" $?
	cleanup_ns "$server" "$client"
}

# A segment is what comes with slow links: small ones, out of order, delayed
reordered()
{
	connect_pair
	result "two namespaces, small segments" $?
	ip -n "$server" link set veth0 mtu 1280
	ip -n "$client" link set veth0 mtu 1280
	ip netns exec "$client" sysctl -qw net.ipv4.tcp_min_tso_segs=1
	tc -n "$client" qdisc add dev veth0 root netem delay 1ms reorder 25% \
		duplicate 5%
	echo_same 192.0.2.1 random "$lossy_kib"
	result "echo $lossy_kib KiB, reordered and duplicated" $?
	cleanup_ns "$server" "$client"
}

# A device without scatter-gather: TCP copies what it is given to splice
copied()
{
	connect_pair
	result "two namespaces, for copies" $?
	ip netns exec "$server" ethtool -K veth0 sg off > /dev/null
	result "a device without scatter-gather" $?
	echo_same 192.0.2.1 random "$bulk_kib"
	result "echo $bulk_kib KiB, copied" $?
	cleanup_ns "$server" "$client"
}

stop()
{
	local began took idle

	connect_pair
	began=$(milliseconds)
	knob tcp=0 && knob tcp=1
	idle=$(($(milliseconds) - began))
	hold
	result "$conns busy connections" $?
	began=$(milliseconds)
	knob tcp=0
	took=$(($(milliseconds) - began))
	[ "$took" -le $((limit + 10 * idle)) ]
	result "service stopped in $took ms" $?
	[ "$(counter tcp_closed)" = "$(counter tcp_accepted)" ] &&
	[ "$(counter tcp_accepted)" -ge "$conns" ]
	result "all connections released" $?
	held
	cleanup_ns "$server" "$client"
}

# What ends by a command is ended with connections that are busy, as often as
# asked for, and once with none; sets worst, in ms: end_while_busy COMMAND...
end_while_busy()
{
	local status=0 round began took idle=

	worst=0
	for ((round = 0; round <= rounds; round++)); do
		connect_pair || status=1
		[ "$round" -eq 0 ] || hold || status=1
		began=$(milliseconds)
		"$@" || status=1
		took=$(($(milliseconds) - began))
		if [ "$round" -eq 0 ]; then
			idle=$took
		else
			[ "$took" -le "$worst" ] || worst=$took
			# The resets may have died with the link
			kill "$holder" 2> /dev/null
			held
		fi
		[ -z "$is_module" ] || modprobe knetdemo || status=1
		cleanup_ns "$server" "$client"
		echo "# $round of $rounds in $took ms: $*"
	done
	[ "$status" -eq 0 ] && [ "$worst" -le $((limit + 10 * idle)) ]
}

# The namespace is gone when its end of the veth pair is, and the service's
# thread with it
delete_server()
{
	ip netns del "$server" && soon no_veth
}
no_veth() { ! ip -n "$client" link show veth0 > /dev/null 2>&1; }

delete()
{
	end_while_busy delete_server
	result "$rounds namespaces deleted, the slowest in $worst ms" $?
	! grep -qs '^knd-tcp' /proc/[0-9]*/comm
	result "no thread is left" $?
}

remove()
{
	end_while_busy rmmod knetdemo
	result "module removed $rounds times, the slowest in $worst ms" $?
}

is_module=
parts=(exact reordered copied stop delete)
if grep -q '^knetdemo ' /proc/modules; then
	is_module=1
	parts+=(remove)
fi
[ $# -eq 0 ] || parts=("$@")
declare -A results=([exact]=7 [reordered]=2 [copied]=3 [stop]=3 [delete]=2
		    [remove]=1)
planned=0
for part in "${parts[@]}"; do
	if [ -z "${results[$part]}" ]; then
		echo "$0: no such part: $part" >&2
		exit "$ksft_fail"
	fi
	[ "$part" != remove ] || [ -n "$is_module" ] ||
		skip_all "knetdemo is built in"
	planned=$((planned + results[$part]))
done
plan "$planned"
for part in "${parts[@]}"; do
	"$part"
done
finish_tests
