#include <string.h>

#include "access/pass.h"
#include "base/form.h"
#include "base/time.h"
#include "health/front.h"
#include "health/front_own.h"
#include "platform/probe.h"

/* A delivery as a platform sends it, found in the database afterwards. */
enum { HEADER_MAX = 1024 };

struct sent {
	const struct platform *p;
	struct str secret;
	struct probe probe;
	const char *path; /* "/hooks/NAME/TOKEN" */
	const char *signature; /* a header; NULL: the proof is elsewhere */
};

/* ---- making it ------------------------------------------------------------ */

/* The first that has a secret: all come in by the same door. NULL: none. */
static const struct platform *
choose(const struct config *c, struct str *secret)
{
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		if (c->platforms[i].secrets.n > 0) {
			*secret = c->platforms[i].secrets.v[0];
			return platforms[i];
		}
	return NULL;
}

static int
make_proof(struct sent *d, struct arena *a, struct err *e)
{
	const struct platform *p = d->p;
	struct buf b;
	buf_init(&b, HEADER_MAX);
	if (p->token_in_path)
		form_encode(&b, d->secret);
	d->path = arena_printf(a, "/hooks/%s%s%.*s", p->name,
	    p->token_in_path ? "/" : "", STR_ARG(buf_str(&b)));
	buf_reset(&b);
	int rc = p->sign == NULL
	    ? 0
	    : p->sign(p, d->probe.body, d->secret, time_now(), &b, e);
	if (p->sign != NULL)
		d->signature = arena_printf(
		    a, "%s: %.*s", p->proof.header, STR_ARG(buf_str(&b)));
	buf_free(&b);
	return rc;
}

/* ---- sending it ----------------------------------------------------------- */

struct row {
	int64_t id, seen;
};

static int
take_row(void *arg, const struct store_event *ev)
{
	*(struct row *)arg = (struct row){ ev->id, ev->seen };
	return 1;
}

static int
find_row(
    const struct front *f, const struct sent *d, struct row *out, struct err *e)
{
	*out = (struct row){ 0, 0 };
	return store_event_find(f->h->store, str_from(d->p->name),
	    d->probe.delivery, take_row, out, e);
}

/* As Gumroad's Net::HTTP sends them, by whom most deliveries come. */
static void
post(const struct front *f, const struct sent *d, const char *path,
    const char *password, struct front_answer *got)
{
	const char *const headers[] = { "User-Agent: Ruby", "Accept: */*",
		arena_printf(
		    f->h->arena, "Content-Type: %s", d->p->content_type),
		d->signature, NULL };
	struct http_request request = { .headers = headers,
		.body = d->probe.body,
		.user = password == NULL ? NULL : "gatepost",
		.password = password };
	front_ask(f, path, &request, got);
}

static int
is_taken(const struct front_answer *got)
{
	return got->rc == 0 && got->got.status == 200 &&
	    (strcmp(got->word, "test") == 0 ||
		strcmp(got->word, "duplicate") == 0);
}

/* Where a redirect leads, without the token that stands in there. */
static struct str
shown_target(const struct front_answer *got)
{
	struct str to = http_header(&got->seen, "Location");
	const char *hook = memmem(to.p, to.n, "/hooks/", 7);
	if (hook != NULL)
		to.n = (size_t)(hook - to.p);
	return to;
}

static void
say_redirect(const struct front *f, const struct front_answer *got)
{
	long s = got->got.status;
	if (s == 301 || s == 302 || s == 303 || s == 307 || s == 308)
		front_say(f, FINDING_PROBLEM, FINDING_redirect,
		    "a delivery is led elsewhere (%ld), to %.*s…: a platform "
		    "need not follow. Take the redirect away from /hooks/, or "
		    "write the address it leads to into public_url and at the "
		    "platforms",
		    s, STR_ARG(shown_target(got)));
	else
		front_say(f, FINDING_OK, FINDING_redirect,
		    "deliveries are not led elsewhere");
}

static void
say_delivery(const struct front *f, const struct sent *d,
    const struct front_answer *got, const struct row *before,
    const struct row *after, enum finding_id id)
{
	if (!is_taken(got))
		front_say(f, FINDING_PROBLEM, id,
		    "a test delivery of %s, %zu bytes, did not arrive: %s",
		    d->p->name, d->probe.body.n, front_blame(f, got));
	else if (after->seen <= before->seen)
		front_say(f, FINDING_PROBLEM, id,
		    "a test delivery of %s was taken at %s, and is not in this "
		    "database: another Gatepost answers there, or one that was "
		    "started with other settings: 'systemctl restart "
		    "gatepost', and compare database in both settings",
		    d->p->name, f->url);
	else
		front_say(f, FINDING_OK, id,
		    "a test delivery of %s, %zu bytes, arrived after %d ms: "
		    "event %lld, seen %lld time%s",
		    d->p->name, d->probe.body.n, got->seen.first_ms,
		    (long long)after->id, (long long)after->seen,
		    after->seen == 1 ? "" : "s");
}

/* Sends one with that much filler and tells what became of it. */
static int
deliver(const struct front *f, size_t filler, enum finding_id id, struct err *e)
{
	struct sent d = { .signature = NULL };
	struct front_answer got;
	struct row before, after;
	d.p = choose(f->h->config, &d.secret);
	if (d.p == NULL) {
		front_say(f, FINDING_NOTE, id,
		    "no platform has a token or secret: no test delivery can "
		    "be sent");
		return 0;
	}
	if (probe_make(d.p, d.secret, filler, f->h->arena, &d.probe, e) != 0 ||
	    make_proof(&d, f->h->arena, e) != 0 ||
	    find_row(f, &d, &before, e) != 0)
		return -1;
	post(f, &d, d.path, NULL, &got);
	if (find_row(f, &d, &after, e) != 0)
		return -1;
	if (id == FINDING_delivery && got.rc == 0)
		say_redirect(f, &got);
	say_delivery(f, &d, &got, &before, &after, id);
	f->proof->delivered = is_taken(&got) && after.seen > before.seen;
	return 0;
}

int
front_deliver(const struct front *f, struct err *e)
{
	return deliver(f, 0, FINDING_delivery, e);
}

int
front_deliver_large(const struct front *f, struct err *e)
{
	return deliver(f, FRONT_LARGE, FINDING_large_body, e);
}

/* ---- Authorization -------------------------------------------------------- */

/* Tells what is wrong. 1: nothing is. */
static int
has_authorized(
    const struct front *f, const char *what, const struct front_answer *got)
{
	int ours = got->rc == 0 && got->word[0] != '\0';
	if (ours && got->got.status == 200)
		return 1;
	if (ours && (got->got.status == 401 || got->got.status == 404))
		front_say(f, FINDING_PROBLEM, FINDING_authorization,
		    "Authorization does not arrive: %s was answered %ld. "
		    "Apache needs CGIPassAuth On, or in .htaccess the shipped "
		    "RewriteRule; nginx 'include fastcgi_params'; a proxy "
		    "before it has to hand the header on. Where the delivery "
		    "was not taken either, the settings differ",
		    what, got->got.status);
	else
		front_say(f, FINDING_PROBLEM, FINDING_authorization, "%s: %s",
		    what, front_blame(f, got));
	return 0;
}

/* An app asks with its key. */
static int
ask_with_key(const struct front *f)
{
	const struct config_list *keys = &f->h->config->api_keys;
	if (keys->n == 0)
		return 1;
	const char *const headers[] = { arena_printf(f->h->arena,
					    "Authorization: Bearer %.*s",
					    STR_ARG(keys->v[0])),
		NULL };
	struct http_request request = { .method = "GET", .headers = headers };
	struct front_answer got;
	front_ask(f, "/v1/access?user=" PASS_DOCTOR, &request, &got);
	return has_authorized(f, "/v1/access with an API key", &got);
}

/* A platform that was given https://user:token@host/hooks/NAME. */
static int
deliver_with_password(const struct front *f)
{
	struct sent d = { .signature = NULL };
	struct err e = { .code = ERR_NONE };
	struct front_answer got;
	d.p = choose(f->h->config, &d.secret);
	if (d.p == NULL || !d.p->token_in_path ||
	    probe_make(d.p, d.secret, 0, f->h->arena, &d.probe, &e) != 0)
		return 1;
	post(f, &d, arena_printf(f->h->arena, "/hooks/%s", d.p->name),
	    str_z(f->h->arena, d.secret), &got);
	return has_authorized(f, "a delivery with HTTP Basic", &got);
}

void
front_authorization(const struct front *f)
{
	int delivered = f->proof->delivered; /* else that is told already */
	if ((!delivered || deliver_with_password(f)) && ask_with_key(f) &&
	    (delivered || f->h->config->api_keys.n > 0))
		front_say(f, FINDING_OK, FINDING_authorization,
		    "Authorization arrives");
}
