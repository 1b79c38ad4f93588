# What the lints share. Sourced, from the top folder on:
#	cd "${top_srcdir:-.}" && . tests/lint/tap.sh

tap_n=0
tap_failed=0

# The sources that the build generates, one a line.
generated() {
	sed -n 's/^nodist_[a-z_]*_SOURCES = //p' Makefile.am | tr ' ' '\n'
}

# The C files of the house and its tests, generated ones left out.
c_files() {
	find src cgi tests -name '*.[ch]' | grep -vxF "$(generated)" |
		LC_ALL=C sort
}

# report NAME COUNT PROBLEMS: one result. COUNT is how many things were looked
# at: none is a failure too, since a lint that finds nothing proves nothing.
report() {
	tap_n=$((tap_n + 1))
	if [ "$2" -eq 0 ]; then
		tap_failed=1
		echo "not ok $tap_n - $1: nothing found to check"
	elif [ -n "$3" ]; then
		tap_failed=1
		echo "not ok $tap_n - $1"
		printf '%s\n' "$3" | sed 's/^/# /'
	else
		echo "ok $tap_n - $1 ($2)"
	fi
}

finish() {
	echo "1..$tap_n"
	exit $tap_failed
}

# lines TEXT: how many there are.
lines() {
	[ -z "$1" ] && echo 0 && return
	printf '%s\n' "$1" | wc -l | tr -d ' '
}
