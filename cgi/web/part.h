#ifndef CGI_WEB_PART_H
#define CGI_WEB_PART_H

#include <stdint.h>
#include <sys/stat.h>

#include "cgi/web/request.h"

/*
 * Which part of a file a request asks for, by its conditions and its range
 * (RFC 9110, 13 and 14). Pure: headers and what is known of the file in, a
 * status out.
 */
enum {
	PART_ETAG_MAX = 64,
	PART_DATE_MAX = 32,
	PART_SETTLED = 2, /* seconds after its last change */
};

/* What a file is known by. Its tag is strong once the change is older than
 * PART_SETTLED: before, another change could still get the same time. */
struct part_file {
	int64_t size;
	int64_t changed; /* seconds */
	int settled;
	char etag[PART_ETAG_MAX]; /* size, time in nanoseconds and inode */
	char date[PART_DATE_MAX]; /* Last-Modified, RFC 9110, 5.6.7 */
};

/* st: of a regular file; now: seconds. */
void part_file(const struct stat *st, int64_t now, struct part_file *f);

struct part {
	int status; /* 200, 206, 304, 412, 416 */
	int64_t first; /* of 200 and 206: the first byte, */
	int64_t n; /* and how many */
};

/* r: its method is GET or HEAD; a range counts with GET alone. */
struct part part_of(const struct request *r, const struct part_file *f);

/* A Range header: 206 with *p; 416; 200 for all of it: another unit, several
 * ranges, not a range at all. */
struct part part_range(struct str range, int64_t size);

/* A date in any of the three forms of RFC 9110, 5.6.7. 0 or -1. */
int part_date(struct str s, int64_t *out);

#endif
