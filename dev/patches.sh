#!/bin/bash
# Make patches/ from the overlay and dev/series/ (see dev/series.py), or prove
# that they agree.
#
# patches.sh          write patches/SERIES/
# patches.sh --check  prove that git am takes patches/, and that what it gives
#                     is the overlay (TAP)

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=dev/repo.sh
. "$TOP/dev/repo.sh"

readonly PATCHES_MAX=15

# write_patches REPO SERIES START
write_patches()
{
	local repo=$1 name=$2 start=$3 new=$TOP/build/patches.new file n
	local git_date who

	n=$(own_git "$repo" rev-list --count "$start..$name")
	[ "$n" -le "$PATCHES_MAX" ] ||
		die "$n patches in dev/series/$name: netdev takes at most $PATCHES_MAX"
	rm -rf "$new"
	own_git "$repo" checkout -q -B letter "$name"
	own_git "$repo" config branch.letter.description \
		"$(cat "$TOP/dev/series/$name/cover.txt")"
	# The cover letter comes from the author of the last patch, then
	who=$(own_git "$repo" log -1 --format='%an%n%ae%n%aI')
	{ read -r GIT_COMMITTER_NAME; read -r GIT_COMMITTER_EMAIL
	  read -r git_date; } <<< "$who"
	export GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
	GIT_COMMITTER_DATE=$git_date own_git "$repo" format-patch -q -U2 \
		--zero-commit --no-signature --no-renames --abbrev=12 \
		--subject-prefix='PATCH net-next' --cover-letter \
		--cover-from-description=subject -o "$new" "$start..letter"
	mkdir -p "$TOP/patches/$name"
	for file in "$TOP/patches/$name"/*.patch; do
		[ -f "$new/$(basename "$file")" ] || rm -f "$file"
	done
	for file in "$new"/*; do
		cmp -s "$file" "$TOP/patches/$name/$(basename "$file")" && continue
		cp "$file" "$TOP/patches/$name/"
		say "  wrote patches/$name/$(basename "$file")"
	done
	rm -rf "$new"
	say "  patches/$name: $n patches"
}

make_patches()
{
	local src repo=$TOP/build/series name start=start

	src=$("$TOP/dev/source.sh")
	"$PYTHON3" "$TOP/dev/series.py" build "$src" "$repo"
	for name in "${SERIES[@]}"; do
		write_patches "$repo" "$name" "$start"
		start=$name
	done
}

# Files of a commit that the kernel does not have
# added_files DIR
added_files()
{
	own_git "$1" diff --no-renames --name-only --diff-filter=A start HEAD
}

# The series in a repository adds the overlay, and nothing else
# is_overlay DIR
is_overlay()
{
	local dir=$1 file rc=0

	diff <(added_files "$dir") <(overlay_files) > "$dir/.git/files" || {
		sed -n 's/^< /only in the series: /p;
			s/^> /only in the overlay: /p' "$dir/.git/files"
		rc=1
	}
	while read -r file; do
		if ! cmp -s "$dir/$file" "$TOP/$file"; then
			echo "differs: $file"
			rc=1
		elif [ -x "$dir/$file" ] && [ ! -x "$TOP/$file" ] ||
		     [ ! -x "$dir/$file" ] && [ -x "$TOP/$file" ]; then
			echo "differs in mode: $file"
			rc=1
		fi
	done < <(added_files "$dir" | sort | comm -12 - <(overlay_files))
	[ "$rc" -eq 0 ] || echo "make patches brings them together"
	return "$rc"
}

# Complete, in order, and no more than netdev takes
# is_numbered SERIES
is_numbered()
{
	local i=0 n patch list

	mapfile -t list < <(patches_of "$1")
	n=${#list[@]}
	[ "$n" -gt 0 ] && [ "$n" -le "$PATCHES_MAX" ] ||
		{ echo "$n patches"; return 1; }
	for patch in "$TOP/patches/$1"/0000-*.patch "${list[@]}"; do
		[ -f "$patch" ] || { echo "no cover letter"; return 1; }
		grep -q "^Subject: \[PATCH net-next $(printf "%0${#n}d" $i)/$n\] " \
			"$patch" || { echo "$patch: not $i/$n"; return 1; }
		i=$((i + 1))
	done
}

# The cover letter says what cover.txt says
# is_cover SERIES
is_cover()
{
	local subject text letter

	letter=$(cat "$TOP/patches/$1"/0000-*.patch)
	{ read -r subject; text=$(cat); } < "$TOP/dev/series/$1/cover.txt"
	[[ $letter == *"$text"* ]] && grep -qxF "$subject" < <(
		sed -n '/^Subject:/,/^[^ ]/p' <<< "$letter" |
		sed -n 's/^Subject: \[[^]]*\] //p; s/^ //p' | paste -sd ' ')
}

# The messages say what dev/series says: nobody edits patches/
# is_told DIR SERIES
is_told()
{
	diff <(own_git "$1" log --reverse --format='%B%n---' \
			"start..${SERIES[-1]}" | cat -s) \
	     <(for name in "${SERIES[@]}"; do
			for file in "$TOP/dev/series/$name"/[0-9]*.txt; do
				sed '/^---$/,$d' "$file"
				printf '\n---\n'
			done
	       done | cat -s)
}

is_clean() { own_git "$1" diff --check start HEAD; }

# Taken back, the series leave what was there
# is_reversible DIR
is_reversible()
{
	local patch

	for name in "${SERIES[@]}"; do
		patches_of "$name"
	done | tac | while read -r patch; do
		own_git "$1" apply -R --index "$patch" || return 1
	done
	own_git "$1" diff --cached --stat --exit-code start
}

check()
{
	local src dir sources name

	for name in "${SERIES[@]}"; do
		prove "$name: at most $PATCHES_MAX patches, numbered, with a cover letter" \
			is_numbered "$name" || :
		prove "$name: the cover letter has the text of dev/series/$name/cover.txt" \
			is_cover "$name" || :
	done
	sources=$("$TOP/dev/source.sh"
		  find "$CACHE/src" -maxdepth 1 -name 'linux-*' ! -name '*.tmp')
	while read -r src; do
		name=$(basename "$src")
		dir=$TOP/build/series-am
		make_base "$src" "$dir"
		prove "$name: git am takes the series" apply_series "$dir" ||
			continue
		prove "$name: the series are the overlay" is_overlay "$dir" || :
		prove "$name: the messages are those of dev/series" \
			is_told "$dir" || :
		prove "$name: no white space errors" is_clean "$dir" || :
		prove "$name: taken back, the source is as it was" \
			is_reversible "$dir" || :
		rm -rf "$dir"
	done < <(sort -u <<< "$sources")
	proofs_end
}

case ${1:-} in
"") make_patches ;;
--check) check ;;
*) die "dev/patches.sh [--check]" ;;
esac
