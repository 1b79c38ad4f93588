/* Links of mails. The first line is taken for a token, which nobody has
 * signed; the others are an address, a file's path, a platform and a sale, for
 * links that are made here. */
#include "access/link.h"

#include "base/form.h"
#include "config/config_names.h"
#include "access/pass.h"
#include "fuzz.h"
#include "secrets.h"

static const struct config_files sections[] = {
	{ .title = { "/guides", 7 }, .link_seconds = 60 },
	{ .title = { "/guides/pen", 11 }, .link_seconds = 60 },
};
static struct config site, other;

/* No link, and no pass, by any reader. */
static void
check_none(const struct config *c, struct str token, struct arena *a)
{
	struct link_signin s;
	struct link_file f;
	struct pass pass;
	HOLD(link_signin_read(c, token, NOW, a, &s) != 0);
	HOLD(link_file_read(c, token, NOW, a, &f) != 0 && f.path.p == NULL);
	HOLD(pass_verify(c, token, NOW, a, &pass) != 0);
}

/* Another time, another site, another byte: none. */
static void
check_spoilt(struct str token, int64_t ends, size_t at, struct arena *a)
{
	struct link_signin s;
	struct link_file f;
	struct pass pass;
	check_none(&other, token, a);
	HOLD(pass_verify(&site, token, NOW, a, &pass) != 0);
	HOLD(link_signin_read(&site, token, ends, a, &s) != 0);
	HOLD(link_file_read(&site, token, ends, a, &f) != 0);
	char *p = arena_dup(a, token.p, token.n);
	p[at % token.n] = p[at % token.n] == 'A' ? 'B' : 'A';
	check_none(&site, (struct str){ p, token.n }, a);
	check_none(&site, (struct str){ token.p, token.n - 1 }, a);
}

static void
check_signin(struct str email, size_t at, struct arena *a)
{
	struct buf b;
	struct link_signin same;
	struct link_file f;
	buf_init(&b, LINK_URL_MAX);
	if (link_signin_url(&site, email, NOW, &b, NULL) == 0) {
		struct str head, token;
		HOLD(str_cut(buf_str(&b), '#', &head, &token));
		HOLD(str_eq_z(head, "https://example.org/me"));
		HOLD(link_signin_read(&site, token, NOW, a, &same) == 0);
		HOLD(str_eq(same.email, email));
		HOLD(link_file_read(&site, token, NOW, a, &f) != 0);
		check_spoilt(token, NOW + LINK_SIGNIN_SECONDS, at, a);
	} else {
		HOLD(email.n == 0 || email.n > LINK_MAX / 2);
	}
	buf_free(&b);
}

/* The URL as a browser sends it: its path, decoded, is the file's. */
static void
check_path(struct str path, struct str want, struct arena *a)
{
	struct str part, rest = { path.p + 1, path.n - 1 }, own;
	want = (struct str){ want.p + 1, want.n - 1 };
	int bad = 0;
	while (rest.p != NULL) {
		str_cut(rest, '/', &part, &rest);
		str_cut(want, '/', &own, &want);
		HOLD(str_eq(form_decode(a, part, &bad), own) && !bad);
	}
	HOLD(want.p == NULL);
}

static void
check_file(const struct link_file *file, size_t at, struct arena *a)
{
	struct buf b;
	struct link_file same;
	struct link_signin none;
	buf_init(&b, LINK_URL_MAX);
	const struct config_files *section = link_section(&site, file->path);
	int rc = link_file_url(&site, file, NOW, &b, NULL);
	HOLD(rc != 0 || section != NULL);
	if (rc == 0) {
		struct str head, token;
		struct str start = STR("https://example.org/files");
		HOLD(str_cut(buf_str(&b), '?', &head, &token));
		HOLD(str_starts(head, start));
		HOLD(str_starts(token, STR("link=")));
		head = (struct str){ head.p + start.n, head.n - start.n };
		token = (struct str){ token.p + 5, token.n - 5 };
		check_path(head, file->path, a);
		HOLD(link_file_read(&site, token, NOW, a, &same) == 0);
		HOLD(str_eq(same.path, file->path) &&
		    str_eq(same.platform, file->platform) &&
		    str_eq(same.sale, file->sale));
		HOLD(link_signin_read(&site, token, NOW, a, &none) != 0);
		check_spoilt(token, NOW + 60, at, a);
	}
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str rest = fuzz_input(data, n), token, email;
	struct link_file file;
	struct arena *a = arena_new(FUZZ_ARENA_MAX);
	site = config;
	site.files = sections;
	site.n_files = 2;
	other = site;
	other.public_url = STR("https://example.com");
	str_cut(rest, '\n', &token, &rest);
	str_cut(rest, '\n', &email, &rest);
	str_cut(rest, '\n', &file.path, &rest);
	str_cut(rest, '\n', &file.platform, &rest);
	file.sale = rest;
	check_none(&site, token, a);
	check_signin(email, n, a);
	check_file(&file, n, a);
	arena_free(a);
	return 0;
}
