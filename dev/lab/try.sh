#!/bin/bash
# Build a student's module, load it in the guest and check it.
# try.sh KIND EXERCISE [DIR]
#
# DIR is exercises/EXERCISE. KIND is the guest's kernel, see dev/kernel.sh.

# shellcheck source=dev/lab/lib.sh
. "$(dirname "$0")/lib.sh"

exercise=$(exercise_name "$2")
dir=${3:-$TOP/exercises/$exercise}
file=$dir/$exercise.c
[ -f "$file" ] ||
	die "there is no ${file#"$TOP"/}: 'make exercise N=${exercise%%-*}' makes it"
export PRODUCT
PRODUCT=$(lab_product "$1")
build_checker
begin=$SECONDS

rm -rf "$WORK/try"
mkdir -p "$WORK/try"
place "$WORK/try/$exercise" "$exercise" "$file" "$(module_of "$exercise")"
if ! build_modules "$WORK/try" "$exercise"; then
	build_messages "$WORK/try" "$exercise" "${dir#"$TOP"/}" >&2
	die "${file#"$TOP"/} does not compile"
fi
build_messages "$WORK/try" "$exercise" "${dir#"$TOP"/}" >&2
built=$((SECONDS - begin))
echo "try $exercise $WORK/try/$exercise/$(module_of "$exercise").ko" \
	> "$WORK/try/list"
"$PYTHON3" "$LAB/cases.py" --show try "$WORK/try/list"
echo "try $exercise" > "$WORK/try/names"
rc=0
"$PYTHON3" "$LAB/verdict.py" "$WORK/try.json" "$WORK/try/names" >&2 || rc=1
say "  took $((SECONDS - begin)) s ($built s to build)"
exit "$rc"
