/*
 * server.h - the HTTP door: one thread a connection, every request judged,
 * named, and handed to its service.
 */
#ifndef LOCAL_SERVER_H
#define LOCAL_SERVER_H

#include "local/local.h"

struct local_server {
    struct local *local;
    void *daemon;
    unsigned port;
};

/* host: a numeric address. Fails when the port is taken. */
int local_server_open(struct local_server *server, struct local *local,
                      const char *host, unsigned port,
                      struct pl_err *err) PL_MUST_CHECK;
void local_server_release(struct local_server *server);

#endif
