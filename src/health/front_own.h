#ifndef HEALTH_FRONT_OWN_H
#define HEALTH_FRONT_OWN_H

/* Shared by the files of front.h only. */

#include "action/http.h"
#include "health/health.h"

enum {
	FRONT_MS = 10000, /* for an answer */
	FRONT_STREAM_MS = 2000, /* for a stream's first event */
	FRONT_CERT_DAYS = 14, /* left: fewer are a problem */
	FRONT_CLOCK_SLACK = 120, /* seconds */
	FRONT_LARGE = 200 * 1024, /* bytes, of a body that is to pass */
};

struct front_proof; /* front.h */

struct front {
	struct health *h;
	const char *url; /* public_url */
	const char *host;
	int port;
	int is_https;
	int is_inside; /* the host is this machine or of a private network */
	struct front_proof *proof;
};

struct front_answer {
	int rc; /* of http_call */
	struct http_answer got;
	struct http_seen seen;
	struct str body;
	const char *word; /* Gatepost's own "error" or "status"; "": it is not
			     Gatepost who answers */
	const char *detail; /* with an error; "" */
};

/* 0, or -1: there is no public_url. */
int front_open(struct front *f, struct health *h, struct front_proof *proof);

/* Asks path. The request's url, timeout and seen are filled in. */
void front_ask(const struct front *f, const char *path,
    struct http_request *request, struct front_answer *out);

/* Why the answer is not what it should be, and what to do: who seems to have
 * given it, by its status. */
const char *front_blame(const struct front *f, const struct front_answer *got);

void front_say(const struct front *f, enum finding_level level,
    enum finding_id id, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* front_reach.c: DNS, the connection, its certificate, the clock. 0; -1: there
 * is nothing to go on with. */
int front_reach(const struct front *f);

/* front_delivery.c. 0, or -1: the database does not answer. */
int front_deliver(const struct front *f, struct err *e);
int front_deliver_large(const struct front *f, struct err *e);
void front_authorization(const struct front *f);

/* front_stream.c */
void front_stream(const struct front *f);

#endif
