#include "cgi/pages/proof_seen.h"

#include <string.h>

#include "base/time.h"
#include "cgi/pages/owner.h"
#include "cgi/server/reader.h"
#include "cgi/web/html.h"
#include "platform/probe.h"
#include "store/truth.h"
#include "truth/wish.h"

enum { SETUP_MAX = 16 * 1024, TESTS_MAX = 1000 };

struct seen {
	const struct config *config;
	const struct platform *platform;
	struct request *r;
	struct str delivery; /* of the trial */
	int64_t times; /* it came, 0: it is not there */
	int64_t other_at; /* another test came; STORE_NULL: none */
	int64_t swept; /* cron's work ran; STORE_NULL: never */
	int64_t read; /* sales imported */
	enum wish_state wishes[WISH__MAX];
	int has_token; /* of the platform's API */
	int is_https, is_same; /* it came by public_url */
	int is_rewritten;
};

/* ---- what is seen -------------------------------------------------------- */

static int
take_event(void *arg, const struct store_event *row)
{
	struct seen *s = arg;
	if (str_eq(row->delivery, s->delivery))
		s->times = row->seen;
	else if (s->other_at == STORE_NULL)
		s->other_at = row->last_seen_at;
	return 0;
}

static int
take_import(void *arg, const struct store_reading *row)
{
	struct seen *s = arg;
	s->read = row->read;
	return 0;
}

static int
read_all(struct seen *s, struct store *store, struct err *e)
{
	const struct platform *p = s->platform;
	const struct store_event_filter tests = { .before = STORE_NULL,
		.platform = str_from(p->name),
		.status = STR("test"),
		.limit = TESTS_MAX };
	if (store_event_list(store, &tests, take_event, s, e) != 0 ||
	    store_meta_number(store, STR("swept_to"), &s->swept, e) != 0 ||
	    store_reading_newest(store, str_from(p->name), STR("import"),
		READING_ANY, take_import, s, e) != 0)
		return -1;
	for (enum wish w = 0; w < WISH__MAX; w++)
		if (wish_read(store, s->config, p, w, &s->wishes[w], e) != 0)
			return -1;
	return 0;
}

/* public_url/hooks/NAME? */
static int
is_same(const struct seen *s)
{
	struct str site = s->config->public_url,
		   came = str_from(owner_base(s->r));
	struct str tail =
	    str_from(arena_printf(s->r->arena, "/hooks/%s", s->platform->name));
	return site.n > 0 && came.n == site.n + tail.n &&
	    str_eq_fold((struct str){ came.p, site.n }, site) &&
	    str_eq((struct str){ came.p + site.n, tail.n }, tail);
}

static int
look(struct seen *s, const struct app *app, struct err *e)
{
	struct request *r = s->r;
	struct probe probe;
	const struct platform *p = r->platform;
	struct store *store = readers_get(app->readers, r->worker, e);
	if (store == NULL ||
	    probe_make(p, STR_NONE, 0, r->arena, &probe, e) != 0)
		return -1;
	s->delivery = probe.delivery;
	s->platform = p;
	s->has_token =
	    app->config->platforms[platform_index(p)].api_token.p != NULL;
	s->is_https = owner_is_https(r);
	s->is_rewritten = owner_is_rewritten(r);
	s->is_same = is_same(s);
	return read_all(s, store, e);
}

/* ---- the page ------------------------------------------------------------ */

static void
add_checks(const struct seen *s, struct buf *b)
{
	const struct config *c = s->config;
	buf_addf(b,
	    "<ul>\n<li>ok: the settings are read, the database can be "
	    "written.\n"
	    "<li>ok: the test delivery came through and is stored. Seen so "
	    "far: %lld. It counts for nothing.\n",
	    (long long)s->times);
	buf_addz(b,
	    s->is_https
		? "<li>ok: it came over https.\n"
		: "<li><b class=\"bad\">PROBLEM: it came over http</b>: the "
		  "token can be read on the way. Have the host set up https, "
		  "and write https:// into public_url.\n");
	if (c->public_url.n == 0)
		buf_addz(b,
		    "<li><b class=\"bad\">PROBLEM: public_url is not "
		    "set</b>: put this site's address there.\n");
	else if (!s->is_same)
		buf_addz(b,
		    "<li><b class=\"bad\">PROBLEM: it came by another address "
		    "than public_url says.</b> Make that the one that "
		    "works.\n");
	for (size_t i = 0; i < c->n_warnings; i++) {
		buf_addz(b, "<li>note: ");
		html_add(b, str_from(c->warnings[i]));
		buf_addz(b, "\n");
	}
	buf_addz(b, "</ul>\n");
}

static void
add_platforms(const struct seen *s, struct str token, struct buf *b)
{
	const struct platform *own = s->platform;
	struct str site = s->config->public_url;
	char at[TIME_TEXT_MAX];
	buf_addf(b, "<li>%s:<br>\n", own->words.page);
	owner_hook(b, site, own, token, s->is_rewritten);
	if (s->other_at == STORE_NULL)
		buf_addf(b,
		    "<br>\nThen have %s send a test from there, and press Look "
		    "again: it is seen here. Nothing is sent while the account "
		    "has no sale.\n",
		    own->words.title);
	else
		buf_addf(b, "<br>\nA test came from there, on %s.\n",
		    time_text(s->other_at, at));
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		const struct config_platform *c = &s->config->platforms[i];
		const struct platform_site where = { .base = site,
			.secret = c->secrets.n > 0 ? c->secrets.v[0] : STR_NONE,
			.reference = c->reference };
		struct buf text;
		if (platforms[i] == own || c->secrets.n == 0)
			continue;
		buf_init(&text, SETUP_MAX);
		platforms[i]->setup(platforms[i], &where, &text);
		buf_addz(b, "<li><pre>");
		html_add(b, str_trim(buf_str(&text)));
		buf_addz(b, "</pre>\n");
		buf_free(&text);
	}
}

static void
add_cron(const struct seen *s, struct buf *b)
{
	const char *slash = strrchr(s->config->file, '/');
	buf_addz(b,
	    "<li>Have the host run this every ten minutes (cron):<br>\n"
	    "<code>cd ");
	html_add(b,
	    (struct str){ s->config->file, (size_t)(slash - s->config->file) });
	buf_addz(b, " &amp;&amp; ./gatepost work --once</code><br>\n");
	buf_addz(b,
	    s->swept == STORE_NULL ? "It has not run yet.\n"
				   : "It has run here.\n");
}

/* What cron does with the token of the API. */
static void
add_truth(const struct seen *s, struct buf *b)
{
	const char *name = s->platform->words.title;
	const struct platform_api *api = s->platform->api;
	if (api == NULL)
		return;
	buf_addz(b, "<ul>\n");
	if (!s->has_token)
		buf_addf(b,
		    "<li>No %s is in %s { }, so cron does not ask %s: its "
		    "other notices (refunds, disputes, cancellations) do not "
		    "come, nor what was sold before. Put one there any "
		    "time.\n",
		    api->token_key, s->platform->name, name);
	else if (s->wishes[WISH_REGISTER] == WISH_NONE)
		buf_addf(b,
		    "<li><b class=\"bad\">The other notices of %s (refunds, "
		    "disputes, cancellations) are not ordered</b>: they need "
		    "the header Authorization, which does not arrive without "
		    "the .htaccess of the archive.\n",
		    name);
	else if (s->wishes[WISH_REGISTER] == WISH_OPEN)
		buf_addf(b,
		    "<li>The other notices of %s (refunds, disputes, "
		    "cancellations) are ordered when cron runs.\n",
		    name);
	else
		buf_addf(b,
		    "<li>ok: the other notices of %s (refunds, disputes, "
		    "cancellations) are ordered.\n",
		    name);
	if (s->has_token && s->wishes[WISH_IMPORT] == WISH_OPEN)
		buf_addf(b,
		    "<li>What was sold before comes in when cron runs, about "
		    "400 sales each time. Read so far: %lld.\n",
		    (long long)s->read);
	else if (s->has_token && s->wishes[WISH_IMPORT] == WISH_DONE)
		buf_addf(b, "<li>ok: what was sold before is in. Read: %lld.\n",
		    (long long)s->read);
	buf_addz(b, "</ul>\n");
}

static void
add_without(const struct seen *s, struct buf *b)
{
	buf_addf(b,
	    "<p>Without cron: sales are stored and your app is answered "
	    "right, also when access has ended. But nothing is ordered at %s, "
	    "so refunds, disputes and cancellations never arrive; what was "
	    "sold before is not there; a lost delivery is not found; and no "
	    "mail and nothing else that follows from a sale goes out, but "
	    "links to sign in.</p>\n",
	    s->platform->words.title);
}

void
proof_seen(
    const struct app *app, struct request *r, struct str token, struct reply *p)
{
	struct seen s = { .config = app->config, .r = r };
	struct err e = { .code = ERR_NONE };
	s.other_at = s.swept = STORE_NULL;
	if (look(&s, app, &e) != 0) {
		reply_error(p, 503, "unavailable", "try again");
		return;
	}
	int ready = s.times > 0 && s.is_https && s.is_same;
	struct buf *b =
	    owner_page(p, 200, ready ? "Ready" : "Not ready yet", STR_NONE);
	add_checks(&s, b);
	buf_addz(b, "<ol>\n");
	add_platforms(&s, token, b);
	add_cron(&s, b);
	add_truth(&s, b);
	buf_addz(b, "</ol>\n");
	add_without(&s, b);
	owner_trial(b, r->arena, STR_NONE, s.platform, token, "Look again");
}
