#include "local/pinpoint.h"

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"

int local_pinpoint_open(struct local *local, struct pl_err *err)
{
    struct local_pinpoint *p = calloc(1, sizeof(*p));

    local->pinpoint = p;
    if (p == NULL)
        return pl_fail_memory(err);
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->changed, NULL);
    return local_pinpoint_load(local, err);
}

static void app_free(struct local_app *app)
{
    local_endpoints_release(&app->endpoints);
    for (size_t i = 0; i < app->member_count; i++)
        free(app->members[i].ids);
    free(app->members);
    json_decref(app->jobs);
    json_decref(app->segments);
    json_decref(app->versions);
    json_decref(app->exports);
    free(app->id);
    free(app->name);
    free(app);
}

void local_pinpoint_close(struct local *local)
{
    struct local_pinpoint *p = local->pinpoint;
    struct pl_err err = {0};

    if (p == NULL)
        return;
    (void)pthread_mutex_lock(&p->lock);
    p->is_closing = true;
    (void)pthread_cond_broadcast(&p->changed);
    while (p->threads > 0)
        (void)pthread_cond_wait(&p->changed, &p->lock);
    for (size_t i = 0; i < p->app_count; i++)
        if (p->apps[i]->is_changed && !local->is_temporary &&
            local_pinpoint_save(local, p->apps[i], &err) != 0)
            pl_warn("pinpoint: %s", err.msg);
    (void)pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; i < p->app_count; i++)
        app_free(p->apps[i]);
    free(p->apps);
    (void)pthread_cond_destroy(&p->changed);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
    local->pinpoint = NULL;
}

struct local_app *local_pinpoint_find(struct local_pinpoint *p, const char *id)
{
    for (size_t i = 0; i < p->app_count; i++)
        if (strcmp(p->apps[i]->id, id) == 0)
            return p->apps[i];
    return NULL;
}

json_t *local_by_id(const json_t *array, const char *id)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        json_t *item = json_array_get(array, i);
        const char *have = json_string_value(json_object_get(item, "Id"));

        if (have != NULL && strcmp(have, id) == 0)
            return item;
    }
    return NULL;
}

struct local_members *local_pinpoint_members(struct local_app *app,
                                             const char *segment, bool is_made)
{
    struct local_members *list;

    for (size_t i = 0; i < app->member_count; i++)
        if (strcmp(app->members[i].segment, segment) == 0)
            return &app->members[i];
    list = is_made
               ? realloc(app->members, (app->member_count + 1) * sizeof(*list))
               : NULL;
    if (list == NULL)
        return NULL;
    app->members = list;
    list = &list[app->member_count++];
    *list = (struct local_members){.count = 0};
    (void)snprintf(list->segment, sizeof(list->segment), "%.39s", segment);
    return list;
}

/* An id becomes a folder's name. */
static bool is_app_id(const char *id)
{
    const size_t len = strlen(id);

    return len > 0 && len <= 128 &&
           strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                      "0123456789-_") == len;
}

int local_pinpoint_add_app(struct local_pinpoint *p, const char *id,
                           const char *name, struct pl_err *err)
{
    struct local_app **list =
        realloc(p->apps, (p->app_count + 1) * sizeof(struct local_app *));
    struct local_app *app = calloc(1, sizeof(*app));

    if (list != NULL)
        p->apps = list;
    if (list == NULL || app == NULL) {
        free(app);
        return pl_fail_memory(err);
    }
    app->id = strdup(id);
    app->name = strdup(name);
    app->created_ms = pl_now_ms(&pl_clock_real);
    app->jobs = json_array();
    app->segments = json_array();
    app->versions = json_object();
    app->exports = json_array();
    app->is_changed = true;
    if (app->id == NULL || app->name == NULL) {
        app_free(app);
        return pl_fail_memory(err);
    }
    list[p->app_count++] = app;
    return 0;
}

int local_pinpoint_app(struct local *local, const char *id, const char *name,
                       struct pl_err *err)
{
    struct local_pinpoint *p = local->pinpoint;
    int rc = 0;

    if (!is_app_id(id))
        return pl_fail(err, PL_USAGE_INVALID, "'%s' is no application id", id);
    (void)pthread_mutex_lock(&p->lock);
    if (local_pinpoint_find(p, id) == NULL)
        rc = local_pinpoint_add_app(p, id, name, err);
    (void)pthread_mutex_unlock(&p->lock);
    return rc;
}

void local_segment_changed(struct local_app *app, json_t *segment)
{
    const char *id = json_string_value(json_object_get(segment, "Id"));
    const json_int_t version =
        json_integer_value(json_object_get(segment, "Version"));
    json_t *list = json_object_get(app->versions, id);
    char now[PL_TIME_LEN];

    pl_time_iso(pl_now_ms(&pl_clock_real), now);
    (void)json_object_set_new(segment, "LastModifiedDate", json_string(now));
    (void)json_object_set_new(segment, "Version", json_integer(version + 1));
    if (list == NULL) {
        list = json_array();
        (void)json_object_set_new(app->versions, id, list);
    }
    (void)json_array_append_new(list, json_deep_copy(segment));
    app->is_changed = true;
}
