#include "cgi/web/part.h"

#include <string.h>
#include <time.h>

/* ---- what a file is known by --------------------------------------------- */

void
part_file(const struct stat *st, int64_t now, struct part_file *f)
{
	struct tm tm = { .tm_mday = 1 };
	*f = (struct part_file){ .size = st->st_size,
		.changed = st->st_mtim.tv_sec,
		.settled = st->st_mtim.tv_sec + PART_SETTLED <= now };
	snprintf(f->etag, sizeof(f->etag), "%s\"%llx-%llx.%lx-%llx\"",
	    f->settled ? "" : "W/", (unsigned long long)st->st_size,
	    (unsigned long long)st->st_mtim.tv_sec,
	    (unsigned long)st->st_mtim.tv_nsec, (unsigned long long)st->st_ino);
	/* the program stays in the C locale, whose names these are */
	if (gmtime_r(&st->st_mtim.tv_sec, &tm) == NULL ||
	    strftime(f->date, sizeof(f->date), "%a, %d %b %Y %H:%M:%S GMT",
		&tm) == 0)
		f->date[0] = '\0';
}

/* ---- conditions ---------------------------------------------------------- */

int
part_date(struct str s, int64_t *out)
{
	static const char *const forms[] = { "%a, %d %b %Y %H:%M:%S GMT",
		"%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y" };
	char text[2 * PART_DATE_MAX];
	if (s.n >= sizeof(text))
		return -1;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = { .tm_mday = 1 };
		const char *end = strptime(text, forms[i], &tm);
		if (end == NULL || *end != '\0')
			continue;
		*out = timegm(&tm);
		return 0;
	}
	return -1;
}

static struct str
without_weak(struct str tag)
{
	return str_starts(tag, STR("W/")) ? (struct str){ tag.p + 2, tag.n - 2 }
					  : tag;
}

static int
same_tag(struct str a, struct str b, int strong)
{
	if (strong)
		return str_eq(a, b) && !str_starts(a, STR("W/"));
	return str_eq(without_weak(a), without_weak(b));
}

/* Our tags hold no comma, so one in a foreign tag cannot make it ours. */
static int
in_list(struct str list, const char *etag, int strong)
{
	struct str tag;
	if (str_eq_z(str_trim(list), "*"))
		return 1;
	while (list.p != NULL) {
		str_cut(list, ',', &tag, &list);
		if (same_tag(str_trim(tag), str_from(etag), strong))
			return 1;
	}
	return 0;
}

/* RFC 9110, 13.2.2: in this order. 0: go on. */
static int
conditions(const struct request *r, const struct part_file *f)
{
	int64_t at;
	struct str s = request_param(r, "HTTP_IF_MATCH");
	struct str none = request_param(r, "HTTP_IF_NONE_MATCH");
	if (s.n > 0 && !in_list(s, f->etag, 1))
		return 412;
	struct str since = request_param(r, "HTTP_IF_UNMODIFIED_SINCE");
	if (s.n == 0 && since.n > 0 && part_date(since, &at) == 0 &&
	    f->changed > at)
		return 412;
	if (none.n > 0)
		return in_list(none, f->etag, 0) ? 304 : 0;
	since = request_param(r, "HTTP_IF_MODIFIED_SINCE");
	if (since.n > 0 && part_date(since, &at) == 0 && f->changed <= at)
		return 304;
	return 0;
}

/* If-Range: is what the client has a part of the file as it is now? */
static int
is_of_this(const struct request *r, const struct part_file *f)
{
	struct str s = str_trim(request_param(r, "HTTP_IF_RANGE"));
	if (s.n == 0)
		return 1;
	if (str_has_byte(s, '"'))
		return same_tag(s, str_from(f->etag), 1);
	/* a date is exact, or it is another file's (RFC 9110, 13.1.5) */
	return f->settled && str_eq_z(s, f->date);
}

/* ---- ranges -------------------------------------------------------------- */

/* Digits; what no int64_t holds lies behind every end. */
static int
read_number(struct str s, int64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		int digit = s.p[i] - '0';
		*out = *out > (INT64_MAX - digit) / 10 ? INT64_MAX
						       : *out * 10 + digit;
	}
	return s.n > 0 ? 0 : -1;
}

static struct part
suffix(int64_t n, int64_t size)
{
	if (n == 0)
		return (struct part){ .status = 416 };
	/* of an empty file the end is all, and no range can say so */
	if (size == 0)
		return (struct part){ .status = 200 };
	if (n > size)
		n = size;
	return (struct part){ 206, size - n, n };
}

struct part
part_range(struct str range, int64_t size)
{
	const struct part all = { 200, 0, size };
	struct str unit, set, from, to;
	int64_t first, last = INT64_MAX;
	if (!str_cut(range, '=', &unit, &set) ||
	    !str_eq_fold(str_trim(unit), STR("bytes")))
		return all;
	/* a comma is no digit: several ranges are no range here */
	if (!str_cut(str_trim(set), '-', &from, &to))
		return all;
	if (from.n == 0)
		return read_number(to, &last) == 0 ? suffix(last, size) : all;
	if (read_number(from, &first) != 0 ||
	    (to.n > 0 && read_number(to, &last) != 0) || last < first)
		return all;
	if (first >= size)
		return (struct part){ .status = 416 };
	if (last >= size)
		last = size - 1;
	return (struct part){ 206, first, last - first + 1 };
}

struct part
part_of(const struct request *r, const struct part_file *f)
{
	struct part all = { 200, 0, f->size };
	struct str range = request_param(r, "HTTP_RANGE");
	int status = conditions(r, f);
	if (status != 0)
		return (struct part){ .status = status };
	if (range.n == 0 || !str_eq_z(r->method, "GET") || !is_of_this(r, f))
		return all;
	return part_range(range, f->size);
}
