# shellcheck shell=bash
# What the scripts of dev/ share: places, messages, stages with a log, locks.

set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/knetdemo}
KERNEL=${KERNEL:-6.12}
KSRC=${KSRC:-}
LOGS=$TOP/build/logs
export LC_ALL=C

# The scripts of a Debian kernel tree want Debian's python and its modules.
PYTHON3=/usr/bin/python3
[ -x "$PYTHON3" ] || PYTHON3=python3

mkdir -p "$LOGS" "$CACHE"/{deb,src,tree,build,out}

say() { printf '%s\n' "$*" >&2; }
die() { say "knetdemo: $*"; exit 1; }

# One maker at a time for what clones share; released when the process ends.
# lock NAME
lock()
{
	local fd

	exec {fd}> "$CACHE/$1.lock"
	if ! flock -n "$fd"; then
		say "  waiting for another knetdemo build ($1)"
		flock "$fd"
	fi
	# shellcheck disable=SC2034 # held, not read
	LOCK_FD=$fd
}

# Run a command with its output in a log, showing the stage and its time.
# stage NAME LOG COMMAND...
stage()
{
	local name=$1 log=$LOGS/$2.log start=$SECONDS pid rc=0
	shift 2

	"$@" > "$log" 2>&1 < /dev/null &
	pid=$!
	# shellcheck disable=SC2064 # this pid, now
	trap "kill $pid 2> /dev/null || :" INT TERM
	if [ -t 2 ]; then
		while kill -0 "$pid" 2> /dev/null; do
			printf '\r  %-46s %4d s  (%s)' "$name" \
				$((SECONDS - start)) "${log#"$TOP"/}" >&2
			sleep 1
		done
		printf '\r\033[K' >&2
	fi
	wait "$pid" || rc=$?
	trap - INT TERM
	if [ "$rc" -eq 0 ]; then
		printf '  %-46s %4d s\n' "$name" $((SECONDS - start)) >&2
		return 0
	fi
	printf '  %-46s %4d s  FAILED\n' "$name" $((SECONDS - start)) >&2
	{ grep -E '(error|Error|ERROR|fatal|undefined reference|No such file)' \
		"$log" || tail -n 5 "$log"; } | head -n 12 | sed 's/^/    /' >&2
	die "$name failed (status $rc), the whole output is in ${log#"$TOP"/}"
}

# The name in the cache of what is built from a source
# tree_name SRC
tree_name()
{
	if [ -n "$KSRC" ]; then
		echo "ksrc-$(printf '%s' "$1" | sha256sum | cut -c1-12)"
	else
		basename "$1"
	fi
}

# Trees to build in: their unchanged files are hard links to the source where
# that is possible, and rsync writes a changed file under a new inode, so that
# the source is never modified.

# copy_tree SRC TREE
copy_tree()
{
	rm -rf "$2.tmp"
	rsync -a --exclude=/.git --link-dest="$1" "$1/" "$2.tmp/" &&
		mv "$2.tmp" "$2"
}

# Let the files in a directory stand in the tree in the place of the source's,
# and nothing that was put there before
# refresh_tree SRC TREE DIR
refresh_tree()
{
	local src=$1 tree=$2 dir=$3 list file

	list=$(mktemp)
	(cd "$dir" && find . -path ./.git -prune -o -type f -print | sort) \
		> "$list"
	if [ -f "$tree/.knetdemo" ]; then
		comm -23 "$tree/.knetdemo" "$list" | while read -r file; do
			rm -f "$tree/$file"
			[ ! -f "$src/$file" ] || cp -a "$src/$file" "$tree/$file"
		done
	fi
	rsync -rlp --checksum --chmod=D755 --exclude=/.git "$dir/" "$tree/"
	mv "$list" "$tree/.knetdemo"
}

# The files of the overlay, relative to the top of a kernel tree
overlay_files()
{
	(
		cd "$TOP"
		if git rev-parse --git-dir > /dev/null 2>&1; then
			git ls-files -co --exclude-standard \
				-- net include Documentation tools
		else
			find net include Documentation tools -type f
		fi | while read -r f; do [ ! -f "$f" ] || echo "$f"; done
	) | sort -u
}

# The C compiler that all builds use
kcc() { if command -v ccache > /dev/null; then echo "ccache gcc"; else echo gcc; fi; }
