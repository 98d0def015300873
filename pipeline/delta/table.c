#define _DEFAULT_SOURCE /* anonymous mappings, madvise */
#include "pipeline/delta/table.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pipeline/base/file.h"
#include "pipeline/base/process.h"

#define SPARE \
    4096                  /* places behind the last home: at three quarters full
                          a run of taken ones is seldom longer than 400 */
#define LOAD_A_LOOK 65536 /* fingerprints between two looks for a signal */

/* A place that holds nothing is all zeros; so may a fingerprint be, whose id
 * is 0: such an id is kept as 1, in the table alone. */
static uint64_t kept(uint64_t id)
{
    return id == 0 ? 1 : id;
}

/* Memory of large pages, where the system has them: a look-up anywhere in it
 * else waits for the tables of pages more than for the place itself. */
static void *map_memory(size_t bytes)
{
    void *place = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

#ifdef MADV_HUGEPAGE
    if (place != MAP_FAILED)
        (void)madvise(place, bytes, MADV_HUGEPAGE);
#endif
    return place;
}

static void *map_file(size_t bytes, const char *temp_dir, struct pl_err *err)
{
    const int fd = pl_file_nameless(temp_dir, err);
    void *place = MAP_FAILED;

    if (fd < 0)
        return MAP_FAILED;
    if (ftruncate(fd, (off_t)bytes) == 0)
        place = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (place == MAP_FAILED)
        (void)pl_fail_errno(err, PL_FILE_ERROR,
                            "cannot keep fingerprints in a temporary file");
    (void)close(fd);
    return place;
}

static int make_places(struct pl_delta_table *t, uint64_t count, size_t memory,
                       const char *temp_dir, struct pl_err *err)
{
    const uint64_t cap = count + count / 3 + SPARE;
    const size_t words = (size_t)(cap / 64 + 1);
    void *place;

    if (cap > SIZE_MAX / 64)
        return pl_fail_memory(err);
    t->bytes = (size_t)cap * sizeof(*t->places) + 2 * words * 8;
    place = t->bytes > memory ? map_file(t->bytes, temp_dir, err)
                              : map_memory(t->bytes);
    if (place == MAP_FAILED)
        return err->code != PL_OK ? -1 : pl_fail_memory(err);
    t->places = place;
    t->marks = (uint64_t *)(void *)(t->places + cap);
    t->cap = (size_t)cap - SPARE;
    return 0;
}

void pl_delta_table_release(struct pl_delta_table *t)
{
    if (t->places != NULL)
        (void)munmap(t->places, t->bytes);
    memset(t, 0, sizeof(*t));
}

/* Places with nothing in them that are left behind the last home: one is kept
 * free, so that every search ends. */
static int append(struct pl_delta_table *t, size_t *at,
                  const struct pl_delta_print *p, struct pl_err *err)
{
    const size_t home = pl_delta_home(t, kept(p->id));

    if (home > *at)
        *at = home;
    if (*at + 1 >= t->cap + SPARE)
        return pl_fail(err, PL_DATA_INVALID,
                       "no whole file of fingerprints: too many alike");
    t->places[*at] = *p;
    t->places[(*at)++].id = kept(p->id);
    t->count++;
    return 0;
}

/* The heads of several sorted files. */
struct merge {
    struct pl_delta_file_reader *const *files;
    const struct pl_delta_print *heads[PL_DELTA_SOURCES];
    size_t count;
};

static int step(struct merge *m, size_t i, struct pl_err *err)
{
    struct pl_err why = {0};

    m->heads[i] = pl_delta_read(m->files[i], &why);
    if (why.code == PL_OK)
        return 0;
    *err = why;
    return -1;
}

/* The least id of the heads, which move on; 0: there is none. */
static int next(struct merge *m, struct pl_delta_print *p, struct pl_err *err)
{
    const struct pl_delta_print *least = NULL;
    bool is_same = true;

    for (size_t i = 0; i < m->count; i++)
        if (m->heads[i] != NULL &&
            (least == NULL || m->heads[i]->id < least->id))
            least = m->heads[i];
    if (least == NULL)
        return 0;
    *p = *least;
    for (size_t i = 0; i < m->count; i++) {
        const struct pl_delta_print *head = m->heads[i];

        if (head == NULL || head->id != p->id || head->row[0] != p->row[0] ||
            head->row[1] != p->row[1])
            is_same = false;
        if (head != NULL && head->id == p->id && step(m, i, err) != 0)
            return -1;
    }
    if (!is_same)
        p->row[0] = p->row[1] = 0;
    return 1;
}

int pl_delta_table_load(struct pl_delta_table *t,
                        struct pl_delta_file_reader *const files[],
                        size_t file_count, size_t memory, const char *temp_dir,
                        struct pl_err *err)
{
    struct merge m = {.files = files, .count = file_count};
    struct pl_delta_print p;
    uint64_t count = 0;
    size_t at = 0;
    int rc;

    for (size_t i = 0; i < file_count; i++)
        count += files[i]->head.count;
    if (make_places(t, count, memory, temp_dir, err) != 0)
        return -1;
    for (size_t i = 0; i < file_count; i++)
        if (step(&m, i, err) != 0)
            return -1;
    while ((rc = next(&m, &p, err)) > 0)
        if ((t->count % LOAD_A_LOOK == 0 && pl_stop_check(err) != 0) ||
            append(t, &at, &p, err) != 0)
            return -1;
    return rc;
}

size_t pl_delta_table_first(const struct pl_delta_table *t, uint64_t id)
{
    size_t at;

    if (t->places == NULL)
        return SIZE_MAX;
    id = kept(id);
    for (at = pl_delta_home(t, id); t->places[at].id < id; at++)
        if (t->places[at].id == 0)
            return SIZE_MAX;
    return t->places[at].id == id ? at : SIZE_MAX;
}

size_t pl_delta_table_find(const struct pl_delta_table *t, uint64_t id)
{
    size_t at = pl_delta_table_first(t, id);

    while (at != SIZE_MAX && pl_delta_is_seen(t, at))
        at = t->places[at + 1].id == kept(id) ? at + 1 : SIZE_MAX;
    return at;
}

bool pl_delta_table_once(struct pl_delta_table *t, size_t at)
{
    uint64_t *marks = t->marks + (t->cap + SPARE) / 64 + 1;
    const uint64_t bit = UINT64_C(1) << (at % 64);
    const bool is_first = (marks[at / 64] & bit) == 0;

    marks[at / 64] |= bit;
    return is_first;
}

size_t pl_delta_table_next(const struct pl_delta_table *t, size_t at)
{
    for (; t->places != NULL && at < t->cap + SPARE; at++)
        if (t->places[at].id != 0)
            return at;
    return SIZE_MAX;
}
