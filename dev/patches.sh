#!/bin/bash
# Keep patches/ and the overlay two forms of one series.
#
# patches.sh             regenerate patches/: the series becomes commits (git am)
#                        in the repository build/series; what the overlay changed
#                        since goes to the commits that it belongs to (git
#                        absorb; for the rest, dev/series or the file's last
#                        commit), is folded in (git rebase) and written out (git
#                        format-patch)
# patches.sh --edit [FILE...]
#                        only make that repository, so that git's own commands
#                        can reword, split, add or reorder commits; with these
#                        files of the kernel in it, too
# patches.sh --continue  go on from what stands in that repository
# patches.sh --check     prove that patches/ and the overlay agree (TAP)
# patches.sh --bisect    prove that every prefix of the series builds (TAP)
#
# dev/cover-letter.txt has the cover letter: a subject, an empty line, text.

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=dev/objects.sh
. "$TOP/dev/objects.sh"

readonly PATCHES_MAX=15
readonly REPO=$TOP/build/series

# Not the repository of a hook or an alias that runs this
# shellcheck disable=SC2046 # a list of names
unset $(git rev-parse --local-env-vars)

# git without the user's configuration: the same series gives the same patches
# on every machine
# own_git DIR ARGUMENTS...
own_git()
{
	env -u XDG_CONFIG_HOME -u GIT_CONFIG_GLOBAL -u GIT_EXTERNAL_DIFF \
		-u GIT_DIFF_OPTS "HOME=$TOP/build/git-home" \
		GIT_CONFIG_NOSYSTEM=1 GIT_EDITOR=: GIT_SEQUENCE_EDITOR=: \
		GIT_PAGER=cat git -C "$@"
}
mkdir -p "$TOP/build/git-home"
printf '[user]\n\tname = knetdemo\n\temail = knetdemo@localhost\n' \
	> "$TOP/build/git-home/.gitconfig"

# The patches in order, without the cover letter
patches=()
for patch in "$TOP"/patches/[0-9]*.patch; do
	case $patch in
	*/0000-* | *\**) ;;
	*) patches+=("$patch") ;;
	esac
done

# A repository with just those files of a source that the series touches
# make_base SRC DIR [MORE-FILES...]
make_base()
{
	local src=$1 dir=$2 file
	shift 2

	rm -rf "$dir"
	mkdir -p "$dir"
	own_git "$dir" init -q -b series
	own_git "$dir" config core.abbrev 12
	while read -r file; do
		[ -f "$src/$file" ] || continue
		mkdir -p "$dir/$(dirname "$file")"
		cp "$src/$file" "$dir/$file"
	done < <({ printf '%s\n' "$@"
		   sed -n 's,^+++ b/\([^[:blank:]]*\).*,\1,p' "${patches[@]}"
		 } | sort -u)
	own_git "$dir" add -A -f
	own_git "$dir" commit -q --allow-empty -m "$(basename "$src")"
	own_git "$dir" tag base
}

# apply_series DIR
apply_series()
{
	own_git "$1" am -q --committer-date-is-author-date "${patches[@]}"
}

# Files of a commit that the kernel does not have
# added_files DIR [COMMIT]
added_files()
{
	own_git "$1" diff --no-renames --name-only --diff-filter=A base \
		"${2:-HEAD}"
}

# Make the work tree's own files those of the overlay
# lay_overlay DIR
lay_overlay()
{
	(cd "$1" && added_files . | xargs -r rm -f)
	overlay_files | rsync -rlp --files-from=- "$TOP/" "$1/"
	own_git "$1" add -A -f
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
	return "$rc"
}

# The commit that dev/series names for a file, or else its latest
# owner_of FILE
owner_of()
{
	local file=$1 pattern subject sha

	while IFS=$'\t' read -r pattern subject; do
		# shellcheck disable=SC2053 # a pattern it is
		if [ -z "$pattern" ] || [ "${pattern:0:1}" = "#" ] ||
		   [[ $file != $pattern ]]; then
			continue
		fi
		sha=$(own_git "$REPO" log --format='%H %s' base..series-old |
		      while read -r sha line; do
			[ "$line" != "$subject" ] || echo "$sha"
		      done)
		[ -n "$sha" ] ||
			die "dev/series gives $file to a patch that the series does not have: $subject"
		echo "$sha"
		return
	done < <(tr -s '\t' < "$TOP/dev/series")
	sha=$(own_git "$REPO" log -1 --format=%H base..series-old -- "$file")
	[ -n "$sha" ] ||
		die "no patch has $file yet: say in dev/series which one shall, or make a new one (dev/patches.sh --edit)"
	echo "$sha"
}

# Commit what the overlay changed, as corrections to the series' commits
make_fixups()
{
	local file sha

	own_git "$REPO" tag -f series-old > /dev/null
	lay_overlay "$REPO"
	! own_git "$REPO" diff --cached --quiet || return 0
	if own_git "$REPO" diff --cached --quiet --diff-filter=M; then
		:
	elif ! own_git "$REPO" absorb --force --base base \
		> "$LOGS/absorb.log" 2>&1; then
		die "git absorb failed, its output is in build/logs/absorb.log"
	fi
	while read -r file; do
		sha=$(owner_of "$file")
		own_git "$REPO" commit -q --fixup="$sha" -- "$file"
	done < <(own_git "$REPO" diff --cached --no-renames --name-only)
	own_git "$REPO" diff --quiet HEAD ||
		die "changes are left over in build/series"
	own_git "$REPO" log --reverse --no-renames --numstat --format=%s \
		series-old..HEAD | awk '
		NF == 0 { next }
		/^fixup! / { patch = substr($0, 8); next }
		{
			line = patch "\n    " $3
			if (!(line in more))
				order[++n] = line
			more[line] += $1
			less[line] += $2
		}
		END {
			for (i = 1; i <= n; i++) {
				split(order[i], part, "\n")
				if (part[1] != last)
					print "  " part[1]
				last = part[1]
				printf "%s +%d -%d\n", part[2], \
					more[order[i]], less[order[i]]
			}
		}' >&2
}

fold()
{
	own_git "$REPO" rebase -q -i --autosquash \
		--committer-date-is-author-date base > "$LOGS/rebase.log" 2>&1 ||
		die "the changes do not fold into the series by themselves.
Finish the rebase in build/series ('git status' says what to do there, as in any
repository), then run: dev/patches.sh --continue"
}

write_patches()
{
	local new=$TOP/build/patches.new last file

	rm -rf "$new"
	own_git "$REPO" config branch.series.description \
		"$(cat "$TOP/dev/cover-letter.txt")"
	# The cover letter comes from whoever wrote the last patch, then
	last=$(own_git "$REPO" log -1 --format='%an%n%ae%n%aI' series)
	{ read -r name; read -r email; read -r date; } <<< "$last"
	# shellcheck disable=SC2154 # read above
	GIT_COMMITTER_NAME=$name GIT_COMMITTER_EMAIL=$email \
		GIT_COMMITTER_DATE=$date own_git "$REPO" format-patch -q \
		-U2 --zero-commit --no-signature --no-renames --abbrev=12 \
		--subject-prefix='PATCH net-next' --cover-letter \
		--cover-from-description=subject -o "$new" base..series
	mkdir -p "$TOP/patches"
	for file in "$TOP"/patches/*.patch; do
		[ -f "$new/$(basename "$file")" ] || rm -f "$file"
	done
	for file in "$new"/*; do
		cmp -s "$file" "$TOP/patches/$(basename "$file")" && continue
		cp "$file" "$TOP/patches/"
		say "  wrote patches/$(basename "$file")"
	done
	rm -rf "$new"
}


# The repository build/series with the series as it is in patches/
# open_series [MORE-FILES...]
open_series()
{
	command -v git-absorb > /dev/null ||
		[ -x "$(git --exec-path)/git-absorb" ] ||
		die "git absorb is missing: apt-get install git-absorb"
	make_base "$("$TOP/dev/source.sh")" "$REPO" "$@"
	apply_series "$REPO" > "$LOGS/am.log" 2>&1 ||
		die "git am does not take patches/, its output is in build/logs/am.log"
}

# The repository build/series with what someone did there
resume_series()
{
	[ -d "$REPO/.git" ] || die "there is no build/series to go on from"
	[ "$(own_git "$REPO" symbolic-ref -q --short HEAD)" = series ] ||
		die "build/series is not on its branch 'series': is a rebase unfinished there?"
	[ -z "$(own_git "$REPO" status --porcelain)" ] ||
		die "build/series has changes that are not committed"
}

close_series()
{
	local n

	make_fixups
	fold
	is_overlay "$REPO" >&2 ||
		die "the series in build/series is not the overlay"
	write_patches
	n=$(own_git "$REPO" rev-list --count base..series)
	say "  $n patches, the same as the overlay"
	[ "$n" -le "$PATCHES_MAX" ] ||
		die "netdev takes at most $PATCHES_MAX patches in a series"
}

proofs=0
refuted=0
# prove WHAT COMMAND...: one line of TAP, with what the command said if it failed
prove()
{
	local what=$1 said rc=0
	shift

	proofs=$((proofs + 1))
	said=$("$@" 2>&1) || rc=$?
	if [ "$rc" -eq 0 ]; then
		echo "ok $proofs $what"
	else
		refuted=$((refuted + 1))
		echo "not ok $proofs $what"
		sed 's/^/# /' <<< "$said" | head -n 40
	fi
	return "$rc"
}

proofs_end()
{
	echo "1..$proofs"
	[ "$refuted" -eq 0 ]
}

# Complete, in order, and no more than netdev takes
is_numbered()
{
	local n=${#patches[@]} i=0 patch

	[ "$n" -le "$PATCHES_MAX" ] || { echo "$n patches"; return 1; }
	for patch in "$TOP"/patches/0000-*.patch "${patches[@]}"; do
		[ -f "$patch" ] || { echo "no cover letter"; return 1; }
		grep -q "^Subject: \[PATCH net-next $(printf "%0${#n}d" $i)/$n\] " \
			"$patch" || { echo "$patch: not $i/$n"; return 1; }
		i=$((i + 1))
	done
}

# The cover letter says what dev/cover-letter.txt says
is_cover()
{
	local subject text letter

	letter=$(cat "$TOP"/patches/0000-*.patch)
	{ read -r subject; text=$(cat); } < "$TOP/dev/cover-letter.txt"
	[[ $letter == *"$text"* ]] && grep -qxF "$subject" < <(
		sed -n '/^Subject:/,/^[^ ]/p' <<< "$letter" |
		sed -n 's/^Subject: \[[^]]*\] //p; s/^ //p' | paste -sd ' ')
}

is_clean() { own_git "$1" diff --check base HEAD; }

# Taken back, the series leaves what was there
is_reversible()
{
	local i

	for ((i = ${#patches[@]} - 1; i >= 0; i--)); do
		own_git "$1" apply -R --index "${patches[i]}" || return 1
	done
	own_git "$1" diff --cached --stat --exit-code base
}

check()
{
	local src dir sources

	[ ${#patches[@]} -gt 0 ] || die "there is no patch in patches/"
	sources=$("$TOP/dev/source.sh"
		  find "$CACHE/src" -maxdepth 1 -name 'linux-*' ! -name '*.tmp')
	prove "at most $PATCHES_MAX patches, numbered, with a cover letter" \
		is_numbered || :
	prove "the cover letter has the text of dev/cover-letter.txt" \
		is_cover || :
	while read -r src; do
		dir=$TOP/build/series-check
		make_base "$src" "$dir"
		prove "$(basename "$src"): git am takes the series" \
			apply_series "$dir" || continue
		prove "$(basename "$src"): the series is the overlay" \
			is_overlay "$dir" || :
		prove "$(basename "$src"): no white space errors" \
			is_clean "$dir" || :
		prove "$(basename "$src"): taken back, the source is as it was" \
			is_reversible "$dir" || :
		rm -rf "$dir"
	done < <(sort -u <<< "$sources")
	proofs_end
}

# Everything that the tree builds from the series, without a warning
# builds SRC TREE OBJECTS DIR
builds()
{
	refresh_tree "$1" "$2" "$4"
	configure_objects "$2" "$3" "$TOP/dev/config/compile.config" > "$LOGS/bisect-config.log" 2>&1 ||
		{ tail -n 5 "$LOGS/bisect-config.log"; return 1; }
	compile_objects "$2" "$3" > "$LOGS/bisect.log" 2>&1 ||
		{ grep -E 'error|warning|ERROR' "$LOGS/bisect.log" ||
			tail -n 5 "$LOGS/bisect.log"; return 1; }
}

bisect()
{
	local src name tree objects dir=$TOP/build/series-check sha

	src=$("$TOP/dev/source.sh")
	name=$(tree_name "$src")
	tree=$(tree_dir "$src" bisect)
	objects=$CACHE/build/$name-bisect
	lock "tree-$name-bisect"
	"$TOP/dev/tree.sh" "$src" bisect > /dev/null
	make_base "$src" "$dir"
	apply_series "$dir"
	for sha in $(own_git "$dir" rev-list --reverse base..series); do
		own_git "$dir" checkout -q --detach "$sha"
		prove "builds: $(own_git "$dir" log -1 --format=%s)" \
			builds "$src" "$tree" "$objects" "$dir" || :
	done
	rm -rf "$dir"
	proofs_end
}

case ${1:-} in
"") open_series; close_series ;;
--edit)
	shift
	open_series "$@"
	say "The series is in build/series. Change it with git, then run: dev/patches.sh --continue"
	;;
--continue) resume_series; close_series ;;
--check) check ;;
--bisect) bisect ;;
*) die "dev/patches.sh [--edit [FILE...] | --continue | --check | --bisect]" ;;
esac
