#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154 # ns1, ns2: set by setup_ns
#
# The FTP client of net/knetdemo and its tool, against the FTP servers that
# people use: vsftpd, pure-ftpd, ProFTPD and that of GNU inetutils, which is of
# the BSD family. Server and client have a namespace each, with a veth pair
# between them.

# shellcheck source=knetdemo_lib.sh
source "$(dirname "$(readlink -f "$0")")/knetdemo_lib.sh"

# sysexits of the tool
EXIT_CONNECT=3
EXIT_LOGIN=4
EXIT_REFUSED=5
EXIT_LOCAL=7

needs knetdemo vsftpd pure-ftpd ftpd proftpd nc script
pid=
megabytes=16
[ -z "$KND_SLOW" ] || megabytes=2

finish()
{
	stop_server
	umount "$dir/small" "$dir" 2> /dev/null
	rm -rf "$dir"
	cleanup_all_ns
}

# client ARGUMENTS...: the tool, in the client's namespace, in its directory
client()
{
	(cd "$dir/client" &&
	 exec ip netns exec "$ns2" knetdemo "$@") 2> "$dir/err"
}

answers() { ip netns exec "$ns2" nc -z "$1" 21; }

stopped() { ! kill -0 "$1" 2> /dev/null; }

stop_server()
{
	[ -n "$pid" ] || return 0
	kill "$pid"
	# inetutils-ftpd is no child of this shell
	wait "$pid" 2> /dev/null
	busywait 20000 stopped "$pid"
	pid=
}

# start_server NAME ADDRESS
start_server()
{
	local name=$1 address=$2 listen=listen family

	[ "$address" = "${address/:/}" ] || listen=listen_ipv6
	case $name in
	vsftpd)
		cat > "$dir/vsftpd.conf" <<- EOF2
			listen=NO
			$listen=YES
			background=NO
			anonymous_enable=YES
			anon_root=$dir/server
			isolate_network=NO
			isolate=NO
			seccomp_sandbox=NO
			secure_chroot_dir=$dir/empty
			port_enable=YES
			connect_from_port_20=YES
		EOF2
		ip netns exec "$ns1" vsftpd "$dir/vsftpd.conf" &
		;;
	pure-ftpd)
		ip netns exec "$ns1" pure-ftpd -S "$address,21" -e -H -g \
			"$dir/pure-ftpd.pid" &
		;;
	proftpd)
		cat > "$dir/proftpd.conf" <<- EOF2
			ServerType standalone
			DefaultAddress $address
			Port 21
			UseIPv6 on
			User root
			Group root
			DelayEngine off
			AuthOrder mod_auth_unix.c
			WtmpLog off
			TransferLog none
			SystemLog none
			ScoreboardFile $dir/scoreboard
			PidFile $dir/proftpd.pid
			<Anonymous $dir/server>
				User ftp
				Group nogroup
				UserAlias anonymous ftp
				RequireValidShell off
			</Anonymous>
		EOF2
		ip netns exec "$ns1" proftpd -n -c "$dir/proftpd.conf" \
			> /dev/null 2>&1 &
		;;
	inetutils-ftpd)
		# It daemonises, and writes a PID file
		[ "$listen" = listen ] && family=-4 || family=-6
		ip netns exec "$ns1" ftpd -D "$family" \
			-p"$dir/ftpd.pid" || return
		slowwait 20 answers "$address" || return
		pid=$(cat "$dir/ftpd.pid")
		return
		;;
	esac
	pid=$!
	slowwait 20 answers "$address"
}

# gets FILE URL OPTIONS...: retrieve the file and compare it
gets()
{
	local file=$1 url=$2
	shift 2

	rm -f "$dir/client/$file"
	client get "$@" "$url/$file" || return
	cmp "$dir/server/$file" "$dir/client/$file" >> "$dir/err" 2>&1 &&
	[ ! -e "$dir/client/$file.part" ]
}

# fails STATUS ARGUMENTS...: the tool fails with this status
fails()
{
	local want=$1 status=0
	shift

	client "$@" || status=$?
	[ "$status" -eq "$want" ] || echo "status $status" >> "$dir/err"
	[ "$status" -eq "$want" ]
}

resumes()
{
	rm -f "$dir/client"/*
	head -c 1000001 "$dir/server/large" > "$dir/client/large.part"
	client get --resume "${@:2}" "$1/large" || return
	cmp "$dir/server/large" "$dir/client/large"
}

same_sum()
{
	[ "$(sha256sum < "$dir/server/large")" = \
	  "$(sha256sum < "$dir/client/large")" ]
}

no_space()
{
	fails "$EXIT_LOCAL" get -o "$dir/small/large" "$1/large" &&
	[ "$(stat -c %s "$dir/small/large.part")" -eq 1048576 ] &&
	[ ! -e "$dir/small/large" ]
}

bar_on_a_terminal_only()
{
	rm -f "$dir/client/large"
	client get "$1/large"
	! grep -q '#' "$dir/err" || return
	rm -f "$dir/client/large"
	(cd "$dir/client" && SHELL=/bin/bash script -qec \
	 "ip netns exec $ns2 knetdemo get $1/large" /dev/null) > "$dir/err" 2>&1
	grep -q '\[#*\] 100%' "$dir/err"
}

shows_status()
{
	client status > "$dir/out" &&
	grep -q 'done done .* large$' "$dir/out" &&
	grep -q '^FTP client:' "$dir/out"
}

dir=$(mktemp -d)
knd_seen=$dir/err
mount -t tmpfs none "$dir"
chmod 755 "$dir"
mkdir "$dir"/{server,client,empty,small}
mount -t tmpfs -o size=1m none "$dir/small"
chmod 555 "$dir/server" "$dir/empty"
: > "$dir/server/empty"
printf x > "$dir/server/one"
printf 'with space\n' > "$dir/server/a b"
head -c "$((megabytes << 20))" /dev/urandom > "$dir/server/large"
chmod 444 "$dir"/server/*
trap finish EXIT

plan 103
namespaces ns1 ns2
ip link add veth1 netns "$ns1" type veth peer name veth2 netns "$ns2"
ip -n "$ns1" addr add 192.0.2.1/24 dev veth1
ip -n "$ns2" addr add 192.0.2.2/24 dev veth2
ip -n "$ns1" addr add 2001:db8::1/64 dev veth1 nodad
ip -n "$ns2" addr add 2001:db8::2/64 dev veth2 nodad
ip -n "$ns1" link set veth1 up
ip -n "$ns2" link set veth2 up

for server in vsftpd pure-ftpd proftpd inetutils-ftpd; do
	for address in 192.0.2.1 2001:db8::1; do
		host=$address
		[ "$address" = "${address/:/}" ] || host="[$address]"
		url=ftp://$host
		# Their anonymous users start in the home of "ftp", which is /
		case $server in
		pure-ftpd | inetutils-ftpd) url+=$dir/server ;;
		esac
		check "$server: starts on $address" \
			start_server "$server" "$address"
		for mode in passive active; do
			options=()
			[ "$mode" = passive ] || options=(--active)
			where="$server, $address, $mode"
			check "$where: 0 bytes" \
				gets empty "$url" "${options[@]}"
			check "$where: 1 byte" gets one "$url" "${options[@]}"
			check "$where: $megabytes MiB" \
				gets large "$url" "${options[@]}"
			check "$where: the same sha256" same_sum
		done
		check "$server, $address: resume" resumes "$url"
		check "$server, $address: resume, active" \
			resumes "$url" --active
		check "$server, $address: no such file" \
			fails $EXIT_REFUSED get "$url/none"
		# The others would take this user for anonymous
		[ "$server" != vsftpd ] ||
			check "$server, $address: the user is refused" \
				fails $EXIT_LOGIN get -p <(echo wrong) \
				"ftp://nobody@$host/one"
		stop_server
	done
done

start_server vsftpd 192.0.2.1
url=ftp://192.0.2.1
check "a name with %XX" client get -o "$dir/client/a b" "$url/a%20b"
check "ENOSPC: the part that came stays, under its name" no_space "$url"
check "a bar on a terminal, none in a pipe" bar_on_a_terminal_only "$url"
check "status" shows_status
stop_server
check "nobody there" fails $EXIT_CONNECT get "$url/one"

finish_tests
