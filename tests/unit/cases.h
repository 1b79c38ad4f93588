#ifndef CASES_H
#define CASES_H
/* The cases of tests/fixtures/PLATFORM: a body each, and what it means. */
#include "test.h"

#include <dirent.h>
#include <jansson.h>

#include "platform/platform.h"

/* What else holds of every delivery. */
typedef void
cases_also(const struct fact *f, struct str body, const char *name);

static inline void
cases_text(struct str got, const json_t *want, const char *name)
{
	if (want == NULL)
		return;
	if (json_is_null(want))
		OK(got.p == NULL, "%s: none", name);
	else
		IS(got, json_string_value(want), name);
}

static inline void
cases_number(int64_t got, const json_t *want, const char *name)
{
	if (want != NULL)
		OK(got ==
			(json_is_null(want) ? INT64_MIN
					    : json_integer_value(want)),
		    "%s: %lld", name, (long long)got);
}

static inline void
cases_fact(const struct fact *f, const json_t *want)
{
	cases_text(f->subject, json_object_get(want, "subject"), "subject");
	cases_text(f->sale, json_object_get(want, "sale"), "sale");
	cases_text(f->product, json_object_get(want, "product"), "product");
	cases_text(f->tier, json_object_get(want, "tier"), "tier");
	cases_text(f->variant, json_object_get(want, "variant"), "variant");
	cases_text(f->email, json_object_get(want, "email"), "email");
	cases_text(f->currency, json_object_get(want, "currency"), "currency");
	cases_number(f->price, json_object_get(want, "price"), "price");
	cases_number(f->sold_at, json_object_get(want, "sold_at"), "sold_at");
	cases_number(f->days, json_object_get(want, "days"), "days");
	cases_number(f->test, json_object_get(want, "test"), "test");
	cases_number(f->unnamed, json_object_get(want, "unnamed"), "unnamed");
}

static inline void
cases_one(const struct platform *p, struct arena *a, const char *name,
    cases_also *also)
{
	static const char *const words[] = { "applied", "kept", "test" };
	char path[512];
	struct fact f;
	struct err e;
	size_t n;
	snprintf(
	    path, sizeof(path), "tests/fixtures/%s/%s/body", p->name, name);
	char *bytes = test_file(path, &n);
	struct str body = { bytes, n };
	snprintf(path, sizeof(path), "tests/fixtures/%s/%s/expect.json",
	    p->name, name);
	char *text = test_file(path, &n);
	json_t *want = text == NULL ? NULL : json_loadb(text, n, 0, NULL);
	test_group(name);
	arena_reset(a);
	if (OK(want != NULL && p->decode(p, body, NULL, a, &f, &e) == 0,
		"decoded")) {
		const json_t *facts = json_object_get(want, "facts");
		json_t *got = p->describe(p, &f);
		cases_text(str_from(words[f.status]),
		    json_object_get(want, "status"), "status");
		cases_text(str_from(f.reason), json_object_get(want, "reason"),
		    "reason");
		cases_text(f.detail, json_object_get(want, "detail"), "detail");
		if (facts != NULL &&
		    !OK(json_is_null(facts) ? got == NULL
					    : json_equal(facts, got),
			"facts"))
			json_dumpf(got, stdout, JSON_INDENT(1));
		cases_fact(&f, json_object_get(want, "fact"));
		OK(f.delivery.n == 64, "a key");
		if (also != NULL)
			also(&f, body, name);
		json_decref(got);
	}
	json_decref(want);
	free(text);
	free(bytes);
}

static inline void
cases_all(
    const struct platform *p, struct arena *a, int at_least, cases_also *also)
{
	const char *top = getenv("top_srcdir");
	char path[4096];
	int n = 0;
	snprintf(path, sizeof(path), "%s/tests/fixtures/%s",
	    top == NULL ? "." : top, p->name);
	DIR *dir = opendir(path);
	const struct dirent *d;
	while (dir != NULL && (d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		cases_one(p, a, d->d_name, also);
		n++;
	}
	test_group(p->name);
	if (dir != NULL)
		closedir(dir);
	OK(n >= at_least, "%d cases", n);
}

#endif
