#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154 # far, near, router: set by setup_ns
#
# Received data in all shapes of buffers: the FTP client and the echo service of
# net/knetdemo behind devices that deliver linear buffers, fragments, fragment
# lists and large pages. tests/skb_bvec_kunit.c has the same shapes without a
# network.

# shellcheck source=knetdemo_lib.sh
source "$(dirname "$(readlink -f "$0")")/knetdemo_lib.sh"

needs knetdemo ethtool cmp
tracing=/sys/kernel/tracing
size=3000001
[ -z "$KND_SLOW" ] || size=300001
tap=
server=

finish()
{
	stop "$server"
	stop "$tap"
	echo 0 > "$tracing/events/knd_shapes/enable"
	echo '-:knd_shapes/walk' >> "$tracing/kprobe_events"
	rm -rf "$dir"
	cleanup_all_ns
} 2> /dev/null

stop()
{
	[ -n "$1" ] || return 0
	kill "$1"
	wait "$1" 2> /dev/null
}

# configure NAMESPACE DEVICE NUMBER: with addresses, and up
configure()
{
	ip -n "$1" addr add "192.0.2.$3/24" dev "$2"
	ip -n "$1" link set "$2" up
	# Not where the MTU is too small for it
	ip -n "$1" addr add "2001:db8::$3/64" dev "$2" nodad 2> /dev/null ||
		[ "$(ip netns exec "$1" cat "/sys/class/net/$2/mtu")" -lt 1280 ]
}

# pair MTU: "far0" and "near0"
pair()
{
	ip link add far0 netns "$far" mtu "$1" type veth \
		peer name near0 mtu "$1" netns "$near" &&
	configure "$far" far0 1 && configure "$near" near0 2
}

unpair() { ip -n "$far" link del far0; }

# The sender sends no more than the MTU at once
segments() { ip netns exec "$far" ethtool -K far0 tso off gso off; }
gro() { ip netns exec "$1" ethtool -K "$2" gro on; }

# GRO makes lists only of packets that are forwarded: "rtr0" and "rtr1" belong
# to a router. One network is on both of its sides, so that neighbours and
# routes are static.
routed()
{
	local mac=02:00:00:00:00:0 n

	ip link add far0 netns "$far" address "${mac}1" type veth \
		peer name rtr0 netns "$router" address "${mac}3" &&
	ip link add near0 netns "$near" address "${mac}2" type veth \
		peer name rtr1 netns "$router" address "${mac}4" &&
	ip -n "$router" link set rtr0 up &&
	ip -n "$router" link set rtr1 up &&
	configure "$far" far0 1 && configure "$near" near0 2 || return
	ip netns exec "$router" sysctl -qw net.ipv4.ip_forward=1 \
		net.ipv6.conf.all.forwarding=1
	for n in 192.0.2. 2001:db8::; do
		ip -n "$far" neigh add "${n}2" lladdr "${mac}3" dev far0 &&
		ip -n "$near" neigh add "${n}1" lladdr "${mac}4" dev near0 &&
		ip -n "$router" neigh add "${n}1" lladdr "${mac}1" dev rtr0 &&
		ip -n "$router" neigh add "${n}2" lladdr "${mac}2" dev rtr1 &&
		ip -n "$router" route add "${n}1" dev rtr0 &&
		ip -n "$router" route add "${n}2" dev rtr1 || return
	done
	segments && gro "$router" rtr0 &&
	ip netns exec "$router" ethtool -K rtr0 rx-gro-list on
}

unroute()
{
	ip -n "$router" link del rtr0
	ip -n "$router" link del rtr1
}

# odd SHAPE: see odd_tap.c
odd()
{
	local out line

	exec {out}< <(exec "$knd_dir/odd_tap" "$far" "$near" "$1")
	tap=$!
	read -r -u "$out" line
	exec {out}<&-
	[ "$line" = ready ] || return
	ip -n "$far" link set odd0 mtu 65000 &&
	ip -n "$near" link set odd1 mtu 65000 &&
	configure "$far" odd0 1 && configure "$near" odd1 2
}

# GRO keeps what came by one write() until the next ones
hold_gro()
{
	ip netns exec "$near" bash -c \
		'echo 2000000 > /sys/class/net/odd1/gro_flush_timeout'
}

odd_lists() { odd lists && hold_gro; }

unodd()
{
	stop "$tap"
	tap=
}

# file ADDRESS: it arrives as it is
file()
{
	local out port host=$1 status=0

	[ "$host" = "${host/:/}" ] || host="[$host]"
	exec {out}< <(exec ip netns exec "$far" "$knd_dir/ftp_script" \
		      -a "$1" -f "$dir/sent")
	server=$!
	read -r -u "$out" port
	exec {out}<&-
	rm -f "$dir/file"
	ip netns exec "$near" knetdemo get -q -o "$dir/file" \
		"ftp://$host:$port/file" 2> "$dir/err" || status=1
	stop "$server"
	server=
	[ "$status" -eq 0 ] && cmp "$dir/sent" "$dir/file" 2> "$dir/err"
}

# echo_of ADDRESS: what comes back is what was sent
echo_of()
{
	ip netns exec "$far" "$knd_dir/tcp_client" echo "$1" 60000 \
		< "$dir/sent" > "$dir/back" 2> "$dir/err" &&
	cmp "$dir/sent" "$dir/back" 2> "$dir/err"
}

add_probe()
{
	# shellcheck disable=SC2016 # for the kernel
	echo 'p:knd_shapes/walk knd_skb_walk caller=+0($stack):symbol' \
		>> "$tracing/kprobe_events" &&
	echo 1 > "$tracing/events/knd_shapes/enable"
}

# The function that walks over a buffer calls itself for a list of buffers only
walked_a_list()
{
	grep -q 'caller=knd_skb_walk+' "$tracing/trace" && return
	tail -n 5 "$tracing/trace" > "$dir/err"
	return 1
}

# transfers SHAPE list|any FAMILY...
transfers()
{
	local shape=$1 list=$2 family n
	shift 2

	for family; do
		n=192.0.2.
		[ "$family" = IPv4 ] || n=2001:db8::
		: > "$tracing/trace"
		check "$shape: a file, $family" file "${n}1"
		[ "$list" = any ] ||
			check "$shape: there was a list, $family" walked_a_list
		: > "$tracing/trace"
		check "$shape: echo, $family" echo_of "${n}2"
		[ "$list" = any ] ||
			check "$shape: echo of a list, $family" walked_a_list
	done
}

dir=$(mktemp -d)
knd_seen=$dir/err
: > "$dir/err"
trap finish EXIT
[ -e /dev/net/tun ] || modprobe tun
head -c "$size" /dev/urandom > "$dir/sent"

plan 54
namespaces far near router
ip netns exec "$near" sysctl -qw net.knetdemo.tcp_addr=:: \
	net.knetdemo.tcp_service=echo net.knetdemo.tcp=1
check "a probe on the walk" add_probe

check "veth" pair 1500
transfers "veth" any IPv4 IPv6
check "veth, segments" segments
transfers "veth, segments" any IPv4 IPv6
check "veth, GRO" gro "$near" near0
transfers "veth, GRO" any IPv4 IPv6
unpair

check "veth, MTU 576" pair 576
segments
transfers "veth, MTU 576" any IPv4
gro "$near" near0
transfers "veth, MTU 576, GRO" any IPv4
unpair

check "veth, MTU 65535" pair 65535
segments
transfers "veth, MTU 65535" any IPv4 IPv6
unpair

check "router" routed
transfers "router with lists" list IPv4 IPv6
unroute

check "tap, 64 KiB at once" odd whole
transfers "tap, 64 KiB at once" any IPv4 IPv6
unodd

check "tap, lists" odd_lists
transfers "tap, lists" list IPv4 IPv6
unodd

check "tap, pieces" odd pieces
transfers "tap, pieces" any IPv4 IPv6
unodd

finish_tests
