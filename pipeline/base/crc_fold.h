/*
 * crc_fold.h - the carry-less multiplication behind the checksums of digest.h:
 * for crc.c, crc_x86.c and tests.
 *
 * All checksums here are reflected: of eight bytes read as a little-endian
 * number, bit 0 is the coefficient of the highest power. 16 bytes H, L (eight
 * each) stand for H x^64 + L. They can be moved T bits towards the end of the
 * data, where they are added (xor) to what stands there:
 *
 *     (H x^64 + L) x^T = H x^(T+64) + L x^T
 *                      = H (x^(T+64) mod P) + L (x^T mod P)     modulo P
 *
 * The product of two reflected numbers of 64 bits has 127 bits and so comes
 * out of the processor multiplied by x once more; the two constants of a
 * distance T are therefore x^(T+63) mod P and x^(T-1) mod P. crc.c makes them
 * from the polynomial when the process first asks for a checksum, so none is
 * written down. A P of 32 bits takes the same way, its remainders in the upper
 * half.
 *
 * What is left in the end are 16 bytes with the remainder of all, which go
 * through the tables.
 */
#ifndef PL_BASE_CRC_FOLD_H
#define PL_BASE_CRC_FOLD_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/attr.h"

enum pl_crc_kind { PL_CRC64NVME, PL_CRC32, PL_CRC32C, PL_CRC_KINDS };

/* The two constants of each distance, in bits; H's comes first. */
struct pl_crc_folds {
    uint64_t by128[2];
    uint64_t by512[2];
    uint64_t by1024[2];
    uint64_t by2048[2];
};

#define PL_CRC_BLOCK 16 /* bytes in which the kernels count */

struct pl_crc_kernel {
    const char *name;
    size_t min_bytes; /* the shortest data that it takes */
    /*
     * Adds state to the first eight of len bytes, len being a multiple of
     * PL_CRC_BLOCK and at least min_bytes, and writes to out the bytes that
     * have the same remainder.
     */
    void (*fold)(const struct pl_crc_folds *folds, uint64_t state,
                 const unsigned char *data, size_t len,
                 unsigned char out[PL_CRC_BLOCK]);
};

/* Puts what this processor can run into kernels, the fastest first; returns
 * how many. */
#define PL_CRC_KERNELS_MAX 2
size_t pl_crc_kernels(const struct pl_crc_kernel *kernels[PL_CRC_KERNELS_MAX]);

/* A checksum without the kernels before first; PL_CRC_KERNELS_MAX: by tables
 * alone. crc as in digest.h. */
uint64_t pl_crc_run(enum pl_crc_kind kind, size_t first, uint64_t crc,
                    const void *data, size_t len);

#endif
