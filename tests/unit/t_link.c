#include "test.h"

#include "base/base64.h"
#include "base/crypto.h"
#include "config/config_names.h"
#include "access/link.h"
#include "access/pass.h"

/* Links in mails: what is made is taken, by its own purpose alone. */

#define NAME(z) \
	{ \
		z, sizeof(z) - 1 \
	}
#define NOW INT64_C(1772000000)
#define DAY 86400

static const struct str secrets[] = {
	NAME("0123456789abcdef0123456789abcdef"),
	NAME("fedcba9876543210fedcba9876543210"),
};
static const struct config_files sections[] = {
	{ .title = NAME("/g"), .link_seconds = 60 },
	{ .title = NAME("/g/pro"), .link_seconds = 7 * DAY },
};
static const struct config both = { .public_url = NAME("https://example.org"),
	.pass_secrets = { secrets, 2 },
	.files = sections,
	.n_files = 2 };
static const struct config old = { .public_url = NAME("https://example.org"),
	.pass_secrets = { secrets + 1, 1 } };
static const struct config elsewhere = { .public_url =
					     NAME("https://example.com"),
	.pass_secrets = { secrets, 2 } };
static const struct config bare = { .public_url = NAME("https://example.org") };
static const struct link_file file = { NAME("/g/p\xC3\xA9n #1.pdf"),
	NAME("gumroad"), NAME("E2E\nsale==") };

static struct arena *a;

static struct str
keep(struct buf *b)
{
	struct str s = { arena_dup(a, b->p, b->n), b->n };
	buf_free(b);
	return s;
}

static struct str
signin(const struct config *c, const char *email)
{
	struct err e = { .code = ERR_NONE };
	struct buf b;
	buf_init(&b, LINK_MAX);
	if (link_signin_make(c, str_from(email), NOW, &b, &e) != 0)
		buf_reset(&b);
	return keep(&b);
}

static struct str
filed(const struct config *c, int64_t seconds)
{
	struct err e = { .code = ERR_NONE };
	struct buf b;
	buf_init(&b, LINK_MAX);
	if (link_file_make(c, &file, NOW, seconds, &b, &e) != 0)
		buf_reset(&b);
	return keep(&b);
}

static int
signs_in(const struct config *c, struct str token, int64_t now)
{
	struct link_signin link;
	int rc = link_signin_read(c, token, now, a, &link);
	if (rc != 0 && link.email.p != NULL)
		OK(0, "a refused link has an address");
	return rc == 0;
}

static int
opens(const struct config *c, struct str token, int64_t now)
{
	struct link_file f;
	int rc = link_file_read(c, token, now, a, &f);
	if (rc != 0 && f.path.p != NULL)
		OK(0, "a refused link has a file");
	return rc == 0;
}

static void
test_taken(void)
{
	struct str t = signin(&both, "me@example.org");
	struct link_signin link;
	struct link_file f;
	test_group("what is made is taken");
	OK(link_signin_read(&both, t, NOW, a, &link) == 0 &&
		link.ends == NOW + DAY,
	    "sign-in");
	IS(link.email, "me@example.org", "its address");
	OK(signs_in(&both, t, NOW + DAY - 1), "to its last second");
	OK(!signs_in(&both, t, NOW + DAY), "and not after a day");
	t = filed(&both, 60);
	OK(link_file_read(&both, t, NOW + 59, a, &f) == 0, "a file");
	IS(f.path, file.path.p, "its path");
	IS(f.platform, "gumroad", "its platform");
	IS(f.sale, file.sale.p, "its sale, whatever is in it");
	OK(!opens(&both, t, NOW + 60), "and not after its time");
	test_group("rotation");
	t = signin(&old, "me@example.org");
	OK(signs_in(&both, t, NOW), "the older secret verifies");
	OK(opens(&both, filed(&old, 60), NOW), "for files too");
	OK(!signs_in(&old, signin(&both, "me@example.org"), NOW),
	    "the first one signs");
	OK(!signs_in(&elsewhere, signin(&both, "me@example.org"), NOW),
	    "of one site, not of another");
}

/* Every byte, with every bit turned once; every length; and what is added. */
static void
test_altered(struct str t,
    int (*takes)(const struct config *, struct str, int64_t), const char *name)
{
	int taken = 0, cut = 0;
	char *copy = arena_dup(a, t.p, t.n);
	test_group(name);
	OK(takes(&both, t, NOW), "as it was made");
	for (size_t i = 0; i < t.n; i++)
		for (int bit = 0; bit < 8; bit++) {
			copy[i] = (char)(t.p[i] ^ (1 << bit));
			taken += takes(&both, (struct str){ copy, t.n }, NOW);
			copy[i] = t.p[i];
		}
	OK(taken == 0, "no altered byte is taken");
	for (size_t n = 0; n < t.n; n++)
		cut += takes(&both, (struct str){ t.p, n }, NOW);
	OK(cut == 0, "nothing shorter is taken");
	OK(!takes(&both, str_from(arena_printf(a, "%s=", t.p)), NOW) &&
		!takes(&both, str_from(arena_printf(a, "%s.", t.p)), NOW) &&
		!takes(&both, str_from(arena_printf(a, " %s", t.p)), NOW),
	    "nothing longer is taken");
}

/* content signed as a link, by a key for that label. */
static struct str
forge(const char *label, const char *content)
{
	uint8_t key[CRYPTO_SHA256], sum[CRYPTO_SHA256];
	struct str text = str_from(content);
	struct str l =
	    str_from(arena_printf(a, "%s https://example.org", label));
	struct buf b;
	buf_init(&b, 4 * LINK_MAX);
	crypto_hmac_sha256(secrets[0], &l, 1, key);
	crypto_hmac_sha256(
	    (struct str){ (const char *)key, sizeof(key) }, &text, 1, sum);
	base64_add_url(&b, text);
	buf_addc(&b, '.');
	base64_add_url(&b, (struct str){ (const char *)sum, sizeof(sum) });
	return keep(&b);
}

static void
test_purposes(void)
{
	static const char in[] = "gatepost link 1 signin";
	struct str mail = signin(&both, "me@example.org");
	struct err e = { .code = ERR_NONE };
	struct access_key key;
	struct pass pass;
	struct buf b;
	test_group("purposes");
	OK(!opens(&both, mail, NOW), "a sign-in link opens no file");
	OK(!signs_in(&both, filed(&both, 60), NOW), "nor the other way round");
	OK(pass_verify(&both, mail, NOW, a, &pass) != 0, "a link is no pass");
	OK(pass_verify(&both, filed(&both, 60), NOW, a, &pass) != 0,
	    "of neither purpose");
	buf_init(&b, PASS_MAX);
	OK(access_key_parse(
	       STORE_BY_EMAIL, STR("me@example.org"), a, &key, &e) == 0 &&
		pass_make(&both, &key, NOW, DAY, &b, &e) == 0,
	    "a pass");
	struct str made = keep(&b), head, tail;
	OK(!signs_in(&both, made, NOW) && !opens(&both, made, NOW),
	    "a pass is no link");
	str_cut(made, '.', &head, &tail);
	OK(!signs_in(&both, tail, NOW) && !opens(&both, tail, NOW),
	    "nor is its end");
	test_group("contents");
	OK(signs_in(&both, forge(in, "1772000001\nx"), NOW), "as they are");
	OK(!signs_in(&both, forge(in, "1772000000\nx"), NOW), "too late");
	OK(!signs_in(&both, forge(in, "\nx"), NOW), "no time");
	OK(!signs_in(&both, forge(in, "-1\nx"), NOW), "before all time");
	OK(!signs_in(&both, forge(in, "99999999999999999999\nx"), NOW),
	    "after all time");
	OK(!signs_in(&both, forge(in, "1772000001\n"), NOW), "no address");
	OK(!signs_in(&both, forge(in, "1772000001"), NOW), "no line");
	OK(!signs_in(
	       &both, forge("gatepost link 2 signin", "1772000001\nx"), NOW),
	    "another label");
	OK(!opens(
	       &both, forge("gatepost link 1 file", "1772000001\n/g/x"), NOW),
	    "fewer lines");
}

static void
test_refused(void)
{
	struct err e = { .code = ERR_NONE };
	struct link_file odd = file;
	struct buf b;
	char long_sale[LINK_MAX];
	buf_init(&b, LINK_MAX);
	test_group("what is not made");
	OK(link_signin_make(&bare, STR("x"), NOW, &b, &e) != 0 &&
		e.code == ERR_CONFIG,
	    "without a secret");
	OK(!signs_in(&bare, signin(&both, "x"), NOW), "nor read");
	OK(link_signin_make(&both, STR(""), NOW, &b, &e) != 0 &&
		e.code == ERR_INPUT,
	    "an empty address");
	OK(link_file_make(&both, &file, NOW, 0, &b, &e) != 0 &&
		e.code == ERR_INPUT,
	    "for no time");
	OK(link_file_make(&both, &file, NOW, INT64_MAX, &b, &e) != 0,
	    "for ever");
	odd.path = STR("/g/a\nb");
	OK(link_file_make(&both, &odd, NOW, 60, &b, &e) != 0 &&
		e.code == ERR_INPUT,
	    "a line end in a path");
	memset(long_sale, 'x', sizeof(long_sale));
	odd = file;
	odd.sale = (struct str){ long_sale, sizeof(long_sale) };
	OK(link_file_make(&both, &odd, NOW, 60, &b, &e) != 0 &&
		e.code == ERR_LIMIT,
	    "one that is too long");
	buf_free(&b);
}

static void
test_urls(void)
{
	struct err e = { .code = ERR_NONE };
	struct link_file f = file;
	struct str head = STR_NONE, token = STR_NONE;
	struct buf b;
	test_group("addresses");
	buf_init(&b, LINK_URL_MAX);
	OK(link_signin_url(&both, STR("me@example.org"), NOW, &b, &e) == 0 &&
		str_cut(buf_str(&b), '#', &head, &token),
	    "sign-in");
	IS(head, "https://example.org/me", "the token stands after #");
	OK(signs_in(&both, token, NOW), "and is good");
	buf_reset(&b);
	OK(link_file_url(&both, &f, NOW, &b, &e) == 0 &&
		str_cut(buf_str(&b), '?', &head, &token),
	    "a file");
	IS(head, "https://example.org/files/g/p%C3%A9n%20%231.pdf", "encoded");
	OK(str_starts(token, STR("link=")), "?link=");
	token = (struct str){ token.p + 5, token.n - 5 };
	OK(opens(&both, token, NOW + 59) && !opens(&both, token, NOW + 60),
	    "for as long as its section says");
	f.path = STR("/none/x");
	OK(link_file_url(&both, &f, NOW, &b, &e) != 0 && e.code == ERR_INPUT,
	    "no such section");
	OK(link_section(&both, STR("/g/x")) == &sections[0] &&
		link_section(&both, STR("/g/pro/x")) == &sections[1] &&
		link_section(&both, STR("/g/prox")) == &sections[0] &&
		link_section(&both, STR("/g")) == NULL &&
		link_section(&both, STR("/g/")) == NULL &&
		link_section(&both, STR("/gx")) == NULL,
	    "the longest section that fits");
	buf_free(&b);
}

static void
test_digest(void)
{
	struct err e = { .code = ERR_NONE };
	char one[LINK_DIGEST_HEX + 1], two[LINK_DIGEST_HEX + 1];
	test_group("digests");
	OK(link_digest(&both, STR("a"), one, &e) == 0 &&
		link_digest(&both, STR("a"), two, &e) == 0 &&
		strcmp(one, two) == 0 && strlen(one) == LINK_DIGEST_HEX,
	    "the same for the same");
	OK(link_digest(&both, STR("b"), two, &e) == 0 && strcmp(one, two) != 0,
	    "another for another");
	OK(link_digest(&old, STR("a"), two, &e) == 0 && strcmp(one, two) != 0,
	    "another by another secret");
	OK(link_digest(&bare, STR("a"), two, &e) != 0 && e.code == ERR_CONFIG,
	    "none without a secret");
}

int
main(void)
{
	struct err e = { .code = ERR_NONE };
	a = arena_new(64 << 20);
	if (a == NULL || crypto_init(&e) != 0)
		return 2;
	test_taken();
	test_altered(signin(&both, "me@example.org"), signs_in, "sign-in");
	test_altered(filed(&both, 60), opens, "file");
	test_purposes();
	test_refused();
	test_urls();
	test_digest();
	arena_free(a);
	return test_end();
}
