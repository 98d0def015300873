/* A domain on disk: <state>/profiles/<domain>.json. */
#include "local/profiles.h"

#include <dirent.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

#define STATE_MAX ((size_t)1 << 30)

static json_t **part(struct local_domain *d, size_t i, const char **name)
{
    struct {
        const char *name;
        json_t **at;
    } parts[] = {{"about", &d->about},         {"types", &d->types},
                 {"jobs", &d->jobs},           {"segments", &d->segments},
                 {"snapshots", &d->snapshots}, {"profiles", &d->profiles}};

    if (i >= PL_COUNT(parts))
        return NULL;
    *name = parts[i].name;
    return parts[i].at;
}

int profiles_save(struct local *local, struct local_domain *d,
                  struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    json_t *doc = json_object();
    const char *name;
    json_t **at;
    char *text;
    int rc;

    for (size_t i = 0; (at = part(d, i, &name)) != NULL; i++)
        (void)json_object_set(doc, name, *at);
    text = json_dumps(doc, JSON_COMPACT);
    json_decref(doc);
    if (text == NULL)
        return pl_fail_memory(err);
    rc = pl_buf_addf(&path, err, "%s/profiles/%s.json", local->state,
                     d->name) == 0
             ? pl_file_write(path.data, text, strlen(text), err)
             : -1;
    free(text);
    if (rc == 0)
        d->is_changed = false;
    return rc;
}

/* Jobs that the last process did not finish have failed. */
static void end_jobs(const struct local_domain *d)
{
    const char *id;
    const json_t *job;

    json_object_foreach(d->jobs, id, job)
    {
        json_t *shown = json_object_get(job, "shown");
        const char *status =
            json_string_value(json_object_get(shown, "Status"));

        if (status == NULL || strcmp(status, "IN_PROGRESS") == 0) {
            (void)json_object_set_new(shown, "Status", json_string("FAILED"));
            (void)json_object_set_new(shown, "StatusReason",
                                      json_string("INTERNAL_FAILURE"));
        }
    }
}

static int load_domain(struct local *local, const char *name,
                       struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(STATE_MAX);
    struct local_domain *d;
    const char *part_name;
    json_t **at;
    const char *id;
    json_t *profile;
    json_t *doc;

    if (pl_buf_addf(&path, err, "%s/profiles/%s.json", local->state, name) !=
            0 ||
        pl_file_read(path.data, &text, err) != 0 ||
        local_profiles_domain(local, name, err) != 0)
        return -1;
    d = local_profiles_find(local->profiles, name);
    doc = json_loadb(text.data, text.len, 0, NULL);
    for (size_t i = 0; (at = part(d, i, &part_name)) != NULL; i++)
        if (json_is_object(json_object_get(doc, part_name))) {
            json_decref(*at);
            *at = json_incref(json_object_get(doc, part_name));
        }
    json_decref(doc);
    end_jobs(d);
    d->next_expiry_s = 0; /* the first sweep finds it */
    json_object_foreach(d->profiles, id, profile)
    {
        profiles_index(d, id, profile);
    }
    d->is_changed = false;
    return 0;
}

int profiles_load(struct local *local, struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    const struct dirent *entry;
    DIR *dir;
    int rc = 0;

    if (pl_buf_addf(&path, err, "%s/profiles", local->state) != 0 ||
        pl_mkdirs(path.data, err) != 0)
        return -1;
    dir = opendir(path.data);
    while (dir != NULL && rc == 0 && (entry = readdir(dir)) != NULL) {
        char name[65];
        const size_t len = strlen(entry->d_name);

        if (!pl_ends_with(entry->d_name, ".json") || len - 5 >= sizeof(name))
            continue;
        (void)snprintf(name, sizeof(name), "%.*s", (int)(len - 5),
                       entry->d_name);
        if (profiles_is_name(name, ""))
            rc = load_domain(local, name, err);
    }
    if (dir != NULL)
        (void)closedir(dir);
    return rc;
}
