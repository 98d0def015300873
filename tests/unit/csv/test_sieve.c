/* Hashes that were there before, against a plain list of them. */
#include "tests/unit/unit.h"

#include "pipeline/csv/sieve.h"

#define COUNT 15000U

static uint64_t mixed(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

/* Many in one part and one word, and all over the place. */
static uint64_t hash_of(unsigned i)
{
    return i % 3 == 0 ? mixed(i) >> 20 : mixed(i);
}

static bool has(const struct pl_csv_sieve *s, uint64_t hash, uint64_t number)
{
    const union pl_csv_sieve_slot *at = NULL;

    while ((at = pl_csv_sieve_find(s, hash, at)) != NULL)
        if (pl_csv_sieve_number(s, at) == number)
            return true;
    return false;
}

static const uint64_t expectations[] = {0, 10, COUNT, 40000000};

/* What was added is found, however often the words were made anew. */
START_TEST(all_are_found)
{
    PL_AUTO(pl_csv_sieve) s = {.number_bits = PL_CSV_SIEVE_NUMBER_BITS};
    struct pl_err err = {0};
    unsigned maybes = 0;
    unsigned wrong = 0; /* an assertion each would be written down by check */

    for (unsigned i = 1; i <= COUNT; i++) {
        if (i % 100 == 1)
            ck_assert_int_eq(pl_csv_sieve_grow(&s, 100, expectations[_i], &err),
                             0);
        if (i % 3 != 0 && pl_csv_sieve_may_have(&s, hash_of(i)))
            maybes++;
        wrong += has(&s, hash_of(i), i);
        pl_csv_sieve_note(&s, hash_of(i));
        wrong += pl_csv_sieve_add(&s, hash_of(i), i, &err) != 0;
    }
    for (unsigned i = 1; i <= COUNT; i++) {
        wrong += !pl_csv_sieve_may_have(&s, hash_of(i));
        wrong += !has(&s, hash_of(i), i);
        wrong += has(&s, hash_of(i), i + 1);
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_lt(maybes, COUNT / 50);
}
END_TEST

/* What is found has the bits of the hash in common that are kept. */
START_TEST(others_are_not_found)
{
    PL_AUTO(pl_csv_sieve) s = {.number_bits = PL_CSV_SIEVE_NUMBER_BITS};
    struct pl_err err = {0};
    const uint64_t hash = mixed(7);

    ck_assert_int_eq(pl_csv_sieve_grow(&s, 1, 0, &err), 0);
    ck_assert_ptr_null(pl_csv_sieve_find(&s, hash, NULL));
    pl_csv_sieve_note(&s, hash);
    ck_assert_int_eq(pl_csv_sieve_add(&s, hash, 1, &err), 0);
    for (unsigned bit = 20; bit < 64; bit++)
        ck_assert_ptr_null(
            pl_csv_sieve_find(&s, hash ^ (UINT64_C(1) << bit), NULL));
    ck_assert_ptr_nonnull(pl_csv_sieve_find(&s, hash ^ 1, NULL));
}
END_TEST

static unsigned count_of(const struct pl_csv_sieve *s, uint64_t hash)
{
    const union pl_csv_sieve_slot *at = NULL;
    unsigned count = 0;

    while ((at = pl_csv_sieve_find(s, hash, at)) != NULL)
        count++;
    return count;
}

/* Never fewer than there are, and no more than can be told. */
START_TEST(hashes_are_counted)
{
    PL_AUTO(pl_csv_sieve) s = {.number_bits = 0};
    struct pl_err err = {0};

    for (unsigned round = 0; round < 20; round++) {
        ck_assert_int_eq(pl_csv_sieve_grow(&s, 1000, 0, &err), 0);
        for (unsigned i = 0; i < 1000; i++)
            if (round < i % 20) {
                pl_csv_sieve_note(&s, hash_of(i));
                ck_assert_int_eq(pl_csv_sieve_add(&s, hash_of(i), 0, &err), 0);
            }
    }
    for (unsigned i = 0; i < 1000; i++) {
        const unsigned most = pl_csv_sieve_most(&s, hash_of(i));

        ck_assert_uint_eq(count_of(&s, hash_of(i)), i % 20);
        ck_assert_uint_ge(most, i % 20 < PL_CSV_SIEVE_MOST ? i % 20
                                                           : PL_CSV_SIEVE_MOST);
        ck_assert_uint_eq(count_of(&s, hash_of(i) ^ 1), 0);
    }
    ck_assert_uint_lt(pl_csv_sieve_most(&s, mixed(1U << 30)),
                      PL_CSV_SIEVE_MOST);
}
END_TEST

UNIT_MAIN("sieve",
          tcase_add_loop_test(tc, all_are_found, 0, UNIT_COUNT(expectations));
          tcase_add_test(tc, others_are_not_found);
          tcase_add_test(tc, hashes_are_counted);)
