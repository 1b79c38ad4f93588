#ifndef CONFIG_CONFIG_ON_H
#define CONFIG_CONFIG_ON_H

#include "config/config_reader.h"

/* The sections on, the section mail and alert_mail, into r->config, whose
 * tiers and files sections are read already. 0, or -1 with ERR_CONFIG "file:line: …". */
int config_on_read(struct config_reader *r, cfg_t *root);

/* What libConfuse is told of them; NULL: no memory. */
cfg_opt_t *config_on_options(struct arena *a);
cfg_opt_t *config_mail_options(struct arena *a);

/* One section inside an on, the nth of its kind in the whole file. For
 * config_on.c alone. */
int config_action_read(struct config_reader *r, cfg_t *cfg,
    enum action_kind kind, size_t nth, struct action *out);

/* What new leaves out it takes from old, the action of that name further up,
 * or NULL; what has to be there then is. For config_on.c alone. */
int config_action_adopt(
    struct config_reader *r, const struct action *old, struct action *new);

/* One plain address (action/mailbox.h). */
int config_is_address(struct str s);

#endif
