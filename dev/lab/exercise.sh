#!/bin/bash
# Write the skeleton of an exercise and its task to exercises/.
# exercise.sh EXERCISE
#
# What is there and was changed is a student's work: it stays.

# shellcheck source=dev/lab/lib.sh
. "$(dirname "$0")/lib.sh"

exercise=$(exercise_name "$1")
dir=$TOP/exercises/$exercise
file=$dir/$exercise.c
new=$(mktemp)
trap 'rm -f "$new"' EXIT
skeleton "$exercise" > "$new"
if [ -f "$file" ] && ! cmp -s "$new" "$file"; then
	die "${file#"$TOP"/} has your work and stays as it is; move it away for a fresh one"
fi
mkdir -p "$dir"
cp "$new" "$file"
chmod 644 "$file"
kbuild_file "$exercise" "$(module_of "$exercise")" > "$dir/Kbuild"
"$PYTHON3" "$LAB/task.py" "$exercise" "$(source_if_there)" > "$dir/TASK.txt"
say "  ${dir#"$TOP"/}/TASK.txt is the task, ${file#"$TOP"/} has the places to write at (TODO)"
say "  make try N=${exercise%%-*} checks it, make solution N=${exercise%%-*} shows the difference to a solution"
