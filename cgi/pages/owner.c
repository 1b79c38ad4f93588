#include "cgi/pages/owner.h"

#include <string.h>

#include "base/form.h"
#include "cgi/web/html.h"
#include "platform/probe.h"

static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
    "<meta name=\"robots\" content=\"noindex\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<style>body{font:1em/1.5 sans-serif;max-width:46em;margin:2em auto;"
    "padding:0 1em}textarea{width:100%;height:16em}pre{white-space:pre-wrap}"
    "code,pre{overflow-wrap:anywhere}label{font-weight:bold}"
    "input{width:100%;box-sizing:border-box;font:inherit}"
    "button{font:inherit;padding:.4em 1em}.bad{color:#b00020}</style>\n";

struct buf *
owner_page(
    struct reply *p, int status, const char *headline, struct str form_to)
{
	const char *policy = arena_printf(p->arena,
	    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
	    "form-action 'self' %.*s; frame-ancestors 'none'",
	    STR_ARG(form_to));
	struct buf *b = reply_html(p, status);
	reply_header(p, "X-Robots-Tag", STR("noindex"));
	reply_header(p, "Referrer-Policy", STR("no-referrer"));
	reply_header(p, "Content-Security-Policy", str_from(policy));
	buf_addz(b, head);
	buf_addf(b, "<title>Gatepost: %s</title>\n<h1>%s</h1>\n", headline,
	    headline);
	return b;
}

/* ---- where it was asked ------------------------------------------------- */

static int
has_only(struct str s, const char *more)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		int letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9');
		if (!letter && (c == '\0' || strchr(more, c) == NULL))
			return 0;
	}
	return s.n > 0;
}

/* As the server says it, or one before it that takes the encryption away: who
 * lies about that lies to himself. */
int
owner_is_https(const struct request *r)
{
	return str_eq_fold(request_param(r, "HTTPS"), STR("on")) ||
	    str_eq_fold(request_param(r, "REQUEST_SCHEME"), STR("https")) ||
	    str_eq_fold(
		request_param(r, "HTTP_X_FORWARDED_PROTO"), STR("https"));
}

int
owner_is_rewritten(const struct request *r)
{
	struct str name = request_param(r, "SCRIPT_NAME");
	return request_param(r, "PATH_INFO").n > 0 && name.n > 0 &&
	    !str_starts(request_param(r, "REQUEST_URI"), name);
}

const char *
owner_base(const struct request *r)
{
	struct str host = request_param(r, "HTTP_HOST"), path, query;
	str_cut(request_param(r, "REQUEST_URI"), '?', &path, &query);
	while (path.n > 0 && path.p[path.n - 1] == '/')
		path.n--;
	if (!has_only(host, ".-:[]") || host.n + path.n > OWNER_URL_MAX ||
	    (path.n > 0 && !has_only(path, "/._~%-")) ||
	    memmem(path.p, path.n, "..", 2) != NULL)
		return NULL;
	return arena_printf(r->arena, "%s://%.*s%.*s",
	    owner_is_https(r) ? "https" : "http", STR_ARG(host), STR_ARG(path));
}

struct str
owner_origin(struct str url)
{
	struct str scheme =
	    str_starts(url, STR("https://")) ? STR("https://") : STR("http://");
	if (!str_starts(url, scheme))
		return STR_NONE;
	struct str host, path;
	str_cut((struct str){ url.p + scheme.n, url.n - scheme.n }, '/', &host,
	    &path);
	return has_only(host, ".-:[]")
	    ? (struct str){ url.p, scheme.n + host.n }
	    : STR_NONE;
}

/* ---- parts of a page ---------------------------------------------------- */

void
owner_code(struct buf *b, struct str text)
{
	buf_addz(b, "<code>");
	html_add(b, text);
	buf_addz(b, "</code>");
}

void
owner_hook(struct buf *b, struct str site, const struct platform *p,
    struct str token, int rewritten)
{
	struct buf line;
	buf_init(&line, OWNER_URL_MAX + 256);
	const char *slashes =
	    site.n == 0 ? NULL : memmem(site.p, site.n, "://", 3);
	size_t scheme = slashes == NULL ? 0 : (size_t)(slashes - site.p) + 3;
	buf_addf(&line, "%.*s/hooks/%s/%.*s", STR_ARG(site), p->name,
	    STR_ARG(token));
	owner_code(b, buf_str(&line));
	buf_addz(b, "<br>\nIt holds a password: show it to nobody.");
	if (rewritten) {
		buf_reset(&line);
		buf_addf(&line, "%.*sgatepost:%.*s@%.*s/hooks/%s", (int)scheme,
		    site.p, STR_ARG(token), (int)(site.n - scheme),
		    site.p + scheme, p->name);
		buf_addz(b,
		    " The access log of your web space will hold it; this "
		    "form keeps it out:<br>\n");
		owner_code(b, buf_str(&line));
	}
	if (!buf_ok(&line))
		b->failed = 1;
	buf_free(&line);
}

static void
add_hidden(struct buf *b, struct str name, struct str value)
{
	buf_addz(b, "<input type=\"hidden\" name=\"");
	html_add(b, name);
	buf_addz(b, "\" value=\"");
	html_add(b, value);
	buf_addz(b, "\">\n");
}

void
owner_trial(struct buf *b, struct arena *a, struct str site,
    const struct platform *p, struct str token, const char *button)
{
	struct form_walk walk = { .pairs = 0 };
	struct probe probe = { .body = STR_NONE };
	struct form_pair pair;
	const char *reason = NULL;
	struct err e = { .code = ERR_NONE };
	if (probe_make(p, STR_NONE, 0, a, &probe, &e) != 0)
		b->failed = 1;
	walk.rest = probe.body;
	buf_addz(b, "<form method=\"post\"");
	if (site.p != NULL) {
		buf_addz(b, " action=\"");
		html_add(b, site);
		buf_addf(b, "/hooks/%s\"", p->name);
	}
	buf_addz(b, ">\n");
	add_hidden(b, STR("proof"), token);
	while (form_next(&walk, a, &pair, &reason, &e) == 1)
		add_hidden(b, pair.key, pair.value);
	buf_addf(b, "<button>%s</button>\n</form>\n", button);
}
