# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2034 # the programs use what is set here
# shellcheck disable=SC2154 # knetdemo_lib.sh sets knd_dir
#
# Shared by the tests of the tool: a directory, a scripted FTP server, and the
# tool in the foreground or in the background. Source it last: it sets things
# up.

# Exit statuses of the tool
EXIT_OTHER=1
EXIT_USAGE=2
EXIT_CONNECT=3
EXIT_LOGIN=4
EXIT_REFUSED=5
EXIT_BROKEN=6
EXIT_LOCAL=7
EXIT_DEVICE=8
EXIT_SIGNAL=130

# KND_TOOL is another build of the tool to test
knd_tool=${KND_TOOL:-knetdemo}
needs "$knd_tool" unshare
# Run the whole test in a network namespace of its own
[ -n "${KND_UNSHARED:-}" ] || exec unshare -n env KND_UNSHARED=1 "$0" "$@"
# Without job control background processes would ignore SIGINT
set -m
server=
job=

finish()
{
	[ -z "$job" ] || kill -KILL "$job"
	stop_server
	wait
	umount "$dir"
	rmdir "$dir"
} 2> /dev/null

# tool ARGUMENTS...: run the tool in the directory "client"
tool()
{
	(cd "$dir/client" && HOME=$dir/home exec "$knd_tool" "$@") \
		> "$dir/out" 2>> "$dir/err"
}

# start_tool ARGUMENTS...: run it in the background, as $job
start_tool()
{
	# tool() would make a shell the process $job
	(cd "$dir/client" && HOME=$dir/home exec "$knd_tool" "$@") \
		> "$dir/out" 2>> "$dir/err" &
	job=$!
}

# ended STATUS: wait for $job, whose exit status has to be this
ended()
{
	local status=0

	wait "$job" || status=$?
	job=
	[ "$status" -eq "$1" ] ||
		{ echo "status $status" >> "$dir/err"; false; }
}

# fails STATUS ARGUMENTS...
fails()
{
	local want=$1 status=0
	shift

	tool "$@" || status=$?
	[ "$status" -eq "$want" ] ||
		{ echo "status $status: $*" >> "$dir/err"; false; }
}

stop_server()
{
	[ -n "$server" ] || return 0
	kill "$server"
	wait "$server"
	server=
} 2> /dev/null

# serve OPTIONS...: start ftp_script with these options
serve()
{
	local out port

	stop_server
	: > "$dir/commands"
	exec {out}< <(exec "$knd_dir/ftp_script" \
		      -l "$dir/commands" -f "$dir/file" "$@")
	server=$!
	read -r -u "$out" port
	exec {out}<&-
	host=127.0.0.1:$port
	url=ftp://$host
}

# received LINE: the server received this command
received()
{
	local line

	while IFS= read -r line; do
		[ "$line" != "$1"$'\r' ] || return 0
	done < "$dir/commands"
	return 1
}

none_received() { [ ! -s "$dir/commands" ]; }
says() { grep -qF -e "$1" "$dir/err"; }
# All output is printable
printable()
{
	[ "$(cat "$dir/out" "$dir/err" | LC_ALL=C tr -d '\n -~' |
		wc -c)" -eq 0 ]
}

clean() { rm -rf "$dir/client" && mkdir "$dir/client"; }
whole() { cmp "$dir/file" "$dir/client/file" >> "$dir/err" 2>&1 &&
	  [ ! -e "$dir/client/file.part" ]; }
part_has() { [ "$(stat -c %s "$dir/client/file.part" 2> /dev/null)" = "$1" ]; }
counter() { sed -n "s/^$1 //p" /proc/net/knetdemo/stats; }

dir=$(mktemp -d)
mount -t tmpfs none "$dir"
mkdir -m 755 "$dir/client" "$dir/home"
head -c 3000000 /dev/urandom > "$dir/file"
(umask 077 && echo s3cret > "$dir/password")
knd_seen=$dir/err
: > "$dir/err"
trap finish EXIT
ip link set lo up
