#include "cgi/pages/first.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/form.h"
#include "base/time.h"
#include "cgi/web/html.h"
#include "config/template.h"

enum { URL_MAX = 2048, FILE_URL_MAX = 3 * TEMPLATE_MAX };

/* ---- is there a configuration? ------------------------------------------ */

static int
is_absent(const char *path)
{
	return access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* Who runs a site has settings: what a visitor could see while they are away for
 * a moment is not shown any more. */
static int
is_new(const char *program)
{
	struct stat st;
	return program != NULL && stat(program, &st) == 0 &&
	    time_now() < st.st_ctim.tv_sec + FIRST_SECONDS;
}

/* No file: says where it belongs, and whether this is a place to go on. *e is
 * for the log, the refusal for everybody: it names no path. */
static void
begin(const struct site *site, struct first *first, struct err *e)
{
	struct err why = { .code = ERR_NONE };
	const char *named = getenv("GATEPOST_CONFIG");
	int is_named = named != NULL && named[0] != '\0';
	/* seen from where the web server starts programs: nobody knows */
	if (is_named && named[0] != '/')
		return;
	first->file = is_named ? named : site->config;
	if (first->file == NULL)
		return;
	if (site_check_owner(site, NULL, &why) != 0)
		first->refusal =
		    "Do not go on here: the host runs programs of all its "
		    "customers as one user, so others could read your data. "
		    "Ask it to run CGI programs as their owner (suEXEC).";
	else if (is_named && site_serves(site, named))
		first->refusal =
		    "Do not go on here: GATEPOST_CONFIG names a place that the "
		    "web server serves to everybody. Name one beside the web "
		    "folder.";
	else if (!is_new(site->program))
		first->refusal =
		    "How to begin is shown for a day after the program was "
		    "uploaded, and that day is over. Upload the program again, "
		    "then open this page again.";
	*e = why;
	if (why.code == ERR_NONE)
		err_set(e, ERR_CONFIG, "%s: no configuration there; %s",
		    first->file,
		    first->refusal != NULL
			? first->refusal
			: "open this program's folder, as "
			  "https://YOUR-SITE/gatepost/, in a browser: it shows "
			  "what to save");
}

struct config *
first_config(struct arena *a, struct first *first, struct err *e)
{
	struct site_opts o;
	struct site site;
	struct config *config;
	*first = (struct first){ .file = NULL };
	if (site_process(a, &o, e) != 0 || site_find(a, &o, &site, e) != 0)
		return NULL;
	const char *file = config_locate(a, NULL, CONFIG_WEB, e);
	if (file == NULL || is_absent(file)) {
		if (file != NULL)
			err_set(e, ERR_CONFIG, "%s: no such file", file);
		if (file != NULL || e->code == ERR_CONFIG)
			begin(&site, first, e);
		return NULL;
	}
	/* whose it is, before it is read: that fails for others as well */
	if (site_check_owner(&site, file, e) != 0 ||
	    config_load(file, &config, e) != 0)
		return NULL;
	if (site_check(&site, config, e) == 0)
		return config;
	config_free(config);
	return NULL;
}

/* ---- where it was asked ------------------------------------------------- */

static struct str
last_segment(struct str path)
{
	for (size_t i = path.n; i > 0; i--)
		if (path.p[i - 1] == '/')
			return (struct str){ path.p + i, path.n - i };
	return path;
}

int
first_asked(const struct request *r)
{
	if (!str_eq_z(r->method, "GET") && !r->is_head)
		return 0;
	if (r->path_ok && r->n_segments == 0)
		return 1;
	/* the program's file itself, or the folder it is the index of */
	struct str file = request_param(r, "SCRIPT_FILENAME");
	return request_param(r, "PATH_INFO").n == 0 && file.n > 0 &&
	    str_eq(last_segment(request_param(r, "SCRIPT_NAME")),
		last_segment(file));
}

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

static int
is_https(const struct request *r)
{
	return str_eq_fold(request_param(r, "HTTPS"), STR("on")) ||
	    str_eq_fold(request_param(r, "REQUEST_SCHEME"), STR("https"));
}

/* Did .htaccess bring the request here? Then it hands on Authorization too. */
static int
is_rewritten(const struct request *r)
{
	struct str name = request_param(r, "SCRIPT_NAME");
	return request_param(r, "PATH_INFO").n > 0 && name.n > 0 &&
	    !str_starts(request_param(r, "REQUEST_URI"), name);
}

/* The address that was asked, without the slash at its end. NULL: it has
 * something in it that no address of a site has. The visitor wrote Host: only
 * he sees the answer. */
static const char *
base_url(const struct request *r)
{
	struct str host = request_param(r, "HTTP_HOST"), path, query;
	str_cut(request_param(r, "REQUEST_URI"), '?', &path, &query);
	while (path.n > 0 && path.p[path.n - 1] == '/')
		path.n--;
	if (!has_only(host, ".-:[]") || host.n + path.n > URL_MAX ||
	    (path.n > 0 && !has_only(path, "/._~%-")) ||
	    memmem(path.p, path.n, "..", 2) != NULL)
		return NULL;
	return arena_printf(r->arena, "%s://%.*s%.*s",
	    is_https(r) ? "https" : "http", STR_ARG(host), STR_ARG(path));
}

/* ---- the page ----------------------------------------------------------- */

static void
add_code(struct buf *b, const char *text)
{
	buf_addz(b, "<code>");
	html_add(b, str_from(text));
	buf_addz(b, "</code>");
}

static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
    "<meta name=\"robots\" content=\"noindex\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<title>Gatepost: one file to save</title>\n"
    "<style>body{font:1em/1.5 sans-serif;max-width:46em;margin:2em auto;"
    "padding:0 1em}textarea{width:100%;height:16em}"
    "code{overflow-wrap:anywhere}</style>\n"
    "<h1>Gatepost runs. One file is missing</h1>\n";

static const char tail[] =
    "<p>Nothing on this page is stored. Each visit makes other secrets, so "
    "what somebody else was shown here is worth nothing: those in the file "
    "you save are the ones that count. Copy the file and the address from the "
    "same visit. This page is shown for a day after the program was "
    "uploaded, and never once the file is there.</p>\n";

static void
add_file(struct buf *b, const char *file, struct str text)
{
	const char *slash = strrchr(file, '/');
	struct buf url;
	buf_init(&url, FILE_URL_MAX);
	form_encode(&url, text);
	buf_addz(b, "<ol>\n<li>Save this as <code>");
	html_add(b, str_from(slash + 1));
	buf_addz(b, "</code> in the folder <code>");
	html_add(b, (struct str){ file, (size_t)(slash - file) });
	buf_addz(b,
	    "</code>. Make the folder if it is not there; it lies outside "
	    "the folder of your web site, where no visitor gets. Set the "
	    "file's permissions to 600 and the folder's to 700.<br>\n"
	    "<a download=\"gatepost.conf\" "
	    "href=\"data:application/octet-stream,");
	buf_adds(b, buf_str(&url));
	buf_addz(
	    b, "\">Download it</a>, or copy it:<br>\n<textarea readonly>\n");
	html_add(b, text);
	buf_addz(b, "</textarea>\n");
	if (!buf_ok(&url))
		b->failed = 1;
	buf_free(&url);
}

static void
add_steps(struct buf *b, const char *base, int rewritten,
    const struct platform *p, const char *token)
{
	struct buf line;
	buf_init(&line, URL_MAX + 256);
	const char *site = base == NULL ? "https://YOUR-SITE/FOLDER" : base;
	buf_addz(b, "<li>Open ");
	buf_addf(&line, "%s/healthz", site);
	add_code(b, line.p);
	buf_addz(b,
	    " and see <b>ok</b>. Otherwise the error log of your web space "
	    "says what is wrong.\n<li>");
	html_add(b, str_from(p->words.page));
	buf_addz(b, ":<br>\n");
	buf_reset(&line);
	buf_addf(&line, "%s/hooks/%s/%s", site, p->name, token);
	add_code(b, line.p);
	buf_addz(b, "<br>\nIt holds a password: show it to nobody.");
	if (rewritten) {
		struct str rest = str_from(strstr(site, "://") + 3);
		buf_addz(b,
		    " The access log of your web space will hold it; this "
		    "form keeps it out:<br>\n");
		buf_reset(&line);
		buf_addf(&line, "%.*sgatepost:%s@%s/hooks/%s",
		    (int)(rest.p - site), site, token, rest.p, p->name);
		add_code(b, line.p);
	}
	buf_addz(b,
	    "\n<li>Have the host "
	    "run this every ten minutes (cron), for what ends by time:<br>\n"
	    "<code>cd FOLDER &amp;&amp; ./gatepost work --once</code><br>\n"
	    "with the folder of step 1 for FOLDER.\n</ol>\n");
	if (!buf_ok(&line))
		b->failed = 1;
	buf_free(&line);
}

static void
add_config(const struct first *first, const struct request *r, struct buf *b)
{
	struct template_secrets made = { .tokens = { "" } };
	const char *base = base_url(r);
	const struct template_values values = { .public_url = base };
	struct buf text;
	buf_init(&text, TEMPLATE_MAX);
	if (template_fill(&text, &values, &made, NULL) != 0)
		b->failed = 1;
	else {
		add_file(b, first->file, buf_str(&text));
		add_steps(
		    b, base, is_rewritten(r), platforms[0], made.tokens[0]);
	}
	buf_free(&text);
}

void
first_page(const struct first *first, struct request *r, struct reply *p)
{
	static const char policy[] =
	    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
	    "form-action 'none'; frame-ancestors 'none'";
	struct buf *b = reply_html(p, first->refusal == NULL ? 200 : 503);
	reply_header(p, "X-Robots-Tag", STR("noindex"));
	reply_header(p, "Referrer-Policy", STR("no-referrer"));
	reply_header(p, "Content-Security-Policy", str_from(policy));
	buf_addz(b, head);
	if (first->refusal != NULL) {
		buf_addz(b, "<p>");
		html_add(b, str_from(first->refusal));
		buf_addz(b, "</p>\n");
		return;
	}
	if (!is_https(r))
		buf_addz(b,
		    "<p><b>This page came over http.</b> What it shows can be "
		    "read on the way. Open it with https:// first.</p>\n");
	add_config(first, r, b);
	buf_addz(b, tail);
}
