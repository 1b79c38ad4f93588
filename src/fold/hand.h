#ifndef FOLD_HAND_H
#define FOLD_HAND_H

#include "fold/sale.h"

/* What events by hand do to a subject; for the fold alone. Of events about the
 * same thing the one received last speaks. */

/* Puts platform deliveries that count in front, then those that are voided,
 * and events by hand at the end, each in order of sending. *n becomes the
 * number in front, *hand and *n_hand the end. -1: no memory. */
int hand_split(struct fold_delivery *d, size_t *n, struct arena *a,
    struct fold_delivery **hand, size_t *n_hand);

/* The user the subject is linked to, or own. */
struct str
hand_user(const struct fold_delivery *hand, size_t n_hand, struct str own);

/* The address the subject is linked to, or own. */
struct str
hand_email(const struct fold_delivery *hand, size_t n_hand, struct str own);

/* Has what was sold, or changed, at t to wait until it is confirmed? */
int hand_waits(const struct subject *u, int64_t t);

/* When access by that sale is revoked; FACT_NO_TIME: it is not. A sale later
 * than the revocation is not touched by it. */
int64_t hand_revoked(
    const struct fold_delivery *hand, size_t n_hand, const struct sale *s);

#endif
