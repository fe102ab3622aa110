#!/bin/bash
# Check the exercises themselves, and print TAP: check.sh KIND [EXERCISE]...
#
# For each exercise: what its text and its sample refer to exists; the skeleton
# compiles without a warning and fails; the sample passes, and shows what the
# task promises; each of dev/lab/mistakes/EXERCISE/*.sed, a typical mistake,
# compiles and is caught with its hint.

# shellcheck source=dev/lab/lib.sh
. "$(dirname "$0")/lib.sh"

kind=$1
shift
if [ $# -gt 0 ]; then
	chosen=()
	for one; do chosen+=("$(exercise_name "$one")"); done
else
	mapfile -t chosen < <(exercises)
fi
export PRODUCT
PRODUCT=$(lab_product "$kind")
build_checker

dir=$WORK/check
rm -rf "$dir"
mkdir -p "$dir"
: > "$dir/list"
: > "$dir/expect"
ids=()

# add EXERCISE WHAT FILE [MISTAKE]: a module to check
add()
{
	local id=c$((${#ids[@]} + 1)) exercise=$1 what=$2 file=$3

	ids+=("$id")
	place "$dir/$id" "$exercise" "$file" "knd-$id"
	echo "$id $exercise $dir/$id/knd-$id.ko" >> "$dir/list"
	printf '%s\t%s\t%s\t%s\n' "$id" "$exercise" "$what" "${4:-}" \
		>> "$dir/expect"
}

for exercise in "${chosen[@]}"; do
	skeleton "$exercise" > "$dir/skeleton.c"
	add "$exercise" skeleton "$dir/skeleton.c"
	add "$exercise" sample "$SAMPLES/$exercise.c"
	for mistake in "$LAB/mistakes/$exercise"/*.sed; do
		[ -f "$mistake" ] || continue
		sed -E -f "$mistake" "$SAMPLES/$exercise.c" > "$dir/mistake.c"
		! cmp -s "$dir/mistake.c" "$SAMPLES/$exercise.c" ||
			say "  $mistake changes nothing"
		add "$exercise" "$(basename "$mistake" .sed)" "$dir/mistake.c" \
			"$mistake"
	done
	"$PYTHON3" "$LAB/task.py" "$exercise" "$(source_if_there)" \
		> "$dir/$exercise.txt" || rm -f "$dir/$exercise.txt"
done

build_modules "$dir" "${ids[@]}" || say "  some do not compile: ${dir#"$TOP"/}/log"
# What did not compile is not run
while read -r id exercise module; do
	[ ! -f "$module" ] || echo "$id $exercise $module"
done < "$dir/list" > "$dir/built"
"$PYTHON3" "$LAB/cases.py" check "$dir/built"
"$PYTHON3" "$LAB/proof.py" "$dir" "$WORK/check.json"
