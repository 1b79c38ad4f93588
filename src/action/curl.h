#ifndef ACTION_CURL_H
#define ACTION_CURL_H

#include "action/http.h"

/* http_call by the host's curl(1), for builds without libcurl: its options go
 * to its standard input, so that no secret stands in a list of processes.
 * Addresses are looked up by getent(1) and checked here; curl gets the one
 * that passed. */
int curl_call(const struct http_request *post, struct http_answer *answer,
    struct buf *body, struct err *e);

/* http_addresses, by getent(1). */
size_t curl_addresses(const char *url, struct sockaddr_storage *out);

#endif
