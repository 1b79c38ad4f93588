#include "test.h"

#include "cgi/buy.h"

static const struct {
	const char *url, *parameter, *value, *want;
} cases[] = {
	{ "https://a.gumroad.com/l/x", "user_id", "42",
	    "https://a.gumroad.com/l/x?user_id=42" },
	{ "https://a.gumroad.com", "user_id", "42",
	    "https://a.gumroad.com?user_id=42" },
	{ "https://a/l/x?", "u", "1", "https://a/l/x?u=1" },
	{ "https://a/l/x?variant=A%20b+c", "u", "1",
	    "https://a/l/x?variant=A%20b+c&u=1" },
	{ "https://a/l/x?b=1&c", "u", "1", "https://a/l/x?b=1&c&u=1" },
	{ "https://a/l/x?b=1&", "u", "1", "https://a/l/x?b=1&u=1" },
	{ "https://a/l/x#top", "u", "1", "https://a/l/x?u=1#top" },
	{ "https://a/l/x#", "u", "1", "https://a/l/x?u=1#" },
	{ "https://a/l/x?b=1#t?u=9&u=8", "u", "1",
	    "https://a/l/x?b=1&u=1#t?u=9&u=8" },
	/* one of that name is replaced, however it is written */
	{ "https://a/l/x?u=9", "u", "1", "https://a/l/x?u=1" },
	{ "https://a/l/x?b=1&u=9&c=2&u=8&u", "u", "1",
	    "https://a/l/x?b=1&c=2&u=1" },
	{ "https://a/l/x?%75=9&uu=3&U=4&=5", "u", "1",
	    "https://a/l/x?uu=3&U=4&=5&u=1" },
	{ "https://a/l/x?my+id=9&my%20id=8", "my id", "1",
	    "https://a/l/x?my%20id=1" },
	{ "https://a/l/x?a%zz=1&u%=2", "u", "1",
	    "https://a/l/x?a%zz=1&u%=2&u=1" },
	{ "https://a/l/x?a%zz=1", "a%zz", "1", "https://a/l/x?a%25zz=1" },
	{ "https://a/l/x?b=u=9", "u", "1", "https://a/l/x?b=u=9&u=1" },
	/* nothing in a value begins anything */
	{ "https://a/l/x", "u", "a b&c=d#e+f%g/h?\r\n",
	    "https://a/l/x?u=a%20b%26c%3Dd%23e%2Bf%25g%2Fh%3F%0D%0A" },
	{ "https://a/l/x", "u[1]", "\xC3\xA9",
	    "https://a/l/x?u%5B1%5D=%C3%A9" },
	{ "https://a/l/x", "u", "", "https://a/l/x?u=" },
};

int
main(void)
{
	struct arena *a = arena_new(1 << 16);
	struct buf b;
	test_group("buy_url");
	buf_init(&b, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_reset(&b);
		buy_url(str_from(cases[i].url), str_from(cases[i].parameter),
		    str_from(cases[i].value), a, &b);
		IS(buf_str(&b), cases[i].want, cases[i].url);
	}
	buf_free(&b);
	arena_free(a);
	return test_end();
}
