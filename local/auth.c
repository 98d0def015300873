#include "local/auth.h"

#include "pipeline/base/clock.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/text.h"

#define SKEW_MS (INT64_C(15) * 60 * 1000)
#define HEX_SHA256_LEN 64

/* Copies one part if it fits and is not empty. */
static bool keep(char *out, size_t cap, const char *text, size_t len)
{
    if (len == 0 || len >= cap)
        return false;
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

static int bad(struct pl_err *err, const char *what)
{
    return pl_fail(err, PL_DATA_INVALID, "%s", what);
}

/* "AKID/20261123/us-east-1/s3/aws4_request" */
static int parse_scope(const char *text, size_t len, struct local_auth *auth,
                       struct pl_err *err)
{
    const char *parts[5] = {text};
    size_t lens[5] = {0};
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] != '/') {
            lens[n]++;
        } else {
            if (++n == 5)
                return bad(err, "Credential has too many parts");
            parts[n] = text + i + 1;
        }
    }
    if (n != 4 ||
        !keep(auth->access, sizeof(auth->access), parts[0], lens[0]) ||
        !keep(auth->date, sizeof(auth->date), parts[1], lens[1]) ||
        !keep(auth->region, sizeof(auth->region), parts[2], lens[2]) ||
        !keep(auth->service, sizeof(auth->service), parts[3], lens[3]))
        return bad(err, "Credential must be <key>/<date>/<region>/<service>/"
                        "aws4_request");
    if (lens[4] != 12 || memcmp(parts[4], "aws4_request", 12) != 0)
        return bad(err, "Credential must end with aws4_request");
    if (strlen(auth->date) != 8 || strspn(auth->date, "0123456789") != 8)
        return bad(err, "Credential has no date");
    return 0;
}

static int parse_part(const char *part, size_t len, struct local_auth *auth,
                      struct pl_err *err)
{
    const char *eq = memchr(part, '=', len);
    const size_t name = eq != NULL ? (size_t)(eq - part) : 0;
    const char *value = eq != NULL ? eq + 1 : part;
    const size_t value_len = eq != NULL ? len - name - 1 : 0;

    if (name == 10 && memcmp(part, "Credential", 10) == 0)
        return parse_scope(value, value_len, auth, err);
    if (name == 13 && memcmp(part, "SignedHeaders", 13) == 0)
        return keep(auth->signed_headers, sizeof(auth->signed_headers), value,
                    value_len)
                   ? 0
                   : bad(err, "SignedHeaders is empty or too long");
    if (name == 9 && memcmp(part, "Signature", 9) == 0)
        return keep(auth->signature, sizeof(auth->signature), value,
                    value_len) &&
                       strspn(auth->signature, "0123456789abcdef") ==
                           HEX_SHA256_LEN
                   ? 0
                   : bad(err, "Signature is not 64 hex digits");
    return bad(err, "unknown part in the Authorization header");
}

int local_auth_parse(const char *header, struct local_auth *auth,
                     struct pl_err *err)
{
    struct local_auth found = {.date = ""};
    const char *at = header + strlen(LOCAL_ALGORITHM);

    if (!pl_starts_with(header, LOCAL_ALGORITHM) || *at != ' ')
        return bad(err, "unsupported Authorization type");
    while (*at != '\0') {
        size_t len;

        at += strspn(at, " ,");
        len = strcspn(at, ", ");
        if (len > 0 && parse_part(at, len, &found, err) != 0)
            return -1;
        at += len;
    }
    if (found.access[0] == '\0')
        return bad(err, "Authorization header requires 'Credential' parameter");
    if (found.signed_headers[0] == '\0')
        return bad(err,
                   "Authorization header requires 'SignedHeaders' parameter");
    if (found.signature[0] == '\0')
        return bad(err, "Authorization header requires 'Signature' parameter");
    *auth = found;
    return 0;
}

/* S3: the path once encoded. It may have come with other characters encoded
 * than we would, so decode it first. */
static int s3_path(const char *raw, struct pl_buf *out, struct pl_err *err)
{
    PL_AUTO(pl_buf) plain = PL_BUF_INIT;

    if (pl_uri_decode(&plain, raw, strlen(raw), false, err) != 0)
        return -1;
    return pl_uri_encode(out, pl_buf_str(&plain), plain.len, true, err);
}

/* The others: dot segments and empty segments go, the rest is encoded again. */
static int normal_path(const char *raw, struct pl_buf *out, struct pl_err *err)
{
    const char *at = raw;
    const bool has_last_slash = raw[0] != '\0' && pl_ends_with(raw, "/");

    while (*at != '\0') {
        size_t len;

        at += strspn(at, "/");
        len = strcspn(at, "/");
        if (len == 2 && memcmp(at, "..", 2) == 0) {
            while (out->len > 0 && out->data[out->len - 1] != '/')
                out->len--;
            if (out->len > 0)
                out->len--;
        } else if (len > 0 && !(len == 1 && at[0] == '.')) {
            if (pl_buf_addc(out, '/', err) != 0 ||
                pl_uri_encode(out, at, len, false, err) != 0)
                return -1;
        }
        at += len;
    }
    if (out->len == 0 || has_last_slash)
        return pl_buf_addc(out, '/', err);
    return 0;
}

struct param {
    struct pl_buf name;
    struct pl_buf value;
};

static int compare_params(const void *a, const void *b)
{
    const struct param *x = a;
    const struct param *y = b;
    const int by_name = strcmp(pl_buf_str(&x->name), pl_buf_str(&y->name));

    return by_name != 0 ? by_name
                        : strcmp(pl_buf_str(&x->value), pl_buf_str(&y->value));
}

static int encode_params(const struct local_pairs *pairs, struct param *params,
                         struct pl_err *err)
{
    for (size_t i = 0; i < pairs->count; i++) {
        const struct local_pair *p = &pairs->items[i];

        if (pl_uri_encode(&params[i].name, p->name, strlen(p->name), false,
                          err) != 0 ||
            pl_uri_encode(&params[i].value, p->value, strlen(p->value), false,
                          err) != 0)
            return -1;
    }
    return 0;
}

static int add_query(const struct local_pairs *pairs, struct pl_buf *out,
                     struct pl_err *err)
{
    struct param *params = calloc(pairs->count + 1, sizeof(*params));
    int rc = 0;

    if (params == NULL)
        return pl_fail_memory(err);
    rc = encode_params(pairs, params, err);
    if (rc == 0)
        qsort(params, pairs->count, sizeof(*params), compare_params);
    for (size_t i = 0; rc == 0 && i < pairs->count; i++)
        rc = pl_buf_addf(out, err, "%s%s=%s", i > 0 ? "&" : "",
                         pl_buf_str(&params[i].name),
                         pl_buf_str(&params[i].value));
    for (size_t i = 0; i < pairs->count; i++) {
        pl_buf_release(&params[i].name);
        pl_buf_release(&params[i].value);
    }
    free(params);
    return rc;
}

/* A value without blanks around it and with single blanks in it. */
static int add_trimmed(struct pl_buf *out, const char *value,
                       struct pl_err *err)
{
    bool is_gap = false;

    value += strspn(value, " \t");
    for (; *value != '\0'; value++) {
        if (*value == ' ' || *value == '\t') {
            is_gap = true;
            continue;
        }
        if (is_gap && pl_buf_addc(out, ' ', err) != 0)
            return -1;
        is_gap = false;
        if (pl_buf_addc(out, *value, err) != 0)
            return -1;
    }
    return 0;
}

/* All values of one header, joined by commas; none is an empty line. */
static int add_header(const struct local_request *req, const char *name,
                      size_t len, struct pl_buf *out, struct pl_err *err)
{
    bool is_first = true;

    if (pl_buf_add(out, name, len, err) != 0 || pl_buf_addc(out, ':', err) != 0)
        return -1;
    for (size_t i = 0; i < req->headers.count; i++) {
        const struct local_pair *p = &req->headers.items[i];

        if (strlen(p->name) != len || memcmp(p->name, name, len) != 0)
            continue;
        if ((!is_first && pl_buf_addc(out, ',', err) != 0) ||
            add_trimmed(out, p->value, err) != 0)
            return -1;
        is_first = false;
    }
    return pl_buf_addc(out, '\n', err);
}

int local_auth_canonical(const struct local_request *req,
                         const struct local_auth *auth, const char *payload,
                         struct pl_buf *out, struct pl_err *err)
{
    const bool is_s3 = strcmp(auth->service, "s3") == 0;
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    const char *at = auth->signed_headers;

    if ((is_s3 ? s3_path(req->raw_path, &path, err)
               : normal_path(req->raw_path, &path, err)) != 0 ||
        pl_buf_addf(out, err, "%s\n%s\n", req->method, pl_buf_str(&path)) !=
            0 ||
        add_query(&req->query, out, err) != 0 ||
        pl_buf_addc(out, '\n', err) != 0)
        return -1;
    while (*at != '\0') {
        const size_t len = strcspn(at, ";");

        if (add_header(req, at, len, out, err) != 0)
            return -1;
        at += len + (at[len] == ';');
    }
    return pl_buf_addf(out, err, "\n%s\n%s", auth->signed_headers, payload);
}

void local_auth_key(const char *secret, struct local_auth *auth)
{
    char start[160];
    unsigned char *k = auth->signing_key;
    const int len = snprintf(start, sizeof(start), "AWS4%s", secret);

    pl_hmac_sha256(start, (size_t)len, auth->date, strlen(auth->date), k);
    pl_hmac_sha256(k, 32, auth->region, strlen(auth->region), k);
    pl_hmac_sha256(k, 32, auth->service, strlen(auth->service), k);
    pl_hmac_sha256(k, 32, "aws4_request", 12, k);
    pl_wipe(start, sizeof(start));
}

int local_auth_sign(const struct local_auth *auth,
                    const struct pl_buf *canonical, char out[65],
                    struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    unsigned char hash[PL_SHA256_BYTES];
    char hex[65];

    pl_sha256(pl_buf_str(canonical), canonical->len, hash);
    pl_hex(hash, sizeof(hash), hex);
    if (pl_buf_addf(&text, err, "%s\n%s\n%s/%s/%s/aws4_request\n%s",
                    LOCAL_ALGORITHM, auth->time, auth->date, auth->region,
                    auth->service, hex) != 0)
        return -1;
    pl_hmac_sha256(auth->signing_key, 32, text.data, text.len, hash);
    pl_hex(hash, sizeof(hash), out);
    return 0;
}

enum local_payload local_auth_payload(const struct local_request *req)
{
    static const struct {
        const char *text;
        enum local_payload kind;
    } known[] = {
        {"UNSIGNED-PAYLOAD", LOCAL_PAYLOAD_UNSIGNED},
        {"STREAMING-UNSIGNED-PAYLOAD-TRAILER", LOCAL_PAYLOAD_CHUNKED_TRAILER},
        {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", LOCAL_PAYLOAD_SIGNED_CHUNKS},
        {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
         LOCAL_PAYLOAD_SIGNED_CHUNKS_TRAILER},
    };
    const char *text = local_header(req, "x-amz-content-sha256");

    for (size_t i = 0; text != NULL && i < PL_COUNT(known); i++)
        if (strcmp(text, known[i].text) == 0)
            return known[i].kind;
    return LOCAL_PAYLOAD_HASH;
}

/* Is name one of the signed headers "a;b;c"? */
static bool is_signed(const struct local_auth *auth, const char *name)
{
    const size_t len = strlen(name);
    const char *at = auth->signed_headers;

    while (*at != '\0') {
        const size_t n = strcspn(at, ";");

        if (n == len && memcmp(at, name, n) == 0)
            return true;
        at += n + (at[n] == ';');
    }
    return false;
}

/* host and every x-amz-* header must be signed. */
static bool are_signed(const struct local_request *req,
                       const struct local_auth *auth, char why[256])
{
    if (!is_signed(auth, "host")) {
        (void)snprintf(why, 256, "'host' must be a signed header");
        return false;
    }
    for (size_t i = 0; i < req->headers.count; i++) {
        const char *name = req->headers.items[i].name;

        if (pl_starts_with(name, "x-amz-") && !is_signed(auth, name)) {
            (void)snprintf(why, 256,
                           "There were headers present in the "
                           "request which were not signed: %.100s",
                           name);
            return false;
        }
    }
    return true;
}

/* "20261123T010203Z" and the scope's date. */
static enum local_verdict judge_time(const struct local_request *req,
                                     struct local_auth *auth, int64_t now_ms,
                                     char why[256])
{
    const char *t = local_header(req, "x-amz-date");
    char iso[PL_TIME_LEN];
    int64_t at_ms = 0;

    if (t == NULL || strlen(t) != 16 || t[8] != 'T') {
        (void)snprintf(why, 256, "x-amz-date is missing or malformed");
        return LOCAL_AUTH_MALFORMED;
    }
    (void)snprintf(iso, sizeof(iso), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", t, t + 4,
                   t + 6, t + 9, t + 11, t + 13);
    if (t[15] != 'Z' || pl_time_parse_iso(iso, &at_ms) != 0) {
        (void)snprintf(why, 256, "x-amz-date is malformed");
        return LOCAL_AUTH_MALFORMED;
    }
    memcpy(auth->time, t, 17);
    if (memcmp(auth->date, t, 8) != 0) {
        (void)snprintf(why, 256, "Credential's date is not that of x-amz-date");
        return LOCAL_AUTH_WRONG_SIGNATURE;
    }
    if (at_ms < now_ms - SKEW_MS || at_ms > now_ms + SKEW_MS) {
        (void)snprintf(why, 256, "Signature %s: %s",
                       at_ms < now_ms ? "expired" : "not yet current", t);
        return LOCAL_AUTH_SKEWED;
    }
    return LOCAL_AUTH_GOOD;
}

static enum local_verdict judge_key(const struct local_auth_rules *rules,
                                    const struct local_request *req,
                                    const struct local_auth *auth,
                                    struct local_key *key)
{
    const char *token = local_header(req, "x-amz-security-token");

    if (!rules->find(rules->ctx, auth->access, key))
        return LOCAL_AUTH_UNKNOWN_KEY;
    if (strcmp(token != NULL ? token : "", key->token) != 0)
        return LOCAL_AUTH_WRONG_TOKEN;
    return LOCAL_AUTH_GOOD;
}

static enum local_verdict judge_signature(const struct local_request *req,
                                          const char *body_sha256,
                                          const struct local_auth *auth)
{
    const char *declared = local_header(req, "x-amz-content-sha256");
    PL_AUTO(pl_buf) canonical = PL_BUF_INIT;
    struct pl_err err = {0};
    char signature[65];

    if (local_auth_canonical(req, auth,
                             declared != NULL ? declared : body_sha256,
                             &canonical, &err) != 0 ||
        local_auth_sign(auth, &canonical, signature, &err) != 0 ||
        pl_memcmp_const(signature, auth->signature, HEX_SHA256_LEN) != 0)
        return LOCAL_AUTH_WRONG_SIGNATURE;
    return LOCAL_AUTH_GOOD;
}

enum local_verdict local_auth_judge(const struct local_auth_rules *rules,
                                    const struct local_request *req,
                                    const char *body_sha256,
                                    struct local_auth *auth, char why[256])
{
    const char *header = local_header(req, "authorization");
    struct local_key key = {.expires_at_ms = 0};
    struct pl_err err = {0};
    enum local_verdict verdict;

    why[0] = '\0';
    if (header == NULL)
        return LOCAL_AUTH_MISSING;
    if (local_auth_parse(header, auth, &err) != 0) {
        (void)snprintf(why, 256, "%.200s", err.msg);
        return LOCAL_AUTH_MALFORMED;
    }
    verdict = judge_key(rules, req, auth, &key);
    if (verdict == LOCAL_AUTH_GOOD)
        verdict = judge_time(req, auth, rules->now_ms, why);
    if (verdict == LOCAL_AUTH_GOOD &&
        strcmp(auth->region, rules->region) != 0 &&
        (rules->has_region == NULL ||
         !rules->has_region(rules->s3, auth->region))) {
        (void)snprintf(why, 256, "the region '%s' is wrong; expecting '%s'",
                       auth->region, rules->region);
        verdict = LOCAL_AUTH_WRONG_REGION;
    }
    if (verdict == LOCAL_AUTH_GOOD && !are_signed(req, auth, why))
        verdict = LOCAL_AUTH_WRONG_SIGNATURE;
    if (verdict == LOCAL_AUTH_GOOD) {
        local_auth_key(key.secret, auth);
        verdict = judge_signature(req, body_sha256, auth);
    }
    /* A wrong signature says so even when the token's time is over. */
    if (verdict == LOCAL_AUTH_GOOD && key.expires_at_ms != 0 &&
        key.expires_at_ms <= rules->now_ms)
        verdict = LOCAL_AUTH_EXPIRED;
    pl_wipe(&key, sizeof(key));
    return verdict;
}

/* What each kind of service says. */
static const struct {
    struct {
        int status;
        const char *code;
    } s3, json, query;
    const char *text;
} refusals[] = {
    [LOCAL_AUTH_MISSING] = {{403, "AccessDenied"},
                            {403, "MissingAuthenticationTokenException"},
                            {403, "MissingAuthenticationToken"},
                            "Request is missing Authentication Token"},
    [LOCAL_AUTH_MALFORMED] = {{400, "AuthorizationHeaderMalformed"},
                              {400, "IncompleteSignatureException"},
                              {400, "IncompleteSignature"},
                              "The authorization header is malformed"},
    [LOCAL_AUTH_UNKNOWN_KEY] = {{403, "InvalidAccessKeyId"},
                                {400, "UnrecognizedClientException"},
                                {403, "InvalidClientTokenId"},
                                "The security token included in the request "
                                "is invalid."},
    [LOCAL_AUTH_WRONG_TOKEN] = {{400, "InvalidToken"},
                                {400, "UnrecognizedClientException"},
                                {403, "InvalidClientTokenId"},
                                "The security token included in the request "
                                "is invalid."},
    [LOCAL_AUTH_EXPIRED] = {{400, "ExpiredToken"},
                            {400, "ExpiredTokenException"},
                            {403, "ExpiredToken"},
                            "The security token included in the request is "
                            "expired"},
    [LOCAL_AUTH_SKEWED] = {{403, "RequestTimeTooSkewed"},
                           {400, "InvalidSignatureException"},
                           {403, "SignatureDoesNotMatch"},
                           "The difference between the request time and the "
                           "current time is too large."},
    [LOCAL_AUTH_WRONG_REGION] = {{400, "AuthorizationHeaderMalformed"},
                                 {400, "InvalidSignatureException"},
                                 {403, "SignatureDoesNotMatch"},
                                 "Credential should be scoped to a valid "
                                 "region"},
    [LOCAL_AUTH_WRONG_SIGNATURE] = {{403, "SignatureDoesNotMatch"},
                                    {400, "InvalidSignatureException"},
                                    {403, "SignatureDoesNotMatch"},
                                    "The request signature we calculated does "
                                    "not match the signature you provided. "
                                    "Check your AWS Secret Access Key and "
                                    "signing method."},
    [LOCAL_AUTH_WRONG_BODY] = {{400, "XAmzContentSHA256Mismatch"},
                               {400, "InvalidSignatureException"},
                               {403, "SignatureDoesNotMatch"},
                               "The provided 'x-amz-content-sha256' header "
                               "does not match what was computed."},
};

int local_auth_refuse(enum local_verdict verdict, const char *why,
                      const struct local_request *req,
                      struct local_response *resp)
{
    const char *text = refusals[verdict].text;
    int status = refusals[verdict].json.status;
    const char *code = refusals[verdict].json.code;
    const bool is_pinpoint = strcmp(req->service, "pinpoint") == 0;

    if (strcmp(req->service, "s3") == 0) {
        status = refusals[verdict].s3.status;
        code = refusals[verdict].s3.code;
    } else if (strcmp(req->service, "sns") == 0 ||
               strcmp(req->service, "sts") == 0) {
        status = refusals[verdict].query.status;
        code = refusals[verdict].query.code;
    } else if (is_pinpoint) {
        status = 403; /* REST JSON services answer 403 to all of these */
    }
    if (why[0] != '\0')
        return local_refuse(req, resp, status, code, "%s; %s", text, why);
    return local_refuse(req, resp, status, code, "%s", text);
}
