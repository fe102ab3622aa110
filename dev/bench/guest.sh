#!/bin/bash
# In the guest: set up what one boot measures, measure it, check the result.
# guest.sh BOOT PATTERN REPETITIONS [-t]
#
# This script checks that the hooks have seen all packets, kbench the rest.

boot=$1
pattern=$2
reps=$3
kbench=(/files/kbench -n "$reps" ${4:+"$4"})
knobs=/proc/sys/net/knetdemo
tracing=/sys/kernel/tracing

cannot() { printf 'KB-\t%s\t%s\t%s\t%s\n' "$@"; }

# A boot for the monitor: install a hook, and count what it has seen
monitor()
{
	local name=$1 want=$((100 + 300 * reps + 1)) before=0 log='' output seen rule

	case $name in
	empty)
		insmod /files/empty_hook.ko || name=bad
		;;
	off | on | log | rules-*)
		if [ ! -e "$knobs/monitor" ]; then
			name=missing
		elif [ "$name" = off ]; then
			echo 1 > "$knobs/monitor" && echo 0 > "$knobs/monitor"
		else
			[ "$name" = log ] || echo 0 > "$knobs/monitor_log"
			echo 1 > "$knobs/monitor" || name=bad
		fi
		# Only the last rule matches
		if [[ $name == rules-* ]]; then
			{
				for ((rule = 1; rule < ${name#rules-}; rule++)); do
					echo "add 10.0.$rule.0/24"
				done
				echo "add 127.0.0.1"
			} > /tmp/rules
			cat /tmp/rules > /proc/net/knetdemo/filter || name=bad
		fi
		;;
	nft-counter | nft-log)
		[ "$name" = nft-counter ] || log=log
		nft -f - <<-END || name=bad
			table ip bench {
				chain out {
					type filter hook output priority 0
					tcp flags & (syn|ack) == syn counter $log
				}
			}
		END
		;;
	kprobe)
		echo 'p:bench/kb tcp_v4_connect' > $tracing/kprobe_events &&
			echo 1 > $tracing/events/bench/kb/enable || name=bad
		;;
	tracepoint)
		echo 1 > $tracing/events/sock/inet_sock_set_state/enable || name=bad
		;;
	esac 2> /tmp/error
	case $name in
	bad | missing)
		for case in connect round-trip; do
			cannot monitor "$case" "$KB_WHO" "$(head -n 1 /tmp/error)"
		done
		return
		;;
	esac

	attempts() { sed -n 's/^monitor_attempts //p' /proc/net/knetdemo/stats; }
	case $name in
	off | on | log | rules-*) before=$(attempts) ;;
	esac
	output=$("${kbench[@]}" monitor "$pattern")
	[ "$pattern" = '*' ] || { echo "$output"; return; }
	case $name in
	off) seen=$(($(attempts) - before + want)) ;;
	on | log | rules-*) seen=$(($(attempts) - before)) ;;
	nft-*) seen=$(nft list chain ip bench out |
		sed -n 's/.*counter packets \([0-9]*\).*/\1/p') ;;
	kprobe) seen=$(sed -n 's/.*entries-written: [0-9]*\/\([0-9]*\) .*/\1/p' \
		$tracing/trace | head -n 1) ;;
	# A connection has more than one change of state
	tracepoint) seen=$(sed -n 's/.*entries-written: [0-9]*\/\([0-9]*\) .*/\1/p' \
		$tracing/trace | head -n 1)
		[ "${seen:-0}" -le "$want" ] || seen=$want ;;
	*) seen=$want ;;
	esac
	if [ "${seen:-0}" -ne "$want" ]; then
		for case in connect round-trip; do
			cannot monitor "$case" "$KB_WHO" \
				"it saw ${seen:-nothing} of $want connections"
		done
		return
	fi
	echo "$output"
}

dummy()
{
	ip link add dummy0 type dummy
	ip addr add 10.7.0.1/24 dev dummy0
	ip link set dummy0 up
	# No neighbour discovery in between
	echo 1 > /proc/sys/net/ipv6/conf/dummy0/disable_ipv6
}

# Clients must not get the ports of the servers
echo 60000-60008 > /proc/sys/net/ipv4/ip_local_reserved_ports
# ... nor use what TCP learned in the previous case
echo 1 > /proc/sys/net/ipv4/tcp_no_metrics_save
case $boot in
monitor:*)
	export KB_WHO=${boot#*:*:}
	name=${boot#monitor:}
	monitor "${name%%:*}"
	;;
cpus:*)
	"${kbench[@]}" cpus "$pattern"
	;;
udp:nogso)
	dummy
	ethtool -K dummy0 tx-udp-segmentation off ||
		cannot udp 'nogso-*' '*' "ethtool cannot switch the device"
	[ "$pattern" != '*' ] || pattern='nogso-*'
	"${kbench[@]}" udp "$pattern"
	;;
udp:*)
	dummy
	[ "$pattern" != '*' ] || pattern='!(nogso-*)'
	"${kbench[@]}" udp "$pattern"
	;;
ftp:*)
	mkdir -p /srv/ftp /var/run/vsftpd/empty
	echo 'ftp:x:100:65534:ftp:/srv/ftp:/bin/false' >> /etc/passwd
	cat > /tmp/vsftpd.conf <<-END
		listen=YES
		background=NO
		anonymous_enable=YES
		local_enable=NO
		anon_root=/srv/ftp
		no_anon_password=YES
		connect_from_port_20=NO
		xferlog_enable=NO
		seccomp_sandbox=NO
	END
	chmod 755 /srv /srv/ftp
	"${kbench[@]}" ftp "$pattern"
	;;
tcp:memory:*)
	# One case in each boot: another one would leave memory behind
	"${kbench[@]}" tcp "memory-${boot#tcp:memory:}"
	;;
tcp:*)
	[ "$pattern" != '*' ] || pattern='!(memory-*)'
	"${kbench[@]}" tcp "$pattern"
	;;
esac
