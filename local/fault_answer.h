/*
 * fault_answer.h - answers as the HTTP library takes them, whole ones and
 * those that a fault breaks on their way.
 */
#ifndef LOCAL_FAULT_ANSWER_H
#define LOCAL_FAULT_ANSWER_H

#include <microhttpd.h>

#include "local/faults.h"
#include "local/http.h"

/* The answer's body, without headers. NULL when memory is short. */
struct MHD_Response *local_answer_whole(struct local_response *resp);
/* The same with a body that breaks as the fault says; fd is the connection's
 * socket. An answer without a body comes whole. */
struct MHD_Response *local_answer_broken(struct local_response *resp,
                                         const struct local_fault *fault,
                                         int fd);
/* Ends a connection with a reset, as a router does that forgot it. */
void local_answer_reset(int fd);

#endif
