/* Any text as an Authorization header, and as an aws-chunked body. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "local/auth.h"
#include "local/chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int drop(void *ctx, const void *data, size_t len, struct pl_err *err)
{
    (void)ctx;
    (void)data;
    (void)len;
    (void)err;
    return 0;
}

static void decode(const uint8_t *data, size_t size)
{
    struct local_pairs trailers = {0};
    struct local_chunked c = {.kind = LOCAL_PAYLOAD_CHUNKED_TRAILER,
                              .sink = {NULL, drop},
                              .trailers = &trailers};
    struct pl_err err = {0};

    if (local_chunked_open(&c, &err) == 0 &&
        local_chunked_feed(&c, (const char *)data, size, &err) == 0 &&
        c.decoded_bytes > size)
        abort();
    local_chunked_release(&c);
    local_pairs_release(&trailers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct local_pairs pairs = {0};
    struct local_auth auth;
    struct pl_err err = {0};

    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    if (local_auth_parse(text, &auth, &err) == 0 &&
        (auth.access[0] == '\0' || strlen(auth.date) != 8 ||
         strlen(auth.signature) != 64))
        abort();
    err = (struct pl_err){0};
    if (local_pairs_parse(&pairs, text, strlen(text), &err) != 0 &&
        err.code != PL_DATA_INVALID)
        abort();
    local_pairs_release(&pairs);
    decode(data, size);
    free(text);
    return 0;
}
