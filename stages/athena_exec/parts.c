#include "stages/athena_exec/parts.h"

#include <string.h>

#include "pipeline/base/text.h"

int athena_parts_open(struct athena_parts *parts, const char *prefix,
                      struct pl_err *err)
{
    parts->left = json_object();
    return parts->left != NULL ? pl_buf_adds(&parts->prefix, prefix, err)
                               : pl_fail_memory(err);
}

int athena_parts_add(struct athena_parts *parts, const char *uri, size_t len,
                     struct pl_err *err)
{
    const size_t prefix = parts->prefix.len;

    if (len >= 2 && uri[0] == '"' && uri[len - 1] == '"') {
        uri++;
        len -= 2;
    }
    if (len <= prefix || memcmp(uri, parts->prefix.data, prefix) != 0 ||
        memchr(uri, '\0', len) != NULL || pl_utf8_valid_len(uri, len) != len)
        return pl_fail(err, PL_SERVICE_REFUSED,
                       "the UNLOAD names an object that is not below '%s'",
                       parts->prefix.data);
    return json_object_setn_new(parts->left, uri, len, json_true()) == 0
               ? 0
               : pl_fail_memory(err);
}

int athena_parts_read(struct athena_parts *parts, const char *text, size_t len,
                      struct pl_err *err)
{
    while (len > 0) {
        const char *end = memchr(text, '\n', len);
        const size_t whole = end != NULL ? (size_t)(end - text) + 1 : len;
        size_t line = end != NULL ? whole - 1 : len;

        if (line > 0 && text[line - 1] == '\r')
            line--;
        if (line > 0 && athena_parts_add(parts, text, line, err) != 0)
            return -1;
        text += whole;
        len -= whole;
    }
    return 0;
}

bool athena_parts_take(struct athena_parts *parts, const char *uri)
{
    return json_object_del(parts->left, uri) == 0;
}

const char *athena_parts_left(const struct athena_parts *parts)
{
    return json_object_iter_key(json_object_iter(parts->left));
}

void athena_parts_release(struct athena_parts *parts)
{
    pl_buf_release(&parts->prefix);
    json_decref(parts->left);
    parts->left = NULL;
}
