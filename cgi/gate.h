#ifndef CGI_GATE_H
#define CGI_GATE_H

#include "cgi/route.h"

/* What the gate says when nothing was decided: 403. Needs no memory. */
void gate_refuse(struct reply *p);

#endif
