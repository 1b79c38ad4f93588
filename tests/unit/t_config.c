#include "test.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "config/config.h"

/*
 * tests/fixtures/config/NAME.conf is one case, NAME.expect what config_load
 * says of it: the error, or "ok" and the warnings, a line each. It is loaded as
 * "gatepost.conf" with mode 0600, unless its first line is "# mode 644".
 */
#define FIXTURES "tests/fixtures/config"
#define KEY "test-api-key-0123456789"
#define PASS "0123456789abcdef0123456789abcdef"

enum { CASES_LEAST = 80, PATH_LEN = 4096 };

static char top[PATH_LEN];
static char dir[] = "/tmp/t_config.XXXXXX";

static void
put(const char *name, struct str text, mode_t mode)
{
	FILE *f = fopen(name, "wb");
	OK(f != NULL && fwrite(text.p, 1, text.n, f) == text.n &&
		fclose(f) == 0 && chmod(name, mode) == 0,
	    "write %s", name);
}

static struct config *
load_text(struct str text, struct err *e)
{
	struct config *c;
	*e = (struct err){ 0 };
	put("gatepost.conf", text, 0600);
	if (config_load("gatepost.conf", &c, e) != 0)
		printf("# %s\n", e->text);
	return c;
}

/* ---- the fixtures ------------------------------------------------------- */

static void
say(struct buf *b, const struct config *c, const struct err *e)
{
	if (c == NULL) {
		buf_addf(b, "%s\n", e->text);
		return;
	}
	buf_addz(b, "ok\n");
	for (size_t i = 0; i < c->n_warnings; i++)
		buf_addf(b, "%s\n", c->warnings[i]);
}

static void
test_fixture(const char *name)
{
	char path[512];
	size_t n, n_want;
	unsigned mode = 0600;
	struct config *c;
	struct err e = { 0 };
	struct buf got;
	snprintf(path, sizeof(path), FIXTURES "/%s.conf", name);
	char *text = test_file(path, &n);
	snprintf(path, sizeof(path), FIXTURES "/%s.expect", name);
	char *want = test_file(path, &n_want);
	if (text != NULL && want != NULL) {
		sscanf(text, "# mode %o", &mode);
		put("gatepost.conf", (struct str){ text, n }, mode);
		config_load("gatepost.conf", &c, &e);
		buf_init(&got, 65536);
		say(&got, c, &e);
		IS(buf_str(&got), want, name);
		OK(c != NULL || e.code == ERR_CONFIG, "%s: code", name);
		config_free(c);
		buf_free(&got);
	}
	free(text);
	free(want);
}

static void
test_fixtures(void)
{
	char path[PATH_LEN + 64], name[256];
	int n = 0;
	test_group("fixtures");
	snprintf(path, sizeof(path), "%s/" FIXTURES, top);
	DIR *d = opendir(path);
	for (struct dirent *f; d != NULL && (f = readdir(d)) != NULL;) {
		size_t len = strlen(f->d_name);
		if (len < 6 || strcmp(f->d_name + len - 5, ".conf") != 0)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)len - 5, f->d_name);
		test_fixture(name);
		n++;
	}
	if (d != NULL)
		closedir(d);
	OK(n >= CASES_LEAST, "%d cases", n);
}

/* ---- what is read ------------------------------------------------------- */

static size_t
index_of(const char *name)
{
	return platform_index(platform_find(str_from(name)));
}

static void
test_defaults(void)
{
	char path[PATH_LEN], want[2 * PATH_LEN];
	struct err e;
	test_group("defaults");
	struct config *c = load_text(STR("gumroad {\n}\n"), &e);
	if (!OK(c != NULL, "an empty section"))
		return;
	OK(realpath(".", path) != NULL, "folder");
	snprintf(want, sizeof(want), "%s/gatepost.db", path);
	IS(str_from(c->database), want, "database");
	IS(str_from(c->file), "gatepost.conf", "file");
	OK(c->public_url.p == NULL && c->listen_group == NULL, "not set");
	OK(c->threads == 16 && c->streams == 5000, "threads, streams");
	OK(!c->gate_open_on_error, "closed");
	OK(c->api_keys.n == 0 && c->pass_secrets.n == 0, "no secrets");
	OK(c->rules.n_tiers == 0 && c->n_warnings == 0, "no tiers");
	OK(c->cookie_domain.p == NULL && c->allow_origins.n == 0 &&
		c->n_buys == 0,
	    "nothing for browsers");
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		const struct config_platform *p = &c->platforms[i];
		OK(p->secrets.n == 0 && p->owner.p == NULL &&
			p->tolerance == platforms[i]->tolerance_default &&
			c->rules.grace[i] == 604800 &&
			!c->rules.accept_test[i] &&
			str_eq(p->reference,
			    str_from(platforms[i]->reference_default)),
		    "%s", platforms[i]->name);
	}
	OK(c->platforms[platform_index(&platform_gank)].tolerance == 86400,
	    "a day for Gank");
	config_free(c);
	config_free(NULL);
}

static const char full[] =
    "database = 'data/x.db'\n"
    "public_url = 'https://example.org/shop//'\n"
    "api_keys = { '" KEY "', \"a\\\"b\\\\c\\$d '#{}=,/* e\" }\n"
    "pass_secret = { '" PASS "', '${GATEPOST_TEST_KEY}$9 \\'\\\\\\z' }\n"
    "grace = '3d' threads = 2 streams = 7\n"
    "gate_on_error = 'open'\n"
    "listen_group = 'www-data'\n"
    "cookie_domain = 'Example.org' allow_origin = 'https://app.example.org'\n"
    "buy a { url = 'https://you.gumroad.com/l/a' }\n"
    "buy b { url = 'https://GankNow.com/you' for = '1h' }\n"
    "buy c { url = 'https://evilganknow.com/l/a' }\n"
    "buy d { url = 'https://gumroad.com/l/a?b#c' parameter = 'p q' }\n"
    "gumroad {\n"
    "	tokens = { 'tok-0123456789abcdef', 'tok-fedcba9876543210' }\n"
    "	seller_id = 'seller==' reference = 'uid' accept_test = true\n"
    "}\n"
    "tier low { rank = -1 }\n"
    "gank { secrets = 'gank-secret-0123456789' tolerance = '90s' grace = '1h'\n"
    "	creator_id = 'cafe' }\n"
    "tier 'hi gh' { rank = 20 allows = { 'a', 'b' } lasts = 'forever'\n"
    "	grants = { 'gumroad/x', 'gank/goods/a%2Fb' } }\n";

static void
test_full(void)
{
	char path[PATH_LEN], want[2 * PATH_LEN];
	struct err e;
	size_t gumroad = index_of("gumroad"), gank = index_of("gank");
	test_group("full");
	struct config *c = load_text(str_from(full), &e);
	if (!OK(c != NULL, "loads"))
		return;
	OK(realpath(".", path) != NULL, "folder");
	snprintf(want, sizeof(want), "%s/data/x.db", path);
	IS(str_from(c->database), want, "database");
	IS(c->public_url, "https://example.org/shop", "no slash at the end");
	OK(c->api_keys.n == 2 && c->pass_secrets.n == 2, "lists");
	IS(c->api_keys.v[0], KEY, "first key");
	IS(c->api_keys.v[1], "a\"b\\c$d '#{}=,/* e", "double quotes");
	IS(c->pass_secrets.v[1], "from-the-environment-0123456789$9 '\\\\z",
	    "single quotes");
	OK(c->threads == 2 && c->streams == 7 && c->gate_open_on_error,
	    "numbers");
	IS(str_from(c->listen_group), "www-data", "group");
	OK(c->platforms[gumroad].secrets.n == 2, "tokens");
	IS(c->platforms[gumroad].secrets.v[1], "tok-fedcba9876543210", "2nd");
	IS(c->platforms[gumroad].owner, "seller==", "owner");
	IS(c->platforms[gumroad].reference, "uid", "reference");
	OK(c->rules.accept_test[gumroad] && !c->rules.accept_test[gank],
	    "accept_test");
	OK(c->rules.grace[gumroad] == 3 * 86400 && c->rules.grace[gank] == 3600,
	    "grace: own, else the global one");
	OK(c->platforms[gank].tolerance == 90, "tolerance");
	IS(c->platforms[gank].owner, "cafe", "creator");
	OK(c->rules.n_tiers == 2 && c->rules.tiers[0].rank == -1 &&
		c->rules.tiers[0].lasts == TIER_PAID &&
		c->rules.tiers[0].n_grants == 0,
	    "first tier");
	const struct tier *t = &c->rules.tiers[1];
	IS(t->name, "hi gh", "name");
	OK(t->rank == 20 && t->lasts == TIER_FOREVER && t->n_allows == 2 &&
		t->n_grants == 2,
	    "second tier");
	IS(t->allows[1], "b", "allows");
	IS(t->grants[1].variant, "a/b", "grant");
	IS(c->cookie_domain, "example.org", "cookie_domain in lower case");
	OK(c->allow_origins.n == 1, "one origin, without braces");
	IS(c->allow_origins.v[0], "https://app.example.org", "origin");
	if (OK(c->n_buys == 4, "buy")) {
		IS(c->buys[0].name, "a", "buy: name");
		IS(c->buys[0].url, "https://you.gumroad.com/l/a", "buy: url");
		IS(c->buys[0].parameter, "uid", "Gumroad: reference");
		IS(c->buys[1].parameter, "custom_reference_id", "Gank's");
		IS(c->buys[2].parameter, "uid", "another host: reference");
		IS(c->buys[3].parameter, "p q", "a parameter of its own");
		OK(c->buys[0].seconds == 30 * 86400 &&
			c->buys[1].seconds == 3600,
		    "buy: for");
	}
	config_free(c);
}

static void
test_files(void)
{
	struct err e;
	test_group("files");
	mkdir("keys", 0700);
	put("keys/one", STR("one-0123456789abcdef\r\n\n"), 0600);
	put("keys/two", STR("two-0123456789abcdef"), 0644);
	put("keys/empty", STR("\n"), 0600);
	put("keys/lines", STR("a-0123456789abcdef\nb-0123456789abcdef\n"),
	    0600);
	put("keys/short", STR("hush\n"), 0600);
	put("keys/pass", STR(PASS "\n"), 0600);
	struct config *c =
	    load_text(STR("api_keys = '" KEY "'\n"
			  "api_keys_file = { 'keys/one', 'keys/two' }\n"
			  "pass_secret_file = 'keys/pass'\n"
			  "gumroad { tokens_file = 'keys/one' }\n"
			  "gank { secrets_file = { 'keys/two' } }\n"),
		&e);
	if (OK(c != NULL, "loads")) {
		OK(c->api_keys.n == 3, "after the plain ones");
		IS(c->api_keys.v[1], "one-0123456789abcdef", "trimmed");
		IS(c->api_keys.v[2], "two-0123456789abcdef", "no line end");
		IS(c->pass_secrets.v[0], PASS, "pass_secret_file");
		OK(c->platforms[index_of("gumroad")].secrets.n == 1, "tokens");
		OK(c->platforms[index_of("gank")].secrets.n == 1, "secrets");
		OK(c->n_warnings == 2 &&
			strstr(c->warnings[0], "chmod go-w,o-r") != NULL,
		    "a file that others can read");
		config_free(c);
	}
	OK(load_text(STR("\napi_keys_file = 'keys/empty'\n"), &e) == NULL,
	    "empty");
	IS(str_from(e.text),
	    "gatepost.conf:2: api_keys_file holds an empty value; fill it in "
	    "or take the line out",
	    "empty");
	OK(load_text(STR("api_keys_file = { 'keys/one',\n'keys/lines' }\n"),
	       &e) == NULL &&
		strncmp(e.text, "gatepost.conf:2: ", 17) == 0,
	    "two lines");
	OK(load_text(STR("gumroad { tokens_file = 'keys/short' }\n"), &e) ==
		    NULL &&
		strstr(e.text, "hush") == NULL,
	    "short, and not shown");
	/* a file of keys is no secret of the config itself */
	put("gatepost.conf", STR("api_keys_file = 'keys/one'\n"), 0644);
	OK(config_load("gatepost.conf", &c, &e) == 0, "0644 with files only");
	config_free(c);
}

static void
test_bounds(void)
{
	struct err e;
	struct config *c;
	struct buf b;
	test_group("bounds");
	buf_init(&b, 4 << 20);
	while (b.n < 1 << 20)
		buf_addz(&b, "# 3456789012345678901234567890123456789012345\n");
	OK(load_text(buf_str(&b), &e) == NULL, "more than 1 MiB");
	buf_reset(&b);
	buf_addz(&b, "tier x { allows = {");
	while (b.n < 1000000)
		buf_addz(&b, "'a',");
	OK(load_text(buf_str(&b), &e) == NULL &&
		strstr(e.text, "more than 8192 values") != NULL,
	    "too many values");
	buf_reset(&b);
	for (int i = 0; i < 600; i++)
		buf_addf(&b, "tier t%d { }\n", i);
	OK(load_text(buf_str(&b), &e) == NULL &&
		strncmp(e.text, "gatepost.conf:513: ", 19) == 0,
	    "too many sections");
	buf_free(&b);
	OK(config_load("absent.conf", &c, &e) != 0 && c == NULL &&
		e.code == ERR_CONFIG,
	    "absent");
	IS(str_from(e.text),
	    "absent.conf: cannot be read: No such file or directory", "absent");
	OK(config_load(".", &c, &e) != 0, "a folder");
	OK(mkfifo("fifo", 0600) == 0 && config_load("fifo", &c, &e) != 0,
	    "a FIFO does not block");
	OK(config_load("absent.conf", &c, NULL) != 0, "no err");
}

/* Every beginning of a good file is read or refused, and shows no secret. */
static void
test_cut(void)
{
	struct err e;
	struct config *c;
	int leaks = 0, wrong = 0;
	test_group("cut");
	for (size_t n = 0; n < sizeof(full); n++) {
		FILE *f = fopen("cut.conf", "wb");
		if (f == NULL || fwrite(full, 1, n, f) != n || fclose(f) != 0 ||
		    chmod("cut.conf", 0600) != 0)
			break;
		e = (struct err){ 0 };
		int got = config_load("cut.conf", &c, &e);
		wrong += (got == 0) != (c != NULL) ||
		    (got != 0 && strncmp(e.text, "cut.conf:", 9) != 0);
		leaks += strstr(e.text, "0123456789") != NULL ||
		    strstr(e.text, "tok-") != NULL;
		config_free(c);
	}
	OK(leaks == 0 && wrong == 0, "%d leaks, %d wrong", leaks, wrong);
}

/* ---- where it is -------------------------------------------------------- */

static void
test_locate(void)
{
	struct err e = { 0 };
	struct arena *a = arena_new(100000);
	char *cwd = getcwd(NULL, 0);
	const char *here = arena_printf(a, "%s/gatepost.conf", cwd);
	free(cwd);
	test_group("locate");
	put("gatepost.conf", STR(""), 0600);
	unsetenv("GATEPOST_CONFIG");
	IS(str_from(config_locate(a, "/x/y", CONFIG_CLI, &e)), "/x/y", "-c");
	IS(str_from(config_locate(a, NULL, CONFIG_CLI, &e)), here,
	    "the current folder");
	IS(str_from(config_locate(a, "gatepost.conf", CONFIG_WEB, &e)), here,
	    "-c, relative");
	setenv("GATEPOST_CONFIG", "/e/n/v", 1);
	IS(str_from(config_locate(a, NULL, CONFIG_CLI, &e)), "/e/n/v", "env");
	IS(str_from(config_locate(a, NULL, CONFIG_WEB, &e)), "/e/n/v", "env");
	IS(str_from(config_locate(a, "/x/y", CONFIG_WEB, &e)), "/x/y",
	    "-c before env");
	setenv("GATEPOST_CONFIG", "", 1);
	char *web = config_locate(a, NULL, CONFIG_WEB, &e);
	OK(web == NULL || strcmp(web, here) != 0,
	    "the web program does not look into the current folder");
	OK(unlink("gatepost.conf") == 0, "unlink");
	if (access(SYSCONFDIR "/gatepost/gatepost.conf", F_OK) != 0) {
		OK(config_locate(a, NULL, CONFIG_CLI, &e) == NULL &&
			e.code == ERR_CONFIG && strstr(e.text, here) != NULL,
		    "places are named");
		OK(config_locate(a, NULL, CONFIG_WEB, &e) == NULL &&
			strstr(e.text, "/tests/gatepost/gatepost.conf") != NULL,
		    "beside the program");
	}
	arena_free(a);
}

/* ---- the template ------------------------------------------------------- */

#define TEMPLATE "src/ctl/gatepost.conf.in"

/* One line of the template: its places filled in, and its commented setting
 * made one where that is asked for. What reads a file or waits for a secret
 * stays a comment. */
static void
add_line(struct buf *b, struct str line, int uncomment)
{
	static const char place[] = "@ABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	struct str bare = str_trim(line);
	int setting = bare.n > 1 && bare.p[0] == '#' && bare.p[1] != ' ' &&
	    memmem(line.p, line.n, "_file", 5) == NULL &&
	    memmem(line.p, line.n, "'\xE2\x80\xA6'", 5) == NULL;
	if (uncomment && setting)
		line = (struct str){ bare.p + 1, bare.n - 1 };
	for (size_t i = 0; i < line.n;) {
		size_t n = line.p[i] == '@' ? strspn(line.p + i, place) : 0;
		if (n > 1)
			buf_addz(b, PASS);
		else
			buf_addc(b, line.p[i]);
		i += n > 1 ? n : 1;
	}
	buf_addc(b, '\n');
}

static struct config *
load_template(const char *text, int uncomment)
{
	struct buf b;
	struct err e;
	struct str rest = str_from(text), line;
	buf_init(&b, 65536);
	while (rest.p != NULL) {
		str_cut(rest, '\n', &line, &rest);
		add_line(&b, line, uncomment);
	}
	struct config *c = load_text(buf_str(&b), &e);
	buf_free(&b);
	return c;
}

static void
test_template(void)
{
	struct err e;
	size_t n;
	test_group("template");
	char *text = test_file(TEMPLATE, &n);
	if (text == NULL)
		return;
	OK(load_text((struct str){ text, n }, &e) == NULL &&
		strstr(e.text, "api_keys still holds a placeholder") != NULL,
	    "not filled in");
	struct config *c = load_template(text, 0);
	if (OK(c != NULL, "filled in")) {
		OK(c->api_keys.n == 1 && c->pass_secrets.n == 1 &&
			c->platforms[index_of("gumroad")].secrets.n == 1 &&
			c->platforms[index_of("gank")].secrets.n == 0 &&
			c->rules.n_tiers == 0 && c->n_warnings == 0,
		    "three secrets, no tier, no warning");
		config_free(c);
	}
	OK(mkdir("mails", 0700) == 0, "a folder of mails");
	put("mails/welcome.txt", STR("Subject: Welcome\n\n{download}\n"), 0600);
	put("mails/soon.txt", STR("Subject: Soon\n\n{until}\n"), 0600);
	c = load_template(text, 1);
	if (OK(c != NULL, "with its examples")) {
		OK(c->public_url.p != NULL && c->listen_group != NULL &&
			c->rules.n_tiers == 2 &&
			c->rules.tiers[1].lasts == TIER_FOREVER &&
			c->rules.tiers[0].n_grants == 2,
		    "the examples are read");
		config_free(c);
	}
	free(text);
}

int
main(void)
{
	const char *from = getenv("top_srcdir");
	if (realpath(from == NULL ? "." : from, top) == NULL ||
	    mkdtemp(dir) == NULL || chdir(dir) != 0)
		return 1;
	setenv("top_srcdir", top, 1);
	setenv("GATEPOST_TEST_KEY", "from-the-environment-0123456789", 1);
	setenv("GATEPOST_TEST_LINES", "one\ntwo", 1);
	setenv("GATEPOST_TEST_EMPTY", "", 1);
	unsetenv("GATEPOST_TEST_UNSET");
	test_fixtures();
	test_defaults();
	test_full();
	test_files();
	test_bounds();
	test_cut();
	test_locate();
	test_template();
	char clear[sizeof(dir) + 16];
	snprintf(clear, sizeof(clear), "rm -rf '%s'", dir);
	if (chdir("/") != 0 || system(clear) != 0)
		return 1;
	return test_end();
}
