/* fault_answer.h - an answer whose body goes wrong on its way out. */
#ifndef LOCAL_FAULT_ANSWER_H
#define LOCAL_FAULT_ANSWER_H

#include <microhttpd.h>

#include "local/faults.h"
#include "local/http.h"

/* Whether a fault of this kind is one of the body. */
bool local_fault_is_of_body(enum local_fault_kind kind);
/* Takes the file of resp; its memory must outlive the answer. NULL: out of
 * memory. */
struct MHD_Response *local_fault_answer(struct local_response *resp,
                                        const struct local_fault *fault);

#endif
