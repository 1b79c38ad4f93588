#include "cgi/server/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"

enum {
	BACKLOG = 511,
	SYSTEMD_FIRST_FD = 3, /* SD_LISTEN_FDS_START */
	LOCK_TRIES = 20,
	LOCK_WAIT_MS = 50,
};

_Static_assert(sizeof(((struct listener *)0)->path) ==
	sizeof(((struct sockaddr_un *)0)->sun_path),
    "a listener holds any socket path");

int
listen_is_socket(int fd)
{
	int on = 0;
	socklen_t n = sizeof(on);
	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 && on;
}

/* Workers race for connections: who comes too late must not block. */
static void
set_flags(int fd)
{
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* How many; those that listen, from the first on. */
static int
systemd_gave(void)
{
	int64_t pid = 0, n = 0;
	int given = 0;
	if (str_int64(str_from(getenv("LISTEN_PID")), 1, INT32_MAX, &pid) ==
		0 &&
	    str_int64(str_from(getenv("LISTEN_FDS")), 1, INT32_MAX, &n) == 0 &&
	    pid == (int64_t)getpid())
		while (given < n && given < LISTEN_MAX &&
		    listen_is_socket(SYSTEMD_FIRST_FD + given))
			given++;
	/* they are for this process, not for its children */
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return given;
}

int
listen_given(struct listener out[LISTEN_MAX])
{
	int n = systemd_gave();
	for (int i = 0; i < LISTEN_MAX; i++)
		out[i] = (struct listener){ .fd = i < n ? SYSTEMD_FIRST_FD + i
							: -1 };
	if (n == 0 && listen_is_socket(STDIN_FILENO)) {
		out[0].fd = STDIN_FILENO;
		n = 1;
	}
	for (int i = 0; i < n; i++)
		set_flags(out[i].fd);
	return n > 0;
}

/* Does a socket of that address and somebody behind it exist? 1 yes, 0 nobody
 * listens on it or there is none, -1 it cannot be told. */
static int
is_live(const struct sockaddr_un *sa, struct err *e)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(e, ERR_SYSTEM, "socket: %s", strerror(errno));
	int rc =
	    connect(fd, (const struct sockaddr *)(const void *)sa, sizeof(*sa));
	int why = errno;
	close(fd);
	if (rc == 0 || why == EAGAIN || why == EINPROGRESS)
		return 1;
	if (why == ECONNREFUSED || why == ENOENT)
		return 0;
	return err_set(e, ERR_SYSTEM, "%s: %s", sa->sun_path, strerror(why));
}

/* Two programs that start at once must not both find the socket dead: the
 * folder is locked from looking until listening. */
static int
lock_folder(const char *path, struct err *e)
{
	char copy[sizeof(((struct sockaddr_un *)0)->sun_path)];
	snprintf(copy, sizeof(copy), "%s", path);
	const char *folder = dirname(copy);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, ERR_SYSTEM,
		    "folder of the socket, %s: %s; create it", folder,
		    strerror(errno));
	const struct timespec wait = { 0, LOCK_WAIT_MS * 1000000L };
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		nanosleep(&wait, NULL);
	}
	close(fd);
	return err_set(e, ERR_SYSTEM,
	    "folder of the socket, %s, stays locked by another program",
	    folder);
}

static int
remove_dead(const struct sockaddr_un *sa, struct err *e)
{
	struct stat st;
	if (lstat(sa->sun_path, &st) != 0) {
		if (errno == ENOENT)
			return 0;
		return err_set(
		    e, ERR_SYSTEM, "%s: %s", sa->sun_path, strerror(errno));
	}
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_USAGE,
		    "%s is there and no socket; choose another path",
		    sa->sun_path);
	int live = is_live(sa, e);
	if (live < 0)
		return -1;
	if (live)
		return err_set(e, ERR_SYSTEM,
		    "%s: another program listens on it; stop that first",
		    sa->sun_path);
	if (unlink(sa->sun_path) != 0)
		return err_set(e, ERR_SYSTEM, "remove old %s: %s", sa->sun_path,
		    strerror(errno));
	return 0;
}

static int
set_group(const char *path, const char *group, struct err *e)
{
	if (group == NULL)
		return 0;
	const struct group *g = getgrnam(group);
	if (g == NULL)
		return err_set(e, ERR_CONFIG,
		    "listen_group: there is no group %s; name the web server's",
		    group);
	if (chown(path, (uid_t)-1, g->gr_gid) != 0)
		return err_set(e, ERR_CONFIG,
		    "listen_group: the socket cannot be given to group %s: %s; "
		    "make the user this runs as a member of it",
		    group, strerror(errno));
	return 0;
}

/* out->path is set as soon as there is something to remove. */
static int
bind_unix(const struct sockaddr_un *sa, const char *group, struct listener *out,
    struct err *e)
{
	out->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (out->fd < 0)
		return err_set(e, ERR_SYSTEM, "socket: %s", strerror(errno));
	mode_t old = umask(0117);
	int rc = bind(
	    out->fd, (const struct sockaddr *)(const void *)sa, sizeof(*sa));
	int why = errno;
	umask(old);
	if (rc != 0)
		return err_set(
		    e, ERR_SYSTEM, "%s: %s", sa->sun_path, strerror(why));
	struct stat st;
	if (lstat(sa->sun_path, &st) != 0)
		return err_set(
		    e, ERR_SYSTEM, "%s: %s", sa->sun_path, strerror(errno));
	memcpy(out->path, sa->sun_path, sizeof(out->path));
	out->dev = st.st_dev;
	out->ino = st.st_ino;
	if (set_group(sa->sun_path, group, e) != 0)
		return -1;
	if (listen(out->fd, BACKLOG) != 0)
		return err_set(e, ERR_SYSTEM, "listen on %s: %s", sa->sun_path,
		    strerror(errno));
	return 0;
}

static int
open_unix(
    const char *path, const char *group, struct listener *out, struct err *e)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	if (path[0] != '/')
		return err_set(e, ERR_USAGE,
		    "--listen unix:%s: write the whole path, from /", path);
	if (strlen(path) >= sizeof(sa.sun_path))
		return err_set(e, ERR_USAGE,
		    "the socket's path has %zu bytes, the system allows %zu; "
		    "choose a shorter one",
		    strlen(path), sizeof(sa.sun_path) - 1);
	memcpy(sa.sun_path, path, strlen(path));
	int lock = lock_folder(path, e);
	if (lock < 0)
		return -1;
	int rc = remove_dead(&sa, e);
	if (rc == 0)
		rc = bind_unix(&sa, group, out, e);
	close(lock);
	return rc;
}

static int
open_tcp(const struct sockaddr *sa, socklen_t n, const char *address,
    struct listener *out, struct err *e)
{
	const int on = 1;
	out->fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (out->fd < 0)
		return err_set(e, ERR_SYSTEM, "socket: %s", strerror(errno));
	setsockopt(out->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(out->fd, sa, n) != 0 || listen(out->fd, BACKLOG) != 0)
		return err_set(e, ERR_SYSTEM, "listen on %s: %s", address,
		    strerror(errno));
	return 0;
}

static int
refuse_address(const char *address, struct err *e)
{
	return err_set(e, ERR_USAGE,
	    "--listen %s: write unix:/path, 127.0.0.1:PORT or [::1]:PORT",
	    address);
}

static int
refuse_public(const char *address, struct err *e)
{
	return err_set(e, ERR_USAGE,
	    "--listen %s: only 127.0.0.1 and [::1]; FastCGI knows no "
	    "authentication, whoever can connect can claim to be anybody",
	    address);
}

static int
open_address(const char *address, struct listener *out, struct err *e)
{
	char host[INET6_ADDRSTRLEN];
	struct str s = str_from(address), port = STR_NONE, name = s;
	const char *colon = strrchr(address, ':');
	if (colon == NULL)
		return refuse_address(address, e);
	name.n = (size_t)(colon - address);
	port = str_from(colon + 1);
	int is6 = name.n > 2 && name.p[0] == '[' && name.p[name.n - 1] == ']';
	if (is6) {
		name.p++;
		name.n -= 2;
	}
	int64_t number;
	if (name.n >= sizeof(host) || str_int64(port, 1, 65535, &number) != 0)
		return refuse_address(address, e);
	memcpy(host, name.p, name.n);
	host[name.n] = '\0';
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)number) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)number) };
	if (is6 && inet_pton(AF_INET6, host, &in6.sin6_addr) == 1) {
		if (!IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr))
			return refuse_public(address, e);
		return open_tcp((const struct sockaddr *)(const void *)&in6,
		    sizeof(in6), address, out, e);
	}
	if (!is6 && inet_pton(AF_INET, host, &in.sin_addr) == 1) {
		if (ntohl(in.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
			return refuse_public(address, e);
		return open_tcp((const struct sockaddr *)(const void *)&in,
		    sizeof(in), address, out, e);
	}
	return refuse_address(address, e);
}

int
listen_open(
    const char *address, const char *group, struct listener *out, struct err *e)
{
	static const char scheme[] = "unix:";
	*out = (struct listener){ .fd = -1, .owned = 1 };
	int rc = strncmp(address, scheme, sizeof(scheme) - 1) == 0
	    ? open_unix(address + sizeof(scheme) - 1, group, out, e)
	    : open_address(address, out, e);
	if (rc != 0) {
		listen_close(out);
		return -1;
	}
	set_flags(out->fd);
	return 0;
}

void
listen_retire(struct listener *l)
{
	struct stat st;
	/* a program started since may have put its own there */
	if (l->path[0] != '\0' && lstat(l->path, &st) == 0 &&
	    st.st_dev == l->dev && st.st_ino == l->ino)
		unlink(l->path);
	l->path[0] = '\0';
}

void
listen_close(struct listener *l)
{
	listen_retire(l);
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}
