#include <inttypes.h>
#include <strings.h>

#include "action/action.h"
#include "action/http.h"
#include "action/place.h"
#include "base/base64.h"
#include "base/crypto.h"
#include "base/json.h"

/*
 * The action http. Signed as Standard Webhooks 1.0.0 says
 * (spec/standard-webhooks.md): the bytes are id, '.', time, '.', body; the
 * time is that of the attempt; of several secrets each signs.
 */
enum {
	URL_MAX = 8192, /* bytes, filled in */
	SIGNATURE_MAX = 4096,
	HEADERS_OWN = 4,
};

static const char *
sign(const struct action_http *h, const struct action_effect *effect,
    const char *now, struct str body, struct arena *a)
{
	const struct str pieces[] = { str_from(effect->id), STR("."),
		str_from(now), STR("."), body };
	uint8_t mac[CRYPTO_SHA256];
	struct buf b;
	const char *line = NULL;
	buf_init(&b, SIGNATURE_MAX);
	buf_addz(&b, "webhook-signature:");
	for (size_t i = 0; i < h->n_secrets; i++) {
		if (crypto_hmac_sha256(h->secrets[i], pieces, 5, mac) != 0)
			goto out;
		buf_addz(&b, " v1,");
		base64_add(&b, (struct str){ (const char *)mac, sizeof(mac) });
	}
	if (buf_ok(&b))
		line = str_z(a, buf_str(&b));
out:
	buf_free(&b);
	return line;
}

static int
has_content_type(const char *const *headers)
{
	for (; headers != NULL && *headers != NULL; headers++)
		if (strncasecmp(*headers, "content-type:", 13) == 0)
			return 1;
	return 0;
}

static const char *const *
headers_of(const struct action_http *h, const struct action_effect *effect,
    struct str body, struct arena *a)
{
	const char **v = arena_alloc(
	    a, (ACTION_HEADERS_MAX + HEADERS_OWN + 1) * sizeof(const char *));
	const char *now = arena_printf(a, "%" PRId64, effect->now);
	size_t n = 0;
	if (v == NULL || now == NULL)
		return NULL;
	for (size_t i = 0; h->headers != NULL && h->headers[i] != NULL; i++)
		v[n++] = h->headers[i];
	if (!has_content_type(h->headers))
		v[n++] = h->format == ACTION_FORM
		    ? "Content-Type: application/x-www-form-urlencoded"
		    : "Content-Type: application/json";
	v[n++] = arena_printf(a, "webhook-id: %s", effect->id);
	v[n++] = arena_printf(a, "webhook-timestamp: %s", now);
	if (h->n_secrets > 0) {
		v[n] = sign(h, effect, now, body, a);
		if (v[n++] == NULL)
			return NULL;
	}
	return arena_failed(a) ? NULL : v;
}

void
http_judge(const struct http_answer *got, struct action_answer *answer)
{
	long s = got->status;
	answer->retry_after = got->retry_after;
	answer->throttled = s == 429 ||
	    (got->retry_after >= 0 && (s == 502 || s == 503 || s == 504));
	if (s >= 200 && s < 300)
		action_say(answer, ACTION_DONE, "%ld", s);
	else if (s == 410)
		action_say(answer, ACTION_GONE, "410: it is gone for good");
	else if (s >= 300 && s < 400)
		action_say(answer, ACTION_AGAIN,
		    "%ld: a redirect, which is not followed; write the new "
		    "address into the url",
		    s);
	else
		/* outbox_hurry knows those by the end of the text */
		action_say(answer, ACTION_AGAIN, "%ld%s", s,
		    got->retry_after >= 0 ? ", with Retry-After" : "");
}

/* Telegram tells in the body how long to wait, in no header:
 * https://core.telegram.org/bots/api#responseparameters */
static void
read_wait(struct str body, struct arena *a, struct http_answer *got)
{
	const char *reason;
	if (got->status != 429 || got->retry_after >= 0)
		return;
	const json_t *o = json_load_kept(a, body, 0, &reason, NULL);
	const json_t *wait =
	    json_object_get(json_object_get(o, "parameters"), "retry_after");
	if (json_is_integer(wait) && json_integer_value(wait) > 0)
		got->retry_after = json_integer_value(wait);
}

void
action_run_http(const struct action *action, const struct action_effect *effect,
    struct arena *arena, struct action_answer *answer)
{
	const struct action_http *h = &action->u.http;
	struct err e = { .code = ERR_NONE };
	struct http_answer got;
	struct buf url, body, said;
	struct str word;
	const char *fault =
	    place_path_fault(str_from(h->url), effect, arena, &word);
	if (fault != NULL) {
		action_say(answer,
		    arena_failed(arena) ? ACTION_AGAIN : ACTION_NEVER,
		    "not sent: {%.*s} in the path of the url %s", STR_ARG(word),
		    fault);
		return;
	}
	buf_init(&url, URL_MAX);
	buf_init(&said, HTTP_ANSWER_MAX);
	buf_init(&body, 8 * (size_t)ACTION_TEXT_MAX);
	place_fill(&url, str_from(h->url), PLACE_URL, 0, effect);
	if (h->format == ACTION_JSON)
		buf_adds(&body, effect->payload);
	else
		place_fill(&body, h->body, action_http_place(h), 1, effect);
	struct http_request post = { .url = url.p,
		.body = buf_str(&body),
		.timeout_ms = action->timeout_ms,
		.guard = 1 };
	if (buf_ok(&url) && buf_ok(&body))
		post.headers = headers_of(h, effect, post.body, arena);
	if (!buf_ok(&url) || !buf_ok(&body))
		action_say(answer, ACTION_NEVER, "too long, filled in");
	else if (post.headers == NULL)
		action_say(answer, ACTION_AGAIN, "out of memory");
	else if (http_call(&post, &got, &said, &e) != 0)
		action_say(answer, ACTION_AGAIN, "%s", e.text);
	else {
		read_wait(buf_str(&said), arena, &got);
		http_judge(&got, answer);
	}
	buf_free(&said);
	buf_free(&url);
	buf_free(&body);
}
