#include "commit/intake.h"

#include "config/config_names.h"

void
intake_judge(const struct config *config, const struct platform *p,
    const struct fact *f, struct str *status, struct str *reason)
{
	const struct config_platform *c = &config->platforms[platform_index(p)];
	*reason = str_from(f->reason);
	switch (f->status) {
	case FACT_TEST:
		*status = STR("test");
		return;
	case FACT_KEPT:
		*status = STR("kept");
		return;
	case FACT_APPLIED:
		break;
	}
	/* a sanity check, not protection: buyers can see the seller's id */
	if (c->owner.p != NULL && f->owner.p != NULL &&
	    !str_eq(c->owner, f->owner)) {
		*status = STR("kept");
		*reason = STR("other_seller");
		return;
	}
	*status = STR("applied");
	*reason = STR_NONE;
}

void
intake_store(struct commit *commit, const struct config *config,
    const struct intake_request *in, const struct verify_result *proof,
    struct arena *a, struct intake_answer *out, struct err *e)
{
	const struct platform *p = in->platform;
	struct fact *fact = arena_alloc(a, sizeof(*fact));
	struct decode_opts opts = project_opts(config, p);
	struct str body = in->body;
	out->status = INTAKE_UNAVAILABLE;
	if (fact == NULL) {
		err_set(e, ERR_MEMORY, "out of memory");
		return;
	}
	if (p->blank != NULL && p->blank(p, in->body, a, &body, e) != 0)
		return;
	if (p->decode(p, body, &opts, a, fact, e) != 0)
		return;
	struct commit_delivery d = {
		.platform = p,
		.fact = fact,
		.body = body,
		.content_type = in->content_type,
		.peer = in->peer,
		.verified_by =
		    proof->by[0] != '\0' ? str_from(proof->by) : STR_NONE,
		.received_at = in->now,
		.sent_at = proof->sent_at != FACT_NO_TIME
		    ? proof->sent_at
		    : in->now - fact->sent_ago,
		.came = in->came,
	};
	struct commit_answer answer;
	out->kind = fact->kind;
	out->is_test = fact->test || fact->status == FACT_TEST;
	intake_judge(config, p, fact, &d.status, &d.reason);
	if (commit_put(commit, &d, &answer, e) != 0)
		return;
	out->event = answer.event;
	out->status = answer.duplicate	? INTAKE_DUPLICATE
	    : answer.kept		? INTAKE_KEPT
	    : fact->status == FACT_TEST ? INTAKE_TEST
					: INTAKE_RECORDED;
}

int
intake_verify(const struct config *config, const struct intake_request *in,
    struct arena *a, struct verify_result *proof, struct intake_answer *out)
{
	const struct platform *p = in->platform;
	const struct config_platform *c = &config->platforms[platform_index(p)];
	struct verify_input check = {
		.body = in->body,
		.path_token = in->path_token,
		.authorization = in->authorization,
		.signature = in->signature,
		.secrets = c->secrets.v,
		.n_secrets = c->secrets.n,
		.now = in->now,
		.tolerance =
		    p->tolerance_default == 0 ? VERIFY_ANY_AGE : c->tolerance,
	};
	*proof = (struct verify_result){ .sent_at = FACT_NO_TIME };
	*out = (struct intake_answer){ 0 };
	p->verify(p, &check, a, proof);
	out->verify = proof->answer;
	if (proof->answer == VERIFY_VALID)
		return 0;
	out->status = proof->answer == VERIFY_CONFIG_ERROR
	    ? INTAKE_NOT_CONFIGURED
	    : INTAKE_REFUSED;
	out->right_key = proof->right_key;
	if (proof->right_key)
		out->age = in->now - proof->sent_at;
	return -1;
}
