/* Checksums that S3 stores, by slices of eight bytes: about 2 GB/s. */
#include <pthread.h>
#include <string.h>

#include "pipeline/base/digest.h"

#define CRC64NVME_POLY UINT64_C(0x9A6C9329AC4BC9B5) /* reflected */
#define CRC32_POLY UINT32_C(0xEDB88320)
#define CRC32C_POLY UINT32_C(0x82F63B78)

static uint64_t table64[8][256];
static uint32_t table32[256];
static uint32_t table32c[256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
    for (unsigned i = 0; i < 256; i++) {
        uint64_t c64 = i;
        uint32_t c32 = i;
        uint32_t c32c = i;

        for (int bit = 0; bit < 8; bit++) {
            c64 = (c64 >> 1) ^ ((c64 & 1) != 0 ? CRC64NVME_POLY : 0);
            c32 = (c32 >> 1) ^ ((c32 & 1) != 0 ? CRC32_POLY : 0);
            c32c = (c32c >> 1) ^ ((c32c & 1) != 0 ? CRC32C_POLY : 0);
        }
        table64[0][i] = c64;
        table32[i] = c32;
        table32c[i] = c32c;
    }
    for (unsigned i = 0; i < 256; i++)
        for (int k = 1; k < 8; k++) {
            const uint64_t prev = table64[k - 1][i];

            table64[k][i] = (prev >> 8) ^ table64[0][prev & 0xff];
        }
}

uint64_t pl_crc64nvme(uint64_t crc, const void *data, size_t len)
{
    const unsigned char *p = data;

    (void)pthread_once(&once, make_tables);
    crc = ~crc;
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t w = 0;

        for (int i = 7; i >= 0; i--)
            w = (w << 8) | p[i];
        w ^= crc;
        crc = 0;
        for (int i = 0; i < 8; i++)
            crc ^= table64[7 - i][(w >> (8 * i)) & 0xff];
    }
    while (len-- > 0)
        crc = (crc >> 8) ^ table64[0][(crc ^ *p++) & 0xff];
    return ~crc;
}

static uint32_t crc32_by(const uint32_t table[256], uint32_t crc,
                         const unsigned char *p, size_t len)
{
    crc = ~crc;
    while (len-- > 0)
        crc = (crc >> 8) ^ table[(crc ^ *p++) & 0xff];
    return ~crc;
}

uint32_t pl_crc32(uint32_t crc, const void *data, size_t len)
{
    (void)pthread_once(&once, make_tables);
    return crc32_by(table32, crc, data, len);
}

uint32_t pl_crc32c(uint32_t crc, const void *data, size_t len)
{
    (void)pthread_once(&once, make_tables);
    return crc32_by(table32c, crc, data, len);
}

void pl_crc64_text(uint64_t crc, char out[PL_CRC64_TEXT])
{
    static const char set[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned bits = 0;
    uint32_t acc = 0;
    size_t n = 0;

    for (int i = 7; i >= 0; i--) {
        acc = (acc << 8) | (uint32_t)((crc >> (8 * i)) & 0xff);
        for (bits += 8; bits >= 6; bits -= 6)
            out[n++] = set[(acc >> (bits - 6)) & 63];
    }
    out[n++] = set[(acc << (6 - bits)) & 63]; /* 64 bits: four are left */
    out[n++] = '=';
    out[n] = '\0';
}
