#include "local/chunked.h"

#include "pipeline/base/text.h"

enum state { SIZE_LINE, DATA, DATA_END, TRAILER_LINE, DONE };

static bool is_signed(const struct local_chunked *c)
{
    return c->kind == LOCAL_PAYLOAD_SIGNED_CHUNKS ||
           c->kind == LOCAL_PAYLOAD_SIGNED_CHUNKS_TRAILER;
}

static bool has_trailer(const struct local_chunked *c)
{
    return c->kind == LOCAL_PAYLOAD_CHUNKED_TRAILER ||
           c->kind == LOCAL_PAYLOAD_SIGNED_CHUNKS_TRAILER;
}

int local_chunked_open(struct local_chunked *c, struct pl_err *err)
{
    if (!is_signed(c))
        return 0;
    (void)snprintf(c->before, sizeof(c->before), "%s", c->auth->signature);
    return pl_hash_open_sha256(&c->hash, err);
}

void local_chunked_release(struct local_chunked *c)
{
    pl_hash_release(&c->hash);
    pl_buf_release(&c->trailer_text);
}

bool local_chunked_is_done(const struct local_chunked *c)
{
    return c->state == DONE;
}

static int malformed(struct pl_err *err)
{
    return pl_fail(err, PL_DATA_INVALID, "malformed aws-chunked body");
}

/* Judges "<kind>\n<time>\n<scope>\n<before>\n[<empty>\n]<hash>". */
static int judge(struct local_chunked *c, const char *kind, bool has_empty,
                 const unsigned char hash[32], const char *claimed,
                 struct pl_err *err)
{
    static const char empty[] =
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n";
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    unsigned char mac[32];
    char hex[65];

    pl_hex(hash, 32, hex);
    if (pl_buf_addf(&text, err, "%s-%s\n%s\n%s/%s/%s/aws4_request\n%s\n%s%s",
                    LOCAL_ALGORITHM, kind, c->auth->time, c->auth->date,
                    c->auth->region, c->auth->service, c->before,
                    has_empty ? empty : "", hex) != 0)
        return -1;
    pl_hmac_sha256(c->auth->signing_key, 32, text.data, text.len, mac);
    pl_hex(mac, sizeof(mac), hex);
    if (strlen(claimed) != 64 || pl_memcmp_const(hex, claimed, 64) != 0)
        return pl_fail(err, PL_SIGNATURE_REFUSED, "wrong chunk signature");
    memcpy(c->before, hex, sizeof(hex));
    return 0;
}

static int end_chunk(struct local_chunked *c, struct pl_err *err)
{
    unsigned char hash[32];

    if (!is_signed(c))
        return 0;
    pl_hash_end(&c->hash, hash);
    if (judge(c, "PAYLOAD", true, hash, c->signature, err) != 0)
        return -1;
    return pl_hash_open_sha256(&c->hash, err);
}

/* "hexlen" or "hexlen;chunk-signature=..." */
static int read_size(struct local_chunked *c, struct pl_err *err)
{
    static const char mark[] = ";chunk-signature=";
    const size_t digits = strspn(c->line, "0123456789abcdefABCDEF");
    const char *rest = c->line + digits;

    if (digits == 0 || digits > 12)
        return malformed(err);
    c->left = strtoull(c->line, NULL, 16);
    c->signature[0] = '\0';
    if (is_signed(c)) {
        if (!pl_starts_with(rest, mark) ||
            strlen(rest) != sizeof(mark) - 1 + 64)
            return malformed(err);
        memcpy(c->signature, rest + sizeof(mark) - 1, 65);
    } else if (*rest != '\0') {
        return malformed(err);
    }
    if (c->left > 0) {
        c->state = DATA;
        return 0;
    }
    c->state = TRAILER_LINE;
    return end_chunk(c, err);
}

static int end_trailers(struct local_chunked *c, const char *claimed,
                        struct pl_err *err)
{
    unsigned char hash[32];

    pl_sha256(pl_buf_str(&c->trailer_text), c->trailer_text.len, hash);
    return judge(c, "TRAILER", false, hash, claimed, err);
}

static int read_trailer(struct local_chunked *c, struct pl_err *err)
{
    char *colon = strchr(c->line, ':');
    const char *value;

    if (c->line_len == 0) {
        c->state = DONE;
        return c->kind == LOCAL_PAYLOAD_SIGNED_CHUNKS_TRAILER &&
                       local_pairs_get(c->trailers,
                                       "x-amz-trailer-signature") == NULL
                   ? pl_fail(err, PL_SIGNATURE_REFUSED, "unsigned trailer")
                   : 0;
    }
    if (colon == NULL || !has_trailer(c))
        return malformed(err);
    *colon = '\0';
    value = colon + 1 + strspn(colon + 1, " ");
    for (char *p = c->line; *p != '\0'; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    if (local_pairs_add(c->trailers, c->line, value, err) != 0)
        return -1;
    if (strcmp(c->line, "x-amz-trailer-signature") == 0)
        return is_signed(c) ? end_trailers(c, value, err) : malformed(err);
    return pl_buf_addf(&c->trailer_text, err, "%s:%s\n", c->line, value);
}

static int end_line(struct local_chunked *c, struct pl_err *err)
{
    if (c->line_len > 0 && c->line[c->line_len - 1] == '\r')
        c->line_len--;
    else if (c->state != TRAILER_LINE)
        return malformed(err);
    c->line[c->line_len] = '\0';
    if (c->state == DATA_END) {
        c->state = SIZE_LINE;
        return c->line_len == 0 ? 0 : malformed(err);
    }
    return c->state == SIZE_LINE ? read_size(c, err) : read_trailer(c, err);
}

static int take_data(struct local_chunked *c, const char *data, size_t len,
                     struct pl_err *err)
{
    if (is_signed(c))
        pl_hash_add(&c->hash, data, len);
    if (pl_sink_write(&c->sink, data, len, err) != 0)
        return -1;
    c->decoded_bytes += len;
    c->left -= len;
    if (c->left > 0)
        return 0;
    c->state = DATA_END;
    return end_chunk(c, err);
}

int local_chunked_feed(struct local_chunked *c, const char *data, size_t len,
                       struct pl_err *err)
{
    size_t at = 0;

    while (at < len) {
        if (c->state == DONE)
            return malformed(err);
        if (c->state == DATA) {
            const size_t n = c->left < len - at ? (size_t)c->left : len - at;

            if (take_data(c, data + at, n, err) != 0)
                return -1;
            at += n;
            continue;
        }
        if (data[at] != '\n') {
            if (c->line_len + 1 >= sizeof(c->line))
                return malformed(err);
            c->line[c->line_len++] = data[at++];
            continue;
        }
        at++;
        if (end_line(c, err) != 0)
            return -1;
        c->line_len = 0;
    }
    return 0;
}
