#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "cgi/web/media.h"
#include "cgi/web/part.h"

/* What /files decides by: names, ranges, conditions, types. The whole of it is
 * tests/e2e/t_files.py. */

#define NAME(z) \
	{ \
		z, sizeof(z) - 1 \
	}

/* ---- names --------------------------------------------------------------- */

static void
test_names(void)
{
	static const struct str good[] = { NAME("a"), NAME("a.b"), NAME("a..b"),
		NAME("h\xC3\xA9"), NAME("a b%2F"), NAME("a:b"), NAME("-"),
		NAME("~"), NAME("a.") };
	static const struct str bad[] = { NAME(""), NAME("."), NAME(".."),
		NAME("..."), NAME(".a"), NAME("a/b"), NAME("/"), NAME("a\\b"),
		NAME("a\0b"), NAME("a\nb"), NAME("a\x7F"), NAME("\xFF"),
		NAME("\xC0\xAE"), NAME("a\xC2\x80") };
	char buf[BENEATH_NAME_MAX + 1];
	test_group("names");
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		OK(beneath_is_name(good[i]), "%s", good[i].p);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		OK(!beneath_is_name(bad[i]), "bad one %zu", i);
	memset(buf, 'x', sizeof(buf));
	OK(beneath_is_name((struct str){ buf, BENEATH_NAME_MAX }), "longest");
	OK(!beneath_is_name((struct str){ buf, sizeof(buf) }), "longer");
}

/* ---- opening ------------------------------------------------------------- */

static int
inode_of(int root, const char *path, int flags, ino_t *out)
{
	struct stat st;
	int fd = beneath_open(root, path, flags);
	if (fd < 0)
		return -1;
	int rc = fstat(fd, &st);
	*out = S_ISLNK(st.st_mode) ? 0 : st.st_ino;
	close(fd);
	return rc;
}

static void
test_opener(int root)
{
	static const char *const shut[] = { "none", "link", "linked/file",
		"a/up/file", "a/out/outside", "root/etc/passwd", "..",
		"../outside", "a/../../outside", "a/../a/../file/x", "/file",
		"/etc/passwd", "a//b", "file/", "a/b/none", "" };
	ino_t ino = 0;
	struct stat st;
	for (size_t i = 0; i < sizeof(shut) / sizeof(shut[0]); i++) {
		int fd = beneath_open(root, shut[i], O_RDONLY);
		/* a name that ends in a slash, or none, may open a folder */
		int is_folder =
		    fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
		OK(fd < 0 || (is_folder && strcmp(shut[i], "a//b") == 0),
		    "'%s' is shut", shut[i]);
		if (fd >= 0)
			close(fd);
	}
	OK(fstatat(root, "a/b/file", &st, 0) == 0 &&
		inode_of(root, "a/b/file", O_RDONLY, &ino) == 0 &&
		ino == st.st_ino,
	    "a file");
	OK(inode_of(root, "a/b", O_PATH, &ino) == 0, "a folder");
	OK(inode_of(root, "link", O_PATH, &ino) != 0 || ino == 0,
	    "a link is not followed with O_PATH");
}

/* Steps of every kind, put together by a small generator that always gives the
 * same: whatever opens is a file of ours. */
static void
test_mixed(int root, ino_t outside)
{
	static const char *const steps[] = { "a", "b", "file", "..", ".",
		"link", "linked", "up", "out", "root", "outside", "", "etc",
		"none" };
	enum { N_STEPS = sizeof(steps) / sizeof(steps[0]), TRIES = 20000 };
	unsigned long x = 1;
	int bad = 0, opened = 0;
	for (int i = 0; i < TRIES; i++) {
		char path[256] = "";
		size_t n = 0;
		for (unsigned k = 0; k < 1 + x % 6; k++) {
			x = (x * 6364136223846793005UL + 1442695040888963407UL);
			n +=
			    (size_t)snprintf(path + n, sizeof(path) - n, "%s%s",
				k > 0 ? "/" : "", steps[(x >> 33) % N_STEPS]);
		}
		ino_t ino;
		if (inode_of(root, path, O_RDONLY, &ino) != 0)
			continue;
		opened++;
		bad += ino == outside || strstr(path, "link") != NULL ||
		    strstr(path, "up") != NULL || strstr(path, "root") != NULL;
	}
	OK(bad == 0 && opened > 0, "%d of %d mixed paths opened, all ours",
	    opened, TRIES);
}

static void
put(int at, const char *name)
{
	int fd = openat(at, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	OK(fd >= 0 && write(fd, "x", 1) == 1, "made %s", name);
	close(fd);
}

static void
test_open(void)
{
	char folder[] = "/tmp/gatepost-t_files.XXXXXX";
	char command[128];
	struct stat st;
	test_group("open");
	OK(mkdtemp(folder) != NULL, "folder");
	int top = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put(top, "outside");
	OK(mkdirat(top, "root", 0700) == 0, "root");
	int root = openat(top, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	OK(mkdirat(root, "a", 0700) == 0 && mkdirat(root, "a/b", 0700) == 0 &&
		symlinkat("file", root, "link") == 0 &&
		symlinkat("a/b", root, "linked") == 0 &&
		symlinkat("..", root, "a/up") == 0 &&
		symlinkat("../..", root, "a/out") == 0 &&
		symlinkat("/", root, "root") == 0,
	    "a tree");
	put(root, "file");
	put(root, "a/b/file");
	OK(fstatat(top, "outside", &st, 0) == 0, "outside");
	test_opener(root);
	test_mixed(root, st.st_ino);
	char deep[4 * BENEATH_STEPS_MAX] = "a";
	for (int i = 0; i < BENEATH_STEPS_MAX; i++)
		memcpy(deep + 2 * i, "a/", 2);
	deep[2 * BENEATH_STEPS_MAX] = 'a';
	OK(beneath_open(root, deep, O_RDONLY) < 0, "too deep");
	close(root);
	close(top);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	OK(system(command) == 0, "cleared up");
}

/* ---- ranges and conditions ----------------------------------------------- */

static void
test_range(void)
{
	static const struct {
		const char *range;
		int64_t size;
		int status;
		int64_t first, n;
	} table[] = {
		{ "bytes=0-", 10, 206, 0, 10 },
		{ "bytes=0-0", 10, 206, 0, 1 },
		{ "bytes=9-9", 10, 206, 9, 1 },
		{ "bytes=3-99", 10, 206, 3, 7 },
		{ "bytes=-3", 10, 206, 7, 3 },
		{ "bytes=-10", 10, 206, 0, 10 },
		{ "bytes=-99", 10, 206, 0, 10 },
		{ "BYTES=1-2", 10, 206, 1, 2 },
		{ "bytes= 1-2 ", 10, 206, 1, 2 },
		{ "bytes=10-", 10, 416, 0, 0 },
		{ "bytes=-0", 10, 416, 0, 0 },
		{ "bytes=0-", 0, 416, 0, 0 },
		{ "bytes=-5", 0, 200, 0, 0 },
		{ "bytes=99999999999999999999-", 10, 416, 0, 0 },
		{ "bytes=0-99999999999999999999", 10, 206, 0, 10 },
		{ "bytes=-99999999999999999999", 10, 206, 0, 10 },
		{ "bytes=5000000000-", 6000000000, 206, 5000000000,
		    1000000000 },
		{ "bytes=2-1", 10, 200, 0, 10 },
		{ "bytes=0-1,3-4", 10, 200, 0, 10 },
		{ "bytes=0-1,", 10, 200, 0, 10 },
		{ "bytes=-", 10, 200, 0, 10 },
		{ "bytes=", 10, 200, 0, 10 },
		{ "bytes", 10, 200, 0, 10 },
		{ "bytes=a-b", 10, 200, 0, 10 },
		{ "bytes=+1-2", 10, 200, 0, 10 },
		{ "bytes=1-2-3", 10, 200, 0, 10 },
		{ "bytes=1--2", 10, 200, 0, 10 },
		{ "bytes=0x1-2", 10, 200, 0, 10 },
		{ "items=0-1", 10, 200, 0, 10 },
		{ "", 10, 200, 0, 10 },
	};
	test_group("range");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct part p =
		    part_range(str_from(table[i].range), table[i].size);
		OK(p.status == table[i].status &&
			(p.status == 416 ||
			    (p.first == table[i].first && p.n == table[i].n)),
		    "'%s' of %lld: %d %lld+%lld", table[i].range,
		    (long long)table[i].size, p.status, (long long)p.first,
		    (long long)p.n);
	}
}

static void
test_date(void)
{
	static const char *const bad[] = { "", "now", "1700000000",
		"Tue, 14 Nov 2023 22:13:20", "Tue, 14 Nov 2023 22:13:20 GMT ",
		"Tue, 14 Nov 2023 25:13:20 GMT",
		"Tue, 14 Nov 2023 22:13:20 GMT, and much more than fits" };
	int64_t at = 0;
	test_group("date");
	OK(part_date(STR("Tue, 14 Nov 2023 22:13:20 GMT"), &at) == 0 &&
		at == 1700000000,
	    "the usual form");
	OK(part_date(STR("Tuesday, 14-Nov-23 22:13:20 GMT"), &at) == 0 &&
		at == 1700000000,
	    "an old one");
	OK(part_date(STR("Tue Nov 14 22:13:20 2023"), &at) == 0 &&
		at == 1700000000,
	    "C's");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		OK(part_date(str_from(bad[i]), &at) != 0, "not '%s'", bad[i]);
}

static struct part
ask(const struct part_file *f, const char *method, const char *a, const char *b)
{
	const char *params[] = { a, b, NULL };
	struct request r = { .params = params, .method = str_from(method) };
	return part_of(&r, f);
}

#define NOTHING "X=1"
#define CHANGED "Tue, 14 Nov 2023 22:13:20 GMT"
#define BEFORE "Tue, 14 Nov 2023 22:13:19 GMT"

static void
test_conditions(void)
{
	enum { NOW = 1700000100 };
	struct stat st = { .st_size = 10, .st_ino = 7 };
	struct part_file f, fresh;
	char match[2 * PART_ETAG_MAX + 32];
	st.st_mtim.tv_sec = 1700000000;
	st.st_mtim.tv_nsec = 5;
	part_file(&st, NOW, &f);
	part_file(&st, st.st_mtim.tv_sec + 1, &fresh);
	test_group("conditions");
	IS(str_from(f.etag), "\"a-6553f100.5-7\"", "a tag");
	IS(str_from(fresh.etag), "W/\"a-6553f100.5-7\"", "a weak one");
	IS(str_from(f.date), CHANGED, "a date");
	const struct {
		const char *format; /* %s is the tag */
		const char *more;
		int status;
		int fresh_status;
	} table[] = {
		{ "HTTP_IF_NONE_MATCH=%s", NOTHING, 304, 304 },
		{ "HTTP_IF_NONE_MATCH=\"x\" , %s", NOTHING, 304, 304 },
		{ "HTTP_IF_NONE_MATCH=*", NOTHING, 304, 304 },
		{ "HTTP_IF_NONE_MATCH=\"x\"", NOTHING, 200, 200 },
		{ "HTTP_IF_NONE_MATCH=\"x\"", "HTTP_IF_MODIFIED_SINCE=" CHANGED,
		    200, 200 },
		{ "HTTP_IF_MODIFIED_SINCE=" CHANGED, NOTHING, 304, 304 },
		{ "HTTP_IF_MODIFIED_SINCE=" BEFORE, NOTHING, 200, 200 },
		{ "HTTP_IF_MODIFIED_SINCE=never", NOTHING, 200, 200 },
		{ "HTTP_IF_MATCH=%s", NOTHING, 200, 412 },
		{ "HTTP_IF_MATCH=\"x\"", NOTHING, 412, 412 },
		{ "HTTP_IF_MATCH=*", NOTHING, 200, 200 },
		{ "HTTP_IF_UNMODIFIED_SINCE=" BEFORE, NOTHING, 412, 412 },
		{ "HTTP_IF_UNMODIFIED_SINCE=" CHANGED, NOTHING, 200, 200 },
		{ "HTTP_IF_RANGE=%s", "HTTP_RANGE=bytes=1-2", 206, 200 },
		{ "HTTP_IF_RANGE=\"x\"", "HTTP_RANGE=bytes=1-2", 200, 200 },
		{ "HTTP_IF_RANGE=" CHANGED, "HTTP_RANGE=bytes=1-2", 206, 200 },
		{ "HTTP_IF_RANGE=" BEFORE, "HTTP_RANGE=bytes=1-2", 200, 200 },
		{ "HTTP_IF_NONE_MATCH=%s", "HTTP_RANGE=bytes=1-2", 304, 304 },
		{ "HTTP_IF_RANGE=\"x\"", "HTTP_RANGE=bytes=99-", 200, 200 },
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct part_file *files[] = { &f, &fresh };
		for (int k = 0; k < 2; k++) {
			struct str head, tail, s = str_from(table[i].format);
			if (!str_cut(s, '%', &head, &tail))
				tail = STR("s");
			snprintf(match, sizeof(match), "%.*s%s", STR_ARG(head),
			    head.n < s.n ? files[k]->etag : "");
			int want =
			    k == 0 ? table[i].status : table[i].fresh_status;
			struct part p =
			    ask(files[k], "GET", match, table[i].more);
			OK(p.status == want, "%s, %s: %d", match, table[i].more,
			    p.status);
		}
	}
	struct part p = ask(&f, "HEAD", "HTTP_RANGE=bytes=1-2", NOTHING);
	OK(p.status == 200 && p.n == 10, "HEAD has no ranges");
}

/* ---- types --------------------------------------------------------------- */

static void
test_media(void)
{
	static const struct {
		const char *name, *type;
		int runs;
	} table[] = {
		{ "a.mp4", "video/mp4", 0 },
		{ "a.b.PDF", "application/pdf", 0 },
		{ "index.html", "text/html", 1 },
		{ "x.SVG", "image/svg+xml", 1 },
		{ "x.xml", "application/xml", 1 },
		{ "x.js", "text/javascript; charset=utf-8", 1 },
		{ "x.html.zip", "application/zip", 0 },
		{ "html", "application/octet-stream", 0 },
		{ ".html", "application/octet-stream", 0 },
		{ "x.", "application/octet-stream", 0 },
		{ "x.exe", "application/octet-stream", 0 },
		{ "", "application/octet-stream", 0 },
	};
	static const struct {
		const char *name, *value;
	} names[] = {
		{ "a b.zip", "attachment; filename=\"a b.zip\"" },
		{ "a\"b\\c",
		    "attachment; filename=\"a_b_c\"; "
		    "filename*=UTF-8''a%22b%5Cc" },
		{ "100%.txt",
		    "attachment; filename=\"100_.txt\"; "
		    "filename*=UTF-8''100%25.txt" },
		{ "h\xC3\xA9.txt",
		    "attachment; filename=\"h_.txt\"; "
		    "filename*=UTF-8''h%C3%A9.txt" },
		{ "a;b='c'", "attachment; filename=\"a;b='c'\"" },
		{ "\xE2\x82\xAC(1)*",
		    "attachment; filename=\"_(1)*\"; "
		    "filename*=UTF-8''%E2%82%AC%281%29%2A" },
	};
	test_group("media");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct media *m = media_of(str_from(table[i].name));
		IS(str_from(m->type), table[i].type, table[i].name);
		OK(m->runs == table[i].runs, "%s: runs", table[i].name);
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct buf b;
		buf_init(&b, 1024);
		media_disposition(&b, str_from(names[i].name));
		IS(buf_str(&b), names[i].value, names[i].name);
		buf_free(&b);
	}
}

int
main(void)
{
	test_names();
	test_open();
	test_range();
	test_date();
	test_conditions();
	test_media();
	return test_end();
}
