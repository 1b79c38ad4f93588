#include "test.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/time.h"
#include "store/turn.h"
#include "config/site.h"
#include "config/template.h"
#include "store/netfs.h"

/* In a folder of its own, which is the current one. */
static char home[PATH_MAX]; /* as realpath wants it */
static struct arena *arena;

static char *
at(const char *path)
{
	return arena_printf(arena, "%s/%s", home, path);
}

static void
put(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	OK(fd >= 0 && close(fd) == 0, "made %s", path);
}

static struct site
find(const char *program, const char *root, const char *context)
{
	struct err e = { .code = ERR_NONE };
	struct site site;
	const struct site_opts o = { .program = program,
		.document_root = root,
		.context_root = context };
	OK(site_find(arena, &o, &site, &e) == 0, "found: %s", e.text);
	return site;
}

static void
test_find(void)
{
	test_group("find");
	struct site s = find(at("pub/a/x.cgi"), at("pub"), NULL);
	IS(str_from(s.config), at("gatepost/gatepost.conf"),
	    "beside the web root");
	IS(str_from(s.near), at("pub/a/../gatepost/gatepost.conf"),
	    "beside the program");
	s = find(at("pub/a/x.cgi"), NULL, NULL);
	IS(str_from(s.config), at("pub/gatepost/gatepost.conf"),
	    "no root is told: beside the program's folder");
	s = find(at("pub/a/x.cgi"), at("elsewhere"), at("pub"));
	IS(str_from(s.config), at("gatepost/gatepost.conf"),
	    "the context's root");
	s = find(at("link/x.cgi"), at("pub"), NULL);
	IS(str_from(s.config), at("gatepost/gatepost.conf"),
	    "by a symbolic link");
	s = find(at("pub/a/x.cgi"), "relative", "");
	IS(str_from(s.config), at("pub/gatepost/gatepost.conf"),
	    "a root that is no path is none");
	s = find(NULL, at("pub"), NULL);
	OK(s.config == NULL && s.near == NULL && s.n_roots == 1,
	    "no program is known");
	s = find(at("pub/a/x.cgi"), "/", NULL);
	IS(str_from(s.config), "/gatepost/gatepost.conf", "all is served");
	OK(site_serves(&s, at("data/x.db")), "and so is this");
}

static void
test_serves(void)
{
	static const struct {
		const char *path;
		int serves;
	} table[] = { { "pub/x.db", 1 }, { "pub/a/x.db", 1 },
		{ "data/x.db", 0 }, { "data/../pub/x.db", 1 },
		{ "pub/../data/x.db", 0 }, { "public/x.db", 0 }, { "pub", 1 },
		{ "link/x.db", 1 }, { "data/file.db", 0 },
		{ "data/file-in-pub.db", 1 }, { "pub/file-in-data.db", 1 },
		{ "absent/x.db", 0 } };
	test_group("serves");
	struct site s = find(at("pub/a/x.cgi"), at("pub"), NULL);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		OK(site_serves(&s, at(table[i].path)) == table[i].serves, "%s",
		    table[i].path);
	s = find(at("htdocs/one/two/x.cgi"), at("htdocs/one"), NULL);
	OK(site_serves(&s, at("htdocs/x.db")),
	    "a folder with a web root's name");
	IS(str_from(s.config), at("gatepost/gatepost.conf"), "is left as well");
}

static void
test_owner(void)
{
	struct err e = { .code = ERR_NONE };
	test_group("owner");
	struct site s = find(at("pub/a/x.cgi"), at("pub"), NULL);
	OK(site_check_owner(&s, NULL, &e) == 0, "its own program");
	OK(site_check_owner(&s, at("data/file.db"), &e) == 0, "its own file");
	OK(site_check_owner(&s, at("absent"), &e) == 0, "no file");
	OK(site_check_owner(&s, "/", &e) == 0, "root's");
	if (geteuid() != 0)
		return;
	OK(chown(at("data/file.db"), 12345, 12345) == 0, "chown");
	OK(site_check_owner(&s, at("data/file.db"), &e) == 0,
	    "root reads what it likes");
	OK(seteuid(12346) == 0, "seteuid");
	OK(site_check_owner(&s, NULL, &e) == 0, "root's program");
	OK(site_check_owner(&s, at("data/file.db"), &e) == -1 &&
		e.code == ERR_CONFIG && strstr(e.text, "user 12346") != NULL &&
		strstr(e.text, "user 12345") != NULL,
	    "somebody else's file: %s", e.text);
	OK(seteuid(0) == 0 && chown(at("data/file.db"), 0, 0) == 0, "back");
}

static void
test_template(void)
{
	struct buf b;
	struct template_secrets one, two;
	size_t gumroad = platform_index(&platform_gumroad);
	const struct template_values none = { .database = NULL };
	const struct template_values with = { .public_url =
						  "https://example.org/x" };
	test_group("template");
	buf_init(&b, TEMPLATE_MAX);
	OK(template_fill(&b, &with, &one, NULL) == 0, "filled");
	buf_addc(&b, '\0');
	OK(strstr(b.p, "\npublic_url = 'https://example.org/x'\n") != NULL,
	    "the address is in it");
	OK(strlen(one.tokens[gumroad]) == 48 &&
		strstr(b.p, one.tokens[gumroad]) != NULL,
	    "the token as well");
	OK(strstr(b.p, "@API_KEY@") == NULL &&
		strstr(b.p, "@PASS_SECRET@") == NULL &&
		strstr(b.p, "@GUMROAD_TOKEN@") == NULL,
	    "no place is left");
	OK(strstr(b.p, "'me@example.org'") != NULL &&
		strstr(b.p, "'shop@example.org'") != NULL,
	    "an address is no place for a secret");
	buf_reset(&b);
	OK(template_fill(&b, &none, &two, NULL) == 0 &&
		strcmp(one.tokens[gumroad], two.tokens[gumroad]) != 0,
	    "another time another token");
	OK(strstr(b.p, "\n#public_url = ") != NULL, "no address, a comment");
	buf_free(&b);
	buf_init(&b, 100);
	struct err e = { .code = ERR_NONE };
	OK(template_fill(&b, &none, NULL, &e) == -1 && e.code == ERR_MEMORY,
	    "no room");
	buf_free(&b);
}

static void
check_setting(const char *section, const char *key, const char *want)
{
	struct buf b;
	const struct template_value one = { section, key, STR("it's \\ one") };
	const struct template_values values = { .more = &one, .n_more = 1 };
	const char *place = "";
	buf_init(&b, TEMPLATE_MAX);
	OK(template_fill(&b, &values, NULL, NULL) == 0, "filled");
	buf_addc(&b, '\0');
	if (section != NULL) {
		char head[64];
		snprintf(head, sizeof(head), "\n%s {\n", section);
		place = strstr(b.p, head);
	}
	const char *found = strstr(b.p, want);
	OK(found != NULL && place != NULL &&
		(section == NULL ||
		    (found > place && found < strstr(place, "\n}\n"))) &&
		strstr(found + 1, want) == NULL,
	    "%s %s: once, in its place", section, key);
	buf_free(&b);
}

/* There is a line for each setting that the first page asks for. */
static void
test_settings(void)
{
	char want[128];
	test_group("settings of the template");
	check_setting(NULL, "alert_mail", "\nalert_mail = 'it\\'s \\\\ one'\n");
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		const struct platform *p = platforms[i];
		snprintf(want, sizeof(want), "\n\t%s = { 'it\\'s \\\\ one' }\n",
		    p->secrets_key);
		check_setting(p->name, p->secrets_key, want);
		if (p->api == NULL)
			continue;
		snprintf(want, sizeof(want), "\n\t%s = 'it\\'s \\\\ one'\n",
		    p->api->token_key);
		check_setting(p->name, p->api->token_key, want);
		OK(p->api->token_words != NULL, "%s: what it is for", p->name);
	}
}

static void
test_turn(void)
{
	enum { MS = 120, LATE_MS = 5000 };
	struct err e = { .code = ERR_NONE };
	test_group("turn");
	OK(turn_take("absent/x.db", MS, &e) == 0, "no folder: nothing to do");
	OK(turn_take("x.db", MS, &e) == 0, "the first has its turn");
	/* as another process would: a lock of another open file */
	int fd = open("y.db-turn", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	OK(fd >= 0 && flock(fd, LOCK_EX) == 0, "locked");
	int64_t begun = time_ticks();
	OK(turn_take("y.db", MS, &e) == -1 && e.code == ERR_BUSY,
	    "none for the second");
	int64_t took = time_ticks() - begun;
	OK(took >= MS && took < LATE_MS, "after %d ms", (int)took);
	if (fork() == 0) {
		usleep(MS * 1000);
		_exit(0);
	}
	/* the child has the lock's file open too; its end ends the lock */
	close(fd);
	begun = time_ticks();
	OK(turn_take("y.db", LATE_MS, &e) == 0, "when the first has ended");
	OK(time_ticks() - begun >= MS / 2, "and not before");
}

static void
test_netfs(void)
{
	test_group("netfs");
	OK(netfs_shares_memory(at("data/new.db")), "memory is shared here");
	OK(access(at("data/new.db-probe"), F_OK) != 0, "nothing is left");
	OK(netfs_shares_memory(at("absent/new.db")), "no folder: not refused");
	OK(netfs_has("/proc/self/stat") == 0 && netfs_has("absent/x") == 0,
	    "no network");
}

int
main(void)
{
	char name[] = "/tmp/gatepost-site.XXXXXX";
	if (mkdtemp(name) == NULL || chdir(name) != 0 ||
	    realpath(name, home) == NULL || chmod(name, 0755) != 0)
		return 1;
	arena = arena_new(1 << 20);
	OK(arena != NULL && crypto_init(NULL) == 0, "ready");
	static const char *const folders[] = { "pub", "pub/a", "public", "data",
		"elsewhere", "htdocs", "htdocs/one", "htdocs/one/two" };
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		OK(mkdir(folders[i], 0755) == 0, "mkdir %s", folders[i]);
	put("pub/a/x.cgi");
	put("htdocs/one/two/x.cgi");
	put("data/file.db");
	put("pub/real.db");
	OK(symlink("pub/a", "link") == 0 &&
		symlink("../pub/real.db", "data/file-in-pub.db") == 0 &&
		symlink("../data/file.db", "pub/file-in-data.db") == 0,
	    "links");
	test_find();
	test_serves();
	test_owner();
	test_template();
	test_settings();
	test_turn();
	test_netfs();
	arena_free(arena);
	char *line = NULL;
	if (asprintf(&line, "rm -rf '%s'", home) < 0 || system(line) != 0)
		return 1;
	free(line);
	return test_end();
}
