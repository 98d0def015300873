/* The API of endpoints and users. */
#include "local/pinpoint_call.h"

int local_pinpoint_get_endpoint(struct local_pinpoint_call *c,
                                struct pl_err *err)
{
    const char *id = c->parts[2];
    const uint32_t n = local_endpoints_find(&c->app->endpoints, id, strlen(id));

    if (n == LOCAL_NO_TEXT)
        return local_pinpoint_missing(c, "Endpoint not found");
    return local_answer_json(
        c->resp, 200, local_endpoints_json(&c->app->endpoints, c->app->id, n),
        err);
}

int local_pinpoint_get_user(struct local_pinpoint_call *c, struct pl_err *err)
{
    const char *id = c->parts[2];
    const uint32_t n =
        local_endpoints_find_user(&c->app->endpoints, id, strlen(id));
    const struct local_user *u;
    json_t *items;

    if (n == LOCAL_NO_TEXT)
        return local_pinpoint_missing(c, "User not found");
    items = json_array();
    u = &c->app->endpoints.users[n];
    for (uint32_t i = 0; i < u->count; i++)
        (void)json_array_append_new(
            items, local_endpoints_json(&c->app->endpoints, c->app->id,
                                        u->endpoints[i]));
    return local_answer_json(c->resp, 200, json_pack("{s:o}", "Item", items),
                             err);
}

struct batch {
    struct local_app *app;
    char why[400];
};

static int batch_record(void *ctx, const struct local_cell *cells, size_t count,
                        uint64_t line, struct pl_err *err)
{
    struct batch *b = ctx;
    uint32_t number;
    char why[160];
    const int rc = local_endpoints_apply(&b->app->endpoints, cells, count,
                                         &number, why, err);

    if (rc == 1)
        (void)snprintf(b->why, sizeof(b->why), "item %llu: %s",
                       (unsigned long long)line, why);
    return rc < 0 ? -1 : 0;
}

static int batch_bad(void *ctx, uint64_t line, const char *why,
                     struct pl_err *err)
{
    struct batch *b = ctx;

    (void)err;
    (void)snprintf(b->why, sizeof(b->why), "item %llu: %.300s",
                   (unsigned long long)line, why);
    return 0;
}

int local_pinpoint_update_endpoints(struct local_pinpoint_call *c,
                                    struct pl_err *err)
{
    json_t *items = json_object_get(c->in, "Item");
    struct batch b = {.app = c->app};
    const struct local_import_sink sink = {&b, batch_record, batch_bad};
    size_t i;
    json_t *item;

    if (!json_is_array(items) || json_array_size(items) == 0 ||
        json_array_size(items) > 100)
        return local_pinpoint_bad(c,
                                  "Item must be a list of 1 to 100 endpoints");
    json_array_foreach(items, i, item)
    {
        (void)json_object_del(item, "EndpointStatus");
        if (local_import_object(item, i + 1, &sink, err) != 0)
            return -1;
    }
    c->app->is_changed = true;
    if (b.why[0] != '\0')
        return local_pinpoint_bad(c, b.why);
    return local_answer_json(c->resp, 202,
                             json_pack("{s:s,s:s}", "Message", "Accepted",
                                       "RequestID", c->req->request_id),
                             err);
}

int local_pinpoint_delete_endpoint(struct local_pinpoint_call *c,
                                   struct pl_err *err)
{
    const char *id = c->parts[2];
    const uint32_t n = local_endpoints_find(&c->app->endpoints, id, strlen(id));
    json_t *shown;

    if (n == LOCAL_NO_TEXT)
        return local_pinpoint_missing(c, "Endpoint not found");
    shown = local_endpoints_json(&c->app->endpoints, c->app->id, n);
    local_endpoints_delete(&c->app->endpoints, n);
    c->app->is_changed = true;
    return local_answer_json(c->resp, 202, shown, err);
}
