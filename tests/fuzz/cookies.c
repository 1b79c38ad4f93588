/* Cookie and Authorization headers, as web servers hand them on: a parameter a
 * line. {pass} stands for a valid pass. */
#include "cgi/web/cookie.h"
#include "cgi/web/visitor.h"

#include "fuzz.h"
#include "secrets.h"

enum { PARAMS_MAX = 256 };

static const struct app app = { .config = &config };

static struct str
make_pass(struct arena *a, const char *user)
{
	struct access_key key;
	struct buf b;
	buf_init(&b, PASS_MAX);
	HOLD(access_key_parse(STORE_BY_USER, str_from(user), a, &key, NULL) ==
	    0);
	HOLD(pass_make(&config, &key, NOW, 3600, &b, NULL) == 0);
	struct str s = { arena_dup(a, b.p, b.n), b.n };
	buf_free(&b);
	return s;
}

/* How many passes are found; *found: was want among them? */
static int
walk(struct arena *a, const char *const *params, struct str want, int *found)
{
	struct request r;
	struct visitor v;
	struct pass again;
	*found = 0;
	request_init(&r, a, params, STR(""), 0);
	visitor_read(&v, &app, &r, NOW);
	HOLD(v.n <= VISITOR_PASSES_MAX);
	for (size_t i = 0; i < v.n; i++) {
		struct str token = v.v[i].token;
		HOLD(pass_verify(&config, token, NOW, a, &again) == 0);
		HOLD(str_eq(v.v[i].pass.key.id, again.key.id));
		HOLD(!str_has_byte(token, ';') && !str_has_byte(token, ','));
		*found |= str_eq(token, want);
	}
	return (int)v.n;
}

/* A pass is found behind whatever stands before it: in a line of its own, in a
 * header of its own, and in a line that goes on. */
static void
check_planted(
    struct arena *a, const char **params, size_t n, struct str planted)
{
	static const char *const between[] = { "; ", ", ", ";", "," };
	int found;
	params[n + 1] = NULL;
	params[n] =
	    arena_printf(a, "HTTP_COOKIE=gatepost=%.*s", STR_ARG(planted));
	walk(a, params, planted, &found);
	HOLD(found);
	params[n] =
	    arena_printf(a, "HTTP_AUTHORIZATION=Bearer %.*s", STR_ARG(planted));
	/* of two the first counts */
	struct request r = { .params = params };
	if (str_eq_z(request_param(&r, "HTTP_AUTHORIZATION"),
		params[n] + sizeof("HTTP_AUTHORIZATION=") - 1)) {
		walk(a, params, planted, &found);
		HOLD(found);
	}
	params[n] = NULL;
	if (n == 0 || strncmp(params[n - 1], "HTTP_COOKIE=", 12) != 0)
		return;
	size_t which = strlen(params[n - 1]) % 4;
	params[n - 1] = arena_printf(a, "%s%sgatepost=%.*s", params[n - 1],
	    between[which], STR_ARG(planted));
	walk(a, params, planted, &found);
	HOLD(found);
}

/* What is set is read. */
static void
check_set(struct arena *a)
{
	struct access_key key;
	struct reply p;
	int found;
	reply_init(&p);
	reply_reset(&p, a);
	HOLD(access_key_parse(STORE_BY_USER, STR("42"), a, &key, NULL) == 0);
	HOLD(cookie_set(&app, &key, NOW, 60, &p, NULL) == 0);
	const char *params[] = {
		arena_printf(a, "HTTP_COOKIE=%s", p.headers[0].value), NULL
	};
	HOLD(walk(a, params, STR(""), &found) == 1);
	reply_free(&p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *params[PARAMS_MAX + 1];
	struct arena *a = arena_new(FUZZ_ARENA_MAX);
	static struct str own, planted;
	static struct arena *kept;
	int found;
	if (kept == NULL) {
		kept = arena_new(FUZZ_ARENA_MAX);
		own = make_pass(kept, "1");
		planted = make_pass(kept, "planted");
		check_set(kept);
	}
	struct str text = fuzz_put(a, fuzz_input(data, n), "{pass}", own);
	size_t k = fuzz_params(a, text, params, PARAMS_MAX);
	int passes = walk(a, params, planted, &found);
	HOLD(!found);
	if (passes < VISITOR_PASSES_MAX)
		check_planted(a, params, k, planted);
	arena_free(a);
	return 0;
}
