# The Debian packages each part needs, and how to get them. Sourced.

packages_build="gcc libc6-dev make autoconf automake pkgconf libfcgi-dev
	libjansson-dev libssl-dev libsqlite3-dev libcurl4-openssl-dev
	libpq-dev"
packages_serve="nginx-light curl sqlite3 python3"
packages_test="clang clang-format libclang-rt-dev valgrind mandoc python3
	python3-prometheus-client python3-jsonschema php-cli curl sqlite3 spawn-fcgi xz-utils chromium
	iproute2 msmtp
	nodejs npm apache2-bin libapache2-mod-fcgid libapache2-mod-xsendfile
	build-essential zlib1g-dev dpkg-dev debhelper po-debconf lintian postgresql
	openssl"

# Servers for one test each. Installed they would start and take a port, so they
# are unpacked only, and the libraries they need are installed. Debian 13 has no
# h2o.
packages_unpacked="lighttpd caddy h2o pgbouncer"

# apache2-bin: without the service, which would take port 80.
# An nginx of another flavour serves as well as nginx-light, and so does a node
# that is not Debian's.
packages_has()
{
	case $1 in
	postgresql) ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 ;;
	nginx-light) [ -x /usr/sbin/nginx ] ;;
	python3|npm) command -v "$1" >/dev/null ;;
	nodejs) command -v node >/dev/null ;;
	*) dpkg-query -W -f '${Status}' "$1" 2>/dev/null |
		grep -q '^install ok installed' ;;
	esac
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# packages_install "NAMES": installs the missing ones, as root or with sudo.
packages_install()
{
	missing=
	for name in $1; do
		packages_has "$name" || missing="$missing $name"
	done
	[ -n "$missing" ] || return 0
	[ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null || {
		echo "missing packages:$missing; run as root" \
			"'apt-get install$missing'" >&2
		return 1
	}
	echo "installing:$missing"
	log=$(mktemp)
	case $missing in
	*postgresql*) packages_postgresql ;;
	*) packages_apt ;;
	esac >"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		rm -f "$log"
		return 1
	}
	rm -f "$log"
}

# a package list that is too old names files that are gone
packages_apt()
{
	as_root apt-get update && as_root env \
		DEBIAN_FRONTEND=noninteractive apt-get install -y \
		--no-install-recommends $missing
}

# PostgreSQL without the server that its package would make and start.
packages_postgresql()
{
	conf=/etc/postgresql-common/createcluster.conf
	[ ! -e $conf ] || {
		packages_apt
		return
	}
	as_root mkdir -p ${conf%/*}
	echo "create_main_cluster = false" | as_root tee $conf
	packages_apt
	set -- $?
	# as the package would have left it
	as_root cp /usr/share/postgresql-common/createcluster.conf $conf ||
		as_root rm $conf
	return "$1"
}

# packages_unpack "NAMES" DIR: below DIR, those that are not installed.
packages_unpack()
{
	wanted=
	for name in $1; do
		packages_has "$name" || [ -e "$2/usr/share/doc/$name" ] ||
			wanted="$wanted $name"
	done
	[ -n "$wanted" ] || return 0
	as_root apt-get update >/dev/null || return 1
	for name in $wanted; do
		apt-cache show "$name" >/dev/null 2>&1 || {
			echo "no package $name here: its test is skipped"
			# not looked for again
			mkdir -p "$2/usr/share/doc/$name"
			continue
		}
		rm -rf "$2/new" && mkdir -p "$2/new" &&
			(cd "$2/new" && apt-get -q download "$name") \
				>"$2/log" 2>&1 || {
			tail -n 5 "$2/log" >&2
			return 1
		}
		packages_install "$(dpkg-deb -f "$2/new"/*.deb Depends |
			tr ',|' '\n' | sed -n 's/^ *\(lib[^ ]*\).*/\1/p')" &&
			dpkg -x "$2/new"/*.deb "$2" || return 1
		rm -rf "$2/new"
	done
}
