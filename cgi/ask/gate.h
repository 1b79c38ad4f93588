#ifndef CGI_ASK_GATE_H
#define CGI_ASK_GATE_H

#include "cgi/web/app.h"

/*
 * The gate answers 204, 401 and 403; in the role of an authorizer (FastCGI 1.0,
 * 6.3) it answers 200 with Variable-GATEPOST_… in place of 204 with
 * X-Gatepost-…, and GATEPOST_GATE, there once, is the only rule: the query is
 * the visitor's own.
 */

/* What the gate says when nothing was decided: 403. Needs no memory. */
void gate_refuse(struct reply *p);

#endif
