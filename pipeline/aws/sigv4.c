#include "pipeline/aws/sigv4.h"

#include <string.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/text.h"

bool pl_sigv4_signs(const char *name)
{
    static const char *const never[] = {"authorization",
                                        "connection",
                                        "expect",
                                        "keep-alive",
                                        "te",
                                        "proxy-authenticate",
                                        "proxy-authorization",
                                        "trailer",
                                        "transfer-encoding",
                                        "upgrade",
                                        "user-agent",
                                        "x-amzn-trace-id"};

    return !pl_is_one_of(name, never, PL_COUNT(never));
}

/* Removes "." and "..", collapses slashes: what general services do. */
static int normalize(const char *path, struct pl_buf *out, struct pl_err *err)
{
    const char *p = path;

    while (*p != '\0') {
        size_t len;

        while (*p == '/')
            p++;
        len = strcspn(p, "/");
        if (len == 2 && memcmp(p, "..", 2) == 0) {
            while (out->len > 0 && out->data[--out->len] != '/')
                continue;
        } else if (len > 0 && !(len == 1 && *p == '.')) {
            if (pl_buf_addc(out, '/', err) != 0 ||
                pl_buf_add(out, p, len, err) != 0)
                return -1;
        }
        p += len;
    }
    if (out->len == 0 || (p > path && p[-1] == '/'))
        return pl_buf_addc(out, '/', err);
    return 0;
}

static int add_path(const struct pl_sigv4 *in, struct pl_buf *out,
                    struct pl_err *err)
{
    PL_AUTO(pl_buf) plain = PL_BUF_INIT;

    if (in->path[0] == '\0')
        return pl_buf_addc(out, '/', err);
    if (in->is_s3)
        return pl_buf_adds(out, in->path, err);
    if (normalize(in->path, &plain, err) != 0)
        return -1;
    return pl_uri_encode(out, plain.data, plain.len, true, err);
}

struct pair {
    const char *text; /* "name=value", or "name" */
    size_t len;
};

static size_t name_len(const struct pair *p)
{
    const char *equals = memchr(p->text, '=', p->len);

    return equals != NULL ? (size_t)(equals - p->text) : p->len;
}

/* By encoded name, then by value. */
static int by_name(const void *va, const void *vb)
{
    const struct pair *a = va;
    const struct pair *b = vb;
    const size_t an = name_len(a);
    const size_t bn = name_len(b);
    int order = memcmp(a->text, b->text, an < bn ? an : bn);

    if (order == 0 && an != bn)
        return an < bn ? -1 : 1;
    if (order == 0)
        order = memcmp(a->text + an, b->text + bn,
                       a->len - an < b->len - bn ? a->len - an : b->len - bn);
    if (order == 0 && a->len != b->len)
        return a->len < b->len ? -1 : 1;
    return order;
}

#define QUERY_PAIRS_MAX 64

static int add_query(const char *query, struct pl_buf *out, struct pl_err *err)
{
    struct pair pairs[QUERY_PAIRS_MAX] = {{NULL, 0}};
    size_t count = 0;

    for (const char *p = query; *p != '\0';) {
        const size_t len = strcspn(p, "&");

        if (count == QUERY_PAIRS_MAX)
            return pl_fail(err, PL_INTERNAL_ERROR, "too long a query string");
        if (len > 0)
            pairs[count++] = (struct pair){p, len};
        p += len + (p[len] == '&' ? 1 : 0);
    }
    qsort(pairs, count, sizeof(pairs[0]), by_name);
    for (size_t i = 0; i < count; i++) {
        if ((i > 0 && pl_buf_addc(out, '&', err) != 0) ||
            pl_buf_add(out, pairs[i].text, pairs[i].len, err) != 0 ||
            (name_len(&pairs[i]) == pairs[i].len &&
             pl_buf_addc(out, '=', err) != 0))
            return -1;
    }
    return 0;
}

/* Indexes of the headers to sign, by name; the same name in its order. */
static size_t sort_headers(const struct pl_http_headers *headers,
                           size_t index[PL_HTTP_HEADERS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < headers->count; i++) {
        size_t at = count;

        if (!pl_sigv4_signs(headers->list[i].name))
            continue;
        for (; at > 0 && strcmp(headers->list[index[at - 1]].name,
                                headers->list[i].name) > 0;
             at--)
            index[at] = index[at - 1];
        index[at] = i;
        count++;
    }
    return count;
}

/* Trimmed, inner runs of blanks reduced to one. */
static int add_value(const char *value, struct pl_buf *out, struct pl_err *err)
{
    bool is_gap = false;
    bool is_first = true;

    for (; *value != '\0'; value++) {
        if (*value == ' ' || *value == '\t') {
            is_gap = true;
            continue;
        }
        if (is_gap && !is_first && pl_buf_addc(out, ' ', err) != 0)
            return -1;
        if (pl_buf_addc(out, *value, err) != 0)
            return -1;
        is_gap = false;
        is_first = false;
    }
    return 0;
}

static int add_headers(const struct pl_sigv4 *in, struct pl_buf *out,
                       struct pl_err *err)
{
    size_t index[PL_HTTP_HEADERS_MAX];
    const size_t count = sort_headers(in->headers, index);
    const char *last = "";

    for (size_t i = 0; i < count; i++) {
        const struct pl_http_header *h = &in->headers->list[index[i]];
        const bool is_repeat = strcmp(h->name, last) == 0;

        if (is_repeat) {
            out->len--; /* takes the line end back */
            if (pl_buf_addc(out, ',', err) != 0)
                return -1;
        } else if (pl_buf_addf(out, err, "%s:", h->name) != 0) {
            return -1;
        }
        if (add_value(h->value, out, err) != 0 ||
            pl_buf_addc(out, '\n', err) != 0)
            return -1;
        last = h->name;
    }
    return 0;
}

int pl_sigv4_signed_headers(const struct pl_sigv4 *in, struct pl_buf *out,
                            struct pl_err *err)
{
    size_t index[PL_HTTP_HEADERS_MAX];
    const size_t count = sort_headers(in->headers, index);
    const char *last = "";

    for (size_t i = 0; i < count; i++) {
        const char *name = in->headers->list[index[i]].name;

        if (strcmp(name, last) == 0)
            continue;
        if (pl_buf_addf(out, err, "%s%s", *last != '\0' ? ";" : "", name) != 0)
            return -1;
        last = name;
    }
    return 0;
}

int pl_sigv4_canonical(const struct pl_sigv4 *in, struct pl_buf *out,
                       struct pl_err *err)
{
    if (pl_buf_addf(out, err, "%s\n", in->method) != 0 ||
        add_path(in, out, err) != 0 || pl_buf_addc(out, '\n', err) != 0 ||
        add_query(in->query, out, err) != 0 ||
        pl_buf_addc(out, '\n', err) != 0 || add_headers(in, out, err) != 0 ||
        pl_buf_addc(out, '\n', err) != 0 ||
        pl_sigv4_signed_headers(in, out, err) != 0)
        return -1;
    return pl_buf_addf(out, err, "\n%s", in->payload_hash);
}

int pl_sigv4_string_to_sign(const struct pl_sigv4 *in, const char *canonical,
                            struct pl_buf *out, struct pl_err *err)
{
    unsigned char hash[PL_SHA256_BYTES];
    char hex[PL_SHA256_BYTES * 2 + 1];

    pl_sha256(canonical, strlen(canonical), hash);
    pl_hex(hash, sizeof(hash), hex);
    return pl_buf_addf(out, err,
                       "AWS4-HMAC-SHA256\n%s\n%.8s/%s/%s/aws4_request\n%s",
                       in->time, in->time, in->region, in->service, hex);
}

static int signing_key(const struct pl_sigv4 *in, const char *secret,
                       unsigned char key[PL_SHA256_BYTES], struct pl_err *err)
{
    PL_AUTO(pl_buf) first = PL_BUF_INIT;

    if (pl_buf_addf(&first, err, "AWS4%s", secret) != 0)
        return -1;
    pl_hmac_sha256(first.data, first.len, in->time, 8, key);
    pl_wipe(first.data, first.len);
    pl_hmac_sha256(key, PL_SHA256_BYTES, in->region, strlen(in->region), key);
    pl_hmac_sha256(key, PL_SHA256_BYTES, in->service, strlen(in->service), key);
    pl_hmac_sha256(key, PL_SHA256_BYTES, "aws4_request", 12, key);
    return 0;
}

int pl_sigv4_authorization(const struct pl_sigv4 *in,
                           const struct pl_credentials *keys,
                           struct pl_buf *out, struct pl_err *err)
{
    PL_AUTO(pl_buf) canonical = PL_BUF_INIT;
    PL_AUTO(pl_buf) to_sign = PL_BUF_INIT;
    PL_AUTO(pl_buf) names = PL_BUF_INIT;
    unsigned char key[PL_SHA256_BYTES];
    unsigned char signature[PL_SHA256_BYTES];
    char hex[PL_SHA256_BYTES * 2 + 1];

    if (pl_sigv4_canonical(in, &canonical, err) != 0 ||
        pl_sigv4_string_to_sign(in, canonical.data, &to_sign, err) != 0 ||
        pl_sigv4_signed_headers(in, &names, err) != 0 ||
        signing_key(in, keys->secret_key, key, err) != 0)
        return -1;
    pl_hmac_sha256(key, sizeof(key), to_sign.data, to_sign.len, signature);
    pl_wipe(key, sizeof(key));
    pl_hex(signature, sizeof(signature), hex);
    return pl_buf_addf(out, err,
                       "AWS4-HMAC-SHA256 Credential=%s/%.8s/%s/%s/aws4_request,"
                       " SignedHeaders=%s, Signature=%s",
                       keys->access_key, in->time, in->region, in->service,
                       pl_buf_str(&names), hex);
}
