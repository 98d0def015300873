#include "pipeline/csv/jsonl_names.h"

#include <stdlib.h>

#include "pipeline/base/digest.h"
#include "pipeline/csv/jsonl_text.h"
#include "pipeline/csv/reader.h"

#define SLOTS_FIRST ((size_t)64)

void pl_jsonl_names_release(struct pl_jsonl_names *n)
{
    pl_buf_release(&n->text);
    free(n->keys);
    free(n->slots);
    memset(n, 0, sizeof(*n));
}

static bool is_plain(const char *key, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)key[i] < 0x20 || key[i] == '"' || key[i] == '\\')
            return false;
    return true;
}

/* Where the key is, or the free place that it would get. */
static size_t slot_of(const struct pl_jsonl_names *n, const char *key,
                      size_t len)
{
    size_t i =
        (size_t)pl_csv_hash(&n->hash_key, key, len) & (n->slot_count - 1);

    for (; n->slots[i] != 0; i = (i + 1) & (n->slot_count - 1)) {
        const struct pl_jsonl_key *other = &n->keys[n->slots[i] - 1];

        if (other->name_len == len &&
            memcmp(n->text.data + other->name_at, key, len) == 0)
            break;
    }
    return i;
}

size_t pl_jsonl_names_find(const struct pl_jsonl_names *n, const char *key,
                           size_t len)
{
    if (n->slot_count == 0)
        return PL_JSONL_NONE;
    return (size_t)n->slots[slot_of(n, key, len)] - 1; /* 0 - 1: none */
}

/* Half of the slots at most are taken. */
static int make_room(struct pl_jsonl_names *n, struct pl_err *err)
{
    if (n->count == n->cap) {
        const size_t cap = n->cap == 0 ? 32 : n->cap * 2;
        struct pl_jsonl_key *grown = realloc(n->keys, cap * sizeof(*grown));

        if (grown == NULL)
            return pl_fail_memory(err);
        n->keys = grown;
        n->cap = cap;
    }
    if (2 * (n->count + 1) <= n->slot_count)
        return 0;
    if (n->slot_count == 0 &&
        pl_random(&n->hash_key, sizeof(n->hash_key), err) != 0)
        return -1;
    free(n->slots);
    n->slot_count = n->slot_count == 0 ? SLOTS_FIRST : n->slot_count * 2;
    n->slots = calloc(n->slot_count, sizeof(*n->slots));
    if (n->slots == NULL) {
        n->slot_count = 0;
        return pl_fail_memory(err);
    }
    for (size_t i = 0; i < n->count; i++)
        n->slots[slot_of(n, n->text.data + n->keys[i].name_at,
                         n->keys[i].name_len)] = (uint32_t)i + 1;
    return 0;
}

/* What the first bytes of a key must be, as one number. */
static void set_word(const struct pl_jsonl_names *n, struct pl_jsonl_key *k)
{
    unsigned char bytes[sizeof(k->word)] = {0};
    unsigned char mask[sizeof(k->word)] = {0};
    const size_t len = k->len < sizeof(bytes) ? k->len : sizeof(bytes);

    memcpy(bytes, n->text.data + k->at, len);
    memset(mask, 0xFF, len);
    memcpy(&k->word, bytes, sizeof(bytes));
    memcpy(&k->mask, mask, sizeof(mask));
}

int pl_jsonl_names_add(struct pl_jsonl_names *n, const char *key, size_t len,
                       struct pl_err *err)
{
    struct pl_jsonl_key k = {.at = n->text.len,
                             .len = is_plain(key, len) ? len + 3 : 0,
                             .name_at = n->text.len + 1,
                             .name_len = len};

    if (n->count == PL_CSV_COLUMNS_MAX)
        return pl_fail(err, PL_DATA_INVALID, "more than %d columns",
                       PL_CSV_COLUMNS_MAX);
    if (make_room(n, err) != 0 || pl_buf_addc(&n->text, '"', err) != 0 ||
        pl_buf_add(&n->text, key, len, err) != 0 ||
        pl_buf_adds(&n->text, "\":", err) != 0)
        return -1;
    set_word(n, &k);
    n->keys[n->count] = k;
    n->slots[slot_of(n, key, len)] = (uint32_t)n->count + 1;
    n->count++;
    return 0;
}
