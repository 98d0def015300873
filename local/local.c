#include "local/local.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local/athena.h"
#include "local/pinpoint.h"
#include "local/profiles.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/file.h"
#include "pipeline/base/log.h"
#include "pipeline/base/text.h"

#define EXAMPLE_KEY "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

int local_keys_add(struct local_keys *keys, const struct local_key *key,
                   struct pl_err *err)
{
    struct local_key *items;
    size_t at = 0;

    (void)pthread_mutex_lock(&keys->lock);
    while (at < keys->count && strcmp(keys->items[at].access, key->access) != 0)
        at++;
    items = keys->items;
    if (at == keys->count) {
        items = realloc(keys->items, (at + 1) * sizeof(*items));
        if (items != NULL) {
            keys->items = items;
            keys->count++;
        }
    }
    if (items != NULL)
        items[at] = *key;
    (void)pthread_mutex_unlock(&keys->lock);
    return items != NULL ? 0 : pl_fail_memory(err);
}

bool local_keys_find(void *ctx, const char *access, struct local_key *key)
{
    struct local_keys *keys = ctx;
    bool found = false;

    (void)pthread_mutex_lock(&keys->lock);
    for (size_t i = 0; i < keys->count && !found; i++) {
        found = strcmp(keys->items[i].access, access) == 0;
        if (found)
            *key = keys->items[i];
    }
    (void)pthread_mutex_unlock(&keys->lock);
    return found;
}

/* "AK:SK[:TOKEN[:EXPIRES]]" */
static int add_key(struct local_keys *keys, const char *text, size_t len,
                   struct pl_err *err)
{
    struct local_key key = {.expires_at_ms = 0};
    char expires[24] = "";
    struct {
        char *to;
        size_t cap;
    } parts[4] = {{key.access, sizeof(key.access)},
                  {key.secret, sizeof(key.secret)},
                  {key.token, sizeof(key.token)},
                  {expires, sizeof(expires)}};
    uint64_t seconds = 0;
    size_t n = 0;
    int rc;

    for (size_t at = 0; at <= len && n < 4; n++) {
        const char *colon = memchr(text + at, ':', len - at);
        const size_t part =
            colon != NULL ? (size_t)(colon - text) - at : len - at;

        if (part >= parts[n].cap)
            return pl_fail(err, PL_USAGE_INVALID, "--key is too long");
        memcpy(parts[n].to, text + at, part);
        at += part + 1;
    }
    if (n < 2 || key.access[0] == '\0' || key.secret[0] == '\0' ||
        (expires[0] != '\0' && pl_parse_u64(expires, &seconds) != 0))
        return pl_fail(err, PL_USAGE_INVALID,
                       "--key takes AK:SK[:TOKEN[:EXPIRES]]");
    key.expires_at_ms = (int64_t)seconds * 1000;
    rc = local_keys_add(keys, &key, err);
    pl_wipe(&key, sizeof(key));
    return rc;
}

enum kind { KEY, BUCKET, APP, DOMAIN, TOPIC };

static int add_one(struct local *local, enum kind kind, const char *text,
                   size_t len, struct pl_err *err)
{
    PL_AUTO(pl_buf) name = PL_BUF_INIT;
    const char *code;
    char *at;

    if (pl_buf_add(&name, text, len, err) != 0)
        return -1;
    switch (kind) {
    case KEY:
        return add_key(&local->keys, text, len, err);
    case APP:
        return local_pinpoint_app(local, name.data, name.data, err);
    case DOMAIN:
        return local_profiles_domain(local, name.data, err);
    case TOPIC:
        return local_sns_topic(local, name.data, err);
    case BUCKET:
    default:
        at = strchr(name.data, '@'); /* "name@region" */
        if (at != NULL)
            *at = '\0';
        code = local_s3_create_bucket(&local->s3, name.data,
                                      at != NULL ? at + 1 : NULL);
        return code == NULL ? 0
                            : pl_fail(err, PL_USAGE_INVALID, "bucket '%s': %s",
                                      name.data, code);
    }
}

static int add_list(struct local *local, enum kind kind, const char *list,
                    struct pl_err *err)
{
    while (list != NULL && *list != '\0') {
        const size_t len = strcspn(list, ",");

        if (len > 0 && add_one(local, kind, list, len, err) != 0)
            return -1;
        list += len + (list[len] == ',');
    }
    return 0;
}

static int open_state(struct local *local, const char *dir, struct pl_err *err)
{
    const char *base = getenv("TMPDIR");
    PL_AUTO(pl_buf) name = PL_BUF_INIT;

    if (dir != NULL) {
        if (pl_mkdirs(dir, err) != 0)
            return -1;
        local->state = strdup(dir);
        return local->state != NULL ? 0 : pl_fail_memory(err);
    }
    if (pl_buf_addf(&name, err, "%s/lakeseg-local-XXXXXX",
                    base != NULL && base[0] != '\0' ? base : "/tmp") != 0)
        return -1;
    if (mkdtemp(name.data) == NULL)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot make '%s'", name.data);
    local->is_temporary = true;
    local->state = pl_buf_take(&name);
    return local->state != NULL ? 0 : pl_fail_memory(err);
}

/* Removes our temporary folder; links are removed, not followed. */
static void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    struct stat st;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        PL_AUTO(pl_buf) inner = PL_BUF_INIT;
        struct pl_err err = {0};

        if (strcmp(entry->d_name, ".") == 0 ||
            strcmp(entry->d_name, "..") == 0 ||
            pl_buf_addf(&inner, &err, "%s/%s", path, entry->d_name) != 0 ||
            lstat(inner.data, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode))
            remove_tree(inner.data);
        else
            (void)unlink(inner.data);
    }
    if (dir != NULL)
        (void)closedir(dir);
    (void)rmdir(path);
}

int local_open(struct local *local, const struct local_config *cfg,
               struct pl_err *err)
{
    PL_AUTO(pl_buf) s3 = PL_BUF_INIT;
    struct stat st;

    *local = (struct local){.region =
                                cfg->region != NULL ? cfg->region : "us-east-1",
                            .lake = cfg->lake,
                            .query_delay_ms = cfg->query_delay_ms,
                            .job_delay_ms = cfg->job_delay_ms,
                            .import_jobs = cfg->import_jobs};
    (void)pthread_mutex_init(&local->keys.lock, NULL);
    local_faults_init(&local->faults);
    if (cfg->faults != NULL &&
        local_faults_add_text(&local->faults, cfg->faults, err) != 0)
        return pl_context(err, "--fault");
    if (cfg->lake != NULL &&
        (stat(cfg->lake, &st) != 0 || !S_ISDIR(st.st_mode)))
        return pl_fail(err, PL_CONFIG_INVALID, "--lake '%s' is no folder",
                       cfg->lake);
    if (open_state(local, cfg->state, err) != 0 ||
        pl_buf_addf(&s3, err, "%s/s3", local->state) != 0 ||
        local_s3_open(&local->s3, s3.data, err) != 0 ||
        local_athena_open(local, err) != 0 ||
        local_pinpoint_open(local, err) != 0 ||
        local_profiles_open(local, err) != 0 || local_sns_open(local, err) != 0)
        return -1;
    local->s3.has_opaque_etags = cfg->has_opaque_etags;
    if (add_list(local, KEY, cfg->keys != NULL ? cfg->keys : EXAMPLE_KEY,
                 err) != 0 ||
        add_list(local, BUCKET, cfg->buckets, err) != 0 ||
        add_list(local, APP, cfg->apps, err) != 0 ||
        add_list(local, DOMAIN, cfg->domains, err) != 0)
        return -1;
    if (local_athena_workgroups_add(local, cfg->workgroups, err) != 0)
        return -1;
    return add_list(local, TOPIC, cfg->topics, err);
}

void local_release(struct local *local)
{
    if (local->region == NULL)
        return;
    local_athena_close(local);
    local_pinpoint_close(local);
    local_profiles_close(local);
    local_sns_close(local);
    local_s3_release(&local->s3);
    local_faults_release(&local->faults);
    if (local->keys.items != NULL)
        pl_wipe(local->keys.items,
                local->keys.count * sizeof(*local->keys.items));
    free(local->keys.items);
    (void)pthread_mutex_destroy(&local->keys.lock);
    if (local->is_temporary)
        remove_tree(local->state);
    free(local->state);
    *local = (struct local){.region = NULL};
}
