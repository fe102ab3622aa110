#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2154 # awk code; ns1, ns2: set by setup_ns
#
# The exercises of the lab that net/knetdemo comes from, with the tools that its
# users have: what the kernel log says, what ss shows, what nc receives, and
# that two network namespaces do not see each other.

# shellcheck source=knetdemo_lib.sh
source "$(dirname "$(readlink -f "$0")")/knetdemo_lib.sh"

needs nc ss
pids=()

finish()
{
	[ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2> /dev/null
	wait 2> /dev/null
	sysctl -qw net.knetdemo.monitor=0 net.knetdemo.tcp=0 \
		net.knetdemo.udp=0 net.knetdemo.tcp_port=60000 \
		net.knetdemo.udp_dport=60001
	rm -rf "$dir"
	cleanup_all_ns
}

in_ns() { local ns=$1; shift; ip netns exec "$ns" "$@"; }
value() { in_ns "$1" sysctl -n "net.knetdemo.$2"; }
listens() { [ -n "$(in_ns "$1" ss -Hltn "sport = $2")" ]; }
silent() { ! listens "$@"; }
bound() { [ -n "$(in_ns "$1" ss -Hlun "sport = $2")" ]; }
logged() { dmesg | tail -n "+$((log_start + 1))" | grep -q "$1"; }
unlogged() { ! logged "$1"; }
log_from_here() { log_start=$(dmesg | wc -l); }
stat_of() { in_ns "$1" awk -v k="$2" '$1 == k { print $2 }' \
	/proc/net/knetdemo/stats; }
attempts_are() { [ "$(stat_of "$1" monitor_attempts)" -eq "$2" ]; }
has_line() { grep -qx "$1" "$2"; }
record_to() { in_ns "$1" grep -q " $2 " /proc/net/knetdemo/connections; }
no_record_to() { ! record_to "$@"; }

# refused_with MESSAGE NS NAME VALUE: the write fails, and the value stays
refused_with()
{
	local message=$1 ns=$2 name=$3 new=$4 old said

	old=$(value "$ns" "$name")
	said=$( { in_ns "$ns" bash -c \
		"echo '$new' > /proc/sys/net/knetdemo/$name"; } 2>&1) &&
		return 1
	[[ $said == *"$message"* ]] && [ "$(value "$ns" "$name")" = "$old" ]
}

dir=$(mktemp -d)
trap finish EXIT
plan 24
namespaces ns1 ns2

# The monitor: a server that is there, a hook that is not, then is
in_ns "$ns1" nc -l -k 127.0.0.1 8080 > /dev/null 2>&1 &
pids+=($!)
in_ns "$ns1" nc -l -k ::1 8080 > /dev/null 2>&1 &
pids+=($!)
both_listen() { [ "$(in_ns "$ns1" ss -Hltn sport = 8080 | wc -l)" -eq 2 ]; }
soon both_listen

in_ns "$ns1" nc -z 127.0.0.1 8080
check "monitor: off shows nothing" attempts_are "$ns1" 0
in_ns "$ns1" sysctl -qw net.knetdemo.monitor=1
log_from_here
in_ns "$ns1" nc -z 127.0.0.1 8080
check "monitor: IPv4" attempts_are "$ns1" 1
in_ns "$ns1" nc -z ::1 8080
check "monitor: IPv6" attempts_are "$ns1" 2
check "monitor: record" record_to "$ns1" 127.0.0.1:8080
in_ns "$ns2" sysctl -qw net.knetdemo.monitor=1
check "monitor: not seen from another namespace" attempts_are "$ns2" 0
check "monitor: no log line from a namespace" unlogged "connection initiated"
in_ns "$ns1" bash -c 'echo add 127.0.0.1 > /proc/net/knetdemo/filter'
in_ns "$ns1" nc -z 127.0.0.2 8080
in_ns "$ns1" nc -z 127.0.0.1 8080
check "monitor: filter shows what it names" attempts_are "$ns1" 3
check "monitor: filter hides the others" no_record_to "$ns1" 127.0.0.2:8080

# The TCP service
in_ns "$ns1" sysctl -qw net.knetdemo.tcp_service=echo net.knetdemo.tcp=1
check "tcp: ss shows the listener" listens "$ns1" 60000
check "tcp: not in another namespace" silent "$ns2" 60000
check "tcp: echo to nc" [ "$(echo hello | in_ns "$ns1" nc -N 127.0.0.1 \
	60000)" = hello ]
check "tcp: port in use is the write's error" \
	refused_with "Address already in use" "$ns1" tcp_port 8080
check "tcp: port out of range" \
	refused_with "Invalid argument" "$ns1" tcp_port 70000
check "tcp: unknown service" \
	refused_with "Invalid argument" "$ns1" tcp_service qotd
check "tcp: the service is untouched" [ "$(echo again | in_ns "$ns1" nc -N \
	127.0.0.1 60000)" = again ]
in_ns "$ns1" sysctl -qw net.knetdemo.tcp=0
check "tcp: off closes the listener" silent "$ns1" 60000

# The UDP emitter
in_ns "$ns1" nc -l -u -p 60001 > "$dir/ns1" 2> /dev/null &
pids+=($!)
in_ns "$ns2" nc -l -u -p 60001 > "$dir/ns2" 2> /dev/null &
pids+=($!)
soon bound "$ns1" 60001
soon bound "$ns2" 60001
in_ns "$ns1" sysctl -qw net.knetdemo.udp=1
check "udp: nc receives the message" soon has_line kernelsocket \
	"$dir/ns1"
check "udp: not in another namespace" [ ! -s "$dir/ns2" ]
over() { [ "$(value "$1" udp)" = 0 ]; }
check "udp: reads 0 when the run is over" soon over "$ns1"
check "udp: no address" \
	refused_with "Invalid argument" "$ns1" udp_daddr localhost

# The lines in the kernel log, from the initial namespace only
port=$((20000 + $$ % 20000))
sysctl -qw "net.knetdemo.tcp_port=$port" net.knetdemo.tcp_service=echo \
	net.knetdemo.tcp=1 net.knetdemo.monitor=1
log_from_here
echo x | nc -N 127.0.0.1 "$port" > /dev/null
check "log: the line of the monitor" soon logged \
	"TCP connection initiated from 127\.0\.0\.1:[0-9]\+"
check "log: the line of the listener" soon logged \
	"connection established to 127\.0\.0\.1:[0-9]\+"
sysctl -qw net.knetdemo.monitor_log=0
log_from_here
before=$(awk '$1 == "monitor_attempts" { print $2 }' /proc/net/knetdemo/stats)
nc -z 127.0.0.1 "$port"
after=$(awk '$1 == "monitor_attempts" { print $2 }' /proc/net/knetdemo/stats)
check "log: counted" [ "$after" -eq $((before + 1)) ]
check "log: off by monitor_log" unlogged "connection initiated"
sysctl -qw net.knetdemo.monitor_log=1

finish_tests
