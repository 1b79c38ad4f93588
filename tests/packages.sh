# The Debian packages each part needs, and how to get them. Sourced.

packages_build="gcc libc6-dev make autoconf automake pkg-config libfcgi-dev
	libjansson-dev libssl-dev libsqlite3-dev libconfuse-dev
	libcurl4-openssl-dev libpq-dev"
packages_serve="nginx-light curl sqlite3"
packages_test="clang clang-format libclang-rt-14-dev valgrind mandoc python3
	python3-prometheus-client curl sqlite3 spawn-fcgi xz-utils chromium
	iproute2 msmtp
	nodejs npm apache2-bin libapache2-mod-fcgid libapache2-mod-xsendfile
	build-essential zlib1g-dev dpkg-dev debhelper po-debconf lintian postgresql-15
	openssl iproute2"

# Servers for one test each. Installed they would start and take a port, so they
# are unpacked only, and what they link to is installed.
packages_unpacked="lighttpd caddy h2o pgbouncer"
packages_libraries="libc-ares2 libevent-2.1-7 libnettle8 libpcre2-8-0 libxxhash0 libyaml-0-2"

# apache2-bin: without the service, which would take port 80.
# An nginx of another flavour serves as well as nginx-light, and so does a node
# that is not Debian's.
packages_has()
{
	case $1 in
	postgresql-15) ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 ;;
	nginx-light) [ -x /usr/sbin/nginx ] ;;
	python3|npm) command -v "$1" >/dev/null ;;
	nodejs) command -v node >/dev/null ;;
	*) dpkg-query -W -f '${Status}' "$1" 2>/dev/null |
		grep -q '^install ok installed' ;;
	esac
}

# packages_install "NAMES": installs the missing ones, as root or with sudo.
packages_install()
{
	missing=
	for name in $1; do
		packages_has "$name" || missing="$missing $name"
	done
	[ -n "$missing" ] || return 0
	sudo=
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || {
			echo "missing packages:$missing; run as root" \
				"'apt-get install$missing'" >&2
			return 1
		}
		sudo=sudo
	fi
	echo "installing:$missing"
	log=$(mktemp)
	# a package list that is too old names files that are gone
	DEBIAN_FRONTEND=noninteractive
	export DEBIAN_FRONTEND
	# a server of its own would start with the package
	case $missing in *postgresql*)
		$sudo mkdir -p /etc/postgresql-common
		[ -e /etc/postgresql-common/createcluster.conf ] ||
			echo "create_main_cluster = false" | $sudo tee \
				/etc/postgresql-common/createcluster.conf \
				>/dev/null ;;
	esac
	if ! { $sudo apt-get update && $sudo env \
		DEBIAN_FRONTEND=noninteractive apt-get install -y \
		--no-install-recommends $missing; } >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		rm -f "$log"
		return 1
	fi
	rm -f "$log"
}

# packages_unpack "NAMES" DIR: below DIR, those that are not installed.
packages_unpack()
{
	for name in $1; do
		packages_has "$name" && continue
		[ -e "$2/usr/share/doc/$name" ] && continue
		rm -rf "$2/new" && mkdir -p "$2/new" || return 1
		(cd "$2/new" && apt-get -q download "$name" &&
			dpkg -x "$name"_*.deb ..) >"$2/log" 2>&1 || {
			tail -n 5 "$2/log" >&2
			return 1
		}
		rm -rf "$2/new"
	done
}
