#include "local/s3_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "local/http.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/file.h"
#include "pipeline/base/log.h"
#include "pipeline/base/text.h"

#define SIDECAR_MAX ((size_t)1 << 20)

static const char *internal(const struct pl_err *err)
{
    pl_warn("s3: %s", err->msg);
    return "InternalError";
}

static int data_path(const struct local_s3 *s3, const char *file,
                     struct pl_buf *path, struct pl_err *err)
{
    return pl_buf_addf(path, err, "%s/data/%s", s3->dir, file);
}

static int sidecar_path(const struct local_s3 *s3, const char *bucket,
                        const char *key, struct pl_buf *path,
                        struct pl_err *err)
{
    unsigned char hash[PL_SHA256_BYTES];
    char hex[65];

    pl_sha256(key, strlen(key), hash);
    pl_hex(hash, sizeof(hash), hex);
    return pl_buf_addf(path, err, "%s/buckets/%s/%s.json", s3->dir, bucket,
                       hex);
}

int local_s3_data_write(const struct local_s3 *s3, const char *file, int flags,
                        struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    int fd;

    if (data_path(s3, file, &path, err) != 0)
        return -1;
    fd = open(path.data, O_WRONLY | O_CLOEXEC | flags, 0666);
    if (fd < 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot write '%s'",
                             path.data);
    return fd;
}

int local_s3_data_open(const struct local_s3 *s3, const char *file,
                       struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    int fd;

    if (data_path(s3, file, &path, err) != 0)
        return -1;
    fd = open(path.data, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot open '%s'", path.data);
    return fd;
}

int local_s3_data_move(const struct local_s3 *s3, const char *file,
                       const char *to, struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;

    if (data_path(s3, file, &path, err) != 0)
        return -1;
    if (rename(path.data, to) != 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot rename '%s'",
                             path.data);
    return 0;
}

void local_s3_data_remove(const struct local_s3 *s3, const char *file)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    struct pl_err err = {0};

    if (data_path(s3, file, &path, &err) == 0)
        (void)unlink(path.data);
}

/* 3 to 63 of a-z 0-9 . -, a letter or digit at both ends, no "..". */
bool local_s3_is_bucket_name(const char *name)
{
    static const char ends[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    const size_t len = strlen(name);

    return len >= 3 && len <= 63 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len &&
           strchr(ends, name[0]) != NULL &&
           strchr(ends, name[len - 1]) != NULL && strstr(name, "..") == NULL;
}

struct local_s3_bucket *local_s3_bucket(struct local_s3 *s3, const char *name)
{
    for (size_t i = 0; i < s3->bucket_count; i++)
        if (strcmp(s3->buckets[i].name, name) == 0)
            return &s3->buckets[i];
    return NULL;
}

void local_s3_region(struct local_s3 *s3, const char *name, char region[32])
{
    const struct local_s3_bucket *b;

    (void)pthread_mutex_lock(&s3->lock);
    b = local_s3_bucket(s3, name);
    (void)snprintf(region, 32, "%s", b != NULL ? b->region : "");
    (void)pthread_mutex_unlock(&s3->lock);
}

bool local_s3_knows_region(struct local_s3 *s3, const char *region)
{
    bool knows = false;

    (void)pthread_mutex_lock(&s3->lock);
    for (size_t i = 0; i < s3->bucket_count; i++)
        knows = knows || strcmp(s3->buckets[i].region, region) == 0;
    (void)pthread_mutex_unlock(&s3->lock);
    return knows;
}

bool local_s3_has_bucket(struct local_s3 *s3, const char *name)
{
    bool has;

    (void)pthread_mutex_lock(&s3->lock);
    has = local_s3_bucket(s3, name) != NULL;
    (void)pthread_mutex_unlock(&s3->lock);
    return has;
}

size_t local_s3_lower(const struct local_s3_bucket *b, const char *key)
{
    size_t from = 0;
    size_t to = b->count;

    while (from < to) {
        const size_t mid = from + (to - from) / 2;

        if (strcmp(b->objects[mid].key, key) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

const struct local_s3_object *local_s3_find(const struct local_s3_bucket *b,
                                            const char *key)
{
    const size_t at = local_s3_lower(b, key);

    return at < b->count && strcmp(b->objects[at].key, key) == 0
               ? &b->objects[at]
               : NULL;
}

/* Adds an empty bucket to the index, in its place. */
static int add_bucket(struct local_s3 *s3, const char *name, int64_t created_ms,
                      struct pl_err *err)
{
    struct local_s3_bucket *list =
        realloc(s3->buckets, (s3->bucket_count + 1) * sizeof(*list));
    char *copy = strdup(name);
    size_t at = s3->bucket_count;

    if (list != NULL)
        s3->buckets = list;
    if (list == NULL || copy == NULL) {
        free(copy);
        return pl_fail_memory(err);
    }
    while (at > 0 && strcmp(list[at - 1].name, name) > 0) {
        list[at] = list[at - 1];
        at--;
    }
    list[at] = (struct local_s3_bucket){.name = copy, .created_ms = created_ms};
    s3->bucket_count++;
    return 0;
}

/* Puts an object into the index; *old_file names what it replaced, or "". */
static int add_object(struct local_s3_bucket *b, const char *key, json_t *meta,
                      char old_file[40], struct pl_err *err)
{
    const size_t at = local_s3_lower(b, key);
    char *copy;

    old_file[0] = '\0';
    if (at < b->count && strcmp(b->objects[at].key, key) == 0) {
        const char *file =
            json_string_value(json_object_get(b->objects[at].meta, "file"));

        (void)snprintf(old_file, 40, "%s", file != NULL ? file : "");
        json_decref(b->objects[at].meta);
        b->objects[at].meta = json_incref(meta);
        return 0;
    }
    if (b->count == b->cap) {
        const size_t cap = b->cap == 0 ? 64 : b->cap * 2;
        struct local_s3_object *list = realloc(b->objects, cap * sizeof(*list));

        if (list == NULL)
            return pl_fail_memory(err);
        b->objects = list;
        b->cap = cap;
    }
    copy = strdup(key);
    if (copy == NULL)
        return pl_fail_memory(err);
    memmove(&b->objects[at + 1], &b->objects[at],
            (b->count - at) * sizeof(*b->objects));
    b->objects[at] = (struct local_s3_object){copy, json_incref(meta)};
    b->count++;
    return 0;
}

static int load_object(struct local_s3_bucket *b, const char *path,
                       struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(SIDECAR_MAX);
    char old_file[40];
    json_t *meta;
    const char *key;
    int rc = 0;

    if (pl_file_read(path, &text, err) != 0)
        return -1;
    meta = json_loadb(pl_buf_str(&text), text.len, 0, NULL);
    key = json_string_value(json_object_get(meta, "key"));
    if (key == NULL)
        pl_warn("s3: '%s' is no object and is left out", path);
    else
        rc = add_object(b, key, meta, old_file, err);
    json_decref(meta);
    return rc;
}

/* The note of create_bucket, if there is one. */
static void load_region(struct local_s3_bucket *b, const char *folder)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(sizeof(b->region));
    struct pl_err none = {0};

    if (pl_buf_addf(&path, &none, "%s/region", folder) == 0 &&
        access(path.data, R_OK) == 0 &&
        pl_file_read(path.data, &text, &none) == 0)
        (void)snprintf(b->region, sizeof(b->region), "%s", pl_buf_str(&text));
}

static int load_bucket(struct local_s3 *s3, const char *name,
                       struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    const struct dirent *entry;
    size_t dir_len;
    DIR *dir;
    int rc = 0;

    if (add_bucket(s3, name, pl_now_ms(&pl_clock_real), err) != 0 ||
        pl_buf_addf(&path, err, "%s/buckets/%s", s3->dir, name) != 0)
        return -1;
    dir = opendir(path.data);
    if (dir == NULL)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot read '%s'", path.data);
    dir_len = path.len;
    load_region(local_s3_bucket(s3, name), path.data);
    while (rc == 0 && (entry = readdir(dir)) != NULL) {
        if (!pl_ends_with(entry->d_name, ".json"))
            continue;
        path.len = dir_len;
        rc = pl_buf_addf(&path, err, "/%s", entry->d_name);
        if (rc == 0)
            rc = load_object(local_s3_bucket(s3, name), path.data, err);
    }
    (void)closedir(dir);
    return rc;
}

static int load_buckets(struct local_s3 *s3, struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    const struct dirent *entry;
    DIR *dir;
    int rc = 0;

    if (pl_buf_addf(&path, err, "%s/buckets", s3->dir) != 0)
        return -1;
    dir = opendir(path.data);
    if (dir == NULL)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot read '%s'", path.data);
    while (rc == 0 && (entry = readdir(dir)) != NULL)
        if (local_s3_is_bucket_name(entry->d_name))
            rc = load_bucket(s3, entry->d_name, err);
    (void)closedir(dir);
    return rc;
}

static bool is_used(const struct local_s3 *s3, const char *file)
{
    for (size_t b = 0; b < s3->bucket_count; b++)
        for (size_t i = 0; i < s3->buckets[b].count; i++) {
            const char *name = json_string_value(
                json_object_get(s3->buckets[b].objects[i].meta, "file"));

            if (name != NULL && strcmp(name, file) == 0)
                return true;
        }
    return false;
}

/* Uploads do not outlive the process; what they left behind goes. */
static int drop_orphans(struct local_s3 *s3, struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    const struct dirent *entry;
    DIR *dir;

    if (pl_buf_addf(&path, err, "%s/data", s3->dir) != 0)
        return -1;
    dir = opendir(path.data);
    if (dir == NULL)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot read '%s'", path.data);
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.' && !is_used(s3, entry->d_name))
            local_s3_data_remove(s3, entry->d_name);
    (void)closedir(dir);
    return 0;
}

int local_s3_open(struct local_s3 *s3, const char *dir, struct pl_err *err)
{
    PL_AUTO(pl_buf) data = PL_BUF_INIT;
    PL_AUTO(pl_buf) buckets = PL_BUF_INIT;

    *s3 = (struct local_s3){.dir = strdup(dir)};
    if (s3->dir == NULL)
        return pl_fail_memory(err);
    (void)pthread_mutex_init(&s3->lock, NULL);
    if (pl_buf_addf(&data, err, "%s/data", dir) != 0 ||
        pl_buf_addf(&buckets, err, "%s/buckets", dir) != 0 ||
        pl_mkdirs(data.data, err) != 0 || pl_mkdirs(buckets.data, err) != 0)
        return -1;
    if (load_buckets(s3, err) != 0)
        return -1;
    return drop_orphans(s3, err);
}

void local_s3_release(struct local_s3 *s3)
{
    if (s3->dir == NULL)
        return;
    for (size_t i = 0; i < s3->upload_count; i++)
        local_s3_upload_free(s3, s3->uploads[i]);
    for (size_t b = 0; b < s3->bucket_count; b++) {
        for (size_t i = 0; i < s3->buckets[b].count; i++) {
            free(s3->buckets[b].objects[i].key);
            json_decref(s3->buckets[b].objects[i].meta);
        }
        free(s3->buckets[b].objects);
        free(s3->buckets[b].name);
    }
    free(s3->uploads);
    free(s3->buckets);
    free(s3->dir);
    (void)pthread_mutex_destroy(&s3->lock);
    *s3 = (struct local_s3){0};
}

/* Creates the folder, with a note when the bucket is elsewhere. */
static int make_folder(const struct local_s3 *s3, const char *name,
                       const char *region, struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;

    if (pl_buf_addf(&path, err, "%s/buckets/%s", s3->dir, name) != 0 ||
        pl_mkdirs(path.data, err) != 0)
        return -1;
    if (region == NULL)
        return 0;
    if (pl_buf_adds(&path, "/region", err) != 0)
        return -1;
    return pl_file_write(path.data, region, strlen(region), err);
}

const char *local_s3_create_bucket(struct local_s3 *s3, const char *name,
                                   const char *region)
{
    struct local_s3_bucket *b;
    struct pl_err err = {0};
    const char *code = NULL;

    if (!local_s3_is_bucket_name(name) ||
        (region != NULL &&
         (region[0] == '\0' || strlen(region) >= sizeof(b->region))))
        return "InvalidBucketName";
    (void)pthread_mutex_lock(&s3->lock);
    if (make_folder(s3, name, region, &err) != 0 ||
        (local_s3_bucket(s3, name) == NULL &&
         add_bucket(s3, name, pl_now_ms(&pl_clock_real), &err) != 0))
        code = internal(&err);
    b = local_s3_bucket(s3, name);
    if (b != NULL && region != NULL)
        (void)snprintf(b->region, sizeof(b->region), "%s", region);
    (void)pthread_mutex_unlock(&s3->lock);
    return code;
}

/* Is an ETag as clients send it, with or without quotes, this one? */
static bool is_etag(const char *sent, const char *etag)
{
    const size_t len = strlen(etag);

    if (sent[0] == '"')
        return strlen(sent) == len + 2 && memcmp(sent + 1, etag, len) == 0;
    return strcmp(sent, etag) == 0;
}

static const char *check_conditions(const struct local_s3_bucket *b,
                                    const struct local_s3_put *put)
{
    const struct local_s3_object *now = local_s3_find(b, put->key);

    if (put->if_none_match != NULL) {
        if (strcmp(put->if_none_match, "*") != 0)
            return "NotImplemented";
        if (now != NULL)
            return "PreconditionFailed";
    }
    if (put->if_match == NULL)
        return NULL;
    if (now == NULL)
        return "NoSuchKey";
    return is_etag(put->if_match,
                   json_string_value(json_object_get(now->meta, "etag")))
               ? NULL
               : "PreconditionFailed";
}

static json_t *make_meta(const struct local_s3_put *put,
                         const struct local_s3_file *file)
{
    char md5[33];
    json_t *meta;

    pl_hex(file->md5_value, 16, md5);
    meta = json_pack("{s:s,s:s,s:I,s:s,s:I}", "key", put->key, "file",
                     file->name, "bytes", (json_int_t)file->bytes, "etag",
                     put->etag != NULL ? put->etag : md5, "modified_ms",
                     (json_int_t)pl_now_ms(&pl_clock_real));
    if (meta == NULL)
        return NULL;
    if (put->headers != NULL)
        (void)json_object_set(meta, "headers", put->headers);
    if (put->checksums != NULL) {
        (void)json_object_set(meta, "checksums", put->checksums);
    } else { /* S3 makes one of its own */
        char crc64[PL_CRC64_TEXT];

        pl_crc64_text(file->crc64, crc64);
        (void)json_object_set_new(
            meta, "checksums",
            json_pack("{s:s}", "x-amz-checksum-crc64nvme", crc64));
    }
    if (put->part_list != NULL)
        (void)json_object_set_new(meta, "part_list",
                                  json_string(put->part_list));
    if (put->checksum_type != NULL && put->checksum_type[0] != '\0')
        (void)json_object_set_new(meta, "checksum_type",
                                  json_string(put->checksum_type));
    if (put->part_count > 0)
        (void)json_object_set_new(meta, "parts",
                                  json_integer((json_int_t)put->part_count));
    return meta;
}

static int write_sidecar(struct local_s3 *s3, const struct local_s3_put *put,
                         const json_t *meta, struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    char *text = json_dumps(meta, JSON_COMPACT);
    int rc = -1;

    if (text == NULL)
        return pl_fail_memory(err);
    if (sidecar_path(s3, put->bucket, put->key, &path, err) == 0)
        rc = pl_file_write(path.data, text, strlen(text), err);
    free(text);
    return rc;
}

static const char *commit_locked(struct local_s3 *s3,
                                 const struct local_s3_put *put,
                                 struct local_s3_file *file, char old_file[40])
{
    struct local_s3_bucket *b = local_s3_bucket(s3, put->bucket);
    const char *code = b != NULL ? check_conditions(b, put) : "NoSuchBucket";
    struct pl_err err = {0};
    json_t *meta;

    if (code != NULL)
        return code;
    meta = make_meta(put, file);
    if (meta == NULL) {
        (void)pl_fail_memory(&err);
        return internal(&err);
    }
    if (write_sidecar(s3, put, meta, &err) != 0 ||
        add_object(b, put->key, meta, old_file, &err) != 0) {
        json_decref(meta);
        return internal(&err);
    }
    json_decref(meta);
    file->name[0] = '\0'; /* an object's now */
    return NULL;
}

const char *local_s3_commit(struct local_s3 *s3, const struct local_s3_put *put,
                            struct local_s3_file *file)
{
    char old_file[40] = "";
    const char *code;

    (void)pthread_mutex_lock(&s3->lock);
    code = commit_locked(s3, put, file, old_file);
    (void)pthread_mutex_unlock(&s3->lock);
    if (code == NULL && old_file[0] != '\0') /* long, if it is large */
        local_s3_data_remove(s3, old_file);
    return code;
}

static const char *delete_locked(struct local_s3 *s3, const char *bucket,
                                 const char *key, char old_file[40])
{
    struct local_s3_bucket *b = local_s3_bucket(s3, bucket);
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    struct pl_err err = {0};
    size_t at;

    if (b == NULL)
        return "NoSuchBucket";
    if (local_s3_find(b, key) == NULL)
        return NULL;
    at = local_s3_lower(b, key);
    if (sidecar_path(s3, bucket, key, &path, &err) != 0)
        return internal(&err);
    if (unlink(path.data) != 0) {
        (void)pl_fail_errno(&err, PL_FILE_ERROR, "cannot remove '%s'",
                            path.data);
        return internal(&err);
    }
    (void)snprintf(
        old_file, 40, "%s",
        json_string_value(json_object_get(b->objects[at].meta, "file")));
    free(b->objects[at].key);
    json_decref(b->objects[at].meta);
    b->count--;
    memmove(&b->objects[at], &b->objects[at + 1],
            (b->count - at) * sizeof(*b->objects));
    return NULL;
}

const char *local_s3_delete(struct local_s3 *s3, const char *bucket,
                            const char *key)
{
    char old_file[40] = "";
    const char *code;

    (void)pthread_mutex_lock(&s3->lock);
    code = delete_locked(s3, bucket, key, old_file);
    (void)pthread_mutex_unlock(&s3->lock);
    if (old_file[0] != '\0')
        local_s3_data_remove(s3, old_file);
    return code;
}

static const char *get_locked(struct local_s3 *s3, const char *bucket,
                              const char *key, int *fd, json_t **meta)
{
    const struct local_s3_bucket *b = local_s3_bucket(s3, bucket);
    const struct local_s3_object *object =
        b != NULL ? local_s3_find(b, key) : NULL;
    struct pl_err err = {0};

    if (object == NULL)
        return b != NULL ? "NoSuchKey" : "NoSuchBucket";
    *fd = local_s3_data_open(
        s3, json_string_value(json_object_get(object->meta, "file")), &err);
    if (*fd < 0)
        return internal(&err);
    *meta = json_deep_copy(object->meta); /* reference counts are not atomic */
    return NULL;
}

const char *local_s3_get(struct local_s3 *s3, const char *bucket,
                         const char *key, int *fd, json_t **meta)
{
    const char *code;

    (void)pthread_mutex_lock(&s3->lock);
    code = get_locked(s3, bucket, key, fd, meta);
    (void)pthread_mutex_unlock(&s3->lock);
    return code;
}
