#include "truth/pass.h"

#include "base/json.h"
#include "commit/account.h"
#include "config/config_names.h"
#include "truth/products.h"

enum { SUBJECTS_MAX = 10000, MEMORY_MAX = 64 * 1024 * 1024 };

/* ---- the account ---- */

/* The account of the first pass is that of all: sales of another one are not
 * those that are posted here. */
static int
remember_account(struct pass *p, struct err *e)
{
	const struct platform *platform = p->ask.platform;
	struct str known;
	if (account_read(p->store, platform, p->arena, &known, e) != 0)
		return -1;
	if (known.n == 0)
		return p->dry ? 0
			      : account_note(p->store, platform,
				    p->known.account_id, p->arena, e);
	return str_eq(known, p->known.account_id)
	    ? 0
	    : err_set(e, ERR_AUTH,
		  "the token is of another account (%.*s) than what was read "
		  "before (%.*s); one database is for one account",
		  STR_ARG(p->known.account_id), STR_ARG(known));
}

static int
read_account(struct pass *p, struct err *e)
{
	const struct platform *platform = p->ask.platform;
	const struct config_platform *own =
	    &p->ask.config->platforms[platform_index(platform)];
	const struct platform_question q = { .what = ASK_ACCOUNT };
	struct platform_answer a;
	enum platform_said said;
	if (asker_ask(&p->ask, &q, 0, &a, &said, e) != 0)
		return -1;
	p->account = json_deep_copy(a.object);
	p->known.account = p->account;
	p->known.account_id = platform->api->id(p->account);
	if (p->known.account_id.p == NULL)
		return err_set(
		    e, ERR_INPUT, "%s names no account", platform->words.title);
	if (own->owner.p != NULL && !str_eq(own->owner, p->known.account_id))
		return err_set(e, ERR_AUTH,
		    "the token is of another account (%.*s) than %s { %s }",
		    STR_ARG(p->known.account_id), platform->name,
		    platform->owner_key);
	return remember_account(p, e);
}

/* ---- an account that cannot be asked for ---- */

/* One subject after the other, in order of bytes. */
struct owners {
	struct pass *pass;
	struct str behind; /* of api.owner_behind */
	char at[2 * FACT_ID_MAX + 64]; /* the subject before */
	struct str subject; /* the next; STR_NONE: there is none */
	char owner[FACT_ID_MAX + 1]; /* its deliveries'; "": none is named */
	struct arena *arena; /* of one subject */
	struct err *err;
	int failed;
};

static int
take_subject(void *arg, struct str platform, struct str subject)
{
	struct owners *o = arg;
	if (str_eq_z(platform, o->pass->ask.platform->name) &&
	    str_starts(subject, o->behind))
		o->subject = str_copy(o->arena, subject);
	return 1;
}

/* What was read here names the owner that was known then. */
static int
take_owner(void *arg, const struct store_event *ev)
{
	struct owners *o = arg;
	const struct config *c = o->pass->ask.config;
	const struct platform *p = o->pass->ask.platform;
	struct decode_opts opts = project_opts(c, p);
	struct fact f;
	if (platform_is_reading(ev->kind))
		return 0;
	if (platform_decode(
		p, ev->kind, ev->body, &opts, o->arena, &f, o->err) != 0)
		return o->failed = 1;
	if (f.owner.p == NULL ||
	    (f.test && !c->rules.accept_test[platform_index(p)]))
		return 0;
	snprintf(o->owner, sizeof(o->owner), "%.*s", STR_ARG(f.owner));
	return 1;
}

/* The next subject, and whose it is. */
static int
next_owner(struct owners *o)
{
	struct pass *p = o->pass;
	struct str platform = str_from(p->ask.platform->name);
	arena_reset(o->arena);
	o->subject = STR_NONE;
	o->owner[0] = '\0';
	if (store_subjects_after(p->store, platform, str_from(o->at), 1,
		take_subject, o, o->err) != 0)
		return -1;
	if (o->subject.p == NULL)
		return arena_failed(o->arena) ? err_no_memory(o->err) : 0;
	if (store_event_of_subject(
		p->store, platform, o->subject, take_owner, o, o->err) != 0 ||
	    o->failed)
		return -1;
	/* past all of that owner: ';' follows ':' */
	if (o->owner[0] != '\0')
		snprintf(o->at, sizeof(o->at), "%.*s%s;", STR_ARG(o->behind),
		    o->owner);
	else
		snprintf(o->at, sizeof(o->at), "%.*s", STR_ARG(o->subject));
	return 0;
}

/* The settings name it; or all memberships here are of one. */
static int
find_owner(struct pass *p, struct owners *o, struct err *e)
{
	const struct platform *platform = p->ask.platform;
	snprintf(o->at, sizeof(o->at), "%.*s", STR_ARG(o->behind));
	for (int i = 0; i < SUBJECTS_MAX; i++) {
		if (next_owner(o) != 0)
			return -1;
		if (o->subject.p == NULL)
			break;
		if (o->owner[0] == '\0')
			continue;
		if (p->owner[0] != '\0' && strcmp(p->owner, o->owner) != 0)
			return err_set(e, ERR_CONFIG,
			    "memberships here are of several accounts, and "
			    "%s does not say whose members it lists: set %s "
			    "{ %s }",
			    platform->words.title, platform->name,
			    platform->owner_key);
		snprintf(p->owner, sizeof(p->owner), "%s", o->owner);
	}
	if (p->owner[0] != '\0')
		p->known.account_id = str_from(p->owner);
	return 0;
}

static int
read_owner(struct pass *p, struct err *e)
{
	const struct platform *platform = p->ask.platform;
	struct owners o = { .pass = p,
		.behind = str_from(platform->api->owner_behind),
		.err = e };
	p->known.account_id =
	    p->ask.config->platforms[platform_index(platform)].owner;
	if (p->known.account_id.p != NULL || o.behind.p == NULL)
		return 0;
	o.arena = arena_new(MEMORY_MAX);
	int rc = o.arena == NULL ? err_no_memory(e) : find_owner(p, &o, e);
	arena_free(o.arena);
	return rc;
}

/* ---- products ---- */

static int
add_products(struct pass *p, const struct platform_answer *a, struct err *e)
{
	const json_t *object;
	size_t i;
	json_array_foreach(a->objects, i, object)
	{
		struct str id = p->ask.platform->api->id(object);
		if (id.p == NULL)
			return err_set(e, ERR_INPUT, "a product has no id");
		json_t *copy = json_deep_copy(object);
		if (json_object_setn_new(p->products, id.p, id.n, copy) != 0)
			return err_set(e, ERR_MEMORY, "out of memory");
	}
	return 0;
}

static int
read_products(struct pass *p, struct err *e)
{
	char page[256] = "";
	p->products = json_object();
	p->known.products = p->products;
	for (;;) {
		size_t before = json_object_size(p->products);
		struct platform_question q = { .what = ASK_PRODUCTS,
			.page = page[0] == '\0' ? STR_NONE : str_from(page) };
		struct platform_answer a;
		enum platform_said said;
		if (asker_ask(&p->ask, &q, 0, &a, &said, e) != 0 ||
		    add_products(p, &a, e) != 0)
			return -1;
		if (a.next.p == NULL)
			return said == SAID_FINE
			    ? 0
			    : err_set(e, ERR_INPUT, "%s knows of no products",
				  p->ask.platform->words.title);
		if (a.next.n >= sizeof(page) ||
		    json_object_size(p->products) == before)
			break;
		snprintf(page, sizeof(page), "%.*s", STR_ARG(a.next));
	}
	return err_set(e, ERR_INPUT, "the pages of products do not end");
}

/* What an earlier pass of the same program found is as good. */
int
pass_know(struct pass *p, struct err *e)
{
	unsigned asks = p->ask.platform->api->asks;
	int has_products = (asks & 1U << ASK_PRODUCTS) != 0, rc = 0;
	if (p->products != NULL) {
		p->known.account = p->account;
		p->known.account_id = p->ask.platform->api->id(p->account);
		p->known.products = p->products;
	} else {
		rc = (asks & 1U << ASK_ACCOUNT) != 0 ? read_account(p, e)
						     : read_owner(p, e);
		if (rc == 0 && has_products)
			rc = read_products(p, e);
	}
	return rc != 0 || p->dry || !has_products
	    ? rc
	    : products_note(
		  p->store, p->ask.platform, p->products, p->arena, e);
}
