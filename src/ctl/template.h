#ifndef CTL_TEMPLATE_H
#define CTL_TEMPLATE_H

/* gatepost.conf.in, embedded by the build. */
extern const char ctl_template[];

#endif
