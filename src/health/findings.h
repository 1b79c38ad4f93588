#ifndef HEALTH_FINDINGS_H
#define HEALTH_FINDINGS_H

/*
 * What can be found, in the order of gatepost-doctor(7): the word that the
 * state in the database and JSON go by, the page to read, and from which level
 * on the owner is mailed (N: notes too; P: problems; _: never, since another
 * mail says so or a person sees to it).
 */
/* clang-format off */
#define FINDINGS(X) \
	X(settings,      "gatepost.conf(5)",       P) \
	X(public_url,    "gatepost.conf(5)",       _) \
	X(secrets,       "gatepost.conf(5)",       P) \
	X(platform,      "gatepost-lifecycle(7)",  _) \
	X(tests,         "gatepost.conf(5)",       _) \
	X(tiers,         "gatepost.conf(5)",       _) \
	X(api_keys,      "gatepost.conf(5)",       _) \
	X(exposed,       "gatepost.conf(5)",       P) \
	X(web_server,    "gatepost-servers(7)",    P) \
	X(mail,          "gatepost-recipes(7)",    P) \
	X(database,      "gatepost-failures(7)",   P) \
	X(wal,           "gatepost-failures(7)",   _) \
	X(disk,          "gatepost-failures(7)",   P) \
	X(backup,        "gatepost-failures(7)",   N) \
	X(moved,         "gatepost-scaling(7)",    P) \
	X(replica,       "gatepost-scaling(7)",    P) \
	X(outbox_dead,   "gatepost-failures(7)",   _) \
	X(outbox_waits,  "gatepost-failures(7)",   _) \
	X(outbox_stuck,  "gatepost-failures(7)",   P) \
	X(outbox_off,    "gatepost-recipes(7)",    P) \
	X(clock,         "gatepost-failures(7)",   P) \
	X(heard,         "gatepost-lifecycle(7)",  _) \
	X(kinds,         "gatepost-lifecycle(7)",  _) \
	X(quiet,         "gatepost.conf(5)",       P) \
	X(kept,          "gatepost-lifecycle(7)",  _) \
	X(refused,       "gatepost-failures(7)",   P) \
	X(rebuild,       "gatepost-failures(7)",   _) \
	X(token,         "gatepost-truth(7)",      P) \
	X(scope,         "gatepost-truth(7)",      N) \
	X(asked,         "gatepost-truth(7)",      P) \
	X(registration,  "gatepost-truth(7)",      P) \
	X(drift,         "gatepost-truth(7)",      P) \
	X(names,         "gatepost-truth(7)",      N) \
	X(unmatched,     "gatepost.conf(5)",       N) \
	X(name_server,   "gatepost-doctor(7)",     P) \
	X(reach,         "gatepost-doctor(7)",     P) \
	X(certificate,   "gatepost-doctor(7)",     P) \
	X(redirect,      "gatepost-doctor(7)",     P) \
	X(delivery,      "gatepost-doctor(7)",     P) \
	X(authorization, "gatepost-servers(7)",    P) \
	X(stream,        "gatepost-servers(7)",    P) \
	X(headers,       "gatepost-servers(7)",    P) \
	X(gate,          "gatepost-servers(7)",    P) \
	X(large_body,    "gatepost-servers(7)",    P) \
	X(integrity,     "gatepost-failures(7)",   P) \
	X(owner_mail,    "gatepost-recipes(7)",    P)
/* clang-format on */

#define FINDING_ID(name, page, mail) FINDING_##name,
enum finding_id { FINDINGS(FINDING_ID) FINDING__MAX };
#undef FINDING_ID

extern const char *const finding_names[FINDING__MAX]; /* "settings", … */
extern const char *const finding_pages[FINDING__MAX];
extern const char finding_mails[FINDING__MAX]; /* 'N', 'P', '_' */

#endif
