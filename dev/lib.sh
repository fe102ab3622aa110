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

# One maker at a time; the lock is released when the process ends, or by unlock.
# lock_file FILE
lock_file()
{
	exec {LOCK_FD}> "$1"
	if ! flock -n "$LOCK_FD"; then
		say "  waiting for another knetdemo build ($(basename "$1" .lock))"
		flock "$LOCK_FD"
	fi
}

# The same for what clones share
# lock NAME
lock() { lock_file "$CACHE/$1.lock"; }

unlock() { exec {LOCK_FD}>&-; }

# Run a command with its output in a log, showing the stage and its time.
# stage NAME LOG COMMAND...
stage()
{
	local name=$1 log=$LOGS/$2.log start=$SECONDS pid rc=0
	shift 2

	# A process group of its own, so that an interrupt ends make's children
	# too: they would go on, and hold the lock.
	set -m
	"$@" > "$log" 2>&1 < /dev/null &
	pid=$!
	set +m
	# shellcheck disable=SC2064 # this pid, now
	trap "kill -- -$pid 2> /dev/null; wait $pid; exit 130" INT TERM
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
	{ grep -E '(error|Error|ERROR|fatal|undefined reference|No such file|No space left)' \
		"$log" || tail -n 5 "$log"; } | sed -n '1,12p' |
		overlay_names | sed 's/^/    /' >&2
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

# The tree that a purpose (release, debug, lint, uml) builds in, see tree.sh
# tree_dir SRC PURPOSE
tree_dir() { echo "$CACHE/tree/$(tree_name "$1")-$2"; }

# Its objects
# objects_dir SRC PURPOSE
objects_dir() { echo "$CACHE/build/$(tree_name "$1")-$2"; }

# What make menuconfig changed in this clone
# own_config KIND
own_config() { echo "$TOP/build/config/$1.config"; }

# Fragments of a configuration with one line for each option: the latest
latest_options()
{
	awk '
	/^CONFIG_/ || /^# CONFIG_/ {
		name = $1 == "#" ? $2 : $1
		sub(/=.*/, "", name)
		if (!(name in line))
			order[++n] = name
		line[name] = $0
	}
	END { for (i = 1; i <= n; i++) print line[order[i]] }'
}

# Files of a tree that were written after tree.sh was there last
# touched_files TREE
touched_files()
{
	(cd "$1" && find . -type f -cnewer .knetdemo-stamp ! -name '*.pyc' \
		! -name '.knetdemo*' | sed 's,^\./,,')
}

# Files of a tree that differ from the source because a user edited them
# edited_files SRC TREE
edited_files()
{
	local src=$1 tree=$2 file

	[ -f "$tree/.knetdemo" ] || return 0
	{
		touched_files "$tree"
		cat "$tree/.knetdemo-edits" 2> /dev/null || :
	} | sort -u | comm -23 - <(sed 's,^\./,,' "$tree/.knetdemo" | sort) |
	while read -r file; do
		[ -f "$tree/$file" ] || continue
		cmp -s "$src/$file" "$tree/$file" || echo "$file"
	done
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

# Show compilers' paths of the component's files as they stand in this
# repository, wherever the copies are that were compiled.
overlay_names()
{
	sed -E 's,(^|[ "`(])[^ ":]*/((net/knetdemo|include/uapi/linux|tools/net/knetdemo|tools/testing/selftests/net/knetdemo)/[^ /:]*),\1\2,g'
}

# The files of the overlay, relative to the top of a kernel tree
overlay_files()
{
	(
		cd "$TOP"
		if git rev-parse --git-dir > /dev/null 2>&1; then
			git ls-files -co --exclude-standard \
				-- net include Documentation tools samples
		else
			find net include Documentation tools samples -type f
		fi | while read -r f; do [ ! -f "$f" ] || echo "$f"; done
	) | sort -u
}

# A compiler, by way of ccache where it is installed
# ccached COMPILER
ccached() { if command -v ccache > /dev/null; then echo "ccache $1"; else echo "$1"; fi; }

# The C compiler that all builds of kernels from source use
kcc() { ccached gcc; }

# Remove copies of overlay files that the overlay no longer has
# prune_copies DIR SUBDIR...
prune_copies()
{
	local dir=$1
	shift

	(cd "$dir" && find "$@" -type f -name '*.[chS]' | sort) |
		comm -23 - <(overlay_files) | (cd "$dir" && xargs -r rm -f)
}
