#!/bin/bash
# Check many solutions, and print a line for each: grade.sh KIND DIR
#
# A solution is a file with an exercise's name, such as DIR/anna/4-accept.c. One
# that crashes its guest, or leaves something behind, costs a guest; all others
# are checked in one. The whole output of each is below build/lab/grade/.

# shellcheck source=dev/lab/lib.sh
. "$(dirname "$0")/lib.sh"

kind=$1
top=$2
[ -d "$top" ] || die "DIR=$top is no directory"
top=$(cd "$top" && pwd)
export PRODUCT
PRODUCT=$(lab_product "$kind")
build_checker

dir=$WORK/grade
rm -rf "$dir"
mkdir -p "$dir"
ids=()
declare -A exercise file
while read -r name; do
	while read -r one; do
		id=g$((${#ids[@]} + 1))
		ids+=("$id")
		exercise[$id]=$name
		file[$id]=$one
		place "$dir/$id" "$name" "$one" "knd-$id"
	done < <(find "$top" -name "$name.c" | sort)
done < <(exercises)
[ ${#ids[@]} -gt 0 ] ||
	die "no solution in $top: they are called $(exercises | sed 's/$/.c/' | tr '\n' ' ')"

say "  ${#ids[@]} solutions"
build_modules "$dir" "${ids[@]}" || :
for id in "${ids[@]}"; do
	module=$dir/$id/knd-$id.ko
	name=${file[$id]#"$top"/}
	if [ -f "$module" ]; then
		echo "$id ${exercise[$id]} $module" >> "$dir/list"
	else
		why=$(build_messages "$dir" "$id" "" |
			sed -n 's/^[^:]*:\([0-9]*\):[0-9]*: error: /line \1: /p' |
			head -n 1)
		name+=": ${why:-see build/lab/grade/log}"
	fi
	echo "$id $name" >> "$dir/names"
done
if [ -f "$dir/list" ]; then
	"$PYTHON3" "$LAB/cases.py" grade "$dir/list"
else
	echo '{}' > "$WORK/grade.json"
fi
"$PYTHON3" "$LAB/verdict.py" "$WORK/grade.json" "$dir/names"
