/* The kernels against the tables, and checksums joined. */
#include "tests/unit/unit.h"

#include <string.h>

#include "pipeline/base/crc_fold.h"
#include "pipeline/base/digest.h"

static unsigned char data[70000];

static void fill(void)
{
    uint64_t state = 42;

    for (size_t i = 0; i < sizeof(data); i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407U;
        data[i] = (unsigned char)(state >> 56);
    }
}

START_TEST(kernels_and_tables_agree)
{
    const enum pl_crc_kind kind = (enum pl_crc_kind)_i;
    const uint64_t seed = kind == PL_CRC64NVME ? UINT64_C(0x0123456789ABCDEF)
                                               : UINT64_C(0x89ABCDEF);

    fill();
    for (size_t first = 0; first < PL_CRC_KERNELS_MAX; first++) {
        for (size_t len = 0; len < 1100; len++)
            for (size_t at = 0; at < 3; at++)
                ck_assert_uint_eq(
                    pl_crc_run(kind, first, seed, data + at, len),
                    pl_crc_run(kind, PL_CRC_KERNELS_MAX, seed, data + at, len));
        ck_assert_uint_eq(
            pl_crc_run(kind, first, 0, data, sizeof(data)),
            pl_crc_run(kind, PL_CRC_KERNELS_MAX, 0, data, sizeof(data)));
    }
}
END_TEST

START_TEST(checksums_join)
{
    static const size_t cuts[] = {0, 1, 15, 16, 17, 255, 4096, 69999, 70000};
    const size_t len = sizeof(data);

    fill();
    for (size_t i = 0; i < UNIT_COUNT(cuts); i++) {
        const size_t cut = cuts[i];
        const unsigned char *b = data + cut;

        ck_assert_uint_eq(pl_crc64nvme_combine(pl_crc64nvme(0, data, cut),
                                               pl_crc64nvme(0, b, len - cut),
                                               len - cut),
                          pl_crc64nvme(0, data, len));
        ck_assert_uint_eq(pl_crc32_combine(pl_crc32(0, data, cut),
                                           pl_crc32(0, b, len - cut),
                                           len - cut),
                          pl_crc32(0, data, len));
        ck_assert_uint_eq(pl_crc32c_combine(pl_crc32c(0, data, cut),
                                            pl_crc32c(0, b, len - cut),
                                            len - cut),
                          pl_crc32c(0, data, len));
    }
}
END_TEST

UNIT_MAIN("crc",
          tcase_add_loop_test(tc, kernels_and_tables_agree, 0, PL_CRC_KINDS);
          tcase_add_test(tc, checksums_join);)
