/*
 * endpoint_rules.h - what may be taken in as an endpoint: the service's limits.
 * For endpoints.c alone.
 */
#ifndef LOCAL_ENDPOINT_RULES_H
#define LOCAL_ENDPOINT_RULES_H

#include "local/endpoints.h"

#define LOCAL_USER_ENDPOINTS_MAX 15

/* A record's cells, sorted out. */
struct local_incoming {
    const struct local_cell *id;
    const struct local_cell *channel;
    const struct local_cell *address;
    const struct local_cell *user;
};

struct local_incoming local_incoming_of(const struct local_cell *cells,
                                        size_t count);
/* Whether it is a push channel: their oldest endpoint gives way to a
 * sixteenth. */
bool local_is_push(uint8_t channel);
/* Attributes, metrics and user attributes count against the application. */
bool local_is_custom(const struct local_cell *cell);
bool local_knows_custom(const struct local_endpoints *all, const char *name);
/* How many cells before this one have its column. */
size_t local_cells_before(const struct local_cell *cells, size_t at);
/* What is against the record; known: the endpoint that it is for, or
 * LOCAL_NO_TEXT. NULL: nothing. */
const char *local_record_fault(const struct local_endpoints *all,
                               const struct local_incoming *in, uint32_t known,
                               const struct local_cell *cells, size_t count);

#endif
