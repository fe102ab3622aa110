#!/bin/bash
# Make or refresh the tree that is built: the pristine source, the changes that
# patches/ make to files that the kernel has, and the overlay. Print its name.

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/lib.sh"

src=${1:-$("$TOP/dev/source.sh")}
name=$(tree_name "$src")
tree=$CACHE/tree/$name

# patches/ on just the files that they touch, then the overlay on top.
# stage_changes DIR
stage_changes()
{
	local dir=$1 patch file

	while read -r file; do
		[ -f "$src/$file" ] || continue
		mkdir -p "$dir/$(dirname "$file")"
		cp "$src/$file" "$dir/$file"
	done < <(sed -n 's,^+++ b/\([^[:blank:]]*\).*,\1,p' "$TOP"/patches/0*.patch | sort -u)
	for patch in "$TOP"/patches/0*.patch; do
		case $patch in
		*/0000-*) continue ;;
		esac
		(cd "$dir" && GIT_DIR=/nonexistent git apply "$patch") ||
			die "patches/$(basename "$patch") does not apply to $src"
	done
	# The overlay decides what is in the component's own files
	(cd "$dir" && find . -type f | sed 's,^\./,,') |
	while read -r file; do
		[ -f "$src/$file" ] || rm "$dir/$file"
	done
	overlay_files | rsync -a --files-from=- "$TOP/" "$dir/"
}

lock "tree-$name"
[ -d "$tree" ] ||
	stage "tree to build in" "tree-$name" copy_tree "$src" "$tree"

new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
stage_changes "$new"
refresh_tree "$src" "$tree" "$new"
echo "$tree"
