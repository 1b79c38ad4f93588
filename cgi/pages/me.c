#include "cgi/pages/me.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/form.h"
#include "base/log.h"
#include "base/time.h"
#include "cgi/web/html.h"
#include "cgi/pages/pages.h"
#include "cgi/server/reader.h"
#include "cgi/web/visitor.h"

/*
 * GET /me: what whoever carries the pass owns, tiers and files; else how to
 * sign in. It works without scripts; the one it has, me.js, saves the pasting.
 */
enum {
	SCAN_MAX = 2000, /* names looked at in a folder */
	SHOWN_MAX = 200, /* files listed of a section */
	DATE = 10, /* bytes of 2026-12-04 */
};

const char *
me_up(const struct request *r)
{
	static const char *const ups[] = { "./", "../", "../../" };
	size_t n = r->n_segments - 1 + (r->path_slash ? 1 : 0);
	return ups[n < 2 ? n : 2];
}

/* ---- the frame ----------------------------------------------------------- */

static struct buf *
begin(const struct request *r, int status, struct reply *p)
{
	static const char policy[] =
	    "default-src 'none'; script-src 'self'; style-src 'self'; "
	    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
	struct buf *b = reply_html(p, status);
	reply_header(p, "Content-Security-Policy", str_from(policy));
	/* with no-referrer its forms came from "null", as anybody's can */
	reply_header(p, "Referrer-Policy", STR("same-origin"));
	reply_header(p, "Cross-Origin-Opener-Policy", STR("same-origin"));
	reply_header(p, "X-Robots-Tag", STR("noindex"));
	reply_header(p, "Vary", STR("Cookie, Authorization"));
	buf_addf(b,
	    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width\">\n"
	    "<title>Your purchases</title>\n"
	    "<link rel=\"stylesheet\" href=\"%sme/me.css\">\n"
	    "<script src=\"%sme/me.js\" defer></script>\n"
	    "<h1>Your purchases</h1>\n",
	    me_up(r), me_up(r));
	return b;
}

static void
add_forms(const struct config *c, const struct request *r, struct buf *b)
{
	const char *up = me_up(r);
	buf_addf(b,
	    "<form id=\"signin\" method=\"post\" action=\"%sme\">\n"
	    "<label>The link from the mail\n"
	    "<input name=\"token\" required maxlength=\"4096\" "
	    "autocomplete=\"off\" spellcheck=\"false\"></label>\n"
	    "<button name=\"go\">Sign in</button>\n</form>\n",
	    up);
	if (c->follow_ups.mail_from.p == NULL)
		return;
	buf_addf(b,
	    "<h2>No link, or one that is over?</h2>\n"
	    "<form method=\"post\" action=\"%sme/link\">\n"
	    "<label for=\"email\">The e-mail address you bought with</label>\n"
	    "<input id=\"email\" name=\"email\" type=\"email\" required "
	    "maxlength=\"254\" autocomplete=\"email\">\n"
	    "<button>Send me a link</button>\n</form>\n",
	    up);
}

void
me_page(const struct app *app, const struct request *r, int status,
    const char *note, struct reply *p)
{
	struct buf *b = begin(r, status, p);
	if (note != NULL)
		buf_addf(b, "<p class=\"note\" role=\"status\">%s</p>\n", note);
	buf_addz(b, "<h2>Sign in</h2>\n");
	add_forms(app->config, r, b);
}

/* ---- what somebody owns -------------------------------------------------- */

static void
add_until(struct buf *b, int64_t until)
{
	char text[TIME_TEXT_MAX];
	if (until == STORE_NULL)
		buf_addz(b, "for ever");
	else
		buf_addf(b, "until %.*s", DATE, time_text(until, text));
}

static void
add_grant(struct buf *b, const struct access_grant *g)
{
	const struct store_purchase *row = &g->row;
	buf_addz(b, "<li><b>");
	html_add(b,
	    row->product_name.n > 0  ? row->product_name
		: row->product.n > 0 ? row->product
				     : row->tier);
	buf_addz(b, "</b>");
	if (row->variant.n > 0) {
		buf_addz(b, " (");
		html_add(b, row->variant);
		buf_addc(b, ')');
	}
	buf_addz(b, ": ");
	html_add(b, row->tier);
	buf_addz(b, ", ");
	add_until(b, row->until);
	if (g->in_grace)
		buf_addz(b, "; a payment is due");
	buf_addz(b, "\n");
}

struct names {
	struct arena *arena;
	const char *v[SHOWN_MAX];
	size_t n;
	int has_index;
	int more;
};

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
take_name(struct names *names, int folder, const char *name)
{
	struct stat st;
	if (!beneath_is_name(str_from(name)) ||
	    fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(st.st_mode))
		return;
	if (strcmp(name, "index.html") == 0)
		names->has_index = 1;
	if (names->n == SHOWN_MAX)
		names->more = 1;
	else if ((names->v[names->n] = str_z(names->arena, str_from(name))) !=
	    NULL)
		names->n++;
}

static void
read_names(const char *root, struct names *names)
{
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (int i = 0; i < SCAN_MAX; i++) {
		const struct dirent *entry = readdir(dir);
		if (entry == NULL)
			break;
		take_name(names, fd, entry->d_name);
	}
	closedir(dir);
	qsort(names->v, names->n, sizeof(names->v[0]), compare);
}

static void
add_file(
    const struct request *r, struct buf *b, struct str title, const char *name)
{
	struct str part, rest = { title.p + 1, title.n - 1 };
	buf_addf(b, "<li><a href=\"%sfiles", me_up(r));
	while (rest.p != NULL) {
		str_cut(rest, '/', &part, &rest);
		buf_addc(b, '/');
		form_encode(b, part);
	}
	buf_addc(b, '/');
	form_encode(b, str_from(name));
	buf_addz(b, "\">");
	html_add(b, name[0] == '\0' ? title : str_from(name));
	buf_addz(b, "</a>\n");
}

/* A folder with a page of its own shows what it wants to be seen. */
static void
add_section(struct request *r, struct buf *b, const struct config_files *f)
{
	struct names names = { .arena = r->arena };
	read_names(f->root, &names);
	if (names.has_index) {
		add_file(r, b, f->title, "");
		return;
	}
	for (size_t i = 0; i < names.n; i++)
		add_file(r, b, f->title, names.v[i]);
	if (names.more)
		buf_addz(b, "<li>and more\n");
}

static void
add_files(const struct config *c, struct request *r, struct buf *b,
    const struct access *x)
{
	int any = 0;
	for (size_t i = 0; i < c->n_files; i++) {
		const struct config_files *f = &c->files[i];
		if (f->tier.p != NULL
			? !access_allows_tier(x, &c->rules, f->tier)
			: !access_allows(x, f->allow))
			continue;
		if (!any)
			buf_addz(b, "<h2>Downloads</h2>\n<ul>\n");
		any = 1;
		add_section(r, b, f);
	}
	if (any)
		buf_addz(b, "</ul>\n");
}

static void
show(const struct app *app, struct request *r, const struct access_key *key,
    const struct access *x, struct reply *p)
{
	struct buf *b = begin(r, 200, p);
	buf_addf(b, "<p>Signed in as <b>%s",
	    key->by == STORE_BY_EMAIL ? "" : key->word);
	buf_addz(b, key->by == STORE_BY_EMAIL ? "" : " ");
	html_add(b, key->by == STORE_BY_BUYER ? key->value : key->id);
	buf_addz(b, "</b>.</p>\n");
	if (x->n_grants == 0)
		buf_addz(b, "<p>Nothing is open for you now.</p>\n");
	else
		buf_addz(b, "<ul>\n");
	for (size_t i = 0; i < x->n_grants; i++)
		add_grant(b, &x->grants[i]);
	if (x->n_grants > 0)
		buf_addz(b, "</ul>\n");
	add_files(app->config, r, b, x);
	buf_addf(b,
	    "<form method=\"post\" action=\"%sme\">\n<p>"
	    "<button name=\"out\" value=\"1\">Sign out</button>\n"
	    "<button name=\"out\" value=\"everywhere\">Sign out "
	    "everywhere</button></p>\n</form>\n"
	    "<details%s>\n"
	    "<summary>Bought with another address?</summary>\n",
	    me_up(r), x->n_grants == 0 ? " open" : "");
	add_forms(app->config, r, b);
	buf_addz(b, "</details>\n");
}

/* A pass of an e-mail address before any other. */
static const struct access_key *
choose_key(const struct visitor *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->v[i].pass.key.by == STORE_BY_EMAIL)
			return &v->v[i].pass.key;
	return v->n > 0 ? &v->v[0].pass.key : NULL;
}

void
me_get(const struct app *app, struct request *r, struct reply *p)
{
	struct err err = { .code = ERR_NONE };
	const struct access_key *key = NULL;
	struct visitor v;
	struct access x;
	int64_t now = time_now();
	visitor_read(&v, app, r, now);
	struct store *s =
	    v.n == 0 ? NULL : readers_get(app->readers, r->worker, &err);
	if (s != NULL && visitor_check(&v, s, &err) == 0)
		key = choose_key(&v);
	if (key != NULL)
		access_lookup(
		    s, &app->config->rules, key, now, r->arena, &x, &err);
	if (err.code != ERR_NONE) {
		log_line(LOG_ERROR, "me: lookup failed: %s", err.text);
		readers_drop(app->readers, r->worker);
		reply_header(p, "Retry-After", STR("5"));
		me_page(app, r, 503,
		    "What you own cannot be read now. Try again in a moment.",
		    p);
		return;
	}
	if (key == NULL)
		me_page(app, r, 200, NULL, p);
	else
		show(app, r, key, &x, p);
}

/* ---- its parts ----------------------------------------------------------- */

void
me_part_get(const struct app *app, struct request *r, struct reply *p)
{
	int is_css = str_eq_z(r->name, "me.css");
	(void)app;
	if (!is_css && !str_eq_z(r->name, "me.js")) {
		reply_error(p, 404, "not_found", "there is no such address");
		return;
	}
	buf_addz(reply_text(p, 200), is_css ? me_css : me_js);
	p->type = is_css ? "text/css; charset=utf-8"
			 : "text/javascript; charset=utf-8";
	p->cache = "max-age=300";
}
