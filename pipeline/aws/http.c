#include "pipeline/aws/http.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/text.h"

const char *pl_http_headers_get(const struct pl_http_headers *headers,
                                const char *name)
{
    for (size_t i = 0; i < headers->count; i++)
        if (pl_ieq(headers->list[i].name, name))
            return headers->list[i].value;
    return NULL;
}

/* It may be a token. */
static void free_value(char *value)
{
    pl_wipe(value, strlen(value));
    free(value);
}

static char *copy_name(const char *name)
{
    char *copy = strdup(name);

    for (char *p = copy; p != NULL && *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    return copy;
}

int pl_http_headers_set(struct pl_http_headers *headers, const char *name,
                        const char *value, struct pl_err *err)
{
    char *copy = strdup(value);
    size_t i = 0;

    if (copy == NULL)
        return pl_fail_memory(err);
    while (i < headers->count && !pl_ieq(headers->list[i].name, name))
        i++;
    if (i == PL_HTTP_HEADERS_MAX) {
        free(copy);
        return pl_fail(err, PL_DATA_INVALID, "too many headers");
    }
    if (i == headers->count) {
        headers->list[i].name = copy_name(name);
        if (headers->list[i].name == NULL) {
            free(copy);
            return pl_fail_memory(err);
        }
        headers->count++;
    } else {
        free_value(headers->list[i].value);
    }
    headers->list[i].value = copy;
    return 0;
}

void pl_http_headers_remove(struct pl_http_headers *headers, const char *name)
{
    size_t i = 0;

    while (i < headers->count && !pl_ieq(headers->list[i].name, name))
        i++;
    if (i == headers->count)
        return;
    free(headers->list[i].name);
    free_value(headers->list[i].value);
    headers->count--;
    memmove(&headers->list[i], &headers->list[i + 1],
            (headers->count - i) * sizeof(headers->list[0]));
}

void pl_http_headers_release(struct pl_http_headers *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        free(headers->list[i].name);
        free_value(headers->list[i].value);
    }
    headers->count = 0;
}

void pl_http_request_release(struct pl_http_request *req)
{
    pl_buf_release(&req->base);
    pl_buf_release(&req->path);
    pl_buf_release(&req->query);
    pl_http_headers_release(&req->headers);
}

void pl_http_response_release(struct pl_http_response *resp)
{
    pl_http_headers_release(&resp->headers);
    pl_buf_release(&resp->body);
    resp->status = 0;
    resp->sink_bytes = 0;
}
