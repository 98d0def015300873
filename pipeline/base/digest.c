#include "pipeline/base/digest.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "pipeline/base/file.h"
#include "pipeline/base/log.h"

#include <fcntl.h>
#include <unistd.h>

/* A digest of OpenSSL's default provider fails only when memory is out, and
 * then nothing this process signs could be right. */
static void must(int ok)
{
    if (!ok) {
        pl_error("out of memory in a digest");
        abort();
    }
}

void pl_sha256_of(const struct pl_slice *parts, size_t count,
                  unsigned char out[PL_SHA256_BYTES])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    must(ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1);
    for (size_t i = 0; i < count; i++)
        must(EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) == 1);
    must(EVP_DigestFinal_ex(ctx, out, NULL) == 1);
    EVP_MD_CTX_free(ctx);
}

void pl_sha256(const void *data, size_t len, unsigned char out[PL_SHA256_BYTES])
{
    const struct pl_slice part = {data, len};

    pl_sha256_of(&part, 1, out);
}

void pl_hmac_sha256(const void *key, size_t key_len, const void *data,
                    size_t len, unsigned char out[PL_SHA256_BYTES])
{
    must(HMAC(EVP_sha256(), key, (int)key_len, data, len, out, NULL) != NULL);
}

void pl_md5(const void *data, size_t len, unsigned char out[PL_MD5_BYTES])
{
    must(EVP_Digest(data, len, out, NULL, EVP_md5(), NULL) == 1);
}

static int hash_open(struct pl_hash *hash, const EVP_MD *kind,
                     struct pl_err *err)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (ctx == NULL || EVP_DigestInit_ex(ctx, kind, NULL) != 1) {
        EVP_MD_CTX_free(ctx);
        return pl_fail_memory(err);
    }
    hash->impl = ctx;
    return 0;
}

int pl_hash_open_md5(struct pl_hash *hash, struct pl_err *err)
{
    return hash_open(hash, EVP_md5(), err);
}

int pl_hash_open_sha256(struct pl_hash *hash, struct pl_err *err)
{
    return hash_open(hash, EVP_sha256(), err);
}

void pl_hash_add(struct pl_hash *hash, const void *data, size_t len)
{
    must(EVP_DigestUpdate(hash->impl, data, len) == 1);
}

void pl_hash_end(struct pl_hash *hash, unsigned char *out)
{
    must(EVP_DigestFinal_ex(hash->impl, out, NULL) == 1);
    pl_hash_release(hash);
}

void pl_hash_release(struct pl_hash *hash)
{
    EVP_MD_CTX_free(hash->impl);
    hash->impl = NULL;
}

void pl_hex(const void *data, size_t len, char *out)
{
    static const char set[] = "0123456789abcdef";
    const unsigned char *p = data;

    for (size_t i = 0; i < len; i++) {
        *out++ = set[p[i] >> 4];
        *out++ = set[p[i] & 15];
    }
    *out = '\0';
}

int pl_base64(struct pl_buf *out, const void *data, size_t len,
              struct pl_err *err)
{
    int written;

    if (len > PL_BUF_MAX_DEFAULT)
        return pl_fail(err, PL_INTERNAL_ERROR, "too much for base64");
    if (pl_buf_reserve(out, (len + 2) / 3 * 4, err) != 0)
        return -1;
    written =
        EVP_EncodeBlock((unsigned char *)out->data + out->len, data, (int)len);
    out->len += (size_t)written;
    return 0;
}

int pl_base64_decode(struct pl_buf *out, const char *text, size_t len,
                     struct pl_err *err)
{
    size_t pad = 0;
    int written;

    while (pad < len && pad < 3 && text[len - 1 - pad] == '=')
        pad++;
    if (len % 4 != 0 || pad > 2 || len > PL_BUF_MAX_DEFAULT ||
        memchr(text, '=', len - pad) != NULL)
        return pl_fail(err, PL_DATA_INVALID, "malformed base64");
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] <= ' ' || text[i] == '-')
            return pl_fail(err, PL_DATA_INVALID, "malformed base64");
    if (pl_buf_reserve(out, len / 4 * 3, err) != 0)
        return -1;
    written = EVP_DecodeBlock((unsigned char *)out->data + out->len,
                              (const unsigned char *)text, (int)len);
    if (written < 0)
        return pl_fail(err, PL_DATA_INVALID, "malformed base64");
    out->len += (size_t)written - pad;
    out->data[out->len] = '\0';
    return 0;
}

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

struct sip {
    uint64_t a;
    uint64_t b;
    uint64_t c;
    uint64_t d;
};

static inline void sip_rounds(struct sip *s, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        s->a += s->b;
        s->b = ROTL(s->b, 13) ^ s->a;
        s->a = ROTL(s->a, 32);
        s->c += s->d;
        s->d = ROTL(s->d, 16) ^ s->c;
        s->a += s->d;
        s->d = ROTL(s->d, 21) ^ s->a;
        s->c += s->b;
        s->b = ROTL(s->b, 17) ^ s->c;
        s->c = ROTL(s->c, 32);
    }
}

static inline void sip_word(struct sip *s, uint64_t word, int rounds)
{
    s->d ^= word;
    sip_rounds(s, rounds);
    s->a ^= word;
}

static inline uint64_t sip_end(struct sip *s, int rounds)
{
    sip_rounds(s, rounds);
    return s->a ^ s->b ^ s->c ^ s->d;
}

static inline uint64_t le64(const unsigned char *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof(w));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    w = __builtin_bswap64(w);
#endif
    return w;
}

/* SipHash-rounds-last_rounds. */
static inline void siphash(int rounds, int last_rounds,
                           const unsigned char key[16], const void *data,
                           size_t len, uint64_t out[2])
{
    const uint64_t k0 = le64(key);
    const uint64_t k1 = le64(key + 8);
    struct sip s = {.a = UINT64_C(0x736f6d6570736575) ^ k0,
                    .b = UINT64_C(0x646f72616e646f6d) ^ k1 ^ 0xee,
                    .c = UINT64_C(0x6c7967656e657261) ^ k0,
                    .d = UINT64_C(0x7465646279746573) ^ k1};
    const unsigned char *p = data;
    unsigned char rest[8] = {0};
    size_t left = len;

    for (; left >= 8; p += 8, left -= 8)
        sip_word(&s, le64(p), rounds);
    if (left > 0)
        memcpy(rest, p, left);
    sip_word(&s, le64(rest) | (uint64_t)len << 56, rounds);
    s.c ^= 0xee;
    out[0] = sip_end(&s, last_rounds);
    s.b ^= 0xdd;
    out[1] = sip_end(&s, last_rounds);
}

void pl_siphash128(const unsigned char key[16], const void *data, size_t len,
                   uint64_t out[2])
{
    siphash(2, 4, key, data, len, out);
}

void pl_siphash13_128(const unsigned char key[16], const void *data, size_t len,
                      uint64_t out[2])
{
    siphash(1, 3, key, data, len, out);
}

int pl_random(void *out, size_t len, struct pl_err *err)
{
    const int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    size_t got = 0;

    while (fd >= 0 && got < len) {
        const ssize_t n = read(fd, (char *)out + got, len - got);

        if (n <= 0 && errno != EINTR)
            break;
        got += n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0)
        (void)close(fd);
    if (got != len)
        return pl_fail(err, PL_HOST_ERROR, "cannot read /dev/urandom");
    return 0;
}

void pl_wipe(void *data, size_t len)
{
    OPENSSL_cleanse(data, len);
}

int pl_memcmp_const(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len);
}
