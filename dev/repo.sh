# shellcheck shell=bash
# Git repositories with the series, for patches.sh, check-series.sh and b4.sh.
# Sourced after lib.sh.

# Not the repository of a hook or an alias that runs this
# shellcheck disable=SC2046 # a list of names
unset $(git rev-parse --local-env-vars)

# The two series, in the order in which they apply
mapfile -t SERIES < <(find "$TOP/dev/series" -mindepth 1 -maxdepth 1 -type d \
	-printf '%f\n' | sort)

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

# The patches of a series in order, without the cover letter
# patches_of SERIES
patches_of()
{
	find "$TOP/patches/$1" -name '[0-9]*.patch' ! -name '0000-*' | sort
}

# A repository with just those files of a source that the series touch
# make_base SRC DIR
make_base()
{
	local src=$1 dir=$2 file

	rm -rf "$dir"
	mkdir -p "$dir"
	own_git "$dir" init -q -b series
	own_git "$dir" config core.abbrev 12
	while read -r file; do
		[ -f "$src/$file" ] || continue
		mkdir -p "$dir/$(dirname "$file")"
		cp "$src/$file" "$dir/$file"
	done < <(sed -n 's,^+++ b/\([^[:blank:]]*\).*,\1,p' \
			"$TOP"/patches/*/*.patch | sort -u)
	own_git "$dir" add -A -f
	own_git "$dir" commit -q --allow-empty -m "$(basename "$src")"
	own_git "$dir" tag start
}

# git am, with a tag after each series
# apply_series DIR
apply_series()
{
	local name list

	for name in "${SERIES[@]}"; do
		mapfile -t list < <(patches_of "$name")
		own_git "$1" am -q --committer-date-is-author-date \
			"${list[@]}" || return
		own_git "$1" tag "$name"
	done
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
