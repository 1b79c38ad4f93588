#include "story.h"

#include "cgi/ask/confirming.h"

/* Who is told that his sale is being confirmed. */

static const struct {
	const char *name, *settings, *story;
	const char *now;
	int by; /* enum store_by */
	const char *id;
	int want;
} cases[] = {
	{ "'before': it waits", "before",
	    "2026-01-01 confirm 2026-01-01\n"
	    "2026-01-31 sale S1 2026-01-31 user=42\n",
	    "2026-01-31", STORE_BY_USER, "42", 1 },
	{ "by the address", "before",
	    "2026-01-01 confirm 2026-01-01\n"
	    "2026-01-31 sale S1 2026-01-31 user=42\n",
	    "2026-01-31", STORE_BY_EMAIL, "buyer@example.org", 1 },
	{ "somebody else", "before",
	    "2026-01-01 confirm 2026-01-01\n"
	    "2026-01-31 sale S1 2026-01-31 user=42\n",
	    "2026-01-31", STORE_BY_USER, "43", 0 },
	{ "a day later nobody is told", "before",
	    "2026-01-01 confirm 2026-01-01\n"
	    "2026-01-31 sale S1 2026-01-31 user=42\n",
	    "2026-02-01", STORE_BY_USER, "42", 0 },
	{ "it came before the setting: it counts", "before",
	    "2026-02-01 confirm 2026-02-01\n"
	    "2026-01-31 sale S1 2026-01-31 user=42\n",
	    "2026-01-31", STORE_BY_USER, "42", 0 },
	{ "confirmed", "before",
	    "2026-01-01 confirm 2026-01-01\n"
	    "2026-01-31 sale S1 2026-01-31 user=42\n"
	    "2026-01-31T10:00:15Z read S1 2026-01-31\n",
	    "2026-01-31", STORE_BY_USER, "42", 0 },
	{ "its own page alone confirms nothing", "before",
	    "2026-01-01 confirm 2026-01-01\n"
	    "2026-01-31 sale S1 2026-01-31 user=42\n"
	    "2026-01-31T10:00:15Z read S1 2026-01-31 unlisted\n",
	    "2026-01-31", STORE_BY_USER, "42", 1 },
	{ "the platform knows no such sale", "before",
	    "2026-01-01 confirm 2026-01-01\n"
	    "2026-01-31 sale S1 2026-01-31 user=42\n"
	    "2026-01-31T10:00:15Z absent S1\n",
	    "2026-01-31", STORE_BY_USER, "42", 0 },
	{ "paid back", "before",
	    "2026-01-01 confirm 2026-01-01\n"
	    "2026-01-31 sale S1 2026-01-31 user=42 refunded\n",
	    "2026-01-31", STORE_BY_USER, "42", 0 },
	{ "a test", "before",
	    "2026-01-01 confirm 2026-01-01\n"
	    "2026-01-31 sale S1 2026-01-31 user=42 test\n",
	    "2026-01-31", STORE_BY_USER, "42", 0 },
	{ "the next charge, while the first one counts", "before",
	    "2026-01-01 confirm 2026-01-01\n"
	    "2026-01-02 sale S1 2026-01-02 sub user=42\n"
	    "2026-01-02T10:00:15Z read S1 2026-01-02 sub\n"
	    "2026-01-31 sale S2 2026-01-31 sub user=42\n",
	    "2026-01-31", STORE_BY_USER, "42", 1 },
	{ "'after': it counts", "after",
	    "2026-01-31 sale S1 2026-01-31 user=42\n", "2026-01-31",
	    STORE_BY_USER, "42", 0 },
	{ "'after', a pre-order gives nothing and waits for nothing", "after",
	    "2026-01-31 sale S1 2026-01-31 user=42 preorder\n", "2026-01-31",
	    STORE_BY_USER, "42", 0 },
	{ "'after', too many forged ones: it waits", "after",
	    "2026-01-31 confirm 2026-01-31 2026-02-01\n"
	    "2026-01-31 sale S1 2026-01-31 user=42\n",
	    "2026-01-31", STORE_BY_USER, "42", 1 },
	{ "'after', that is over", "after",
	    "2026-01-31 confirm 2026-01-31 2026-02-01\n"
	    "2026-02-01 sale S1 2026-02-01 user=42\n",
	    "2026-02-01", STORE_BY_USER, "42", 0 },
	{ "'off'", "", "2026-01-31 sale S1 2026-01-31 user=42 preorder\n",
	    "2026-01-31", STORE_BY_USER, "42", 0 },
};

static void
check(size_t i)
{
	struct story st;
	struct config c;
	struct access_key key;
	struct store *s = NULL;
	struct err e = { 0 };
	struct arena *a = arena_new(16 * 1024 * 1024);
	int is = -1;
	test_group(cases[i].name);
	story_config(&c, 0, story_confirm(cases[i].settings));
	story_read(&st, &c, a, str_from(cases[i].story));
	OK(store_open(":memory:", STORE_CREATE, &s, &e) == 0 &&
		store_begin(s, &e) == 0 && story_play(s, &c, &st, &e) == 0 &&
		store_commit(s, &e) == 0,
	    "played %s", e.text);
	int rc = access_key_parse(
	    (enum store_by)cases[i].by, str_from(cases[i].id), a, &key, &e);
	if (rc == 0)
		rc = confirming_find(s, &c, &key, when(cases[i].now), &is, &e);
	OK(rc == 0 && is == cases[i].want, "%d %s", is, e.text);
	store_close(s);
	arena_free(a);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(i);
	return test_end();
}
