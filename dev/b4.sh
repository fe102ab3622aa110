#!/bin/bash
# The series as branches that b4 prepares and sends from, and a proof (TAP) that
# what b4 would send can be taken by b4 on the other side.
#
# b4.sh          in a repository of its own, build/b4: a rehearsal
# b4.sh DIR      in a clone of net-next, on top of what is checked out there
#
# Each series becomes b4/knetdemo-SERIES: a cover letter with a change-id that
# stays the same, then the patches, whose author is the user of that clone. An
# existing branch is made again with its revision and change-id. Nothing is
# signed off and nothing is sent: dev/SUBMITTING.md says what a person does.

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=dev/repo.sh
. "$TOP/dev/repo.sh"

command -v b4 > /dev/null || die "b4 is missing: apt-get install b4"

# The tracking information of a branch that b4 or this script made, or nothing
# tracking_of BRANCH
tracking_of()
{
	git rev-parse -q --verify "$1" > /dev/null || return 0
	git log -1 --format=%B --grep='^--- b4-submit-tracking ---$' "$1" |
		sed '1,/^--- b4-submit-tracking ---$/d'
}

# new_tracking SERIES
new_tracking()
{
	cat <<-END
	# This section is used internally by b4 prep for tracking purposes.
	{
	  "series": {
	    "revision": 1,
	    "change-id": "$(cat "$TOP/dev/series/$1/change-id")",
	    "base-branch": null,
	    "prefixes": [
	      "net-next"
	    ]
	  }
	}
	END
}

# make_branch SERIES START
make_branch()
{
	local name=$1 branch=b4/knetdemo-$1 tracking patch author

	tracking=$(tracking_of "$branch")
	git checkout -q --detach "$2"
	{
		cat "$TOP/dev/series/$name/cover.txt"
		printf '\n--- b4-submit-tracking ---\n'
		[ -z "$tracking" ] || printf '%s\n' "$tracking"
		[ -n "$tracking" ] || new_tracking "$name"
	} | git commit -q --allow-empty --cleanup=whitespace -F -
	author="$(git config user.name) <$(git config user.email)>"
	while read -r patch; do
		sed "0,/^From: /s/^From: .*/From: $author/" "$patch"
	done < <(patches_of "$name") | git am -q || return
	git branch -qf "$branch"
	git checkout -q "$branch"
}

# dry_run SERIES: what b4 would send, in build/b4-SERIES
dry_run()
{
	local out=$TOP/build/b4-$1

	rm -rf "$out"
	git checkout -q "b4/knetdemo-$1"
	b4 send --no-sign -o "$out"
	# It goes to somebody, can be found again, and has the identity that
	# later revisions keep
	grep -q '^To: .*netdev@vger.kernel.org' "$out"/0000-*.eml &&
		grep -q "^change-id: $(cat "$TOP/dev/series/$1/change-id")" \
			"$out"/0000-*.eml || return 1
	for file in "$out"/*.eml; do
		grep -qi '^Message-Id: <.*>' "$file" || return 1
	done
	[ "$(find "$out" -name '*.eml' | wc -l)" -eq \
		$(($(patches_of "$1" | wc -l) + 1)) ]
}

# has_check: b4 0.14 and later
has_check() { b4 prep --help | grep -- '--check' > /dev/null; }

pre_flight()
{
	git checkout -q "b4/knetdemo-$1"
	b4 prep --check
}

# The other side: b4 with a mailbox and the tree that the series is for. The
# mailbox comes by standard input: b4 0.12 fails on folded subjects in a file.
# receive am|shazam SERIES START
receive()
{
	local box=$TOP/build/b4-$2.mbox file

	: > "$box"
	for file in "$TOP/build/b4-$2"/*.eml; do
		{ echo "From git@z Thu Jan  1 00:00:00 1970"; cat "$file"; echo; } >> "$box"
	done
	git checkout -q --detach "$3"
	if [ "$1" = am ]; then
		rm -rf "$TOP/build/b4-am"
		mkdir "$TOP/build/b4-am"
		b4 --offline-mode am -m - -o "$TOP/build/b4-am" < "$box" &&
			git am -q "$TOP"/build/b4-am/*.mbx
	else
		b4 --offline-mode shazam -m - < "$box"
	fi || return
	git diff --stat --exit-code "b4/knetdemo-$2" HEAD
}

dir=${1:-}
if [ -z "$dir" ]; then
	dir=$TOP/build/b4
	make_base "$("$TOP/dev/source.sh")" "$dir"
	git -C "$dir" config user.name "A U Thor"
	git -C "$dir" config user.email author@example.org
	git -C "$dir" config b4.attestation-policy off
fi
cd "$dir" || exit
git config user.name > /dev/null && git config user.email > /dev/null ||
	die "git in $dir does not know who you are"
[ -z "$(git status --porcelain -uno)" ] ||
	die "$dir has changes that are not committed"
[ -e .b4-config ] || cp "$TOP/.b4-config" .
start=$(git rev-parse HEAD)
for name in "${SERIES[@]}"; do
	say "  b4/knetdemo-$name"
	prove "$name: becomes a branch" make_branch "$name" "$start" ||
		{ proofs_end; exit 1; }
	if has_check; then
		prove "$name: b4 prep --check" pre_flight "$name" || :
	fi
	prove "$name: b4 send -o build/b4-$name" dry_run "$name" || :
	if [ -z "${1:-}" ]; then
		prove "$name: b4 am takes it" receive am "$name" "$start" || :
		prove "$name: b4 shazam takes it" \
			receive shazam "$name" "$start" || :
	fi
	git checkout -q "b4/knetdemo-$name"
	start=$(git rev-parse HEAD)
done
proofs_end
