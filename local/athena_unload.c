#include "local/athena_unload.h"

#include <unistd.h>

#include "local/gzip.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

#define FOLDERS_MAX 100 /* Athena's own limit of open partitions */
#define READ_BYTES ((size_t)256 << 10)

struct part {
    char *key;
    struct local_s3_file file;
    struct local_gzip gzip;
    bool is_open;
};

struct folder {
    char *name;
    struct part *parts;
    unsigned next;
};

struct local_unload {
    struct local *local;
    const struct local_athena_query *q;
    char *bucket;
    char *prefix; /* ends in a slash, or is "" */
    char stamp[64];
    unsigned parts; /* of each folder */
    struct folder folders[FOLDERS_MAX];
    size_t count;
    uint64_t rows;
};

/* "20261123_010203_00001_abcde_", as the engine names its files. */
static void make_stamp(struct local_unload *u)
{
    char now[PL_TIME_LEN];

    pl_time_basic(pl_now_ms(&pl_clock_real), now);
    (void)snprintf(u->stamp, sizeof(u->stamp), "%.8s_%.6s_00001_%.5s_", now,
                   now + 9, u->q->id);
}

static int split(struct local_unload *u, struct pl_err *err)
{
    const char *name = pl_buf_str(&u->q->statement.to) + strlen("s3://");
    const size_t len = strcspn(name, "/");
    const char *path = name[len] == '/' ? name + len + 1 : "";
    PL_AUTO(pl_buf) prefix = PL_BUF_INIT;

    if (pl_buf_addf(&prefix, err, "%s%s", path,
                    path[0] == '\0' || pl_ends_with(path, "/") ? "" : "/") != 0)
        return -1;
    u->bucket = strndup(name, len);
    u->prefix = pl_buf_take(&prefix);
    return u->bucket != NULL && u->prefix != NULL ? 0 : pl_fail_memory(err);
}

static int judge_place(const struct local_unload *u, struct pl_err *err)
{
    struct local_s3 *s3 = &u->local->s3;
    const struct local_s3_bucket *b;
    bool is_there;
    bool is_used = false;

    (void)pthread_mutex_lock(&s3->lock);
    b = local_s3_bucket(s3, u->bucket);
    is_there = b != NULL;
    if (b != NULL) {
        const size_t at = local_s3_lower(b, u->prefix);

        is_used =
            at < b->count && pl_starts_with(b->objects[at].key, u->prefix);
    }
    (void)pthread_mutex_unlock(&s3->lock);
    if (!is_there)
        return pl_fail(err, PL_QUERY_FAILED,
                       "NOT_FOUND: The specified bucket does not exist "
                       "(Bucket: %s)",
                       u->bucket);
    if (is_used && u->q->statement.partitions == NULL)
        return pl_fail(err, PL_QUERY_FAILED,
                       "HIVE_PATH_ALREADY_EXISTS: Target directory for table "
                       "already exists: s3://%s/%s. You may need to manually "
                       "clean the data at this location before retrying",
                       u->bucket, u->prefix);
    return 0;
}

int local_unload_open(struct local_unload **unload, struct local *local,
                      const struct local_athena_query *q, struct pl_err *err)
{
    struct local_unload *u = calloc(1, sizeof(*u));

    *unload = u;
    if (u == NULL)
        return pl_fail_memory(err);
    u->local = local;
    u->q = q;
    u->parts = q->unload_parts;
    make_stamp(u);
    return split(u, err) == 0 ? judge_place(u, err) : -1;
}

static int write_file(void *ctx, const void *data, size_t len,
                      struct pl_err *err)
{
    return local_s3_file_write(ctx, data, len, err);
}

static int open_part(struct local_unload *u, const char *folder,
                     struct part *part, bool is_gzip, struct pl_err *err)
{
    const struct pl_sink sink = {&part->file, write_file};
    PL_AUTO(pl_buf) key = PL_BUF_INIT;
    char id[40];

    if (local_uuid(id, err) != 0 ||
        pl_buf_addf(&key, err, "%s%s%s%s%s", u->prefix, folder, u->stamp, id,
                    is_gzip ? ".gz" : "") != 0 ||
        local_s3_file_open(&part->file, &u->local->s3, err) != 0)
        return -1;
    part->is_open = true;
    part->key = pl_buf_take(&key);
    if (part->key == NULL)
        return pl_fail_memory(err);
    return is_gzip ? local_gzip_open(&part->gzip, &sink, err) : 0;
}

static int find_folder(struct local_unload *u, const char *name,
                       struct folder **found, struct pl_err *err)
{
    struct folder *f;

    for (size_t i = 0; i < u->count; i++)
        if (strcmp(u->folders[i].name, name) == 0) {
            *found = &u->folders[i];
            return 0;
        }
    if (u->count == FOLDERS_MAX)
        return pl_fail(err, PL_QUERY_FAILED,
                       "HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of %d "
                       "open writers for partitions/buckets",
                       FOLDERS_MAX);
    f = &u->folders[u->count];
    f->parts = calloc(u->parts, sizeof(*f->parts));
    f->name = strdup(name);
    u->count++;
    *found = f;
    return f->parts != NULL && f->name != NULL ? 0 : pl_fail_memory(err);
}

int local_unload_take(void *unload, const char *folder, const char *text,
                      size_t len, struct pl_err *err)
{
    struct local_unload *u = unload;
    struct folder *f = NULL;
    struct part *part;

    if (find_folder(u, folder, &f, err) != 0)
        return -1;
    part = &f->parts[f->next];
    f->next = (f->next + 1) % u->parts;
    u->rows++;
    if (!part->is_open && open_part(u, folder, part, true, err) != 0)
        return -1;
    return local_gzip_add(&part->gzip, text, len, err);
}

int local_unload_file(struct local_unload *u, const char *path, uint64_t rows,
                      struct pl_err *err)
{
    PL_AUTO(pl_buf) data = PL_BUF_INIT_MAX(READ_BYTES);
    struct folder *f = NULL;
    FILE *file;
    size_t n;
    int rc = 0;

    if (rows == 0)
        return 0;
    if (find_folder(u, "", &f, err) != 0 ||
        open_part(u, "", &f->parts[0], false, err) != 0 ||
        pl_buf_reserve(&data, READ_BYTES - 1, err) != 0)
        return -1;
    file = fopen(path, "rb");
    if (file == NULL)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot read '%s'", path);
    while (rc == 0 && (n = fread(data.data, 1, READ_BYTES - 1, file)) > 0)
        rc = local_s3_file_write(&f->parts[0].file, data.data, n, err);
    if (rc == 0 && ferror(file))
        rc = pl_fail(err, PL_FILE_ERROR, "cannot read '%s'", path);
    (void)fclose(file);
    u->rows = rows;
    return rc;
}

int local_unload_end(struct local_unload *u, struct pl_err *err)
{
    for (size_t i = 0; i < u->count; i++)
        for (unsigned n = 0; n < u->parts; n++) {
            struct part *part = &u->folders[i].parts[n];

            if (!part->is_open)
                continue;
            if ((part->gzip.impl != NULL &&
                 local_gzip_end(&part->gzip, err) != 0) ||
                local_s3_file_end(&part->file, err) != 0)
                return -1;
        }
    return 0;
}

const char *local_unload_keep(struct local_unload *u, json_t **uris,
                              uint64_t *rows)
{
    json_t *all = json_array();

    for (size_t i = 0; i < u->count; i++)
        for (unsigned n = 0; n < u->parts; n++) {
            struct part *part = &u->folders[i].parts[n];
            const char *code;

            if (!part->is_open)
                continue;
            code = local_athena_put(u->local, u->q, u->bucket, part->key,
                                    &part->file);
            if (code != NULL) {
                json_decref(all);
                return code;
            }
            (void)json_array_append_new(
                all, json_sprintf("s3://%s/%s", u->bucket, part->key));
        }
    *uris = all;
    *rows = u->rows;
    return NULL;
}

void local_unload_free(struct local_unload *u)
{
    if (u == NULL)
        return;
    for (size_t i = 0; i < u->count; i++) {
        for (unsigned n = 0; u->folders[i].parts != NULL && n < u->parts; n++) {
            struct part *part = &u->folders[i].parts[n];

            local_gzip_release(&part->gzip);
            if (part->is_open)
                local_s3_file_release(&part->file);
            free(part->key);
        }
        free(u->folders[i].parts);
        free(u->folders[i].name);
    }
    free(u->bucket);
    free(u->prefix);
    free(u);
}
