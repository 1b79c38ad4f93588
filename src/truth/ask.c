#include "truth/ask.h"

#include <poll.h>
#include <string.h>

#include "action/address.h"
#include "action/http.h"
#include "base/json.h"
#include "base/time.h"

enum { MEMORY_MAX = 64 * 1024 * 1024, WAIT_MAX_S = 60, WAIT_S = 5 };

int
asker_open(struct asker *k, const struct config *c, const struct platform *p,
    struct err *e)
{
	const struct config_platform *own = &c->platforms[platform_index(p)];
	*k = (struct asker){ .config = c, .platform = p, .left = ASK_A_DAY };
	if (p->api == NULL)
		return err_set(e, ERR_CONFIG,
		    "%s has no API that could be asked", p->words.title);
	if (own->api_token.p == NULL)
		return err_set(e, ERR_CONFIG,
		    "%s { %s } is not set: without a token of the account "
		    "nothing can be read; gatepost-truth(7) says how to get "
		    "one",
		    p->name, p->api->token_key);
	k->address = own->api.p;
	k->arena = arena_new(MEMORY_MAX);
	buf_init(&k->body, ASK_BODY_MAX + 1);
	return k->arena != NULL ? 0 : err_set(e, ERR_MEMORY, "out of memory");
}

void
asker_day(struct asker *k)
{
	char today[TIME_TEXT_MAX];
	time_text(time_now(), today);
	if (strncmp(k->day, today, 10) == 0)
		return;
	snprintf(k->day, sizeof(k->day), "%.10s", today);
	k->left = ASK_A_DAY;
	k->singles = 0;
	memset(k->by_status, 0, sizeof(k->by_status));
}

static void
forget(struct asker *k)
{
	json_decref(k->json);
	k->json = NULL;
	buf_reset(&k->body);
	arena_reset(k->arena);
}

void
asker_close(struct asker *k)
{
	if (k->arena == NULL)
		return;
	forget(k);
	buf_free(&k->body);
	arena_free(k->arena);
	k->arena = NULL;
}

static int
stopped(const struct asker *k)
{
	return (k->stop != NULL && *k->stop) ||
	    (k->deadline != 0 && time_ticks() >= k->deadline);
}

/* 0, or -1: meanwhile it was told to stop. */
static int
wait_ms(struct asker *k, int64_t ms)
{
	int64_t end = time_ticks() + ms, left;
	while ((left = end - time_ticks()) > 0 && !stopped(k))
		poll(NULL, 0, left < 100 ? (int)left : 100);
	return stopped(k) ? -1 : 0;
}

static int
is_here(const char *address)
{
	int port;
	struct str host = address_host(address, &port);
	return str_eq_z(host, "127.0.0.1") || str_eq_z(host, "::1") ||
	    str_eq_z(host, "localhost");
}

static int
send_once(struct asker *k, const struct platform_request *r,
    struct http_answer *answer, struct err *e)
{
	const struct config_platform *own =
	    &k->config->platforms[platform_index(k->platform)];
	const char *headers[] = { "Accept: application/json",
		arena_printf(k->arena, "Authorization: Bearer %.*s",
		    STR_ARG(own->api_token)),
		r->body.n > 0
		    ? "Content-Type: application/x-www-form-urlencoded"
		    : NULL,
		NULL };
	const struct http_request request = { .method = r->method,
		.url = arena_printf(k->arena, "%s%s", k->address, r->path),
		.headers = headers,
		.body = r->body,
		.timeout_ms = ASK_MS,
		.answer_max = ASK_BODY_MAX,
		.guard = 1 };
	if (arena_failed(k->arena))
		return err_set(e, ERR_MEMORY, "out of memory");
	if (!is_here(k->address) && k->last != 0 &&
	    wait_ms(k, k->last + ASK_PAUSE_MS - time_ticks()) != 0)
		return err_set(e, ERR_BUSY, "stopped");
	k->last = time_ticks();
	k->asked++;
	k->left--;
	int rc = http_call(&request, answer, &k->body, e);
	k->by_status[rc == 0 && answer->status < 600 ? answer->status / 100
						     : 0]++;
	return rc;
}

/* One try; *said is set where it returns 0. */
static int
try_once(struct asker *k, const struct platform_question *q,
    struct platform_answer *out, enum platform_said *said, int64_t *retry,
    struct err *e)
{
	struct platform_request r;
	struct http_answer answer = { .retry_after = -1 };
	const char *reason = NULL;
	struct err unread = { .code = ERR_NONE };
	forget(k);
	*said = SAID_WAIT;
	if (k->platform->api->request(q, k->arena, &r, e) != 0)
		return -1;
	if (send_once(k, &r, &answer, e) != 0)
		return e->code == ERR_SYSTEM ? 0 : -1;
	*retry = answer.retry_after;
	struct str raw = buf_str(&k->body);
	if (answer.cut) {
		*said = SAID_BROKEN;
		return 0;
	}
	k->json = json_load_strict(k->arena, raw, 0, &reason, &unread);
	if (k->json == NULL && reason == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	*said = k->platform->api->judge(q, answer.status, raw, k->json, out);
	if (*said == SAID_WAIT)
		err_set(
		    e, ERR_BUSY, "%s answers %ld", k->address, answer.status);
	if (*said == SAID_BROKEN)
		err_set(e, ERR_INPUT, "%s%s is answered with %s (status %ld)",
		    k->address, r.path,
		    k->json != NULL ? "JSON of another kind"
				    : "what is no JSON",
		    answer.status);
	return 0;
}

static int
explain(const struct asker *k, const struct platform_question *q,
    enum platform_said said, const struct platform_answer *a, struct err *e)
{
	const struct platform *p = k->platform;
	switch (said) {
	case SAID_TOKEN:
		return err_set(e, ERR_AUTH,
		    "%s refuses the token: it was revoked, or is not one of "
		    "its tokens. Make a new one and put it into %s { %s }",
		    p->words.title, p->name, p->api->token_key);
	case SAID_SCOPE:
		return err_set(e, ERR_AUTH,
		    "%s says that the token may not do that: it needs the "
		    "scope %s",
		    p->words.title, p->api->scope);
	case SAID_BROKEN:
		return e->code == ERR_NONE
		    ? err_set(e, ERR_INPUT, "an answer of more than %d bytes",
			  ASK_BODY_MAX)
		    : -1;
	case SAID_WAIT:
		e->code = ERR_BUSY;
		return -1;
	default:
		/* its words on a registration repeat the URL, which is secret */
		if (q->what == ASK_REGISTER)
			return err_set(e, ERR_INPUT,
			    "%s refuses the address of the hook",
			    p->words.title);
		return err_set(e, ERR_INPUT, "%s refuses the question: %.*s",
		    p->words.title, STR_ARG(a->words));
	}
}

int
asker_ask(struct asker *k, const struct platform_question *q, unsigned may,
    struct platform_answer *out, enum platform_said *said, struct err *e)
{
	struct err why = { .code = ERR_NONE };
	for (int i = 0; i < ASK_TRIES; i++) {
		int64_t retry = -1;
		asker_day(k);
		if (stopped(k))
			return err_set(e, ERR_BUSY, "stopped before its end");
		if (k->left <= k->spare)
			return err_set(e, ERR_LIMIT,
			    "today's %d requests are spent; it goes on "
			    "tomorrow",
			    (int)(ASK_A_DAY - k->spare));
		k->singles += q->what == ASK_SALE;
		why = (struct err){ .code = ERR_NONE };
		*out = (struct platform_answer){ .next = STR_NONE };
		if (try_once(k, q, out, said, &retry, &why) != 0) {
			*e = why;
			return -1;
		}
		if (*said == SAID_FINE || *said == SAID_ABSENT ||
		    (may & 1U << *said) != 0)
			return 0;
		/* a long walk would hardly end if one bad answer ended it */
		if ((*said != SAID_WAIT && *said != SAID_BROKEN) ||
		    i + 1 == ASK_TRIES)
			break;
		if (retry < 0)
			retry = is_here(k->address) ? 0 : WAIT_S;
		if (retry > WAIT_MAX_S || wait_ms(k, retry * 1000) != 0)
			break;
	}
	explain(k, q, *said, out, &why);
	*e = why;
	return -1;
}
