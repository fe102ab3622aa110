#!/bin/bash
# Make or refresh a tree to build in: the pristine source, the lines that
# dev/series adds to files of the kernel, and the overlay. Print its name.
# tree.sh SRC PURPOSE
#
# Each directory of objects has a tree of its own (release, debug, lint, uml),
# and its maker holds the lock of both while it compiles: two clones that share
# a cache take turns, and none compiles a file while another replaces it.
#
# What a user edits in that tree is kept and built, and said. The component's
# own files are the exception: those of the repository count, so an edit of a
# copy stops here, with both ways out.

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/lib.sh"

src=$1
tree=$(tree_dir "$src" "$2")

# A copy and no hard links, so that an editor that writes in place changes this
# file alone; on a file system with reflinks it costs nothing.
copy_tree()
{
	local name

	# Trees of earlier versions of this script had no purpose in their name
	name=$CACHE/tree/$(tree_name "$src")
	rm -rf "$name" "$name-bisect" "$tree.tmp"
	mkdir "$tree.tmp"
	(cd "$src" && find . -mindepth 1 -maxdepth 1 ! -name .git -print0 |
		xargs -0 cp -a --reflink=auto -t "$tree.tmp") || return
	mv "$tree.tmp" "$tree"
	touch "$tree/.knetdemo-stamp"
}

# The files of the kernel that the series edit, edited, and the overlay
# stage_changes DIR
stage_changes()
{
	"$PYTHON3" "$TOP/dev/series.py" edits "$src" "$1"
	overlay_files | rsync -a --files-from=- "$TOP/" "$1/"
}

# Stop where a file that this script lays was edited in the tree
refuse_edited_copies()
{
	local file copies=()

	# After an interrupt, what is newer than the stamp may be ours
	[ -f "$tree/.knetdemo" ] && [ ! -e "$tree/.knetdemo-laying" ] || return 0
	while read -r file; do
		[ -f "$tree/$file" ] || continue
		! cmp -s "$tree/$file" "$1/$file" || continue
		copies+=("$file")
	done < <(touched_files "$tree" | sort |
		 comm -12 - <(sed 's,^\./,,' "$tree/.knetdemo" | sort))
	[ ${#copies[@]} -gt 0 ] || return 0
	for file in "${copies[@]}"; do
		say "knetdemo: $file was edited in $tree, where it is a copy"
		if [ -f "$TOP/$file" ]; then
			say "    to take the edit over: cp $tree/$file $TOP/$file"
		else
			say "    the change belongs to a line \"kernel $file\" in dev/series/*/*.txt"
		fi
		say "    to drop it:            rm $tree/$file"
	done
	exit 1
}

[ -d "$tree" ] ||
	stage "tree to build in" "tree-$(basename "$tree")" copy_tree

new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
stage_changes "$new"
refuse_edited_copies "$new"
edited=$(edited_files "$src" "$tree")
[ -z "$edited" ] || {
	say "  with what was edited in $tree:"
	say "${edited//[[:space:]]/ }"
}
touch "$tree/.knetdemo-laying"
refresh_tree "$src" "$tree" "$new"
printf '%s' "${edited:+$edited$'\n'}" > "$tree/.knetdemo-edits"
touch "$tree/.knetdemo-stamp"
rm "$tree/.knetdemo-laying"
echo "$tree"
