#ifndef COMMIT_INTAKE_H
#define COMMIT_INTAKE_H

#include "commit/commit.h"

/* From the door to the answer: verify the bytes, then decode, then commit.
 * Nothing unverified is parsed or stored; nothing verified is refused. */

struct intake_request {
	const struct platform *platform;
	struct str body;
	struct str content_type;
	struct str path_token;
	struct str authorization;
	struct str signature;
	struct str peer; /* address the delivery came from */
	int64_t now;
	int64_t came; /* time_micros() when it was here; 0: just now */
};

enum intake_status {
	INTAKE_RECORDED,
	INTAKE_DUPLICATE,
	INTAKE_KEPT,
	INTAKE_TEST,
	INTAKE_REFUSED, /* not verified: verify says why */
	INTAKE_NOT_CONFIGURED, /* no secret to verify with */
	INTAKE_UNAVAILABLE, /* could not be stored now: err says why */
};

struct intake_answer {
	enum intake_status status;
	int64_t event;
	enum fact_kind kind; /* of what was decoded; else FACT_UNKNOWN */
	int is_test; /* does not count as heard of: heard.h */
	enum verify_answer verify;
	int right_key; /* refused for its age alone: a clock is wrong */
	int64_t age; /* seconds, negative: from the future; with right_key */
};

/* The first half: 0 and the proof, or -1 and the answer is INTAKE_REFUSED or
 * INTAKE_NOT_CONFIGURED. Any thread; quick, waits for nothing. The arena is for
 * what has to be read to find the proof. */
int intake_verify(const struct config *config, const struct intake_request *in,
    struct arena *a, struct verify_result *proof, struct intake_answer *out);

/* The second half: a delivery whose origin is known. A secret in the body is
 * blanked before it is decoded and stored. Any thread; it may wait
 * (commit_put). The arena holds what is decoded. err is set for
 * INTAKE_UNAVAILABLE. */
void intake_store(struct commit *commit, const struct config *config,
    const struct intake_request *in, const struct verify_result *proof,
    struct arena *a, struct intake_answer *out, struct err *e);

/* What becomes of a decoded fact: applied, kept or test, and why. */
void intake_judge(const struct config *config, const struct platform *p,
    const struct fact *f, struct str *status, struct str *reason);

#endif
