#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# "knetdemo get" with servers, networks and earlier attempts that misbehave: the
# .part that it leaves is a true beginning of the file, and messages about it
# are true. The FTP server is a scripted one.

# shellcheck source=knetdemo_lib.sh
source "$(dirname "$(readlink -f "$0")")/knetdemo_lib.sh"
# shellcheck source=tool_lib.sh
source "$knd_dir/tool_lib.sh"
needs stat truncate

# asked VERB: how often the server was sent this command
asked() { grep -c "^$1" "$dir/commands"; }
mode_of() { stat -c %a "$dir/client/$1"; }

# URL and output

type_is_no_name()
{
	clean
	tool get "$url/file;type=i" && whole && received "RETR file" &&
	tool get "$url/file;TYPE=I" && whole || return
	: > "$dir/commands"
	fails "$EXIT_USAGE" get "$url/file;type=a" &&
	fails "$EXIT_USAGE" get "$url/file;type=d" &&
	fails "$EXIT_USAGE" get "$url/;type=i" && none_received &&
	# Escaped, and without "type", it is part of the name
	tool get -o file "$url/file%3Btype=i" && whole &&
	received "RETR file;type=i" &&
	tool get -o file "$url/file;1" && whole && received "RETR file;1"
}

fragment_is_no_name()
{
	clean
	: > "$dir/commands"
	fails "$EXIT_USAGE" get "ftp://$host#/file" &&
	fails "$EXIT_USAGE" get "$url/#file" && none_received &&
	tool get "$url/file#a/b" && whole && received "RETR file" &&
	tool get "$url/file;type=i#x" && whole &&
	tool get -o file "$url/a%23b" && whole && received "RETR a#b"
}

to_stdout()
{
	clean
	tool get -o - "$url/file" && cmp "$dir/file" "$dir/out" &&
	says "3000000 bytes" && [ -z "$(ls -A "$dir/client")" ] || return
	TMPDIR=$dir/home tool get -q -o - "$url/file" &&
	cmp "$dir/file" "$dir/out" && [ -z "$(ls -A "$dir/home")" ] &&
	TMPDIR=$dir/none fails "$EXIT_LOCAL" get -o - "$url/file" &&
	fails "$EXIT_USAGE" get -o - --resume "$url/file" || return
	# An incomplete file gives no output at all
	serve -c 1000000
	fails "$EXIT_BROKEN" get -o - "$url/file" && [ ! -s "$dir/out" ] &&
	! says .part && ! says --resume
}

stdout_is_full()
{
	local status=0

	(cd "$dir/client" && exec "$knd_tool" get -o - "$url/file") \
		> /dev/full 2> "$dir/err" || status=$?
	[ "$status" -eq "$EXIT_LOCAL" ] && says "standard output"
}

# Mode

keeps_mode()
{
	clean
	echo old > "$dir/client/file"
	chmod 640 "$dir/client/file"
	tool get "$url/file" && whole && [ "$(mode_of file)" = 640 ] &&
	chmod 400 "$dir/client/file" &&
	tool get "$url/file" && whole && [ "$(mode_of file)" = 400 ] &&
	# Set-ID bits are not kept
	chmod 4755 "$dir/client/file" &&
	tool get "$url/file" && whole && [ "$(mode_of file)" = 755 ] &&
	rm "$dir/client/file" &&
	tool get "$url/file" && whole && [ "$(mode_of file)" = 644 ]
}

# A file of another user adds no permission to the default
mode_of_others()
{
	clean
	echo old > "$dir/client/file"
	chown 65534 "$dir/client/file"
	chmod 666 "$dir/client/file"
	tool get "$url/file" && whole && [ "$(mode_of file)" = 644 ] &&
	chown 65534 "$dir/client/file" && chmod 600 "$dir/client/file" &&
	tool get "$url/file" && whole && [ "$(mode_of file)" = 600 ]
}

# The .part has no further permission either
part_keeps_mode()
{
	local mode

	clean
	echo old > "$dir/client/file"
	chmod 600 "$dir/client/file"
	serve -s 1000
	start_tool get "$url/file"
	soon part_has 1000 || return
	mode=$(mode_of file.part)
	kill "$job"
	ended "$EXIT_SIGNAL" && [ "$mode" = 600 ]
}

# The .part that is left, and the messages about it

# part_of BYTES: a .part with as many of the file's bytes
part_of()
{
	clean
	: > "$dir/commands"
	head -c "$1" "$dir/file" > "$dir/client/file.part"
}

# same_part BYTES
same_part()
{
	part_has "$1" && cmp -n "$1" "$dir/file" "$dir/client/file.part"
}

# part_refused STATUS SCRIPT: the .part stays, and --resume is not proposed
part_refused()
{
	serve "$2"
	part_of 1000
	fails "$1" get --resume "$url/file" && same_part 1000 &&
	says "as it was" && ! says "goes on from there"
}

# The server sends the whole file: its bytes are not those behind the .part
rest_is_ignored()
{
	serve -R
	part_of 1000
	fails "$EXIT_BROKEN" get --resume "$url/file" && same_part 1000 &&
	says "as it was" && ! says "goes on from there" || return
	# Also where only the last byte was missing
	part_of 2999999
	fails "$EXIT_BROKEN" get --resume "$url/file" && same_part 2999999 &&
	says "as it was" && ! says "goes on from there"
}

# The same, but the transfer fails before the kernel can see it, or the size is
# not known
rest_is_ignored_early()
{
	serve -R -c 500000
	part_of 1000000
	fails "$EXIT_BROKEN" get --resume --retry 1 "$url/file" &&
	same_part 1000000 && says "sent the first bytes again" &&
	[ "$(asked REST)" -eq 2 ] || return
	serve -R
	part_of 1000000
	fails "$EXIT_BROKEN" get --resume --no-size "$url/file" &&
	same_part 1000000 && says "sent the first bytes again" || return
	serve
	tool get --resume --no-size "$url/file" && whole
}

# The kernel cannot write the whole file
too_large()
{
	clean
	serve
	(ulimit -f 1000 && fails "$EXIT_LOCAL" get "$url/file") &&
	same_part 1024000 && says "File too large" &&
	says "goes on from there" &&
	tool get --resume "$url/file" && whole && received "REST 1024000"
}

# Its bytes are not those that this transfer has written
part_is_cut_by_others()
{
	clean
	serve -s 1000
	start_tool get "$url/file"
	soon part_has 1000 || return
	truncate -s 500 "$dir/client/file.part"
	kill "$job"
	ended "$EXIT_LOCAL" && says "changed by somebody else" &&
	! says "goes on from there"
}

already_complete()
{
	serve "$@"
	part_of 3000000
	tool get --resume "$url/file" && whole
}

shrunk_on_the_server()
{
	serve
	clean
	seq 600000 > "$dir/client/file.part"
	tool get --resume "$url/file" && whole && says "starting over"
}

newer_on_the_server()
{
	serve "MDTM=213 20370101000000"
	part_of 1000
	printf other > "$dir/client/file.part"
	tool get --resume "$url/file" && whole && says "starting over" &&
	[ "$(asked REST)" -eq 0 ]
}

# older_on_the_server REPLY: the date is older, or unknown
older_on_the_server()
{
	serve "MDTM=$1"
	part_of 1000
	tool get --resume "$url/file" && whole && received "REST 1000" &&
	! says "starting over"
}

# Dates are the server's, whose clock may be years ahead
clocks_differ()
{
	serve -c 1000000 "MDTM=213 20370101000000"
	clean
	fails "$EXIT_BROKEN" get "$url/file" && says "goes on from there" ||
		return
	serve "MDTM=213 20370101000000"
	tool get --resume "$url/file" && whole && received "REST 1000000" ||
		return
	serve -c 1000000 "MDTM=213 20370101000000"
	clean
	fails "$EXIT_BROKEN" get "$url/file" || return
	serve "MDTM=213 20370101000001"
	tool get --resume "$url/file" && whole && says "starting over"
}

# A retrieval that was killed leaves a .part with the time of its last write.
# The server's file has changed before that.
changed_before_a_kill()
{
	local now

	clean
	serve -s 1000
	start_tool get "$url/file"
	soon part_has 1000 || return
	kill -KILL "$job"
	wait "$job" 2> /dev/null
	job=
	now=$(date +%s)
	touch -d "@$((now + 3600)).5" "$dir/client/file.part"
	serve "MDTM=213 $(date -u -d "@$((now + 600))" +%Y%m%d%H%M%S)"
	tool get --resume "$url/file" && whole && says "starting over"
}

# Attempts and limits

retries_what_may_pass()
{
	clean
	serve "RETR=450 busy"
	fails "$EXIT_REFUSED" get --retry 2 "$url/file" &&
	[ "$(asked RETR)" -eq 3 ] && says "another attempt in 2 s" || return
	serve "RETR=550 no"
	fails "$EXIT_REFUSED" get --retry 2 "$url/file" &&
	[ "$(asked RETR)" -eq 1 ] && ! says "attempt in 4 s" &&
	fails "$EXIT_USAGE" get --retry -1 "$url/file" &&
	fails "$EXIT_USAGE" get --retry '' "$url/file"
}

# The server breaks off, disappears and returns
retries_and_resumes()
{
	local port

	clean
	serve -c 1000000
	port=${host##*:}
	start_tool get --retry 50 "$url/file"
	soon part_has 1000000 || return
	soon says "another attempt" || return
	serve -P "$port"
	ended 0 && whole && received "REST 1000000" &&
	[ "$(asked RETR)" -eq 1 ]
}

interrupted_wait()
{
	clean
	serve "RETR=450 busy"
	start_tool get --retry 9999 "$url/file"
	soon says "another attempt" || return
	kill -INT "$job"
	ended "$EXIT_SIGNAL" && [ -z "$(ls -A "$dir/client")" ]
}

limits_time()
{
	clean
	serve -s 1000
	fails "$EXIT_BROKEN" get --max-time 2 "$url/file" &&
	same_part 1000 && says --max-time && says "goes on from there" &&
	# Also while it waits for a reply, or for the next attempt
	serve greeting=stall &&
	fails "$EXIT_BROKEN" get --max-time 1 --retry 9 -o other "$url/file" &&
	[ ! -e "$dir/client/other.part" ] || return
	stop_server
	fails "$EXIT_CONNECT" get --max-time 5 --retry 9999 "$url/file" &&
	fails "$EXIT_USAGE" get --max-time 0 "$url/file" &&
	fails "$EXIT_USAGE" get --max-time x "$url/file"
}

# Three addresses that never answer come before the one that does
several_addresses()
{
	local began=$SECONDS

	clean
	serve
	ip link add silent type dummy &&
	ip addr add 2001:db8::9/64 dev silent nodad &&
	ip link set silent up || return
	printf '%s many\n' 2001:db8::1 2001:db8::2 2001:db8::3 127.0.0.1 \
		> "$dir/hosts"
	# shellcheck disable=SC2016 # for the inner shell
	(cd "$dir/client" && exec env RESOLV_MULTI=on unshare -m sh -c '
		mount --bind "$1" /etc/hosts && exec "$2" get -t 60 "$3"' \
		sh "$dir/hosts" "$knd_tool" "ftp://many:${host##*:}/file") \
		2> "$dir/err" && whole && [ $((SECONDS - began)) -lt 60 ]
}

# No address answers: all of them together take about as long as one
no_address()
{
	local began=$SECONDS status=0

	clean
	printf '%s many\n' 2001:db8::1 2001:db8::2 2001:db8::3 2001:db8::4 \
		> "$dir/hosts"
	# shellcheck disable=SC2016 # for the inner shell
	(cd "$dir/client" && exec env RESOLV_MULTI=on unshare -m sh -c '
		mount --bind "$1" /etc/hosts && exec "$2" get -t 10 "$3"' \
		sh "$dir/hosts" "$knd_tool" ftp://many/file) \
		2> "$dir/err" || status=$?
	ip link del silent
	[ "$status" -eq "$EXIT_CONNECT" ] &&
	[ $((SECONDS - began)) -lt 40 ]
}

# Switches

without_size()
{
	serve "SIZE=213 7"
	clean
	tool get --no-size "$url/file" && whole && [ "$(asked SIZE)" -eq 0 ] &&
	[ "$(asked MDTM)" -eq 0 ]
}

without_epsv()
{
	serve "EPSV=229 (|||1|)" "EPRT=200 ok"
	clean
	tool get --pasv "$url/file" && whole && received PASV &&
	[ "$(asked EPSV)" -eq 0 ] &&
	tool get --pasv --active "$url/file" && whole &&
	[ "$(asked EPRT)" -eq 0 ] && [ "$(asked PORT)" -eq 1 ]
}

by_interface()
{
	serve
	clean
	ip link add nowhere type dummy && ip link set nowhere up || return
	tool get --interface lo "$url/file" && whole &&
	fails "$EXIT_USAGE" get -i none "$url/file" &&
	fails "$EXIT_USAGE" get -i '' "$url/file" &&
	fails "$EXIT_USAGE" get -i longer-than-a-name "$url/file" &&
	: > "$dir/commands" &&
	fails "$EXIT_CONNECT" get -t 1 -i nowhere "$url/file" && none_received
}

quiet()
{
	clean
	echo "machine 127.0.0.1 login a password b" > "$dir/netrc"
	chmod 644 "$dir/netrc"
	serve
	tool get -q -n "$dir/netrc" "$url/file" && whole &&
	[ ! -s "$dir/err" ] || return
	seq 600000 > "$dir/client/file.part"
	tool get -q --resume "$url/file" && whole &&
	[ ! -s "$dir/err" ] || return
	serve "RETR=550 no"
	: > "$dir/err"
	fails "$EXIT_REFUSED" get -q "$url/file" && says 550
}

# The bar on a terminal: half of the file is there
shows_half()
{
	clean
	serve -s 1500000
	# Interrupt it at 50%. The status is that of pty.c for the echo.
	(cd "$dir/client" && exec "$knd_dir/pty" " 50% " $'\003' \
	 "$knd_tool" get "$url/file") > "$dir/out" 2>&1
	grep -q ' 50% ' "$dir/out" && same_part 1500000
}

begun() { [ "$(counter ftp_started)" -ge "$1" ]; }

# Short transfers of another file all the time: ours is not the latest one
bar_beside_others()
{
	local out port others status=0 before

	before=$(counter ftp_started)
	exec {out}< <(exec "$knd_dir/ftp_script" -z 100)
	others=$!
	read -r -u "$out" port
	exec {out}<&-
	while "$knd_tool" get -q -o "$dir/home/other" \
		"ftp://127.0.0.1:$port/other"; do
		:
	done &
	job=$!
	soon begun $((before + 3)) || status=1
	shows_half || status=1
	kill "$others"
	wait "$job" "$others" 2> /dev/null
	job=
	rm -f "$dir/home"/other*
	return "$status"
}

# Built for 32 bits

tool32()
{
	(cd "$dir/client" && exec "$knd_dir/knetdemo_32" "$@") \
		> "$dir/out" 2>> "$dir/err"
}

has_32() { [ -x "$knd_dir/knetdemo_32" ] ||
	   { echo "it was not built: is there a 32-bit libc?" > "$dir/err"
	     false; }; }

gets_32()
{
	has_32 || return
	serve
	clean
	tool32 get "$url/file" && whole && tool32 status
}

# Files that are larger than 2 GiB and 4 GiB
large_32()
{
	local gib=$((1 << 30)) size status=0

	has_32 || return
	for size in $((2 * gib + 1000)) $((4 * gib + 1000)); do
		serve -z "$size"
		clean
		truncate -s $((size - 2000)) "$dir/client/file.part"
		tool32 get --resume "$url/file" &&
		[ "$(stat -c %s "$dir/client/file")" -eq "$size" ] &&
		received "REST $((size - 2000))" || status=1
	done
	rm -f "$dir/client/file"
	return "$status"
}

plan 38

serve
check ";type= is no part of the name" type_is_no_name
check "a fragment is no part of the name" fragment_is_no_name
serve
check "mode: that of the file that is replaced" keeps_mode
check "mode: replacing what belongs to another user" mode_of_others
check "mode: of what is not whole yet" part_keeps_mode
serve
check "standard output: a device without space" stdout_is_full
check "standard output" to_stdout

check "REST 502: the part is as it was" \
	part_refused "$EXIT_REFUSED" "REST=502 no"
check "RETR 550: the part is as it was" \
	part_refused "$EXIT_REFUSED" "RETR=550 no"
check "PASS 530: the part is as it was" \
	part_refused "$EXIT_LOGIN" "PASS=530 no"
check "REST is ignored: the part is as it was" rest_is_ignored
check "REST is ignored, and the transfer fails" rest_is_ignored_early
check "a limit of the file's size: 7, and resumed" too_large
check "the part is cut by another program: 7" part_is_cut_by_others
check "a complete part, and the server takes REST" already_complete
check "a complete part, REST 554" already_complete "REST=554 no"
check "a complete part, RETR 554" already_complete "RETR=554 no"
check "smaller on the server: starts over" shrunk_on_the_server
check "newer on the server: starts over" newer_on_the_server
check "older on the server: goes on" older_on_the_server "213 20000101000000"
check "MDTM 502: goes on" older_on_the_server "502 no"
check "MDTM of no form: goes on" older_on_the_server "213 yesterday"
check "a clock that is ahead of ours" clocks_differ
check "newer on the server than the begin of a .part" changed_before_a_kill

check "retry: 450, not 550" retries_what_may_pass
check "retry: goes on at another server" retries_and_resumes
check "retry: SIGINT while it waits" interrupted_wait
check "a limit for all of it" limits_time
check "addresses: three of four do not answer" several_addresses
check "addresses: none answers" no_address
check "no SIZE, no MDTM" without_size
check "PASV and PORT only" without_epsv
check "bound to a network device" by_interface
check "quiet" quiet
check "the bar: half of the file" shows_half
check "the bar: beside other transfers" bar_beside_others
check "32 bits" gets_32
check "32 bits: more than 2 and 4 GiB" large_32

finish_tests
