/*
 * The state of an application on disk: <state>/pinpoint/<app>/app.json with
 * jobs and segments, and endpoints.jsonl in the form of an import file.
 */
#include "local/pinpoint.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "pipeline/base/file.h"
#include "pipeline/base/log.h"
#include "pipeline/base/text.h"

#define FLUSH_BYTES ((size_t)1 << 20)
#define STATE_MAX ((size_t)64 << 20)

/* One endpoint as an import line: without what the store makes itself. */
static int add_line(struct pl_buf *out, const struct local_app *app,
                    uint32_t number, struct pl_err *err)
{
    json_t *e = local_endpoints_json(&app->endpoints, app->id, number);
    char *text;
    int rc;

    (void)json_object_del(e, "ApplicationId");
    (void)json_object_del(e, "EndpointStatus");
    text = json_dumps(e, JSON_COMPACT);
    json_decref(e);
    rc = text != NULL ? pl_buf_adds(out, text, err) : pl_fail_memory(err);
    free(text);
    return rc != 0 ? -1 : pl_buf_addc(out, '\n', err);
}

static int write_endpoints(const struct local_app *app, int fd,
                           struct pl_err *err)
{
    PL_AUTO(pl_buf) out = PL_BUF_INIT;

    for (size_t i = 0; i < app->endpoints.count; i++) {
        if (app->endpoints.items[i].is_deleted)
            continue;
        if (add_line(&out, app, (uint32_t)i, err) != 0)
            return -1;
        if (out.len < FLUSH_BYTES)
            continue;
        if (pl_fd_write_all(fd, out.data, out.len, err) != 0)
            return -1;
        pl_buf_reset(&out);
    }
    return pl_fd_write_all(fd, pl_buf_str(&out), out.len, err);
}

static int save_endpoints(const struct local_app *app, const char *dir,
                          struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    PL_AUTO(pl_buf) temp = PL_BUF_INIT;
    int fd;
    int rc;

    if (pl_buf_addf(&path, err, "%s/endpoints.jsonl", dir) != 0 ||
        pl_buf_addf(&temp, err, "%s.new", path.data) != 0)
        return -1;
    fd = open(temp.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot write '%s'",
                             temp.data);
    rc = write_endpoints(app, fd, err);
    if (close(fd) != 0 && rc == 0)
        rc = pl_fail_errno(err, PL_FILE_ERROR, "cannot write '%s'", temp.data);
    if (rc == 0 && rename(temp.data, path.data) != 0)
        rc = pl_fail_errno(err, PL_FILE_ERROR, "cannot rename '%s'", temp.data);
    return rc;
}

static json_t *member_lists(const struct local_app *app)
{
    json_t *all = json_object();

    for (size_t m = 0; m < app->member_count; m++) {
        const struct local_members *list = &app->members[m];
        json_t *ids = json_array();

        for (size_t i = 0; i < list->count; i++)
            (void)json_array_append_new(
                ids, json_string(
                         local_pool_text(&app->endpoints.pool, list->ids[i])));
        (void)json_object_set_new(all, list->segment, ids);
    }
    return all;
}

int local_pinpoint_save(struct local *local, struct local_app *app,
                        struct pl_err *err)
{
    PL_AUTO(pl_buf) dir = PL_BUF_INIT;
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    json_t *doc;
    char *text;
    int rc;

    if (pl_buf_addf(&dir, err, "%s/pinpoint/%s", local->state, app->id) != 0 ||
        pl_buf_addf(&path, err, "%s/app.json", dir.data) != 0 ||
        pl_mkdirs(dir.data, err) != 0 ||
        save_endpoints(app, dir.data, err) != 0)
        return -1;
    doc =
        json_pack("{s:s,s:I,s:O,s:O,s:O,s:O,s:o}", "name", app->name,
                  "created_ms", (json_int_t)app->created_ms, "jobs", app->jobs,
                  "segments", app->segments, "versions", app->versions,
                  "exports", app->exports, "members", member_lists(app));
    text = json_dumps(doc, JSON_COMPACT);
    json_decref(doc);
    if (text == NULL)
        return pl_fail_memory(err);
    rc = pl_file_write(path.data, text, strlen(text), err);
    free(text);
    if (rc == 0)
        app->is_changed = false;
    return rc;
}

static int load_record(void *ctx, const struct local_cell *cells, size_t count,
                       uint64_t line, struct pl_err *err)
{
    struct local_app *app = ctx;
    uint32_t number;
    char why[160];

    (void)line;
    return local_endpoints_apply(&app->endpoints, cells, count, &number, why,
                                 err) < 0
               ? -1
               : 0;
}

static int load_bad(void *ctx, uint64_t line, const char *why,
                    struct pl_err *err)
{
    (void)ctx;
    (void)err;
    pl_warn("pinpoint: saved endpoint %llu is left out: %s",
            (unsigned long long)line, why);
    return 0;
}

static int load_endpoints(struct local_app *app, const char *dir,
                          struct pl_err *err)
{
    const struct local_import_sink sink = {app, load_record, load_bad};
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    struct pl_source source;
    int fd;
    int rc;

    if (pl_buf_addf(&path, err, "%s/endpoints.jsonl", dir) != 0)
        return -1;
    fd = open(path.data, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0; /* none yet */
    source = pl_fd_source(&fd);
    rc = local_import_json(&source, &sink, err);
    (void)close(fd);
    return rc;
}

static void take(json_t **to, const json_t *doc, const char *name)
{
    const json_t *value = json_object_get(doc, name);

    if (value == NULL || json_typeof(value) != json_typeof(*to))
        return;
    json_decref(*to);
    *to = json_deep_copy(json_object_get(doc, name));
}

/* Jobs that the last process did not finish have failed. */
static void end_jobs(const json_t *jobs)
{
    size_t i;
    json_t *job;

    json_array_foreach(jobs, i, job)
    {
        const char *status =
            json_string_value(json_object_get(job, "JobStatus"));

        if (status == NULL || strcmp(status, "COMPLETED") != 0)
            (void)json_object_set_new(job, "JobStatus", json_string("FAILED"));
    }
}

static int load_members(struct local_app *app, const json_t *doc,
                        struct pl_err *err)
{
    json_t *all = json_object_get(doc, "members");
    const char *segment;
    json_t *ids;
    size_t i;
    json_t *id;

    json_object_foreach(all, segment, ids)
    {
        struct local_members *list = local_pinpoint_members(app, segment, true);

        if (list == NULL)
            return pl_fail_memory(err);
        free(list->ids);
        list->cap = json_array_size(ids) + 1;
        list->count = 0;
        list->ids = malloc(list->cap * sizeof(*list->ids));
        if (list->ids == NULL)
            return pl_fail_memory(err);
        json_array_foreach(ids, i, id)
        {
            const uint32_t text =
                local_pool_find(&app->endpoints.pool, json_string_value(id),
                                json_string_length(id));

            if (text != LOCAL_NO_TEXT)
                list->ids[list->count++] = text;
        }
    }
    return 0;
}

static int load_app(struct local *local, const char *id, struct pl_err *err)
{
    PL_AUTO(pl_buf) dir = PL_BUF_INIT;
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(STATE_MAX);
    struct local_app *app;
    json_t *doc;
    const char *name;
    int rc;

    if (pl_buf_addf(&dir, err, "%s/pinpoint/%s", local->state, id) != 0 ||
        pl_buf_addf(&path, err, "%s/app.json", dir.data) != 0)
        return -1;
    if (access(path.data, R_OK) != 0)
        return 0;
    if (pl_file_read(path.data, &text, err) != 0)
        return -1;
    doc = json_loadb(text.data, text.len, 0, NULL);
    name = json_string_value(json_object_get(doc, "name"));
    rc = local_pinpoint_app(local, id, name != NULL ? name : id, err);
    app = local_pinpoint_find(local->pinpoint, id);
    if (rc == 0 && app != NULL) {
        take(&app->jobs, doc, "jobs");
        take(&app->segments, doc, "segments");
        take(&app->versions, doc, "versions");
        take(&app->exports, doc, "exports");
        end_jobs(app->jobs);
        end_jobs(app->exports);
        rc = load_endpoints(app, dir.data, err);
        if (rc == 0)
            rc = load_members(app, doc, err);
    }
    json_decref(doc);
    return rc;
}

int local_pinpoint_load(struct local *local, struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    const struct dirent *entry;
    DIR *dir;
    int rc = 0;

    if (pl_buf_addf(&path, err, "%s/pinpoint", local->state) != 0)
        return -1;
    dir = opendir(path.data);
    if (dir == NULL)
        return 0;
    while (rc == 0 && (entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            rc = load_app(local, entry->d_name, err);
    (void)closedir(dir);
    return rc;
}
