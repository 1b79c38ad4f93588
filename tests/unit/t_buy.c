#include "test.h"

#include "cgi/pages/buy.h"

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

static void
test_visitors(struct arena *a, struct buf *b)
{
	static const struct {
		const char *url, *parameter, *query, *want;
	} more[] = {
		{ "https://a/l/x", "u", "", "https://a/l/x?u=1" },
		{ "https://a/l/x", "u", "affiliate_id=7&utm_source=x&wanted",
		    "https://a/l/x?affiliate_id=7&utm_source=x&wanted&u=1" },
		{ "https://a/l/x?b=2&u=9#top", "u", "a=3&a=4&&email=x%40y.z",
		    "https://a/l/x?b=2&a=3&a=4&email=x%40y.z&u=1#top" },
		{ "https://a/l/x", "u", "q=a+b%20c&n=50%off&e=",
		    "https://a/l/x?q=a%20b%20c&n=50%25off&e=&u=1" },
		/* in no other way of writing it */
		{ "https://a/l/x", "user_id",
		    "user_id=9&User_ID=9&%75ser%5Fid=9&user_id[]=9&"
		    "user_id%5b%5D=9&user_id[a][b]=9&[user_id=9&%5Buser_id]=9&"
		    "user_id]=9&user[id=9&user.id=9&user+id=9&%20user_id=9&"
		    "user_id+=9&user_id%00x=9&user_id&user_id%=9&]user_id=9",
		    "https://a/l/x?user_id=1" },
		{ "https://a/l/x", "u[1]", "u=9&u[2]=9&U%5B1%5D=9",
		    "https://a/l/x?u%5B1%5D=1" },
		{ "https://a/l/x", "u", "b=1;u=9&c=1%26u=9&d=1#u=9&f=\r\n",
		    "https://a/l/x?b=1%3Bu%3D9&c=1%26u%3D9&d=1%23u%3D9&"
		    "f=%0D%0A&u=1" },
		{ "https://a/l/x", "u", "b;u=9", "https://a/l/x?b%3Bu=9&u=1" },
		/* these are others */
		{ "https://a/l/x", "user_id",
		    "user=1&my_user_id=2&user_id2=3&a[user_id]=4&=5&%2575ser_"
		    "id=6",
		    "https://a/l/x?user=1&my_user_id=2&user_id2=3&"
		    "a%5Buser_id%5D=4&=5&%2575ser_id=6&user_id=1" },
		/* nor in place of what the settings say */
		{ "https://a/l/x?variant%5BTier%5D=A&wanted", "u",
		    "variant=B&VARIANT[Tier]=B&variant[x]=B&w%61nted=false&o=1",
		    "https://a/l/x?variant%5BTier%5D=A&wanted&o=1&u=1" },
	};
	test_group("the visitor's parameters");
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		struct config_buy buy = { .url = str_from(more[i].url),
			.parameter = str_from(more[i].parameter) };
		buf_reset(b);
		buy_url(&buy, STR("1"), str_from(more[i].query), a, b);
		IS(buf_str(b), more[i].want, more[i].query);
	}
}

/* What has no room is left out whole, and the rest stays. */
static void
test_room(struct arena *a)
{
	struct config_buy buy = { .url = STR("https://a/l/x?b=2"),
		.parameter = STR("u") };
	struct buf b;
	buf_init(&b, 35);
	buy_url(&buy, STR("1"), STR("long=aaaaaaaaaaaa&c=3&d=4&e=5"), a, &b);
	test_group("no room");
	IS(buf_str(&b), "https://a/l/x?b=2&c=3&d=4&u=1", "what has room");
	OK(buf_ok(&b), "no error");
	buf_free(&b);
	buf_init(&b, 23);
	buy_url(&buy, STR("1"), STR("c=3"), a, &b);
	IS(buf_str(&b), "https://a/l/x?b=2&u=1", "none at all");
	buf_free(&b);
}

int
main(void)
{
	struct arena *a = arena_new(1 << 16);
	struct buf b;
	test_group("buy_url");
	buf_init(&b, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config_buy buy = { .url = str_from(cases[i].url),
			.parameter = str_from(cases[i].parameter) };
		buf_reset(&b);
		buy_url(&buy, str_from(cases[i].value), STR_NONE, a, &b);
		IS(buf_str(&b), cases[i].want, cases[i].url);
	}
	test_visitors(a, &b);
	test_room(a);
	buf_free(&b);
	arena_free(a);
	return test_end();
}
