#!/bin/bash
# Everything that reads the code and complains: each stage shows its time, its
# result and its log, and any finding fails the whole. KERNEL and KSRC choose
# the tree whose tools are used.

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=dev/objects.sh
. "$TOP/dev/objects.sh"

src=$("$TOP/dev/source.sh")
name=$(tree_name "$src")
objects=$CACHE/build/$name-lint
lock "build-$name-lint"
tree=$("$TOP/dev/tree.sh" "$src" lint)
cd "$tree"
mapfile -t overlay < <(overlay_files)
patches=("$TOP"/patches/*/*.patch)

# The files of the project that a pattern matches
# ours PATTERN
ours()
{
	local file

	for file in "${overlay[@]}"; do
		# shellcheck disable=SC2053 # a pattern it is
		[[ $file != $1 ]] || echo "$file"
	done
}

# Any line of checkpatch's output is a finding, but for one. Several at a time,
# as each takes a while.
# checkpatch ARGUMENTS... -- FILES...
checkpatch()
{
	local args=() found

	while [ "$1" != -- ]; do
		args+=("$1")
		shift
	done
	shift
	# The proc_do*vec functions want scratch tables that can be written,
	# and 6.12 registers no const ones: the one structure that newer trees
	# ask to be const and that cannot be
	found=$(printf '%s\n' "$@" | xargs -P "$(nproc)" -n 5 \
		"$CHECKPATCH" --strict --terse --show-types \
		--no-summary --codespell --codespellfile "$CODESPELL" \
		--max-line-length=80 "${args[@]}" 2>&1 |
		grep -v 'CONST_STRUCT: struct ctl_table should') || :
	sort <<< "${found//$TOP\//}"
	[ -z "$found" ]
}

# Codespell's dictionary without what is in none of the files: with all of it
# checkpatch takes four times as long to find the same.
CODESPELL=$TOP/build/codespell
"$PYTHON3" - "$CODESPELL" "${overlay[@]}" "${patches[@]}" << 'PYTHON'
import re, sys
import codespell_lib

words = set()
for name in sys.argv[2:]:
    with open(name, errors="replace") as file:
        text = file.read().lower()
    words.update(re.findall(r"[\w'`-]+", text), re.findall(r"\w+", text))
with open(codespell_lib.__path__[0] + "/data/dictionary.txt") as file, \
     open(sys.argv[1], "w") as out:
    out.writelines(l for l in file if l.split("->")[0].lower() in words)
PYTHON

# What is left out everywhere:
# FILE_PATH_CHANGES: MAINTAINERS is in the series, though not in each patch.
# MACRO_ARG_REUSE: tables of names use an argument as text and as a member.
# UNCOMMENTED_DEFINITION: members are commented above, in the kernel-doc way.
# MACRO_ARG_UNUSED, COMPLEX_MACRO, TRAILING_SEMICOLON, BRACKET_SPACE, CAMELCASE:
# lists of names give each line to EM(), and the last to EMe(), as in headers of
# tracepoints; each place makes of it what it needs.
IGNORE=FILE_PATH_CHANGES,MACRO_ARG_REUSE,UNCOMMENTED_DEFINITION
IGNORE+=,MACRO_ARG_UNUSED,COMPLEX_MACRO,TRAILING_SEMICOLON,BRACKET_SPACE
IGNORE+=,CAMELCASE
# Of trace headers, which have a layout of their own
IGNORE_TRACE=$IGNORE,OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT
# Of tests, which feed odd text to what they test
IGNORE_TESTS=$IGNORE,QUOTED_WHITESPACE_BEFORE_NEWLINE
# Of user space and of documents:
# STRCPY, PREFER_DEFINED_ATTRIBUTE_MACRO, BIT_MACRO: strscpy(), __noreturn,
# __printf() and BIT() are the kernel's own.
# VOLATILE: flags that the threads of a test share; READ_ONCE() is the kernel's.
# BRACES: an EXPECT_EQ() with its TH_LOG() is more than one statement.
# SPLIT_STRING: shell commands, one part a line.
# LONG_LINE_STRING: messages, formats and rules of nft that do not fit a line.
# REPEATED_WORD: "done done" is a line of /proc, stage and state.
# EMBEDDED_FUNCTION_NAME: the file of /proc is called as the function is.
IGNORE_TOOLS=$IGNORE_TESTS,STRCPY,PREFER_DEFINED_ATTRIBUTE_MACRO,BIT_MACRO
IGNORE_TOOLS+=,BRACES,SPLIT_STRING,LONG_LINE_STRING,REPEATED_WORD
IGNORE_TOOLS+=,EMBEDDED_FUNCTION_NAME,VOLATILE

lint_files()
{
	local file kernel=() trace=() tests=() tools=() rc=0

	for file in "${overlay[@]}"; do
		case $file in
		*/trace.h) trace+=("$file") ;;
		net/*/tests/*) tests+=("$file") ;;
		tools/* | Documentation/*) tools+=("$file") ;;
		*) kernel+=("$file") ;;
		esac
	done
	checkpatch --ignore "$IGNORE" -f -- "${kernel[@]}" || rc=1
	checkpatch --ignore "$IGNORE_TRACE" -f -- "${trace[@]}" || rc=1
	checkpatch --ignore "$IGNORE_TESTS" -f -- "${tests[@]}" || rc=1
	checkpatch --ignore "$IGNORE_TOOLS" -f -- "${tools[@]}" || rc=1
	return "$rc"
}

# The messages and the changes to files that the kernel has; those that the
# series adds are read by lint_files.
# MISSING_SIGN_OFF: whoever posts the series adds it.
lint_patches()
{
	local dir=$TOP/build/lint-patches patch

	rm -rf "$dir"
	mkdir -p "$dir"
	for patch in "${patches[@]}"; do
		printf '%s\n' "${overlay[@]}" | awk '
		NR == FNR { ours[$0]; next }
		/^diff --git / { skip = substr($4, 3) in ours }
		!skip' - "$patch" > "$dir/${patch//[!0-9A-Za-z]/-}.patch"
	done
	# NOT_UNIFIED_DIFF: what is left may be a message alone.
	checkpatch --ignore "$IGNORE,MISSING_SIGN_OFF,NOT_UNIFIED_DIFF" \
		-- "$dir"/*
}

lint_compile()
{
	configure_objects "$tree" "$objects" \
		"$TOP"/dev/config/{base,release,optional,release-optional}.config \
		> "$LOGS/lint-config.log" 2>&1 ||
		{ tail "$LOGS/lint-config.log"; return 1; }
	compile_objects "$tree" "$objects"
}

# An object directory as lint_compile left it is checked, nothing is compiled
lint_sparse()
{
	local log=$objects/.knetdemo-sparse

	kmake "$tree" "$objects" C=2 CHECK=sparse net/knetdemo/ 2>&1 |
		tee "$log"
	! grep -qE '(warning|error):' "$log"
}

# What no guest of ours runs on: 32 bits, the other byte order, the other
# compiler. Each warning is an error, sparse's too.
# compile_for ARCH CROSS CC
compile_for()
(
	KARCH=$1
	KCROSS=$2
	KCC=$(ccached "$2$3")
	there=$CACHE/build/$name-lint-$KARCH-$3
	log=$LOGS/lint-config-$KARCH-$3.log
	configure_objects "$tree" "$there" "$TOP/dev/config/compile.config" \
		> "$log" 2>&1 || { tail "$log"; return 1; }
	# Without sparse, whose findings in the kernel's own files are not ours
	kmake "$tree" "$there" prepare >> "$log" 2>&1 ||
		{ tail "$log"; return 1; }
	compile_objects "$tree" "$there" C=1 CHECK=sparse
)

lint_i386() { compile_for i386 "" gcc; }
lint_s390() { compile_for s390 s390x-linux-gnu- gcc; }
lint_arm64() { compile_for arm64 aarch64-linux-gnu- gcc; }
lint_clang() { compile_for x86_64 "" clang; }

lint_kernel_doc()
{
	local files

	mapfile -t files < <(ours 'net/knetdemo/*.[ch]'
			     ours 'include/uapi/*.h')
	scripts/kernel-doc -Wall -Werror -none "${files[@]}"
}

# All semantic patches of the kernel that report; those with a part in OCaml
# want its compiler, which would be a large package for two of them.
# This is what "make coccicheck" runs, without its make for each.
lint_coccicheck()
{
	local log=$TOP/build/cocci found

	rm -rf "$log"
	mkdir -p "$log"
	export tree objects log
	grep -rlE '^virtual (.*, *)?report' scripts/coccinelle | sort |
		xargs -P "$(nproc)" -I{} bash -c '
		! grep -qE "(initialize|script|finalize):ocaml" {} || exit 0
		log=$log/$(basename {} .cocci)
		srctree=$tree srcroot=$tree/net/knetdemo MODE=report J=1 \
		KBUILD_EXTMOD=$tree/net/knetdemo COCCI=$tree/{} \
		LINUXINCLUDE="-I$tree/arch/x86/include
			-I$objects/arch/x86/include/generated
			-I$tree/include -I$objects/include" \
			scripts/coccicheck > "$log" 2>&1 || :'
	cat "$log"/*
	found=$(grep -rhE "^$tree/net/knetdemo/|coccicheck failed" "$log") || :
	[ -z "$found" ]
}

lint_shell()
{
	local file scripts=()

	cd "$TOP"
	while read -r file; do
		case $(head -n 2 "$file" | tr '\n' ' ') in
		'#!'*sh\ * | *'shellcheck shell='*) scripts+=("$file") ;;
		esac
	done < <(find dev .ci -type f)
	shellcheck -x "${scripts[@]}"
	# The kernel's selftest library is where the tree has it. SC2317: what
	# trap and busywait call is taken for unreachable.
	cd "$tree/tools/testing/selftests/net/knetdemo"
	mapfile -t scripts < <(ours 'tools/testing/*.sh' | xargs -r -n 1 basename)
	[ ${#scripts[@]} -eq 0 ] || shellcheck -x -e SC2317 "${scripts[@]}"
}

# pylint, and ruff where it is installed
lint_python()
{
	local scripts

	cd "$TOP"
	mapfile -t scripts < <(find dev -name '*.py')
	pylint --rcfile=dev/pylintrc "${scripts[@]}"
	! command -v ruff > /dev/null ||
		ruff check --select E,F,W,B,UP --line-length 80 "${scripts[@]}"
}

lint_codespell()
{
	cd "$TOP"
	"$PYTHON3" /usr/bin/codespell README.md Makefile dev patches "${overlay[@]}"
}

# What docutils makes of the pages, but for what only Sphinx knows
lint_rst()
{
	local file rc=0

	while read -r file; do
		echo "$file"
		"$PYTHON3" - "$file" <<-'PYTHON' || rc=1
		import sys
		from docutils import core, utils

		found = []
		def look(message):
		    text = message.astext()
		    if message["level"] >= 2 and "Unknown directive" not in text \
		       and "Unknown interpreted text role" not in text \
		       and "No role entry" not in text \
		       and "No directive entry" not in text:
		        found.append(text)
		real = utils.Reporter.notify_observers
		utils.Reporter.notify_observers = lambda self, message: look(message)
		core.publish_doctree(open(sys.argv[1]).read(), sys.argv[1],
		                     settings_overrides={"report_level": 5})
		print("\n".join(found))
		sys.exit(bool(found))
		PYTHON
	done < <(ours 'Documentation/*.rst')
	return $rc
}

# Names, ranges and defaults in the code and on the page
lint_abi() { "$PYTHON3" "$TOP/dev/abi.py" "$TOP"; }

lint_uapi()
{
	local header

	kmake "$tree" "$objects" headers
	while read -r header; do
		gcc -std=c90 -Wall -Wextra -Werror -fsyntax-only -x c \
			-isystem "$objects/usr/include" "$header"
		g++ -std=c++98 -Wall -Wextra -Werror -fsyntax-only -x c++ \
			-isystem "$objects/usr/include" "$header"
	done < <(ours 'include/uapi/*.h')
}

failed=0
# lint WHAT LOG FUNCTION ARGUMENTS...
lint()
{
	local what=$1 log=$LOGS/lint-$2.log start=$SECONDS result=ok rc

	[ ! -t 2 ] || printf '  %-46s        (%s)\r' "$what" "${log#"$TOP"/}" >&2
	# Each command of the stage counts: not in a condition, where -e is off
	set +e
	(set -e; "${@:3}") > "$log" 2>&1 < /dev/null
	rc=$?
	set -e
	if [ "$rc" -ne 0 ]; then
		result=FAILED
		failed=$((failed + 1))
	fi
	printf '  %-46s %4d s  %-6s (%s)\n' "$what" $((SECONDS - start)) \
		"$result" "${log#"$TOP"/}" >&2
	# Not head, which would leave the others to SIGPIPE and end the script
	[ "$result" = ok ] ||
		{ grep -E '(warning|error|WARNING|ERROR|CHECK:|==>)' "$log" || tail -n 20 "$log"; } |
		sed -n "s,$tree/,,g; s/^/    /; 1,20p" >&2
}

say "knetdemo: make lint ($name)"
# Of each source in the cache, and of the newest release where it can be had
KERNEL=7.3 KSRC='' "$TOP/dev/source.sh" > /dev/null 2>&1 || :
while read -r CHECKPATCH; do
	of=$(basename "${CHECKPATCH%/scripts/*}")
	lint "checkpatch of $of, the files" "checkpatch-$of" lint_files
	lint "checkpatch of $of, the series" "checkpatch-series-$of" \
		lint_patches
done < <(find "$CACHE"/src/linux-*/scripts "$src/scripts" -maxdepth 1 \
	-name checkpatch.pl | grep -v '\.tmp/' | sort -u)
lint "W=1" compile lint_compile
if [ -f scripts/checker-valid.sh ] &&
   [ "$(scripts/checker-valid.sh sparse)" != 1 ]; then
	say "  sparse: left out, this kernel wants a newer one"
else
	lint "sparse" sparse lint_sparse
fi
lint "i386, W=1 C=1" i386 lint_i386
lint "s390, big-endian, W=1 C=1" s390 lint_s390
lint "arm64, W=1 C=1" arm64 lint_arm64
lint "clang, W=1 C=1" clang lint_clang
lint "kernel-doc" kernel-doc lint_kernel_doc
lint "coccicheck" coccicheck lint_coccicheck
lint "shellcheck" shellcheck lint_shell
lint "python" python lint_python
lint "kselftests, as netdev's CI wants them" ksft "$TOP/dev/ksft_format.py" \
	tools/testing/selftests/net/knetdemo
lint "codespell" codespell lint_codespell
lint "reStructuredText" rst lint_rst
lint "counters and sysctls, code and page" abi lint_abi
lint "the uapi header in user space, C and C++" uapi lint_uapi
if [ "$failed" -gt 0 ]; then
	say "$failed stages have findings"
	exit 1
fi
say "nothing found"
