/* Conditions and ranges together: size and time of a file, eight bytes each, a
 * byte that says how long ago the change was, and headers, a parameter a line.
 * {etag} and {date} stand for the file's own. */
#include "cgi/web/part.h"

#include "fuzz.h"

enum { PARAMS_MAX = 64 };
#define LAST_YEAR INT64_C(253402300800) /* 10000 has five digits */

static int64_t
take(const uint8_t **data, size_t *n, size_t bytes)
{
	uint64_t v = 0;
	for (size_t i = 0; i<bytes && * n> 0; i++, (*data)++, (*n)--)
		v = v << 8 | **data;
	return (int64_t)(v & INT64_MAX);
}

static int
has(const struct request *r, const char *name)
{
	return request_param(r, name).n > 0;
}

static void
check_part(
    const struct request *r, const struct part_file *f, const struct part *p)
{
	switch (p->status) {
	case 200:
		HOLD(p->first == 0 && p->n == f->size);
		break;
	case 206:
		HOLD(p->first >= 0 && p->n > 0 && p->first <= f->size - p->n);
		HOLD(str_eq_z(r->method, "GET") && has(r, "HTTP_RANGE"));
		break;
	case 416:
		HOLD(str_eq_z(r->method, "GET") && has(r, "HTTP_RANGE"));
		break;
	case 304:
		HOLD(has(r, "HTTP_IF_NONE_MATCH") ||
		    has(r, "HTTP_IF_MODIFIED_SINCE"));
		break;
	default:
		HOLD(p->status == 412);
		HOLD(has(r, "HTTP_IF_MATCH") ||
		    has(r, "HTTP_IF_UNMODIFIED_SINCE"));
	}
}

/* The answer with one more header, which counts before the others. */
static int
status_with(struct arena *a, const char **params, const char *name,
    const char *value, const struct part_file *f)
{
	struct request r;
	params[0] = arena_printf(a, "%s=%s", name, value);
	request_init(&r, a, params, STR(""), 0);
	struct part p = part_of(&r, f);
	check_part(&r, f, &p);
	return p.status;
}

static void
check_known(struct arena *a, const char **params, const struct part_file *f)
{
	int status;
	status = status_with(a, params, "HTTP_IF_NONE_MATCH", "*", f);
	HOLD(status == 304 || status == 412);
	status = status_with(a, params, "HTTP_IF_NONE_MATCH", f->etag, f);
	HOLD(status == 304 || status == 412);
	HOLD(status_with(a, params, "HTTP_IF_MATCH", "*", f) != 412);
	status = status_with(a, params, "HTTP_IF_MATCH", f->etag, f);
	/* RFC 9110, 13.1.1: a weak tag never matches there */
	HOLD((status == 412) == !f->settled);
	HOLD(status_with(a, params, "HTTP_IF_MATCH", "\"other\"", f) == 412);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *params[PARAMS_MAX + 1];
	struct arena *a = arena_new(FUZZ_ARENA_MAX);
	struct stat st = { .st_ino = 7, .st_mode = S_IFREG };
	struct part_file f;
	struct request r;
	int64_t at;
	st.st_size = take(&data, &n, 8);
	st.st_mtim.tv_sec = take(&data, &n, 8) % LAST_YEAR;
	part_file(&st, st.st_mtim.tv_sec + take(&data, &n, 1) % 4, &f);
	HOLD(part_date(str_from(f.date), &at) == 0 && at == f.changed);
	struct str text =
	    fuzz_put(a, fuzz_input(data, n), "{etag}", str_from(f.etag));
	text = fuzz_put(a, text, "{date}", str_from(f.date));
	params[0] = "X=";
	fuzz_params(a, text, params + 1, PARAMS_MAX);
	request_init(&r, a, params, STR(""), 0);
	struct part p = part_of(&r, &f);
	check_part(&r, &f, &p);
	check_known(a, params, &f);
	arena_free(a);
	return 0;
}
