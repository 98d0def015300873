/*
 * digest.h - hashes, checksums and their text forms; random bytes.
 *
 * SHA-256, HMAC and MD5 come from OpenSSL, which only this module includes.
 * CRC-64/NVME is what S3 itself stores for an object (sources 4.9):
 * polynomial 0xAD93D23594C93659 reflected, init and final xor all ones; its
 * text form is the base64 of the eight bytes, most significant first.
 */
#ifndef PL_BASE_DIGEST_H
#define PL_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"

#define PL_SHA256_BYTES 32
#define PL_MD5_BYTES 16
#define PL_CRC64_TEXT 13 /* base64 of 8 bytes and a NUL */

struct pl_slice {
    const void *data;
    size_t len;
};

void pl_sha256(const void *data, size_t len,
               unsigned char out[PL_SHA256_BYTES]);
/* Over the concatenation of count slices. */
void pl_sha256_of(const struct pl_slice *parts, size_t count,
                  unsigned char out[PL_SHA256_BYTES]);
void pl_hmac_sha256(const void *key, size_t key_len, const void *data,
                    size_t len, unsigned char out[PL_SHA256_BYTES]);
void pl_md5(const void *data, size_t len, unsigned char out[PL_MD5_BYTES]);

/* An MD5 or SHA-256 made up piece by piece. Release drops an unfinished one. */
struct pl_hash {
    void *impl;
};
int pl_hash_open_md5(struct pl_hash *hash, struct pl_err *err) PL_MUST_CHECK;
int pl_hash_open_sha256(struct pl_hash *hash, struct pl_err *err) PL_MUST_CHECK;
void pl_hash_add(struct pl_hash *hash, const void *data, size_t len);
/* Writes 16 or 32 bytes and closes. */
void pl_hash_end(struct pl_hash *hash, unsigned char *out);
void pl_hash_release(struct pl_hash *hash);

/* Starts with crc 0; feed the pieces in order. */
uint64_t pl_crc64nvme(uint64_t crc, const void *data, size_t len);
void pl_crc64_text(uint64_t crc, char out[PL_CRC64_TEXT]);
uint32_t pl_crc32(uint32_t crc, const void *data, size_t len);
uint32_t pl_crc32c(uint32_t crc, const void *data, size_t len);
/* Of a followed by b, of which len_b bytes made crc_b: under a microsecond. */
uint64_t pl_crc64nvme_combine(uint64_t crc_a, uint64_t crc_b, uint64_t len_b);
uint32_t pl_crc32_combine(uint32_t crc_a, uint32_t crc_b, uint64_t len_b);
uint32_t pl_crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t len_b);

/* Lower-case hex with a NUL: out holds 2 * len + 1 bytes. */
void pl_hex(const void *data, size_t len, char *out);
/* Standard base64 with padding, appended. */
int pl_base64(struct pl_buf *out, const void *data, size_t len,
              struct pl_err *err) PL_MUST_CHECK;
/* Appends the decoded bytes; -1 (PL_DATA_INVALID) on anything malformed. */
int pl_base64_decode(struct pl_buf *out, const char *text, size_t len,
                     struct pl_err *err) PL_MUST_CHECK;

/* SipHash-2-4 with a 128-bit result: keyed, so that nobody who does not know
 * the key can make two inputs collide. */
void pl_siphash128(const unsigned char key[16], const void *data, size_t len,
                   uint64_t out[2]);

/* SipHash-1-3 with a 128-bit result: half the work, for bulk data whose hashes
 * nobody sees who could choose the data. */
void pl_siphash13_128(const unsigned char key[16], const void *data, size_t len,
                      uint64_t out[2]);

/* Bytes from the system's generator. */
int pl_random(void *out, size_t len, struct pl_err *err) PL_MUST_CHECK;
/* Overwrites memory in a way that the compiler keeps. */
void pl_wipe(void *data, size_t len);
/* Compares in constant time: 0 when equal. */
int pl_memcmp_const(const void *a, const void *b, size_t len);

#endif
