#include "ctl/trigger.h"

#include "action/http.h"
#include "base/crypto.h"
#include "base/jsonw.h"
#include "base/time.h"
#include "follow/effect.h"
#include "commit/account.h"
#include "commit/intake.h"
#include "ctl/ctl.h"
#include "ctl/plan.h"

enum { ANSWER_MAX = 64 * 1024, POST_MS = 15000, WOULD_MAX = 200 };

static int
find_event(struct str name, struct trigger *t, struct err *e)
{
	struct str platform, event;
	int has = str_cut(name, '.', &platform, &event);
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		const struct platform_sample *s = platforms[i]->samples;
		for (; s->event != NULL; s++) {
			int fits = has &&
			    str_eq_z(platform, platforms[i]->name) &&
			    str_eq_z(event, s->event);
			if (fits ||
			    (s->alias != NULL && str_eq_z(name, s->alias))) {
				t->platform = platforms[i];
				t->sample = s;
				return 0;
			}
		}
	}
	return err_set(e, ERR_USAGE,
	    "%.*s is no event; 'gatepost trigger list' names them",
	    STR_ARG(name));
}

static void
list_events(struct buf *b)
{
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		const struct platform_sample *s = platforms[i]->samples;
		for (; s->event != NULL; s++) {
			char name[64];
			snprintf(name, sizeof(name), "%s.%s",
			    platforms[i]->name, s->event);
			buf_addf(b, "%-32s %s\n", name, s->help);
		}
	}
}

static int
read_sets(struct ctl *ctl, struct trigger *t, struct err *e)
{
	const char *set;
	struct sample_opts *o = &t->opts;
	o->keys = t->keys;
	o->values = t->values;
	o->now = t->now;
	for (; (set = ctl_nth(ctl, "set", o->n_sets)) != NULL; o->n_sets++)
		if (!str_cut(str_from(set), '=', &t->keys[o->n_sets],
			&t->values[o->n_sets]))
			return err_set(e, ERR_USAGE,
			    "--set takes KEY=VALUE, for example "
			    "--set email=ada@example.com");
	uint8_t random[TRIGGER_NONCE_BYTES];
	if (crypto_random(random, sizeof(random)) != 0)
		return err_set(e, ERR_SYSTEM, "no random bytes");
	crypto_hex(random, sizeof(random), t->nonce);
	o->nonce = str_from(t->nonce);
	return 0;
}

int
trigger_make(struct ctl *ctl, struct trigger *t, struct err *e)
{
	const struct platform *p = t->platform;
	struct decode_opts decode = { str_from(p->reference_default) };
	if (p->sample(p, t->sample, &t->opts, ctl->arena, &t->body, e) != 0) {
		if (e->code == ERR_INPUT)
			e->code = ERR_USAGE;
		return -1;
	}
	return p->decode(p, t->body, &decode, ctl->arena, &t->fact, e);
}

/* Unless --set says otherwise. */
static int
set_field(struct ctl *ctl, struct trigger *t, const char *key, struct str value,
    struct err *e)
{
	for (size_t i = 0; i < t->opts.n_sets; i++)
		if (str_eq_z(t->keys[i], key))
			return 0;
	t->keys[t->opts.n_sets] = str_from(key);
	t->values[t->opts.n_sets++] = value;
	return trigger_make(ctl, t, e);
}

/* The account of the token; STR_NONE where the database cannot say. */
static struct str
known_account(struct ctl *ctl, const struct trigger *t)
{
	struct err e = { .code = ERR_NONE };
	struct str account = STR_NONE;
	struct store *s;
	if (store_open(ctl->config->database, STORE_READ, &s, &e) != 0)
		return account;
	account_read(s, t->platform, ctl->arena, &account, &e);
	store_close(s);
	return account;
}

/* A sale of another seller than the one known would be kept: the sample takes
 * the id of the settings, or of the token's account. */
static int
adopt_owner(struct ctl *ctl, struct trigger *t, struct err *e)
{
	struct str owner =
	    ctl->config->platforms[platform_index(t->platform)].owner;
	if (owner.p == NULL)
		owner = known_account(ctl, t);
	if (owner.n == 0 || t->fact.owner.p == NULL)
		return 0;
	return set_field(ctl, t, t->platform->owner_field, owner, e);
}

static int
load_secret(struct ctl *ctl, struct trigger *t, struct err *e)
{
	const struct config *c = ctl_config(ctl, e);
	if (c == NULL)
		return -1;
	const struct config_list *l =
	    &c->platforms[platform_index(t->platform)].secrets;
	t->secret = l->n > 0 ? l->v[0] : STR_NONE;
	return 0;
}

/* A site's address alone gets the platform's hook path. */
static const char *
hook_url(struct ctl *ctl, const struct trigger *t, struct str to)
{
	while (to.n > 0 && to.p[to.n - 1] == '/')
		to.n--;
	const char *z = str_z(ctl->arena, to);
	return z == NULL || strstr(z, "/hooks/") != NULL
	    ? z
	    : arena_printf(ctl->arena, "%s/hooks/%s", z, t->platform->name);
}

static int
holds_token(const struct trigger *t, const char *url)
{
	const char *host = strstr(url, "://"), *path;
	if (host == NULL)
		return 0;
	host += 3;
	path = strchr(host, '/');
	const char *at = strchr(host, '@');
	if (at != NULL && (path == NULL || at < path))
		return 1;
	const char *hook = path == NULL ? NULL : strstr(path, "/hooks/");
	if (hook == NULL)
		return 0;
	const char *rest = hook + strlen("/hooks/") + strlen(t->platform->name);
	return strlen(hook) > (size_t)(rest - hook) && rest[0] == '/' &&
	    rest[1] != '\0';
}

static enum ctl_exit
post(struct ctl *ctl, struct trigger *t, const char *to, struct err *e)
{
	const struct platform *p = t->platform;
	struct buf signature, answer;
	long status = 0;
	if (t->secret.p == NULL) {
		err_set(e, ERR_CONFIG, "no %s.%s in the configuration to %s",
		    p->name, p->secrets_key, "sign with");
		return CTL_SYSTEM;
	}
	/* it stays out of the database, but not out of what is sent */
	if (p->proof.token != NULL &&
	    set_field(ctl, t, p->proof.token, t->secret, e) != 0)
		return CTL_SYSTEM;
	buf_init(&signature, 1024);
	buf_init(&answer, ANSWER_MAX);
	int rc = p->sign == NULL
	    ? 0
	    : p->sign(p, t->body, t->secret, t->now, &signature, e);
	const char *headers[3] = { arena_printf(ctl->arena, "Content-Type: %s",
				       p->content_type),
		p->sign == NULL ? NULL
				: arena_printf(ctl->arena, "%s: %s",
				      p->proof.header, signature.p),
		NULL };
	struct http_request request = { .url = hook_url(ctl, t, str_from(to)),
		.headers = headers,
		.body = t->body,
		.timeout_ms = POST_MS };
	/* a URL that holds its own token or user is tried as it is */
	if (p->token_in_path && !holds_token(t, request.url)) {
		request.user = "gatepost";
		request.password = str_z(ctl->arena, t->secret);
	}
	if (rc == 0)
		rc = http_send(&request, &status, &answer, e);
	if (rc == 0) {
		buf_addf(&ctl->out, "%ld ", status);
		buf_add_visible(&ctl->out, buf_str(&answer));
		buf_addc(&ctl->out, '\n');
	}
	buf_free(&signature);
	buf_free(&answer);
	return rc == 0 && status >= 200 && status < 300 ? CTL_YES : CTL_NO;
}

static int
take_would(void *arg, const struct store_outbox *row)
{
	struct trigger *t = arg;
	struct buf *b = &t->ctl->out;
	struct action_fact facts[ACTION_FACTS_MAX];
	struct str type = STR_NONE;
	size_t n;
	if (row->id <= t->newest)
		return 1;
	effect_read(t->ctl->arena, row->payload, &type, facts, &n, NULL);
	t->would++;
	buf_addf(b, "would run  %.*s ", STR_ARG(row->kind));
	buf_add_visible(b, row->target);
	buf_addf(b, ": %.*s\n", STR_ARG(type));
	return 0;
}

static int
take_newest(void *arg, const struct store_event *row)
{
	*(int64_t *)arg = row->id;
	return 1;
}

/* A commit_chore_fn, before all is undone. */
static int
list_would(struct store *s, void *arg, struct err *e)
{
	struct trigger *t = arg;
	const struct store_event_filter newest = { .before = STORE_NULL,
		.limit = 1 };
	int64_t event = 0;
	size_t refused = 0;
	if (store_outbox_list(
		s, STR_NONE, STR_NONE, WOULD_MAX, take_would, t, e) != 0 ||
	    store_event_list(s, &newest, take_newest, &event, e) != 0 ||
	    plan_refusals(t->ctl, s, event, &refused, e) != 0)
		return -1;
	if (t->would == 0)
		buf_addz(&t->ctl->out,
		    refused > 0 ? "no follow-up would run\n"
				: "no follow-up would run: no rule is about "
				  "this event\n");
	return 0;
}

static enum ctl_exit
store(struct ctl *ctl, struct trigger *t, struct err *e)
{
	static const char *const words[] = { [INTAKE_RECORDED] = "recorded",
		[INTAKE_DUPLICATE] = "duplicate",
		[INTAKE_KEPT] = "kept",
		[INTAKE_TEST] = "test" };
	struct commit *commit;
	struct intake_answer answer = { 0 };
	struct verify_result proof = {
		.sent_at =
		    t->platform->tolerance_default > 0 ? t->now : FACT_NO_TIME
	};
	struct intake_request in = { .platform = t->platform,
		.body = t->body,
		.content_type = str_from(t->platform->content_type),
		.now = t->now };
	int dry = ctl_get(ctl, "dry-run") != NULL;
	if (dry) {
		struct store *s = ctl_store(ctl, STORE_CREATE, e);
		if (s == NULL || store_outbox_max(s, &t->newest, e) != 0)
			return CTL_SYSTEM;
	}
	if (commit_new(ctl->config, &commit, e) != 0)
		return CTL_SYSTEM;
	t->ctl = ctl;
	if (dry)
		commit_dry(commit, list_would, t);
	intake_store(commit, ctl->config, &in, &proof, ctl->arena, &answer, e);
	commit_free(commit);
	if (answer.status == INTAKE_UNAVAILABLE)
		return CTL_SYSTEM;
	if (dry)
		return CTL_YES;
	jsonw_open(&ctl->out, '{');
	jsonw_text(&ctl->out, "status", str_from(words[answer.status]));
	jsonw_int(&ctl->out, "event", answer.event);
	buf_addz(&ctl->out, "}\n");
	return CTL_YES;
}

/* What a next trigger needs to speak of the same sale. */
static void
hint(struct ctl *ctl, const struct trigger *t)
{
	struct buf *b = &ctl->out;
	if (t->fact.sale.p != NULL) {
		buf_addz(b, "sale          ");
		buf_add_visible(b, t->fact.sale);
		buf_addc(b, '\n');
	}
	if (t->fact.subscription.p != NULL) {
		buf_addz(b, "subscription  ");
		buf_add_visible(b, t->fact.subscription);
		buf_addc(b, '\n');
	}
	if (t->fact.test &&
	    !ctl->config->rules.accept_test[platform_index(t->platform)])
		buf_addf(b,
		    "Marked as a test: it gives access only with %s { "
		    "accept_test = true }.\n",
		    t->platform->name);
}

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	struct trigger t = { .now = time_now() };
	if (strcmp(ctl->rest[0], "list") == 0) {
		list_events(&ctl->out);
		return CTL_YES;
	}
	const char *tier = ctl_get(ctl, "tier");
	if (find_event(str_from(ctl->rest[0]), &t, e) != 0 ||
	    read_sets(ctl, &t, e) != 0)
		return CTL_USAGE;
	trigger_find_earlier(ctl, &t);
	if ((tier != NULL && trigger_fill_tier(ctl, &t, tier, e) != 0) ||
	    trigger_make(ctl, &t, e) != 0)
		return CTL_USAGE;
	if (ctl_get(ctl, "print") != NULL) {
		buf_adds(&ctl->out, t.body);
		return CTL_YES;
	}
	if (load_secret(ctl, &t, e) != 0 || adopt_owner(ctl, &t, e) != 0)
		return CTL_SYSTEM;
	const char *to = ctl_get(ctl, "to");
	if (to != NULL && ctl_get(ctl, "dry-run") != NULL) {
		err_set(
		    e, ERR_USAGE, "--dry-run sends nothing: leave out --to");
		return CTL_USAGE;
	}
	enum ctl_exit code =
	    to != NULL ? post(ctl, &t, to, e) : store(ctl, &t, e);
	if (code == CTL_YES && !ctl->json && ctl_get(ctl, "dry-run") == NULL)
		hint(ctl, &t);
	return code;
}

static const struct ctl_option options[] = {
	{ "set", "KEY=VALUE", "change or add a field; may be repeated" },
	{ "tier", "NAME", "fill in what a grant of that tier needs" },
	{ "to", "URL", "post it there; without, straight into the database" },
	{ "dry-run", NULL, "say which follow-ups would run, store nothing" },
	{ "print", NULL, "print the body, byte for byte, and send nothing" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_trigger = {
	.name = "trigger",
	.args = "EVENT|list",
	.help = "make a delivery as the platform would, marked as a test",
	.options = options,
	.min_rest = 1,
	.max_rest = 1,
	.run = run,
};
