#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154 # ns1, ns2: set by setup_ns
#
# Files of sysctl settings: the output of "sysctl -a" is restored in another
# network namespace, in several orders, by the sysctl of procps and of busybox.
# The state must be the same, nothing may be sent to a default destination, and
# nothing may listen on a default address.

# shellcheck source=knetdemo_lib.sh
source "$(dirname "$(readlink -f "$0")")/knetdemo_lib.sh"

needs busybox nc setpriv shuf ss sysctl
sysctl --version 2> /dev/null | grep -q procps ||
	skip_all "no sysctl of procps, which has --system"
# What a switch waits for after the last parameter, in milliseconds
readonly DELAY=2000

finish()
{
	cleanup_all_ns
	wait
	rm -rf "$dir"
} 2> /dev/null

in_ns() { local ns=$1; shift; ip netns exec "$ns" "$@"; }
listens() { [ -n "$(in_ns "$1" ss -Hltn "sport = $2")" ]; }
bound() { [ -n "$(in_ns "$1" ss -Hlun "sport = $2")" ]; }
value() { in_ns "$1" sysctl -n "net.knetdemo.$2"; }
value_is() { [ "$(value "$1" "$2")" = "$3" ]; }
# run_has NS LINE: of the run of the UDP emitter
run_has() { in_ns "$1" grep -qx "$2" /proc/net/knetdemo/udp; }
started() { listens "$1" 60010 && run_has "$1" "state running"; }

# dump NS: as sysctl shows it, less the other files
dump() { in_ns "$1" "${tool[@]}" -a 2> /dev/null | grep '^net\.knetdemo\.'; }

setup()
{
	in_ns "$1" sysctl -qw net.knetdemo.monitor_ring=32 \
		net.knetdemo.monitor=1 net.knetdemo.tcp_addr=:: \
		net.knetdemo.tcp_port=60010 net.knetdemo.tcp_service=echo \
		net.knetdemo.tcp_max_conns=7 net.knetdemo.tcp_idle_ms=1234 \
		net.knetdemo.tcp=1 net.knetdemo.udp_daddr=127.0.0.3 \
		net.knetdemo.udp_dport=60020 net.knetdemo.udp_count=0 \
		net.knetdemo.udp_interval_us=10000 \
		"net.knetdemo.udp_message=two words" net.knetdemo.udp_size=99 \
		net.knetdemo.udp_saddr=127.0.0.2 net.knetdemo.udp=1
}

# A namespace where others have the default ports
fresh()
{
	cleanup_ns "$ns2" 2> /dev/null
	setup_ns ns2 || return
	: > "$dir/stray"
	in_ns "$ns2" nc -l -k 127.0.0.1 60000 > /dev/null 2>&1 &
	in_ns "$ns2" nc -l -u -k 127.0.0.1 60001 >> "$dir/stray" 2> /dev/null &
	soon listens "$ns2" 60000 && soon bound "$ns2" 60001
}

# As at boot: files in certain directories. In the mount namespace that ip netns
# exec makes they are hidden, so that the machine's own files are not applied.
sysctl_system()
{
	local dir

	for dir in /etc /run /usr/local/lib /usr/lib /lib; do
		[ ! -d "$dir/sysctl.d" ] || mount -t tmpfs none "$dir/sysctl.d"
	done
	[ ! -e /etc/sysctl.conf ] || mount --bind /dev/null /etc/sysctl.conf
	mkdir -p /etc/sysctl.d
	cp "$1" /etc/sysctl.d/60-knetdemo.conf && sysctl --system
}
export -f sysctl_system

apply_system() { in_ns "$ns2" bash -c "sysctl_system $1"; }

apply_file() { in_ns "$ns2" "${tool[@]}" -p "$1"; }

# restore ORDER...: a command that puts the lines into an order
restore()
{
	local start said tries

	"$@" < "$dir/dump" > "$dir/file"
	cat "$dir/file" > "$dir/seen"
	for ((tries = 0; tries < 10; tries++)); do
		fresh || return
		start=$(milliseconds)
		said=$("$apply" "$dir/file" 2>&1) ||
			{ echo "$said" >> "$dir/seen"; return 1; }
		# Else the kernel may rightly have started too early
		[ $(($(milliseconds) - start)) -ge "$DELAY" ] || break
	done
	[ "$tries" -lt 10 ] && soon started "$ns2" || return
	dump "$ns2" > "$dir/after"
	diff "$dir/dump" "$dir/after" >> "$dir/seen" &&
	run_has "$ns2" "destination 127.0.0.3:60020" &&
	run_has "$ns2" "run 1" && run_has "$ns2" "count 0" &&
	run_has "$ns2" "size 99" && [ ! -s "$dir/stray" ]
}

# restores TOOL [APPLY]: what TOOL -a shows, by TOOL -p or another function
restores()
{
	local apply=${2:-apply_file}
	local -a tool

	read -r -a tool <<< "$1"
	# With a source address, and with the empty text instead of one
	setup "$ns1" && dump "$ns1" > "$dir/dump" &&
	restore cat && restore shuf &&
	in_ns "$ns1" sysctl -qw net.knetdemo.udp_saddr=" " &&
	dump "$ns1" > "$dir/dump" &&
	restore sort -r && restore shuf || return
	in_ns "$ns1" sysctl -qw net.knetdemo.udp=0 net.knetdemo.tcp=0
}

# Deferred, then told to start or stop
starts_now()
{
	fresh && in_ns "$ns2" sysctl -qw net.knetdemo.tcp_port=60010 \
		net.knetdemo.tcp=2 net.knetdemo.tcp=1 && listens "$ns2" 60010
}

starts_never()
{
	local start

	fresh || return
	in_ns "$ns2" sysctl -qw net.knetdemo.udp=2 net.knetdemo.tcp=2 || return
	value_is "$ns2" udp 2 || return
	in_ns "$ns2" sysctl -qw net.knetdemo.udp=0 net.knetdemo.tcp=0
	# Another one that was told later has started
	start=$(milliseconds)
	in_ns "$ns1" sysctl -qw net.knetdemo.tcp=0 net.knetdemo.tcp_port=60011 \
		net.knetdemo.tcp=2
	soon listens "$ns1" 60011 || return
	[ $(($(milliseconds) - start)) -ge "$DELAY" ] &&
	run_has "$ns2" "state never" && value_is "$ns2" udp 0 &&
	value_is "$ns2" tcp 0
}

# Each write of a parameter postpones the start
postponed()
{
	local backlog last

	fresh && in_ns "$ns2" sysctl -qw net.knetdemo.tcp_port=60010 \
		net.knetdemo.tcp=2 || return
	for backlog in 101 102 103; do
		sleep 1.2
		last=$(milliseconds)
		in_ns "$ns2" sysctl -qw net.knetdemo.tcp_backlog="$backlog"
	done
	soon listens "$ns2" 60010 &&
	[ $(($(milliseconds) - last)) -ge "$DELAY" ]
}

# A start that fails leaves the service off, and can be repeated
fails()
{
	fresh && in_ns "$ns2" sysctl -qw net.knetdemo.tcp=2 || return
	soon value_is "$ns2" tcp 0 || return
	in_ns "$ns2" sysctl -qw net.knetdemo.tcp_port=60010 net.knetdemo.tcp=1
}

# The privilege is that of the writer, not that of the work item that starts the
# service
low_port()
{
	local no_bind=(setpriv --inh-caps=-net_bind_service
		       --bounding-set=-net_bind_service)

	fresh && in_ns "$ns2" "${no_bind[@]}" sysctl -qw \
		net.knetdemo.tcp_port=7 net.knetdemo.tcp=2 || return
	soon value_is "$ns2" tcp 0 && ! listens "$ns2" 7
}

# A service that waits to start, in a namespace that is removed
removed()
{
	fresh && in_ns "$ns2" sysctl -qw net.knetdemo.tcp_port=60010 \
		net.knetdemo.tcp=2 net.knetdemo.udp=2 && cleanup_ns "$ns2"
}

dir=$(mktemp -d)
knd_seen=$dir/seen
: > "$dir/stray"
trap finish EXIT
plan 9
namespaces ns1 ns2

check "sysctl -a and -p" restores sysctl
check "busybox sysctl -a and -p" restores "busybox sysctl"
check "sysctl -a, sysctl.d and --system" restores sysctl apply_system
check "2, then 1: at once" starts_now
check "2, then 0: never" starts_never
check "2, and parameters that follow slowly" postponed
check "2, and it cannot be started" fails
check "2, and a port below 1024" low_port
check "2, and the namespace is removed" removed

finish_tests
