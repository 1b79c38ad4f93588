#include "truth/registration.h"

#include <string.h>

#include "action/address.h"
#include "base/crypto.h"

enum { ROWS_MAX = 64, NOTE_MAX = 512 };

struct row {
	char *id;
	char *url;
	int ours, current;
};

struct run {
	struct asker *k;
	const struct registering *how;
	registration_fn *fn;
	void *arg;
	const char *url; /* to be registered */
	struct str site; /* host, port and path of the hook */
	struct arena *arena;
	struct row rows[ROWS_MAX];
	size_t n;
	int stands;
};

/* Host, port and path; what stands before an '@' and what follows the hook's
 * name is left out, for that is secret. */
static struct str
site_of(struct arena *a, const char *url, const char *hook)
{
	const char *host = strstr(url, "://");
	if (host == NULL)
		return STR_NONE;
	host += 3;
	const char *path = host + strcspn(host, "/?#");
	const char *at = memchr(host, '@', (size_t)(path - host));
	host = at != NULL ? at + 1 : host;
	const char *end = strstr(path, hook);
	if (end == NULL)
		return STR_NONE;
	end += strlen(hook);
	if (*end != '\0' && *end != '/' && *end != '?')
		return STR_NONE;
	return str_lower(a, (struct str){ host, (size_t)(end - host) });
}

/* https://example.org/x -> https://gatepost:TOKEN@example.org/x/hooks/NAME */
static int
make_url(struct run *r, struct err *e)
{
	const struct config *c = r->k->config;
	const struct platform *p = r->k->platform;
	const struct config_list *secrets =
	    &c->platforms[platform_index(p)].secrets;
	if (c->public_url.n == 0 || secrets->n == 0)
		return err_set(e, ERR_CONFIG,
		    "set public_url and %s { %s } first: %s is to send there",
		    p->name, p->secrets_key, p->words.title);
	const char *base = str_z(r->arena, c->public_url);
	const char *host = base == NULL ? NULL : strstr(base, "://");
	if (host == NULL)
		return err_set(e, ERR_CONFIG, "public_url is no address");
	host += 3;
	r->url = arena_printf(r->arena, "%.*sgatepost:%.*s@%s/hooks/%s",
	    (int)(host - base), base, STR_ARG(secrets->v[0]), host, p->name);
	if (r->url != NULL)
		r->site = site_of(r->arena, r->url,
		    arena_printf(r->arena, "/hooks/%s", p->name));
	return r->site.p != NULL ? 0 : err_set(e, ERR_MEMORY, "out of memory");
}

static int
take_rows(struct run *r, const struct platform_answer *a, struct err *e)
{
	const struct platform *p = r->k->platform;
	const char *hook = arena_printf(r->arena, "/hooks/%s", p->name);
	const json_t *object;
	size_t i;
	r->n = 0;
	json_array_foreach(a->objects, i, object)
	{
		struct str id = p->api->id(object), url = p->api->url(object);
		if (id.p == NULL || url.p == NULL || r->n == ROWS_MAX)
			continue;
		struct row *row = &r->rows[r->n++];
		*row = (struct row){ .id = str_z(r->arena, id),
			.url = str_z(r->arena, url) };
		if (row->id == NULL || row->url == NULL || hook == NULL)
			return err_set(e, ERR_MEMORY, "out of memory");
		row->ours = str_eq(site_of(r->arena, row->url, hook), r->site);
		row->current = strcmp(row->url, r->url) == 0;
	}
	return 0;
}

/* "https://example.org/…": no more of somebody else's. */
static const char *
shown(struct run *r, const char *url)
{
	int port;
	struct str host = address_host(url, &port);
	return host.n == 0 ? "?"
			   : arena_printf(r->arena, "%.*s/…", STR_ARG(host));
}

static void
tell(struct run *r, const char *kind, enum registered what, const char *url)
{
	r->fn(r->arg, kind, what,
	    what == REGISTERED_OTHERS
		? shown(r, url)
		: arena_printf(r->arena, "%.*s", STR_ARG(r->site)));
}

static int
add(struct run *r, const char *kind, struct err *e)
{
	const struct platform_question q = { .what = ASK_REGISTER,
		.kind = str_from(kind),
		.url = str_from(r->url) };
	struct platform_answer a;
	enum platform_said said;
	if (!r->how->dry && asker_ask(r->k, &q, 0, &a, &said, e) != 0)
		return -1;
	tell(r, kind, r->how->dry ? REGISTERED_NOT : REGISTERED_NOW, r->url);
	r->stands &= !r->how->dry;
	return 0;
}

/* One of another application's is not found: it is let alone. */
static int
drop(struct run *r, const char *kind, const struct row *row,
    enum registered what, struct err *e)
{
	const struct platform_question q = { .what = ASK_UNREGISTER,
		.id = str_from(row->id) };
	struct platform_answer a;
	enum platform_said said = SAID_FINE;
	if (!r->how->dry && asker_ask(r->k, &q, 0, &a, &said, e) != 0)
		return -1;
	if (said == SAID_ABSENT)
		what = REGISTERED_OTHERS;
	tell(r, kind, what, row->url);
	return 0;
}

/* The new one before the old one goes. */
static int
settle(struct run *r, const char *kind, int wanted, struct err *e)
{
	struct row *keep = NULL;
	for (size_t i = 0; i < r->n; i++)
		if (wanted && keep == NULL && r->rows[i].current)
			keep = &r->rows[i];
	if (keep != NULL)
		tell(r, kind, REGISTERED, keep->url);
	else if (wanted && add(r, kind, e) != 0)
		return -1;
	for (size_t i = 0; i < r->n; i++) {
		const struct row *row = &r->rows[i];
		if (row == keep)
			continue;
		if (!row->ours)
			tell(r, kind, REGISTERED_OTHERS, row->url);
		else if (drop(r, kind, row,
			     row->current && wanted ? REGISTERED_DOUBLE
						    : REGISTERED_GONE,
			     e) != 0)
			return -1;
	}
	return 0;
}

/* ---- what was made from this database ---- */

static struct str
note_name(struct run *r)
{
	return str_from(
	    arena_printf(r->arena, "registered:%s", r->k->platform->name));
}

/* "DIGEST kind,kind": the digest of where the hook is. */
static int
read_note(struct run *r, struct store *s, struct str *kinds, struct err *e)
{
	struct str text, digest;
	*kinds = STR_NONE;
	if (store_meta_text(s, note_name(r), r->arena, &text, e) != 0)
		return -1;
	if (str_cut(text, ' ', &digest, kinds) &&
	    !str_eq(digest, platform_digest(r->arena, r->site)))
		*kinds = STR_NONE;
	return 0;
}

static int
is_noted(struct str kinds, const char *kind)
{
	struct str one, rest = kinds;
	while (rest.p != NULL && rest.n > 0) {
		str_cut(rest, ',', &one, &rest);
		if (str_eq_z(one, kind))
			return 1;
	}
	return 0;
}

static int
write_note(
    struct run *r, struct store *s, const struct buf *kinds, struct err *e)
{
	struct str text = STR("");
	if (kinds->n > 0)
		text = str_from(arena_printf(r->arena, "%.*s %.*s",
		    STR_ARG(platform_digest(r->arena, r->site)),
		    STR_ARG(buf_str(kinds))));
	return store_meta_put(s, note_name(r), text, e);
}

static int
run_all(struct run *r, struct store *s, struct buf *made, struct err *e)
{
	const char *const *kinds = r->k->platform->api->kinds;
	struct str noted;
	if (read_note(r, s, &noted, e) != 0)
		return -1;
	if (r->how->again && noted.n == 0)
		return 0;
	for (size_t i = 0; kinds[i] != NULL; i++) {
		int wanted = r->how->again
		    ? is_noted(noted, kinds[i])
		    : !r->how->remove && (i > 0 || !r->how->no_first);
		struct platform_question q = { .what = ASK_REGISTERED,
			.kind = str_from(kinds[i]) };
		struct platform_answer a;
		enum platform_said said;
		if ((r->how->again || (i == 0 && r->how->no_first)) && !wanted)
			continue;
		if (asker_ask(r->k, &q, 0, &a, &said, e) != 0 ||
		    take_rows(r, &a, e) != 0 ||
		    settle(r, kinds[i], wanted, e) != 0)
			return -1;
		if (wanted)
			buf_addf(
			    made, "%s%s", made->n > 0 ? "," : "", kinds[i]);
	}
	return 0;
}

int
registration_run(struct asker *k, struct store *s,
    const struct registering *how, registration_fn *fn, void *arg, int *stands,
    struct err *e)
{
	struct run *r = calloc(1, sizeof(*r));
	struct buf made;
	int rc = -1;
	buf_init(&made, NOTE_MAX);
	if (r == NULL || (r->arena = arena_new(1 << 20)) == NULL) {
		err_set(e, ERR_MEMORY, "out of memory");
		goto out;
	}
	r->k = k;
	r->how = how;
	r->fn = fn;
	r->arg = arg;
	r->stands = 1;
	if (k->platform->api->kinds == NULL)
		err_set(e, ERR_CONFIG,
		    "%s has one URL, which is set there by hand; 'gatepost "
		    "urls' says where",
		    k->platform->words.title);
	else if (how->again && k->config->public_url.n == 0)
		rc = 0; /* nothing can have been made here */
	else
		rc = make_url(r, e) != 0 ? -1 : run_all(r, s, &made, e);
	if (!how->dry && !how->again && made.n + (size_t)how->remove > 0 &&
	    rc == 0)
		rc = write_note(r, s, &made, e);
	*stands = r->stands;
out:
	buf_free(&made);
	if (r != NULL)
		arena_free(r->arena);
	free(r);
	return rc;
}
