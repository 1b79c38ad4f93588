/* Path and query. One parameter a line; what the web server would send. */
#include "cgi/web/request.h"

#include "base/form.h"
#include "base/log.h"
#include "cgi/route.h"
#include "fuzz.h"

enum { PARAMS_MAX = 64 };

/* Refused requests are logged: by route, so that no token gets there. */
void
log_line(enum log_level level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

static void
check_path(const struct request *r)
{
	HOLD(r->n_segments <= REQUEST_SEGMENTS_MAX);
	for (size_t i = 0; r->path_ok && i < r->n_segments; i++) {
		struct str s = r->segments[i];
		HOLD(s.n > 0 && str_is_utf8(s) && !str_has_byte(s, '\0'));
		HOLD(!str_eq_z(s, ".") && !str_eq_z(s, ".."));
	}
}

/* The same segments, sent as an encoded REQUEST_URI, are read the same. */
static void
check_again(struct arena *a, const struct request *r)
{
	struct buf b;
	struct request again;
	buf_init(&b, 64 * 1024);
	buf_addz(&b, "REQUEST_URI=");
	for (size_t i = 0; i < r->n_segments; i++) {
		buf_addc(&b, '/');
		form_encode(&b, r->segments[i]);
	}
	buf_addz(&b, "/?/../%00");
	HOLD(buf_ok(&b));
	const char *params[] = { b.p, NULL };
	request_init(&again, a, params, STR(""), 0);
	if (b.n <= REQUEST_PATH_MAX) {
		HOLD(again.path_ok && again.n_segments == r->n_segments);
		for (size_t i = 0; i < r->n_segments; i++)
			HOLD(str_eq(again.segments[i], r->segments[i]));
	}
	buf_free(&b);
}

static void
check_query(struct arena *a, struct request *r)
{
	static const char *const names[] = { "user", "email", "tier", "" };
	for (size_t i = 0; i < 4; i++) {
		struct str v, plus, same;
		int n = request_query(r, names[i], &v);
		HOLD(n == request_query_plus(r, names[i], &plus));
		HOLD(n >= 0 && n <= 2 && (n == 1) <= (v.p != NULL));
		HOLD(n != 0 || v.p == NULL);
		HOLD(v.n == plus.n);
		if (n != 1)
			continue;
		struct buf b;
		struct request again;
		buf_init(&b, 1 << 20);
		buf_addf(&b, "QUERY_STRING=%s=", names[i]);
		form_encode(&b, v);
		const char *params[] = { b.p, NULL };
		request_init(&again, a, params, STR(""), 0);
		HOLD(request_query(&again, names[i], &same) == 1);
		HOLD(str_eq(same, v));
		buf_free(&b);
	}
}

/* Without settings nothing is served, whatever is asked. */
static void
check_route(struct request *r, struct arena *a)
{
	static const struct app app = { .config = NULL };
	struct reply p;
	struct buf head;
	reply_init(&p);
	reply_reset(&p, a);
	route_serve(&app, r, &p);
	HOLD(p.status == 503 || p.status == 403);
	HOLD(reply_ok(&p));
	buf_init(&head, 2 * REPLY_HEAD_MAX);
	HOLD(reply_head(&p, &head) == 0);
	buf_free(&head);
	reply_free(&p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *params[PARAMS_MAX];
	struct arena *a = arena_new(FUZZ_ARENA_MAX);
	struct request r;
	fuzz_params(a, fuzz_input(data, n), params, PARAMS_MAX);
	request_init(&r, a, params, STR("body"), 0);
	check_path(&r);
	if (r.path_ok)
		check_again(a, &r);
	check_query(a, &r);
	check_route(&r, a);
	arena_free(a);
	return 0;
}
