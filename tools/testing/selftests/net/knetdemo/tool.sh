#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The tool of net/knetdemo: sources of passwords, files that it leaves, exit
# statuses, and untrusted text. The FTP server is a scripted one; ftp_servers.sh
# has real ones.

# shellcheck source=knetdemo_lib.sh
source "$(dirname "$(readlink -f "$0")")/knetdemo_lib.sh"

# shellcheck source=tool_lib.sh
source "$knd_dir/tool_lib.sh"
needs nc setpriv stdbuf timeout

usage()
{
	fails "$EXIT_USAGE" && says "Usage: knetdemo get" &&
	fails "$EXIT_USAGE" nothing &&
	fails "$EXIT_USAGE" get &&
	fails "$EXIT_USAGE" get --nothing "$url/file" &&
	fails "$EXIT_USAGE" get "$url/file" "$url/file" &&
	fails "$EXIT_USAGE" get -t 0 "$url/file" &&
	fails "$EXIT_USAGE" get -s localhost "$url/file" &&
	fails "$EXIT_USAGE" watch now &&
	fails "$EXIT_USAGE" status now &&
	fails "$EXIT_USAGE" filter &&
	tool --help && grep -q '^Usage' "$dir/out" &&
	tool watch --help && grep -q '^Usage' "$dir/out" &&
	none_received
}

bad_urls()
{
	local path url status=0
	local urls=(
		file http://h/x ftp: ftp:// ftp://h ftp://h/ ftp:///x ftp://@h/x
		ftp://h:/x ftp://h:0/x ftp://h:65536/x ftp://h:65557/x
		ftp://h:21x/x ftp://h:-1/x ftp://h:ftp/x ftp://h:1:2/x
		'ftp://[::1/x' 'ftp://[::1]x/x' 'ftp://[]/x'
		ftp://h/% ftp://h/%4 ftp://h/%zz ftp://%/x ftp://u%@h/x
		ftp://h/a%00b ftp://h/a%0d%0aDELE%20b ftp://h/a%0Ab
		ftp://h/%7f ftp://h/%ff $'ftp://h/a\nb' $'ftp://h/\e[2J'
		ftp://a%0d%0aDELE%20b@h/x $'ftp://a\tb@h/x' ftp://u%00@h/x
		ftp://h/. ftp://h/.. ftp://h/a/%2e%2e ftp://h/a%2f.. ftp://h//
	)

	printf -v path '%5000s' ''
	urls+=("ftp://h/${path// /a}" "ftp://${path// /a}@h/x")
	# None is resolved, which would give another status
	for url in "${urls[@]}"; do
		fails "$EXIT_USAGE" get "$url" || status=1
	done
	[ -z "$(ls -A "$dir/client")" ] && printable && [ "$status" -eq 0 ]
}

bad_names()
{
	fails "$EXIT_USAGE" get -o '' "$url/file" &&
	fails "$EXIT_USAGE" get -o new/ "$url/file" &&
	fails "$EXIT_USAGE" get -o .. "$url/file" &&
	fails "$EXIT_LOCAL" get -o nowhere/file "$url/file" &&
	none_received
}

only_regular_files()
{
	mkfifo "$dir/client/fifo"
	mkdir "$dir/client/dir"
	ln -s fifo "$dir/client/link"
	fails "$EXIT_LOCAL" get -o fifo "$url/file" &&
	fails "$EXIT_LOCAL" get -o dir "$url/file" &&
	fails "$EXIT_LOCAL" get -o link "$url/file" &&
	[ -p "$dir/client/fifo" ] && [ -L "$dir/client/link" ] &&
	none_received
}

# Passwords. The server only accepts s3cret.

anonymous()
{
	clean && tool get "$url/file" && whole && received "USER anonymous" &&
	received "PASS anonymous@"
}

# good_password ARGUMENTS...: alice is logged in, and no output shows s3cret
good_password()
{
	clean
	: > "$dir/commands"
	tool get "$@" && whole && received "USER alice" &&
	received "PASS s3cret" && ! says s3cret
}

from_file() { good_password -p "$dir/password" "ftp://alice@$host/file"; }
from_input()
{
	good_password -p - "ftp://alice@$host/file" \
		< <(printf 's3cret\r\nmore\n')
}

bad_files()
{
	printf 's3c\0ret\n' > "$dir/nul"
	printf 's3c\001ret\n' > "$dir/control"
	printf '%300s' '' > "$dir/long"
	: > "$dir/commands"
	fails "$EXIT_LOCAL" get -p "$dir/none" "ftp://alice@$host/file" &&
	fails "$EXIT_LOCAL" get -p "$dir" "ftp://alice@$host/file" &&
	fails "$EXIT_LOCAL" get -p /dev/null "ftp://alice@$host/file" &&
	fails "$EXIT_LOCAL" get -p "$dir/nul" "ftp://alice@$host/file" &&
	fails "$EXIT_USAGE" get -p "$dir/control" "ftp://alice@$host/file" &&
	fails "$EXIT_USAGE" get -p "$dir/long" "ftp://alice@$host/file" &&
	! says s3c && none_received
}

wrong_password()
{
	clean
	fails "$EXIT_LOGIN" get -p <(echo n0tit) "ftp://alice@$host/file" &&
	! says n0tit && [ -z "$(ls -A "$dir/client")" ]
}

not_in_the_url()
{
	: > "$dir/commands"
	fails "$EXIT_USAGE" get "ftp://alice:s3cret@$host/file" &&
	says --password-in-url && ! says s3cret &&
	fails "$EXIT_USAGE" get --password-in-url \
		"ftp://alice:s3cret@$host/%" && ! says s3cret &&
	none_received
}

in_the_url()
{
	good_password --password-in-url "ftp://alice:s3cret@$host/file" &&
	good_password --password-in-url "ftp://alice:s%33cret@$host/file"
}

# The password cannot be seen while the tool runs
gone_from_argv()
{
	local status

	serve TYPE=stall
	start_tool get --password-in-url "ftp://alice:s3cret@$host/file"
	soon received "TYPE I" || return
	tr '\0' ' ' < "/proc/$job/cmdline" > "$dir/cmdline"
	cat "$dir/cmdline" >> "$dir/err"
	grep -qF "ftp://alice:******@$host/file" "$dir/cmdline" &&
	! grep -q s3cret /proc/net/knetdemo/ftp &&
	! tr '\0' '\n' < "/proc/$job/environ" | grep -q s3cret
	status=$?
	kill "$job"
	ended "$EXIT_SIGNAL" && [ "$status" -eq 0 ]
}

# netrc TEXT ARGUMENTS...: good_password by ~/.netrc
netrc()
{
	printf '%b' "$1" > "$dir/home/.netrc"
	chmod 600 "$dir/home/.netrc"
	shift
	good_password "$@"
}

netrc_entries()
{
	local me="machine 127.0.0.1" status

	# With the user; two users; a default; comments; a macro
	netrc "$me login alice password s3cret\n" "$url/file" &&
	netrc "$me login bob password no\n$me login alice password s3cret\n" \
		"ftp://alice@$host/file" &&
	netrc "machine other login alice password no\n
		default login alice password s3cret\n" "$url/file" &&
	netrc "# $me login alice password no\n
		$me # x\n login alice account x password s3cret\n" \
		"$url/file" &&
	netrc "macdef x\n$me login alice password no\n\n
		$me login alice password s3cret\n" "$url/file" &&
	netrc "$me login alice password s3cret\r\n" "$url/file" &&
	netrc "$me\r\nlogin alice\r\npassword s3cret\r\n" "$url/file" &&
	netrc "macdef x\r\n$me login alice password no\r\n\r\n
		$me login alice password s3cret\r\n" "$url/file" &&
	netrc "$me login alice\nmacdef x\nbye\n\npassword s3cret\n" \
		"$url/file" &&
	netrc "$me login \"alice\" password \"s3\\\\cret\"\n" "$url/file" &&
	! says "read by others" &&
	# Another file, which all users can read
	printf '%s' "$me password s3cret" > "$dir/netrc" &&
	good_password -n "$dir/netrc" "ftp://alice@$host/file" &&
	says "read by others" &&
	fails "$EXIT_LOCAL" get -n "$dir/none" "ftp://alice@$host/file"
	status=$?
	rm -f "$dir/home/.netrc"
	return "$status"
}

# The password of another user is not used, even if it precedes the name
netrc_of_others()
{
	local status

	printf '%s\n' "machine 127.0.0.1 password s3cret login bob" \
		> "$dir/home/.netrc"
	not_prompted $'\004' "$EXIT_LOGIN"
	status=$?
	rm -f "$dir/home/.netrc"
	return "$status"
}

netrc_hash()
{
	local status

	printf '%s\n' "machine 127.0.0.1 login alice password #s3cret" \
		"machine x login y password z" > "$dir/home/.netrc"
	clean
	tool get "$url/file" && received "PASS #s3cret"
	status=$?
	rm -f "$dir/home/.netrc"
	return "$status"
}

# on_terminal REPLY ARGUMENTS...: answer its prompt; see pty.c
on_terminal()
{
	local reply=$1
	shift

	clean
	: > "$dir/commands"
	(cd "$dir/client" && HOME=$dir/home exec "$knd_dir/pty" \
	 "Password for " "$reply" knetdemo "$@") \
	 > "$dir/err" 2>&1
}

prompted()
{
	on_terminal s3cret get "ftp://alice@$host/file" && whole &&
	received "PASS s3cret" && ! says s3cret &&
	says "Password for alice@127.0.0.1: "
}

prompted_again()
{
	on_terminal $'\032s3cret' get "ftp://alice@$host/file" && whole &&
	received "PASS s3cret" && ! says s3cret
}

# not_prompted REPLY STATUS
not_prompted()
{
	local status=0

	on_terminal "$1" get "ftp://alice@$host/file" || status=$?
	[ "$status" -eq "$2" ] || echo "status $status" >> "$dir/err"
	[ "$status" -eq "$2" ] && none_received
}

# Files

anew()
{
	clean
	# Longer than the file of the server
	seq 600000 > "$dir/client/file.part"
	tool get "$url/file" && whole
}

resumes()
{
	clean
	: > "$dir/commands"
	head -c 1000 "$dir/file" > "$dir/client/file.part"
	tool get --resume "$url/file" && whole && received "REST 1000"
}

replaces()
{
	clean
	echo old > "$dir/client/target"
	ln -s target "$dir/client/file"
	tool get -q "$url/file" && whole && [ ! -L "$dir/client/file" ] &&
	[ "$(cat "$dir/client/target")" = old ] && [ ! -s "$dir/err" ]
}

# part_of_others COMMAND...: what this creates as file.part makes it fail
part_of_others()
{
	clean
	: > "$dir/commands"
	echo precious > "$dir/client/victim"
	(cd "$dir/client" && "$@") || return
	fails "$EXIT_LOCAL" get "$url/file" &&
	fails "$EXIT_LOCAL" get --resume "$url/file" &&
	[ "$(cat "$dir/client/victim")" = precious ] &&
	[ ! -e "$dir/client/file" ] && none_received
}

nobodys() { echo > file.part && chown 65534 file.part; }

one_at_a_time()
{
	local status

	clean
	serve -s 1000
	start_tool get "$url/file"
	soon part_has 1000 || return
	fails "$EXIT_LOCAL" get "$url/file" && says "somebody else" &&
	part_has 1000
	status=$?
	kill "$job"
	ended "$EXIT_SIGNAL" && [ "$status" -eq 0 ] && part_has 1000
}

# broken_disk CALL: KND_FAIL of fail_calls.c
broken_disk()
{
	local status=0

	clean
	LD_PRELOAD=$knd_dir/fail_calls.so KND_FAIL=$1 \
		fails "$EXIT_LOCAL" get "$url/file" || status=1
	[ "$status" -eq 0 ] && says "Input/output error" &&
	[ ! -e "$dir/client/file" ] &&
	cmp "$dir/file" "$dir/client/file.part"
}

# Without a stderr, messages are not written to the file
no_stderr()
{
	local status=0

	clean
	serve -s 1000
	(cd "$dir/client" && exec knetdemo get -t 2 \
	 "$url/file" >&- 2>&-) || status=$?
	[ "$status" -eq "$EXIT_BROKEN" ] && part_has 1000 &&
	cmp -n 1000 "$dir/file" "$dir/client/file.part"
}

# How it ends

# server_says VERB=REPLY STATUS
server_says()
{
	clean
	serve "$1"
	fails "$2" get "$url/file" && [ ! -e "$dir/client/file.part" ]
}

breaks_off()
{
	clean
	serve -c 1000000
	fails "$EXIT_BROKEN" get "$url/file" && says "--resume goes on" ||
		return
	serve
	tool get --resume "$url/file" && whole
}

no_host()
{
	fails "$EXIT_CONNECT" get ftp://127.0.0.1:1/file &&
	fails "$EXIT_CONNECT" get ftp://host.invalid/file &&
	fails "$EXIT_CONNECT" get -6 "$url/file"
}

no_device()
{
	local status=0

	clean
	(cd "$dir/client" && unshare -m sh -c \
	 "mount -t tmpfs none /dev && exec knetdemo get $url/file") \
	 2> "$dir/err" || status=$?
	[ "$status" -eq "$EXIT_DEVICE" ] && says "is the module loaded" ||
		return
	# Root in a user namespace only
	status=0
	(cd "$dir/client" && unshare -rn knetdemo get -p "$dir/password" \
	 ftp://a@127.0.0.1/file) 2> "$dir/err" || status=$?
	[ "$status" -eq "$EXIT_DEVICE" ] && [ -z "$(ls -A "$dir/client")" ]
}

# signalled SIGNAL: the tool ends long before a stage's time of 30 s does
signalled()
{
	local began=$SECONDS limit=15

	clean
	serve -s 1000
	start_tool get "$url/file"
	soon part_has 1000 || return
	kill -s "$1" "$job"
	began=$SECONDS
	ended "$EXIT_SIGNAL" && [ $((SECONDS - began)) -le "$limit" ] &&
	part_has 1000
}

# As under nohup
hangup_ignored()
{
	local ignored

	clean
	serve -s 1000
	trap '' HUP
	start_tool get "$url/file"
	trap - HUP
	soon part_has 1000 || return
	ignored=$(sed -n 's/^SigIgn:[[:blank:]]*/0x/p' "/proc/$job/status")
	kill "$job"
	ended "$EXIT_SIGNAL" && [ $((ignored & 1)) -eq 1 ]
}

# Stopped and continued, it stays in the same session
continued()
{
	local status

	clean
	serve -s 1000
	start_tool get "$url/file"
	soon part_has 1000 || return
	kill -STOP "$job"
	kill -CONT "$job"
	# Without a second REST it is the same session, which never ends
	sleep 0.3
	kill "$job"
	ended "$EXIT_SIGNAL" && ! received "REST 1000"
}

# Untrusted text

evil=$'\e]0;evil\a\e[2J\x9b2J\xc2\x9b2J'

server_text()
{
	clean
	serve "RETR=550 $evil"
	fails "$EXIT_REFUSED" get "$url/file" && says "550 " && printable
}

own_text()
{
	clean
	serve
	tool get -o "$evil" "$url/file" &&
	cmp "$dir/file" "$dir/client/$evil" || return
	fails "$EXIT_CONNECT" get "ftp://$evil/file" &&
	fails "$EXIT_USAGE" filter "$evil" || return
	# A path may have bytes from 128 on, and /proc shows it
	tool get -o file $'ftp://'"$host"$'/\x9b2J\xc2\x9b2J' && tool status &&
	grep -qF 'done done' "$dir/out" && printable
}

# watch, status, filter

seen() { grep -q " 127\.0\.0\.1:$1 " "$dir/out"; }
connect() { nc -z 127.0.0.1 "$1" 2> /dev/null; }
start_watch() { start_tool watch && soon grep -q '^SEQ ' "$dir/out"; }
# SIGINT ends its wait
stop_watch() { kill -INT "$job" && ended "$EXIT_SIGNAL"; }

watch_follows()
{
	connect 11
	start_watch || return
	# No server is needed: attempts count
	connect 12
	soon seen 12 || return
	connect 13
	soon seen 13 || return
	nc -z ::1 14 2> /dev/null
	soon grep -q ' \[::1\]:14 ' "$dir/out" || return
	stop_watch && ! seen 11 && [ "$(wc -l < "$dir/out")" -eq 4 ]
}

watch_names()
{
	local nc

	nc=$(command -v nc.openbsd || command -v nc)
	cp "$nc" "$dir/"$'x\e[2J y'
	start_watch || return
	"$dir/"$'x\e[2J y' -z 127.0.0.1 15 2> /dev/null
	soon seen 15
	stop_watch && printable && grep -q ' x\\x1b\[2J\\x20y$' "$dir/out"
}

watch_misses()
{
	local i

	start_watch || return
	connect 16
	soon seen 16 || return
	kill -STOP "$job"
	for ((i = 0; i < 20; i++)); do
		connect 17
	done
	kill -CONT "$job"
	soon seen 17
	stop_watch && grep -q '^# 4 not seen' "$dir/out" &&
	[ "$(grep -c ':17 ' "$dir/out")" -eq 16 ]
}

watch_off()
{
	sysctl -qw net.knetdemo.monitor=0
	start_watch && stop_watch && says "the monitor is off"
}

watch_full()
{
	local status=0

	timeout 20 knetdemo watch > /dev/full 2> "$dir/err" || status=$?
	[ "$status" -eq "$EXIT_OTHER" ] || return
	# Also with a line buffer, where each line fails at once
	status=0
	timeout 20 stdbuf -oL knetdemo watch > /dev/full 2> "$dir/err" ||
		status=$?
	[ "$status" -eq "$EXIT_OTHER" ] || return
	status=0
	timeout 20 knetdemo status > /dev/full 2> "$dir/err" || status=$?
	[ "$status" -eq "$EXIT_OTHER" ] && says "cannot be written"
}

rules()
{
	sed -n 's/^ *[0-9]\+ *[0-9]\+ //p' \
		/proc/net/knetdemo/filter
}

filters()
{
	tool filter 192.0.2.7 && [ "$(rules)" = 192.0.2.7/32 ] &&
	tool filter 2001:db8::7 && [ "$(rules)" = 2001:db8::7/128 ] &&
	tool filter any && [ -z "$(rules)" ] &&
	tool filter 2001:db8::7 && tool filter 0.0.0.0 && [ -z "$(rules)" ] &&
	tool filter 192.0.2.7 && tool filter :: && [ -z "$(rules)" ]
}

filter_refuses()
{
	local bad status=0

	tool filter 192.0.2.8 || return
	for bad in '' localhost 192.0.2 192.0.2.256 192.0.2.0/24 2001:db8: \
		'192.0.2.9 ' $'2001:db8::9\nflush'; do
		fails "$EXIT_USAGE" filter "$bad" || status=1
	done
	[ "$(rules)" = 192.0.2.8/32 ] && [ "$status" -eq 0 ]
}

filter_of_others()
{
	local status=0

	setpriv --reuid 65534 --regid 65534 --clear-groups \
		knetdemo filter 192.0.2.9 2> "$dir/err" || status=$?
	[ "$status" -eq "$EXIT_DEVICE" ] && [ "$(rules)" = 192.0.2.8/32 ] ||
		return
	status=0
	unshare -rn knetdemo filter 192.0.2.9 2> "$dir/err" || status=$?
	[ "$status" -eq "$EXIT_DEVICE" ] || return
	status=0
	unshare -rn knetdemo filter 2001:db8::9 2> "$dir/err" || status=$?
	[ "$status" -eq "$EXIT_DEVICE" ]
}

shows_status()
{
	local status=0

	sysctl -qw net.knetdemo.tcp=1
	tool status && grep -qx "Monitor: on" "$dir/out" &&
	grep -qx "TCP service: on" "$dir/out" &&
	grep -qx "UDP emitter: off" "$dir/out" &&
	grep -qx "FTP client:" "$dir/out" &&
	grep -q " attempts $(counter monitor_attempts)" "$dir/out" || return
	sysctl -qw net.knetdemo.tcp=0
	tool status && grep -qx "TCP service: off" "$dir/out" || return
	unshare -m sh -c 'mount -t tmpfs none /proc && exec knetdemo status' \
		2> "$dir/err" || status=$?
	[ "$status" -eq "$EXIT_DEVICE" ]
}

plan 57

serve
check "usage: 2, and --help" usage
check "URLs that are none: 2, and nothing is sent" bad_urls
check "names that are none" bad_names
check "only a regular file is replaced" only_regular_files
check "anonymous" anonymous

serve -p s3cret
check "password: from a file" from_file
check "password: from the standard input" from_input
check "password: files that have none" bad_files
check "password: a wrong one is 4" wrong_password
check "password: not in the URL" not_in_the_url
check "password: in the URL where that is wanted" in_the_url
check "password: asked for, without an echo" prompted
check "password: stopped at the question, it asks again" prompted_again
check "password: Ctrl-C at the question" not_prompted $'\003' "$EXIT_SIGNAL"
check "password: Ctrl-D at the question" not_prompted $'\004' "$EXIT_LOGIN"
check "netrc: nobody else's password" netrc_of_others
check "netrc: entries" netrc_entries
serve -p '#s3cret'
check "netrc: a password may begin with #" netrc_hash
check "password: gone from the command line" gone_from_argv

serve
check "what was there is retrieved anew" anew
check "resume" resumes
check "a file of this name is replaced, a link not followed" replaces
check "file.part: a symbolic link" part_of_others ln -s victim file.part
check "file.part: a hard link" part_of_others ln victim file.part
check "file.part: dangling" part_of_others ln -s nowhere file.part
check "file.part: a FIFO" part_of_others mkfifo file.part
check "file.part: a directory" part_of_others mkdir file.part
check "file.part: of another user" part_of_others nobodys
check "fsync fails: 7" broken_disk fsync
check "rename fails: 7" broken_disk rename
check "nobody there: 3" no_host
check "no device, or not for us: 8" no_device
check "one at a time" one_at_a_time
check "no standard files" no_stderr

check "greeting 554: 3" server_says "greeting=554 no" "$EXIT_CONNECT"
check "USER 530: 4" server_says "USER=530 no" "$EXIT_LOGIN"
check "PASS 503: 4" server_says "PASS=503 no" "$EXIT_LOGIN"
check "TYPE 504: 5" server_says "TYPE=504 no" "$EXIT_REFUSED"
check "RETR 550: 5" server_says "RETR=550 no" "$EXIT_REFUSED"
check "TYPE of no form: 6" server_says "TYPE=ok" "$EXIT_BROKEN"
check "broken off: 6, and resumed" breaks_off
check "SIGINT: 130" signalled INT
check "SIGTERM: 130" signalled TERM
check "SIGHUP: 130" signalled HUP
check "SIGHUP that is ignored" hangup_ignored
check "SIGSTOP, SIGCONT: goes on" continued
check "text of a server" server_text
check "text of our own" own_text

sysctl -qw net.knetdemo.monitor_ring=16 \
	net.knetdemo.monitor=1 net.knetdemo.monitor_log=0
check "watch: what is new, until SIGINT" watch_follows
check "watch: names of processes" watch_names
check "watch: what the ring has lost" watch_misses
check "watch: a full disk is 1" watch_full
check "status" shows_status
check "watch: the monitor is off" watch_off
check "filter: sets and clears" filters
check "filter: no address is 2" filter_refuses
check "filter: not for all: 8" filter_of_others

finish_tests
