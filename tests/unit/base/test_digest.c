#include "tests/unit/unit.h"

#include <string.h>

#include "pipeline/base/digest.h"

/* Check values: sources 4.9, RFC 4231 case 2, FIPS 180 "abc". */
START_TEST(checksums)
{
    char text[PL_CRC64_TEXT];
    static char a[66560];

    ck_assert_uint_eq(pl_crc64nvme(0, "123456789", 9),
                      UINT64_C(0xAE8B14860A799888));
    pl_crc64_text(UINT64_C(0xAE8B14860A799888), text);
    ck_assert_str_eq(text, "rosUhgp5mIg=");
    ck_assert_uint_eq(pl_crc32(0, "123456789", 9), 0xCBF43926);
    ck_assert_uint_eq(pl_crc32c(0, "123456789", 9), 0xE3069283);
    memset(a, 'a', sizeof(a));
    ck_assert_uint_eq(pl_crc32c(0, a, sizeof(a)), 0xB0E3BCFD);
}
END_TEST

START_TEST(crc64_is_the_same_in_pieces)
{
    char data[100];

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * 7);
    for (size_t cut = 0; cut <= sizeof(data); cut++)
        ck_assert_uint_eq(pl_crc64nvme(pl_crc64nvme(0, data, cut), data + cut,
                                       sizeof(data) - cut),
                          pl_crc64nvme(0, data, sizeof(data)));
}
END_TEST

START_TEST(hashes)
{
    unsigned char out[PL_SHA256_BYTES];
    char hex[65];
    struct pl_hash hash = {0};
    struct pl_err err = {0};

    pl_sha256("abc", 3, out);
    pl_hex(out, sizeof(out), hex);
    ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9c"
                          "b410ff61f20015ad");
    pl_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out);
    pl_hex(out, sizeof(out), hex);
    ck_assert_str_eq(hex, "5bdcc146bf60754e6a042426089575c75a003f089d273983"
                          "9dec58b964ec3843");
    ck_assert_int_eq(pl_hash_open_md5(&hash, &err), 0);
    pl_hash_add(&hash, "ab", 2);
    pl_hash_add(&hash, "c", 1);
    pl_hash_end(&hash, out);
    pl_hex(out, PL_MD5_BYTES, hex);
    ck_assert_str_eq(hex, "900150983cd24fb0d6963f7d28e17f72");
}
END_TEST

/* The reference vectors of SipHash-2-4 with 128 bits: key 00..0f, message
 * 00..(n-1). */
START_TEST(siphash_vectors)
{
    unsigned char key[16];
    unsigned char data[16];
    uint64_t out[2];

    for (unsigned char i = 0; i < 16; i++)
        key[i] = data[i] = i;
    pl_siphash128(key, data, 0, out);
    ck_assert_uint_eq(out[0], UINT64_C(0xe6a825ba047f81a3));
    ck_assert_uint_eq(out[1], UINT64_C(0x930255c71472f66d));
    pl_siphash128(key, data, 1, out);
    ck_assert_uint_eq(out[0], UINT64_C(0x44af996bd8c187da));
    ck_assert_uint_eq(out[1], UINT64_C(0x45fc229b11597634));
}
END_TEST

/* SipHash-1-3, as another program of the same description computes it, which
 * also gives the vectors above. */
static const struct {
    size_t len;
    uint64_t out[2];
} sip13[] = {
    {0, {UINT64_C(0xbea58827b2bc7ee7), UINT64_C(0x013030dd6adb62fd)}},
    {7, {UINT64_C(0xc3e0aaf223b98410), UINT64_C(0x77ab4808c82e2fa6)}},
    {8, {UINT64_C(0xb4dae3d5e1fe12aa), UINT64_C(0x99c7f935ab164f72)}},
    {63, {UINT64_C(0x6f42fe4ee300584c), UINT64_C(0xad6052a70a6b9f07)}},
    {300, {UINT64_C(0x17c56127d6ea6531), UINT64_C(0x2b57cd73cf9d8119)}},
};

START_TEST(siphash13)
{
    unsigned char key[16];
    unsigned char data[300];
    uint64_t out[2];

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (unsigned char)i;
    memcpy(key, data, sizeof(key));
    pl_siphash13_128(key, data, sip13[_i].len, out);
    ck_assert_uint_eq(out[0], sip13[_i].out[0]);
    ck_assert_uint_eq(out[1], sip13[_i].out[1]);
}
END_TEST

static const struct {
    const char *plain;
    const char *text;
} base64[] = {{"", ""},
              {"f", "Zg=="},
              {"fo", "Zm8="},
              {"foo", "Zm9v"},
              {"foobar", "Zm9vYmFy"}};

START_TEST(base64_both_ways)
{
    PL_AUTO(pl_buf) there = PL_BUF_INIT;
    PL_AUTO(pl_buf) back = PL_BUF_INIT;
    struct pl_err err = {0};
    const char *plain = base64[_i].plain;

    ck_assert_int_eq(pl_base64(&there, plain, strlen(plain), &err), 0);
    ck_assert_str_eq(pl_buf_str(&there), base64[_i].text);
    ck_assert_int_eq(
        pl_base64_decode(&back, base64[_i].text, strlen(base64[_i].text), &err),
        0);
    ck_assert_str_eq(pl_buf_str(&back), plain);
}
END_TEST

static const char *const broken64[] = {
    "Zg=", "Z", "Zg==Zg==", "Z===", "Zm9\n", "Zm9-", "====", " Zg="};

START_TEST(broken_base64_is_refused)
{
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};

    ck_assert_msg(
        pl_base64_decode(&out, broken64[_i], strlen(broken64[_i]), &err) == -1,
        "%s", broken64[_i]);
    ck_assert_int_eq(err.code, PL_DATA_INVALID);
}
END_TEST

UNIT_MAIN("digest", tcase_add_test(tc, checksums);
          tcase_add_test(tc, crc64_is_the_same_in_pieces);
          tcase_add_test(tc, hashes); tcase_add_test(tc, siphash_vectors);
          tcase_add_loop_test(tc, siphash13, 0, UNIT_COUNT(sip13));
          tcase_add_loop_test(tc, base64_both_ways, 0, UNIT_COUNT(base64));
          tcase_add_loop_test(tc, broken_base64_is_refused, 0,
                              UNIT_COUNT(broken64));)
