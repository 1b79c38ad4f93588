#ifndef CTL_CHECK_TRUTH_H
#define CTL_CHECK_TRUTH_H

#include "ctl/ctl.h"

/* What `check` says of reading the platforms' APIs. */
enum check_level { CHECK_OK, CHECK_NOTE, CHECK_PROBLEM };
typedef void check_say_fn(
    void *arg, enum check_level level, const char *what, const char *text);

/* Grants that name what the platform does not sell. */
int check_names(struct ctl *ctl, struct store *s, const struct platform *p,
    check_say_fn *say, void *arg, struct err *e);

int check_truth(struct ctl *ctl, struct store *s, int64_t now,
    check_say_fn *say, void *arg, struct err *e);

#endif
