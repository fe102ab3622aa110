# shellcheck shell=bash
# Find packages of the distribution, in the configured suites or, if they lack
# them, in a newer suite of the same mirror. The state of apt that the newer
# suites need is in the cache: the machine's own set-up is not changed.
#
# find_packages sets "apt", the options with which apt-get and apt-cache see
# what it found.

apt=(-o APT::Sandbox::User=)

# Debian's own suite and mirror, in either of apt's two formats
configured_mirror()
{
	local file files=()

	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
		[ ! -f "$file" ] || files+=("$file")
	done
	awk '
	FNR == 1 { uri = "" }
	$1 == "URIs:" { uri = $2 }
	$1 == "Suites:" && uri { print uri, $2 }
	$1 == "deb" {
		i = 2
		if ($i ~ /^\[/) { while ($i !~ /\]$/) i++; i++ }
		print $i, $(i + 1)
	}' "${files[@]}" 2> /dev/null |
	grep -E '/debian/? (bookworm|trixie|forky)$' | head -n 1
}

# The newest package name that matches an extended regular expression
# newest_package REGEX
newest_package()
{
	apt-cache "${apt[@]}" pkgnames 2> /dev/null | grep -xE "$1" |
		sort -V | tail -n 1
}

# Print the newest package name that matches, from the first suite that has one.
# Call it in the shell that uses "apt" afterwards, with the output in a file.
# Status 2: no suite has it.
# find_packages REGEX
find_packages()
{
	local regex=$1 key state=$CACHE/apt mirror uri suite candidate

	[ -z "$(newest_package "$regex")" ] || { newest_package "$regex"; return; }

	key=/usr/share/keyrings/debian-archive-keyring.gpg
	mkdir -p "$state"/{parts,lists/partial,cache/archives/partial}
	apt+=(-o Dir::State::Lists="$state/lists"
	      -o Dir::Cache="$state/cache")
	# The configured suites, as they are now
	if apt-get "${apt[@]}" -q update >&2 &&
	   [ -n "$(newest_package "$regex")" ]; then
		newest_package "$regex"
		return
	fi
	read -r -a mirror < <(configured_mirror) || return 2
	uri=${mirror[0]}
	suite=${mirror[1]}
	apt+=(-o Dir::Etc::sourcelist=/dev/null
	      -o Dir::Etc::sourceparts="$state/parts")
	while read -r candidate; do
		printf 'deb [signed-by=%s] %s %s main\n' "$key" "$uri" \
			"$candidate" > "$state/parts/newer.list"
		apt-get "${apt[@]}" -q update >&2 || continue
		[ -z "$(newest_package "$regex")" ] || {
			newest_package "$regex"
			return
		}
	done < <(
		seen=
		for name in bookworm trixie forky; do
			if [ "$name" = "$suite" ]; then
				seen=1
				echo "$name-backports"
			elif [ -n "$seen" ]; then
				printf '%s\n' "$name" "$name-backports"
			fi
		done
		echo sid
	)
	return 2
}
