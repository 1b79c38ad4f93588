#ifndef HEALTH_FRONT_H
#define HEALTH_FRONT_H

#include "health/health.h"

/*
 * Looks through the front door: calls to public_url, as a platform, an app, a
 * browser and a stranger make them. TLS is always verified, redirects are not
 * followed, no proxy is asked. A call goes to any address the name has.
 */
struct front_proof {
	int reached; /* Gatepost answered at public_url */
	int left_machine; /* over a public address that is not this machine's */
	int delivered; /* the test delivery was found in the database */
	int stream_ms; /* to a stream's first event; -1: none came in time, or
			  no pass can be made */
	int gate_closed; /* of members' paths of the settings none opened
			    without a pass */
};

/* Takes all those looks, tells what they find, and what is proven by it. 0, or
 * -1 when the database does not answer. */
int front_prove(struct health *h, struct front_proof *out, struct err *e);

/* A members' path, "/members/": asked without a pass it must not open. Tells
 * what was found. 1: closed; 0: open; -1: no answer. */
int front_gate(struct health *h, const char *path);

#endif
