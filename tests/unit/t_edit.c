#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "setup/edit.h"

/* Lines of a gatepost.conf that somebody has written, edited. */

#define KEY "api_keys = { 'test-api-key-0123456789' }\n"
#define PASS "pass_secret = { '0123456789abcdef0123456789abcdef' }\n"

static const struct {
	const char *name, *before, *section, *key, *value;
	enum edit_how how;
	const char *after; /* NULL: as before */
} cases[] = {
	{ "a commented key",
	    "a = 1\n#public_url = 'https://example.org'\nb = 2\n", NULL,
	    "public_url", "https://a.example", EDIT_TEXT,
	    "a = 1\npublic_url = 'https://a.example'\nb = 2\n" },
	{ "one that stands there",
	    "# mine\npublic_url = \"https://x\"  # old\n", NULL, "public_url",
	    "https://a.example", EDIT_TEXT,
	    "# mine\npublic_url = 'https://a.example'  # old\n" },
	{ "all is so already", "public_url = \"https://x\"\n", NULL,
	    "public_url", "https://x", EDIT_TEXT, NULL },
	{ "a new one, no newline at the end", "a = 1", NULL, "public_url",
	    "https://x", EDIT_TEXT, "a = 1\npublic_url = 'https://x'\n" },
	{ "an empty file", "", NULL, "public_url", "https://x", EDIT_TEXT,
	    "public_url = 'https://x'\n" },
	{ "CRLF", "a = 1\r\ngank {\r\n\t#secrets = { '…' }\r\n}\r\n", "gank",
	    "secrets", "s", EDIT_LIST,
	    "a = 1\r\ngank {\r\n\tsecrets = { 's' }\r\n}\r\n" },
	{ "CRLF, a new line", "gank {\r\n\tgrace = '1d'\r\n}\r\n", "gank",
	    "secrets", "s", EDIT_LIST,
	    "gank {\r\n\tsecrets = { 's' }\r\n\tgrace = '1d'\r\n}\r\n" },
	{ "CRLF, a new section", "a = 1\r\n", "gank", "secrets", "s", EDIT_LIST,
	    "a = 1\r\n\r\ngank {\r\n\tsecrets = { 's' }\r\n}\r\n" },
	{ "a section on one line", "gank { accept_test = false }\n", "gank",
	    "secrets", "s", EDIT_LIST,
	    "gank { secrets = { 's' } accept_test = false }\n" },
	{ "an empty section", "gank {}\n", "gank", "secrets", "s", EDIT_LIST,
	    "gank { secrets = { 's' }}\n" },
	{ "a comment behind the brace", "gank { # the 2nd\n\tgrace = '1d'\n}\n",
	    "gank", "secrets", "s", EDIT_LIST,
	    "gank { # the 2nd\n\tsecrets = { 's' }\n\tgrace = '1d'\n}\n" },
	{ "a list gets one in front",
	    "gank {\n  secrets = { 'a', \"b\" } # x\n}\n", "gank", "secrets",
	    "s", EDIT_LIST,
	    "gank {\n  secrets = { 's', 'a', \"b\" } # x\n}\n" },
	{ "an empty list", "gank {\n  secrets = { }\n}\n", "gank", "secrets",
	    "s", EDIT_LIST, "gank {\n  secrets = { 's' }\n}\n" },
	{ "a list of several lines",
	    "gank {\n\tsecrets = {\n\t\t'a', # first\n\t\t'b'\n\t}\n}\n",
	    "gank", "secrets", "s", EDIT_LIST,
	    "gank {\n\tsecrets = { 's', 'a', # first\n\t\t'b' }\n}\n" },
	{ "one that is in the list", "gank { secrets = { 'a', 's' } }\n",
	    "gank", "secrets", "s", EDIT_LIST, NULL },
	{ "the key in two sections",
	    "gank { accept_test = false }\ngumroad { accept_test = true }\n",
	    "gumroad", "accept_test", "false", EDIT_TEXT,
	    "gank { accept_test = false }\n"
	    "gumroad { accept_test = 'false' }\n" },
	{ "the key outside and in a section",
	    "gank {\n\tgrace = '1d'\n}\ngrace = '2d'\n", NULL, "grace", "3d",
	    EDIT_TEXT, "gank {\n\tgrace = '1d'\n}\ngrace = '3d'\n" },
	{ "a comment of another section",
	    "kofi {\n\t#tokens = { '…' }\n}\ngumroad {\n}\n", "gumroad",
	    "tokens", "t", EDIT_LIST,
	    "kofi {\n\t#tokens = { '…' }\n}\n"
	    "gumroad {\n\ttokens = { 't' }\n}\n" },
	{ "a section in comments",
	    "#mail {\n#\talert_mail = 'a@x'\n#}\n#alert_mail = 'me@x'\n", NULL,
	    "alert_mail", "b@x", EDIT_TEXT,
	    "#mail {\n#\talert_mail = 'a@x'\n#}\nalert_mail = 'b@x'\n" },
	{ "a sentence about the key", "# alert_mail = who hears\n", NULL,
	    "alert_mail", "b@x", EDIT_TEXT,
	    "# alert_mail = who hears\nalert_mail = 'b@x'\n" },
	{ "a comment of several lines", "/*\n#alert_mail = 'a@x'\n*/\n", NULL,
	    "alert_mail", "b@x", EDIT_TEXT,
	    "/*\n#alert_mail = 'a@x'\n*/\nalert_mail = 'b@x'\n" },
	{ "the key in a text", "a = 'alert_mail = \"x\"'\n", NULL, "alert_mail",
	    "b@x", EDIT_TEXT,
	    "a = 'alert_mail = \"x\"'\nalert_mail = 'b@x'\n" },
	{ "a longer key", "alert_mail_2 = 'x'\n#alert_mail_3 = 'x'\n", NULL,
	    "alert_mail", "b@x", EDIT_TEXT,
	    "alert_mail_2 = 'x'\n#alert_mail_3 = 'x'\nalert_mail = 'b@x'\n" },
	{ "what stands behind a commented value", "#lasts = 'forever'\t# x\n",
	    NULL, "lasts", "always", EDIT_TEXT, "lasts = 'always'\t# x\n" },
	{ "quotes", "a = 1\n", NULL, "b", "it's \\ so", EDIT_TEXT,
	    "a = 1\nb = 'it\\'s \\\\ so'\n" },
	{ "a name of the environment", "a = 1\n", NULL, "b", "${HOME}\"",
	    EDIT_TEXT, "a = 1\nb = \"\\${HOME}\\\"\"\n" },
	{ "a section with a title is another", "tier 'gank' {\n\trank = 1\n}\n",
	    "gank", "secrets", "s", EDIT_LIST,
	    "tier 'gank' {\n\trank = 1\n}\n\ngank {\n\tsecrets = { 's' "
	    "}\n}\n" },
};

static char dir[] = "/tmp/t_edit.XXXXXX";

static struct str
slurp(struct arena *a, const char *path)
{
	FILE *f = fopen(path, "rb");
	char *p = arena_alloc(a, 65536);
	size_t n = f == NULL ? 0 : fread(p, 1, 65535, f);
	if (f != NULL)
		fclose(f);
	return (struct str){ f == NULL ? NULL : p, n };
}

static void
put(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "wb");
	OK(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0 &&
		chmod(path, mode) == 0,
	    "write %s", path);
}

static void
test_cases(struct arena *a)
{
	test_group("a line");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct edit d = { .arena = a,
			.text = str_from(cases[i].before) };
		struct str got;
		struct err e = { .code = ERR_NONE };
		OK(edit_set(&d, cases[i].section, cases[i].key,
		       str_from(cases[i].value), cases[i].how, &e) == 0,
		    "%s %s", cases[i].name, e.text);
		const char *after = cases[i].after;
		IS(d.text, after == NULL ? cases[i].before : after,
		    cases[i].name);
		OK(d.is_changed == (after != NULL), "%s: changed",
		    cases[i].name);
		OK(edit_get(&d, cases[i].section, cases[i].key, &got, &e) ==
			    0 &&
			str_eq_z(got, cases[i].value) ==
			    (after != NULL || cases[i].how == EDIT_TEXT),
		    "%s: is read again", cases[i].name);
	}
	struct edit d = { .arena = a, .text = STR("a = 'b\n") };
	struct err e = { .code = ERR_NONE };
	OK(edit_set(&d, NULL, "a", STR("b"), EDIT_TEXT, &e) != 0 &&
		e.code == ERR_CONFIG && !d.is_changed,
	    "no gatepost.conf: %s", e.text);
}

static int
is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static void
test_save(struct arena *a)
{
	struct edit d;
	struct stat st;
	struct err e = { .code = ERR_NONE };
	const char *before =
	    "# mine\n" KEY PASS "#public_url = 'https://x.y'\n";
	test_group("the file");
	put("gatepost.conf", before, 0640);
	OK(symlink("gatepost.conf", "link.conf") == 0, "a link");
	OK(edit_open(&d, a, "link.conf", &e) == 0 && edit_save(&d, &e) == 0 &&
		!is_there("gatepost.conf.bak"),
	    "without a change nothing is written");
	OK(edit_set(&d, NULL, "public_url", STR("https://example.org"),
	       EDIT_TEXT, &e) == 0 &&
		edit_save(&d, &e) == 0,
	    "saved %s", e.text);
	IS(slurp(a, "gatepost.conf"),
	    "# mine\n" KEY PASS "public_url = 'https://example.org'\n",
	    "what is there now");
	OK(lstat("link.conf", &st) == 0 && S_ISLNK(st.st_mode),
	    "the link stays one");
	OK(stat("gatepost.conf", &st) == 0 && (st.st_mode & 07777) == 0640,
	    "its mode stays");
	OK(stat("gatepost.conf.bak", &st) == 0 && (st.st_mode & 07777) == 0600,
	    "the backup is closed to others");
	IS(slurp(a, "gatepost.conf.bak"), before, "the backup");

	OK(edit_set(&d, NULL, "alert_mail", STR("me@example.org"), EDIT_TEXT,
	       &e) == 0 &&
		edit_save(&d, &e) == 0,
	    "once more %s", e.text);
	IS(slurp(a, "gatepost.conf.bak"), before,
	    "the backup is of before the first change");

	struct str good = d.text;
	OK(edit_set(&d, NULL, "public_url", STR("no address"), EDIT_TEXT, &e) ==
		    0 &&
		edit_save(&d, &e) != 0 && e.code == ERR_CONFIG,
	    "what does not load");
	OK(strstr(e.text, "/gatepost.conf:4: ") != NULL &&
		strstr(e.text, ".new") == NULL,
	    "%s", e.text);
	OK(str_eq(slurp(a, "gatepost.conf"), good) &&
		!is_there("gatepost.conf.new"),
	    "leaves all as it was");

	OK(edit_open(&d, a, "gatepost.conf", &e) == 0, "read again");
	put("gatepost.conf", before, 0640);
	OK(edit_set(&d, NULL, "alert_mail", STR("x@example.org"), EDIT_TEXT,
	       &e) == 0 &&
		edit_save(&d, &e) != 0 && e.code == ERR_CONFLICT,
	    "somebody else was there: %s", e.text);
	IS(slurp(a, "gatepost.conf"), before, "and his text stays");

	put("gatepost.conf", KEY PASS "grace = '1d'\ngrace = '2d'\n", 0600);
	OK(edit_open(&d, a, "gatepost.conf", &e) == 0 &&
		edit_set(&d, NULL, "grace", STR("3d"), EDIT_TEXT, &e) == 0 &&
		edit_save(&d, &e) != 0,
	    "a key that is there twice: %s", e.text);
}

int
main(void)
{
	struct arena *a = arena_new(64 << 20);
	test_cases(a);
	OK(mkdtemp(dir) != NULL && chdir(dir) == 0, "a folder");
	test_save(a);
	unlink("gatepost.conf");
	unlink("gatepost.conf.bak");
	unlink("link.conf");
	OK(rmdir(dir) == 0, "nothing else is left");
	arena_free(a);
	return test_end();
}
