#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/form.h"
#include "base/log.h"
#include "base/time.h"
#include "cgi/ask/admit.h"
#include "cgi/web/media.h"
#include "cgi/pages/pages.h"
#include "cgi/web/part.h"
#include "cgi/server/reader.h"
#include "cgi/server/send.h"
#include "access/link.h"

/*
 * /files/NAME…: files behind a rule of the configuration. Whether somebody may
 * see is decided before anything is looked for, so that who may not see does
 * not learn which names there are.
 */
enum {
	NAME_BYTES_MAX = 512, /* below the root: encoded it fits a header */
	VALUE_MAX = 4 * 1024, /* bytes of a header's value */
};

/* No script runs in a page, which keeps its cookies for pictures and style. */
#define SANDBOX \
	"sandbox allow-same-origin allow-forms allow-popups allow-downloads " \
	"allow-top-navigation-by-user-activation"

struct ask {
	const struct app *app;
	struct request *request;
	struct reply *reply;
	const struct config_files *files;
	struct admit admit;
	int has_link; /* a personal one came along */
	const char *name; /* below the root */
	struct str last; /* the file's own name */
	int fd;
	struct stat st;
};

/* ---- which, and who ------------------------------------------------------ */

/* How many segments after "files" the path takes, 0: it is another. */
static size_t
fits(struct str path, const struct request *r)
{
	struct str name, rest = { path.p + 1, path.n - 1 };
	size_t i = 1;
	while (rest.p != NULL) {
		str_cut(rest, '/', &name, &rest);
		if (i == r->n_segments || !str_eq(name, r->segments[i++]))
			return 0;
	}
	return i - 1;
}

/* The longest title that fits; *first is the first segment of the name. */
static const struct config_files *
find(const struct config *c, const struct request *r, size_t *first)
{
	const struct config_files *found = NULL;
	*first = 1;
	for (size_t i = 0; i < c->n_files; i++) {
		size_t n = fits(c->files[i].title, r);
		if (n >= *first) {
			*first = n + 1;
			found = &c->files[i];
		}
	}
	return found;
}

static void
turn_away(const struct ask *k, struct reply *p)
{
	int no_pass = k->admit.answer == ADMIT_NO_PASS;
	if (k->has_link && request_accepts(k->request, STR("text/html"))) {
		/* somebody who bought: there is a new link, not a shop */
		const char *to = arena_printf(k->request->arena, "%.*s/me",
		    STR_ARG(k->app->config->public_url));
		reply_empty(p, 303);
		reply_header(p, "Location", str_from(to));
	} else if (k->files != NULL && k->files->join.p != NULL &&
	    request_accepts(k->request, STR("text/html"))) {
		reply_empty(p, 303);
		reply_header(p, "Location", k->files->join);
	} else if (no_pass) {
		reply_header(p, "WWW-Authenticate", STR("Bearer"));
		reply_error(p, 401, "pass",
		    "send a valid pass: the cookie gatepost, or Authorization: "
		    "Bearer");
	} else if (k->has_link) {
		reply_error(p, 403, "tier",
		    "this link does not open it (any more); /me mails a new "
		    "one");
	} else {
		reply_error(p, 403, "tier", "this pass does not open it");
	}
}

/* May who holds the link see this file? It is a sale's, and good as long as
 * that sale itself opens the section: what else its buyer owns does not
 * count. */
static enum admit_answer
ask_link(struct ask *k, const struct link_file *link, int64_t now)
{
	const struct app *app = k->app;
	struct request *r = k->request;
	struct err err = { .code = ERR_NONE };
	int opens = 0;
	struct store *s = readers_get(app->readers, r->worker, &err);
	if (s == NULL ||
	    link_opens(s, app->config, link, now, r->arena, &opens, &err) !=
		0) {
		log_line(LOG_ERROR, "files: a link: %s", err.text);
		readers_drop(app->readers, r->worker);
		return ADMIT_UNKNOWN;
	}
	if (!opens)
		return ADMIT_CLOSED;
	k->admit.key.word = "sale";
	k->admit.key.value = link->sale;
	return ADMIT_OPEN;
}

/* Is link about just what is asked for? */
static int
is_about(const struct request *r, const struct link_file *link)
{
	size_t n = fits(link->path, r);
	return n > 0 && n + 1 == r->n_segments && !r->path_slash;
}

static enum admit_answer
by_link(struct ask *k)
{
	struct request *r = k->request;
	struct link_file link;
	struct str token;
	int64_t now = time_now();
	if (k->files == NULL || request_query(r, "link", &token) != 1)
		return ADMIT_NO_PASS;
	k->has_link = 1;
	/* a page of ours could lead on: its address is a password */
	reply_header(k->reply, "Referrer-Policy", STR("no-referrer"));
	if (link_file_read(k->app->config, token, now, r->arena, &link) != 0 ||
	    !is_about(r, &link))
		return ADMIT_NO_PASS;
	return ask_link(k, &link, now);
}

static int
is_let_in(struct ask *k)
{
	enum admit_answer linked = by_link(k);
	if (linked == ADMIT_OPEN)
		return 1;
	const struct config_files *f = k->files;
	struct admit_rule rule;
	if (f != NULL)
		rule = (struct admit_rule){ f->tier, f->allow };
	admit_visitor(k->app, k->request, f == NULL ? NULL : &rule, time_now(),
	    &k->admit);
	if (k->admit.answer < linked)
		k->admit.answer = linked;
	if (k->admit.answer == ADMIT_OPEN)
		return 1;
	if (k->admit.answer == ADMIT_UNKNOWN) {
		reply_header(k->reply, "Retry-After", STR("5"));
		reply_error(k->reply, 503, "unavailable",
		    "the database cannot be read now");
	} else {
		turn_away(k, k->reply);
	}
	return 0;
}

/* ---- the file ------------------------------------------------------------ */

/* The name below the root; a folder's is its index.html. NULL: not a name. */
static const char *
join_name(const struct request *r, size_t first, struct str *last)
{
	struct buf b;
	buf_init(&b, NAME_BYTES_MAX);
	int good = 1;
	for (size_t i = first; i < r->n_segments; i++) {
		good = good && beneath_is_name(r->segments[i]);
		if (b.n > 0)
			buf_addc(&b, '/');
		buf_adds(&b, r->segments[i]);
	}
	*last = r->segments[r->n_segments - 1];
	if (r->path_slash) {
		*last = STR("index.html");
		buf_addf(&b, "%s%s", b.n > 0 ? "/" : "", last->p);
	}
	/* empty: the folder itself, asked for without a slash */
	const char *name = buf_take(&b, r->arena).p;
	return good ? name : NULL;
}

/* A configuration can be changed so that it fits no more, and a file be a
 * second name of another. */
static int
is_ours(const struct config *c, const struct stat *st)
{
	const char *const ours[] = { c->database, c->file };
	struct stat own;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (stat(ours[i], &own) == 0 && own.st_dev == st->st_dev &&
		    own.st_ino == st->st_ino)
			return 1;
	return 0;
}

/* k->fd and k->st: of a file or folder. -1: there is nothing to see. */
static int
open_file(struct ask *k)
{
	const struct config_files *f = k->files;
	/* what the web server sends need not be readable here */
	int flags = f->serve == CONFIG_DIRECT ? O_RDONLY | O_NONBLOCK | O_NOCTTY
					      : O_PATH;
	int root = open(f->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	k->fd = -1;
	if (root < 0) {
		log_line(LOG_ERROR, "files '%.*s': root: %s", STR_ARG(f->title),
		    strerror(errno));
		return -1;
	}
	k->fd = k->name[0] == '\0' ? openat(root, ".", O_PATH | O_CLOEXEC)
				   : beneath_open(root, k->name, flags);
	if (k->fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
		log_line(LOG_WARNING, "files '%.*s': a file: %s",
		    STR_ARG(f->title), strerror(errno));
	close(root);
	if (k->fd < 0 || fstat(k->fd, &k->st) != 0 ||
	    (!S_ISREG(k->st.st_mode) && !S_ISDIR(k->st.st_mode)))
		return -1;
	return is_ours(k->app->config, &k->st) ? -1 : 0;
}

static void
not_found(struct reply *p)
{
	reply_error(p, 404, "not_found", "there is no such file");
}

/* ---- the answer ---------------------------------------------------------- */

/* RFC 3986, 5.2: what a page links to is below the folder, not beside it. */
static void
to_folder(const struct ask *k, struct reply *p)
{
	struct buf b;
	buf_init(&b, VALUE_MAX);
	buf_addz(&b, "./");
	form_encode(&b, k->last);
	buf_addc(&b, '/');
	reply_empty(p, 301);
	reply_header(p, "Location", buf_str(&b));
	p->failed |= !buf_ok(&b);
	buf_free(&b);
}

/* nginx decodes what it is told. */
static void
add_encoded(struct buf *b, struct str path)
{
	struct str part;
	while (path.p != NULL) {
		str_cut(path, '/', &part, &path);
		form_encode(b, part);
		if (path.p != NULL)
			buf_addc(b, '/');
	}
}

/* Apache's mod_xsendfile 0.12 takes the path as it is. */
static void
hand_over(const struct ask *k, struct reply *p)
{
	const struct config_files *f = k->files;
	int accel = f->serve == CONFIG_ACCEL;
	struct buf b;
	buf_init(&b, VALUE_MAX);
	if (accel) {
		add_encoded(&b, f->accel);
		buf_addc(&b, '/');
		add_encoded(&b, str_from(k->name));
	} else {
		buf_addf(&b, "%s/%s", f->root, k->name);
	}
	reply_header(p, accel ? "X-Accel-Redirect" : "X-Sendfile", buf_str(&b));
	p->failed |= !buf_ok(&b);
	buf_free(&b);
}

static void
add_common(const struct ask *k, const struct media *m, struct reply *p)
{
	p->cache = "private, no-cache";
	reply_header(p, "Cross-Origin-Resource-Policy", STR("same-site"));
	if (m->runs && !k->files->scripts)
		reply_header(p, "Content-Security-Policy", STR(SANDBOX));
	if (k->files->attachment) {
		struct buf b;
		buf_init(&b, VALUE_MAX);
		media_disposition(&b, k->last);
		reply_header(p, "Content-Disposition", buf_str(&b));
		p->failed |= !buf_ok(&b);
		buf_free(&b);
	}
}

/* By whom it is: a user of that id is not the buyer of that id. */
static struct str
who(const struct ask *k)
{
	const struct access_key *key = &k->admit.key;
	const char *z = arena_printf(
	    k->request->arena, "%s:%.*s", key->word, STR_ARG(key->value));
	return z == NULL ? STR("") : str_from(z);
}

static void
answer_part(struct ask *k, const struct part *part, const struct media *m,
    struct reply *p)
{
	const struct send_part o = { k->fd, part->first, part->n, who(k) };
	add_common(k, m, p);
	reply_file(p, part->status, m->type, part->n);
	if (k->request->is_head || part->n == 0)
		return;
	k->fd = -1;
	send_open(k->app->send, &o, p);
}

static void
answer_direct(struct ask *k, const struct media *m, struct reply *p)
{
	struct part_file f;
	char range[3 * PART_DATE_MAX];
	part_file(&k->st, time_now(), &f);
	struct part part = part_of(k->request, &f);
	reply_header(p, "ETag", str_from(f.etag));
	reply_header(p, "Last-Modified", str_from(f.date));
	reply_header(p, "Accept-Ranges", STR("bytes"));
	if (part.status == 200) {
		answer_part(k, &part, m, p);
	} else if (part.status == 206) {
		snprintf(range, sizeof(range), "bytes %lld-%lld/%lld",
		    (long long)part.first, (long long)(part.first + part.n - 1),
		    (long long)f.size);
		reply_header(p, "Content-Range", str_from(range));
		answer_part(k, &part, m, p);
	} else if (part.status == 304) {
		add_common(k, m, p);
		reply_empty(p, 304);
	} else if (part.status == 416) {
		snprintf(
		    range, sizeof(range), "bytes */%lld", (long long)f.size);
		reply_header(p, "Content-Range", str_from(range));
		reply_error(p, 416, "range", "the file is shorter");
	} else {
		reply_error(p, 412, "changed", "the file is another now");
	}
}

static void
answer(struct ask *k, struct reply *p)
{
	const struct media *m = media_of(k->last);
	if (k->files->serve == CONFIG_DIRECT) {
		answer_direct(k, m, p);
		return;
	}
	hand_over(k, p);
	add_common(k, m, p);
	reply_file(p, 200, m->type, 0);
}

void
files_get(const struct app *app, struct request *r, struct reply *p)
{
	size_t first;
	struct ask k = { .app = app, .request = r, .reply = p, .fd = -1 };
	k.files = find(app->config, r, &first);
	if (!is_let_in(&k))
		return;
	k.name = k.files == NULL ? NULL : join_name(r, first, &k.last);
	if (k.name == NULL || open_file(&k) != 0)
		not_found(p);
	else if (S_ISREG(k.st.st_mode))
		answer(&k, p);
	else if (!r->path_slash)
		to_folder(&k, p);
	else
		not_found(p);
	if (k.fd >= 0)
		close(k.fd);
}
