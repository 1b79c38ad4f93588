#ifndef HEALTH_LOOK_H
#define HEALTH_LOOK_H

#include "health/health.h"

/* The looks. Each tells what it finds, also that all is well. 0, or -1 when the
 * database does not answer. */
typedef int look_fn(struct health *h, struct err *e);

look_fn look_settings; /* the configuration */
look_fn look_exposed; /* what in it lets others in */
look_fn look_mail; /* can mails leave */
look_fn look_host; /* files, disk, log, backup, clock */
look_fn look_databases; /* the other ones that are named */
look_fn look_outbox; /* follow-ups */
look_fn look_deliveries; /* what has arrived, and what has not */
look_fn look_truth; /* reading the platforms' APIs */
look_fn look_sales; /* purchases that no grant matches */
look_fn look_front; /* what answers at public_url */
look_fn look_front_deep; /* and does it take a large body */
look_fn look_scope; /* can tokens do more than they need */
look_fn look_owner_mail; /* a mail to the owner */
look_fn look_integrity; /* the database's own check */

/* Grants that name what the platform does not sell. */
int look_names(struct health *h, const struct platform *p, struct err *e);

/* Takes all looks of those bits. 0, or -1: the database does not answer. */
int health_look(struct health *h, unsigned when, struct err *e);

#endif
