#include "pipeline/profile/id_map.h"

#include <inttypes.h>
#include <string.h>

#include "pipeline/base/process.h"
#include "pipeline/base/text.h"
#include "pipeline/target/mapping.h"

#define READ_BYTES ((size_t)256 << 10)
#define RECORD_BYTES_MAX ((size_t)1 << 20)

struct id_map {
    const struct pl_source *in;
    struct pl_sorter *to;
    struct pl_csv_reference *reference;
    struct pl_buf data;
    struct pl_buf key;
    bool is_end;
    size_t id; /* columns */
    size_t user;
    uint64_t number; /* of the record; the header's is 0 */
    uint64_t entries;
};

static void id_map_release(struct id_map *map)
{
    pl_csv_reference_release(map->reference);
    pl_buf_release(&map->data);
    pl_buf_release(&map->key);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void trim(const char **text, size_t *len)
{
    while (*len > 0 && is_blank((*text)[0])) {
        (*text)++;
        (*len)--;
    }
    while (*len > 0 && is_blank((*text)[*len - 1]))
        (*len)--;
}

int pl_id_map_key(const char *id, size_t len, enum pl_id_map_kind kind,
                  struct pl_buf *key, struct pl_err *err)
{
    trim(&id, &len);
    pl_buf_reset(key);
    if (pl_buf_add(key, id, len, err) != 0)
        return -1;
    for (size_t i = 0; i < len; i++)
        if (key->data[i] >= 'A' && key->data[i] <= 'Z')
            key->data[i] = (char)(key->data[i] + ('a' - 'A'));
    return pl_buf_addc(key, '\0', err) != 0 ||
                   pl_buf_addc(key, (char)kind, err) != 0
               ? -1
               : 0;
}

static int take_header(struct id_map *map, const struct pl_csv_record *record,
                       struct pl_err *err)
{
    map->id = map->user = SIZE_MAX;
    for (size_t i = 0; i < record->count; i++) {
        const struct pl_csv_cell *cell = &record->cells[i];

        if (pl_ieqn(cell->data, cell->len, "Id", 2))
            map->id = i;
        else if (pl_ieqn(cell->data, cell->len, "User.UserId", 11))
            map->user = i;
    }
    return map->id != SIZE_MAX && map->user != SIZE_MAX
               ? 0
               : pl_fail(err, PL_DATA_INVALID,
                         "its first line must name the columns 'Id' and "
                         "'User.UserId'");
}

/* What a profile can have as its account (sources 9.8). */
static bool is_account(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == '\x7f')
            return false;
    return pl_utf8_valid_len(text, len) == len &&
           pl_utf8_count(text, len) <= PL_PROFILE_VALUE_MAX;
}

static int take_record(struct id_map *map, const struct pl_csv_record *record,
                       struct pl_err *err)
{
    const char *user;
    const char *id;
    size_t id_len;
    size_t len;

    if (record->is_malformed)
        return pl_fail(err, PL_DATA_INVALID,
                       "record %" PRIu64 ": malformed quoting", map->number);
    if (map->number == 0)
        return take_header(map, record, err);
    if (record->count <= map->id || record->count <= map->user)
        return 0; /* an empty line, or one that ends early */
    user = record->cells[map->user].data;
    len = record->cells[map->user].len;
    trim(&user, &len);
    id = record->cells[map->id].data;
    id_len = record->cells[map->id].len;
    trim(&id, &id_len);
    if (len == 0 || id_len == 0)
        return 0;
    if (memchr(id, '\0', id_len) != NULL)
        return pl_fail(err, PL_DATA_INVALID,
                       "record %" PRIu64 ": a NUL byte in an Id", map->number);
    if (!is_account(user, len))
        return pl_fail(err, PL_DATA_INVALID,
                       "record %" PRIu64
                       ": a user's id is text in UTF-8 without control "
                       "characters, at most %d characters",
                       map->number, PL_PROFILE_VALUE_MAX);
    map->entries++;
    return pl_id_map_key(id, id_len, PL_ID_MAP_ENTRY, &map->key, err) != 0 ||
                   pl_sorter_add(map->to, map->key.data, map->key.len, user,
                                 len, err) != 0
               ? -1
               : 0;
}

/* Whole records of what is there; the rest is moved to the front. */
static int take_records(struct id_map *map, struct pl_err *err)
{
    size_t at = map->number == 0 && map->data.len >= 3 &&
                        memcmp(map->data.data, "\xEF\xBB\xBF", 3) == 0
                    ? 3
                    : 0;

    while (at < map->data.len) {
        struct pl_csv_record record;
        const int64_t len = pl_csv_reference_next(
            map->reference, map->data.data + at, map->data.len - at,
            map->is_end, &record, err);

        if (len < 0)
            return pl_context(err, "record %" PRIu64, map->number);
        if (len == 0)
            break;
        if (take_record(map, &record, err) != 0)
            return -1;
        map->number++;
        at += (size_t)len;
    }
    memmove(map->data.data, map->data.data + at, map->data.len - at);
    map->data.len -= at;
    return map->data.len <= RECORD_BYTES_MAX
               ? 0
               : pl_fail(err, PL_DATA_INVALID,
                         "record %" PRIu64 ": longer than %zu bytes; is a "
                         "quote left open?",
                         map->number, RECORD_BYTES_MAX);
}

int pl_id_map_read(const struct pl_source *in, struct pl_sorter *to,
                   uint64_t *entries, struct pl_err *err)
{
    PL_AUTO(id_map) map = {.in = in, .to = to};

    map.reference = pl_csv_reference_open(err);
    if (map.reference == NULL)
        return -1;
    while (!map.is_end) {
        size_t got;

        if (pl_stop_check(err) != 0 ||
            pl_buf_reserve(&map.data, READ_BYTES, err) != 0 ||
            pl_source_fill(in, map.data.data + map.data.len, READ_BYTES, &got,
                           err) != 0)
            return -1;
        map.data.len += got;
        map.is_end = got < READ_BYTES;
        if (take_records(&map, err) != 0)
            return -1;
    }
    if (map.number == 0)
        return pl_fail(err, PL_DATA_INVALID, "it is empty");
    *entries = map.entries;
    return 0;
}
